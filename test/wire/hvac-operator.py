"""What an operator does with hvac, unchanged, on a broker that is not initialised yet. Every expectation is an assert."""
import json
import os

import hvac
from hvac import exceptions

given = json.loads(os.environ["MAYFLY"])
client = hvac.Client(url=given["url"])


def refused(kind, call, *args, **named):
    try:
        call(*args, **named)
    except kind as error:
        return str(error)
    raise AssertionError(f"{call} was not refused as {kind.__name__}")


# Life: from nothing to unsealed, by two of three shares.
assert not client.sys.is_initialized()
assert client.sys.read_health_status().status_code == 501
made = client.sys.initialize(secret_shares=3, secret_threshold=2)
assert len(made["keys"]) == len(made["keys_base64"]) == 3
assert "already initialized" in refused(exceptions.InvalidRequest, client.sys.initialize, secret_shares=1, secret_threshold=1)
assert client.sys.is_sealed() and client.sys.read_health_status().status_code == 503
refused(exceptions.VaultDown, client.sys.list_mounted_secrets_engines)
assert client.sys.submit_unseal_key(made["keys"][0])["progress"] == 1
assert client.sys.submit_unseal_key(reset=True)["progress"] == 0
status = client.sys.submit_unseal_keys(made["keys_base64"][1:])
assert not status["sealed"] and status["t"] == 2 and status["n"] == 3
assert client.sys.read_health_status().status_code == 200
assert client.sys.read_health_status(method="GET", active_code=299).status_code == 299
assert client.sys.read_leader_status()["ha_enabled"] is False
client.token = made["root_token"]
assert client.sys.get_encryption_key_status()["data"]["term"] == 1
assert client.sys.step_down().status_code == 204

# Mounts: several of one type, tuned and gone.
for path in ("one", "two"):
    assert client.sys.enable_secrets_engine("database", path=path, description=path, config={"default_lease_ttl": "30m"}).status_code == 204
assert "already in use at one/" in refused(exceptions.InvalidRequest, client.sys.enable_secrets_engine, "database", path="one")
assert client.sys.read_mount_configuration("one")["data"]["default_lease_ttl"] == 1800
assert client.sys.tune_mount_configuration("one", default_lease_ttl="1h", max_lease_ttl="2h", description="changed").status_code == 204
tuned = client.sys.read_mount_configuration("one")
assert tuned["default_lease_ttl"] == tuned["data"]["default_lease_ttl"] == 3600 and tuned["data"]["description"] == "changed"
assert client.sys.read_auth_method_tuning("token")["data"]["max_lease_ttl"] == 2764800
assert client.sys.tune_auth_method("token", max_lease_ttl="100h").status_code == 204
assert client.sys.disable_secrets_engine("two").status_code == 204
assert "two/" not in client.sys.list_mounted_secrets_engines()
refused(exceptions.InvalidRequest, client.sys.enable_auth_method, "nothing")

# Policies, by both routes.
text = 'path "one/creds/+" {\n  capabilities = ["read"]\n}\n'
assert client.sys.create_or_update_acl_policy("reader", text).status_code == 204
assert client.sys.read_acl_policy("reader")["data"] == {"name": "reader", "policy": text}
assert client.sys.read_policy("reader")["rules"] == text
assert client.sys.list_acl_policies()["data"]["keys"] == ["default", "reader", "root"]
assert client.sys.create_or_update_policy("old", {"path": {"one/roles/*": {"capabilities": ["list"]}}}).status_code == 204
assert client.sys.list_policies()["policies"] == ["default", "old", "reader", "root"]
for name in ("default", "root"):
    refused(exceptions.InvalidRequest, client.sys.delete_acl_policy, name)
refused(exceptions.InvalidPath, client.sys.read_acl_policy, "nothing")

# Tokens and what they may.
token = client.auth.token
parent = token.create(policies=["reader"], ttl="1h", num_uses=0, display_name="ci")["auth"]
assert client.sys.get_capabilities(["one/creds/x"], token=parent["client_token"])["capabilities"] == ["read"]
assert client.sys.get_capabilities(["one/creds/x", "sys/mounts"], accessor=parent["accessor"])["data"] == {"one/creds/x": ["read"], "sys/mounts": ["deny"]}
assert client.sys.get_capabilities("one/creds/x")["one/creds/x"] == ["root"]
assert parent["accessor"] in token.list_accessors()["data"]["keys"]
assert token.renew(parent["client_token"], increment="2h")["auth"]["lease_duration"] == 7200
assert token.renew_accessor(parent["accessor"], increment="1h")["auth"]["client_token"] == ""
orphan = token.create_orphan(policies=["default"], period="1h", no_default_policy=False)["auth"]
assert orphan["orphan"] is True and token.lookup(orphan["client_token"])["data"]["period"] == 3600
named = token.create(id="chosen-by-an-operator", policies=["default"], no_parent=True)["auth"]
assert named["client_token"] == "chosen-by-an-operator" and named["orphan"] is True
once = hvac.Client(url=given["url"], token=token.create(policies=["default"], num_uses=1)["auth"]["client_token"])
assert once.auth.token.lookup_self()["data"]["num_uses"] == -1
refused(exceptions.Forbidden, once.auth.token.lookup_self)
assert token.revoke_and_orphan_children(orphan["client_token"]).status_code == 204
refused(exceptions.InvalidRequest, token.renew, orphan["client_token"])
assert "invalid accessor" in refused(exceptions.InvalidRequest, token.lookup_accessor, "nothing")
assert token.revoke(parent["client_token"]).status_code == 204
assert "bad token" in refused(exceptions.Forbidden, token.lookup, parent["client_token"])

# Audit devices.
assert client.sys.enable_audit_device("file", path="second", options={"file_path": given["audit"]}).status_code == 204
assert "second/" in client.sys.list_enabled_audit_devices()
assert client.sys.calculate_hash("second", "x")["data"]["hash"].startswith("hmac-sha256:")
refused(exceptions.InvalidRequest, client.sys.enable_audit_device, "file", path="third", options={"file_path": "/etc/elsewhere"})
assert client.sys.disable_audit_device("second").status_code == 204
assert "second/" not in client.sys.list_enabled_audit_devices()["data"]

assert client.sys.seal().status_code == 204
assert client.sys.is_sealed()
