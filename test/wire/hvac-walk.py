"""What an application and its operator do with hvac, unchanged. Every expectation is an assert; the last line is what was issued."""
import json
import os

import hvac
from hvac import exceptions

given = json.loads(os.environ["MAYFLY"])
client = hvac.Client(url=given["url"], token=given["token"])


def refused(kind, call, *args, **named):
    try:
        call(*args, **named)
    except kind as error:
        return str(error)
    raise AssertionError(f"{call} was not refused as {kind.__name__}")


assert client.is_authenticated()
assert client.sys.is_initialized() and not client.sys.is_sealed()
assert client.sys.read_health_status(method="GET")["standby"] is False
assert "token/" in client.sys.list_auth_methods()

client.sys.enable_secrets_engine("database", path="hv")
assert "hv/" in client.sys.list_mounted_secrets_engines()["data"]
assert "hv/" in client.sys.list_mounted_secrets_engines()
client.sys.tune_mount_configuration("hv", max_lease_ttl="4h")
assert client.sys.read_mount_configuration("hv")["data"]["max_lease_ttl"] == 14400

database = client.secrets.database
connection = dict(given["connection"])
database.configure(name="app", mount_point="hv", plugin_name=connection.pop("plugin_name"), allowed_roles=["*"],
                   **{key: value for key, value in connection.items() if key != "allowed_roles"})
assert database.list_connections(mount_point="hv")["data"]["keys"] == ["app"]
assert "password" not in database.read_connection("app", mount_point="hv")["data"]["connection_details"]
database.create_role("reader", "app", [given["creation"]], default_ttl="1h", mount_point="hv")
assert database.list_roles(mount_point="hv")["data"]["keys"] == ["reader"]
role = database.read_role("reader", mount_point="hv")["data"]
assert role["default_ttl"] == 3600 and role["creation_statements"] == [given["creation"]]

kept = database.generate_credentials("reader", mount_point="hv")
revoked = database.generate_credentials("reader", mount_point="hv")
lease = client.sys.read_lease(kept["lease_id"])["data"]
assert lease["id"] == kept["lease_id"] and lease["renewable"]
assert client.sys.renew_lease(kept["lease_id"], increment=600)["lease_duration"] == 600
assert len(client.sys.list_leases("hv/creds/reader")["data"]["keys"]) == 2
client.sys.revoke_lease(revoked["lease_id"])
refused(exceptions.InvalidRequest, client.sys.read_lease, revoked["lease_id"])
refused(exceptions.InvalidPath, client.sys.list_leases, "hv/creds/nothing")
refused(exceptions.InvalidRequest, database.generate_credentials, "nobody", mount_point="hv")

client.sys.create_or_update_policy("hv-reader", 'path "hv/creds/reader" { capabilities = ["read"] }')
assert client.sys.read_policy("hv-reader")["data"]["name"] == "hv-reader"
assert "hv-reader" in client.sys.list_policies()["data"]["policies"]
made = client.auth.token.create(policies=["hv-reader"], ttl="1h", meta={"team": "shop"}, display_name="hvac")["auth"]
looked = client.auth.token.lookup(made["client_token"])["data"]
assert looked["policies"] == ["default", "hv-reader"] and looked["meta"] == {"team": "shop"}
assert client.auth.token.lookup_accessor(made["accessor"])["data"]["id"] == ""
application = hvac.Client(url=given["url"], token=made["client_token"])
assert application.auth.token.renew_self(increment="2h")["auth"]["lease_duration"] == 7200
refused(exceptions.Forbidden, application.sys.list_mounted_secrets_engines)
client.auth.token.revoke_accessor(made["accessor"])
assert not application.is_authenticated()
client.sys.delete_policy("hv-reader")
refused(exceptions.InvalidPath, client.sys.read_policy, "hv-reader")

# What ends many at once.
for end in (client.sys.revoke_prefix, client.sys.revoke_force):
    assert end("hv/creds/unknown").status_code == 204
database.create_role("short", "app", given["creation"], default_ttl="1h", mount_point="hv")
prefixed = [database.generate_credentials("short", mount_point="hv") for _ in range(3)]
assert client.sys.revoke_prefix("hv/creds/short").status_code == 204
refused(exceptions.InvalidPath, client.sys.list_leases, "hv/creds/short")
assert client.sys.revoke_lease(prefixed[0]["lease_id"]).status_code == 204
assert "lease not found" in refused(exceptions.InvalidRequest, client.sys.renew_lease, prefixed[0]["lease_id"])
assert database.delete_role("short", mount_point="hv").status_code == 204
refused(exceptions.InvalidPath, database.read_role, "short", mount_point="hv")
assert database.reset_connection("app", mount_point="hv").status_code == 204

print(json.dumps({"kept": kept["data"], "revoked": [one["data"] for one in (revoked, *prefixed)]}))
