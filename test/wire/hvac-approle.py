"""AppRole as hvac speaks it, unchanged: what an operator sets up, and how an application logs in. Every expectation is an assert."""
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


client.sys.enable_auth_method("approle", description="applications", path="hv")
assert client.sys.list_auth_methods()["data"]["hv/"]["type"] == "approle"
assert "hv/" in client.sys.list_auth_methods()
client.sys.tune_auth_method("hv", default_lease_ttl="1h")
assert client.sys.read_auth_method_tuning("hv")["data"]["default_lease_ttl"] == 3600
refused(exceptions.InvalidRequest, client.sys.enable_auth_method, "approle", path="hv")

approle = client.auth.approle
refused(exceptions.InvalidPath, approle.list_roles, mount_point="hv")
approle.create_or_update_approle(
    "shop", token_policies=["app", "team"], token_ttl="20m", token_max_ttl="2h", secret_id_num_uses=3,
    secret_id_ttl="10m", token_num_uses=0, bind_secret_id=True, mount_point="hv")
assert approle.list_roles(mount_point="hv")["data"]["keys"] == ["shop"]
role = approle.read_role("shop", mount_point="hv")["data"]
assert role["token_policies"] == ["app", "team"] and role["token_ttl"] == 1200 and role["token_max_ttl"] == 7200
assert role["secret_id_num_uses"] == 3 and role["secret_id_ttl"] == 600 and role["bind_secret_id"] is True

role_id = approle.read_role_id("shop", mount_point="hv")["data"]["role_id"]
approle.update_role_id("shop", "the-shop", mount_point="hv")
assert approle.read_role_id("shop", mount_point="hv")["data"]["role_id"] == "the-shop" != role_id

made = approle.generate_secret_id("shop", metadata={"env": "test"}, cidr_list=["127.0.0.0/8"], mount_point="hv")["data"]
assert made["secret_id_ttl"] == 600 and made["secret_id_num_uses"] == 3
looked = approle.read_secret_id("shop", made["secret_id"], mount_point="hv")["data"]
assert looked["metadata"] == {"env": "test"} and looked["cidr_list"] == ["127.0.0.0/8"]
assert looked["secret_id_accessor"] == made["secret_id_accessor"]
by_accessor = approle.read_secret_id_accessor("shop", made["secret_id_accessor"], mount_point="hv")["data"]
assert by_accessor == looked
assert approle.list_secret_id_accessors("shop", mount_point="hv")["data"]["keys"] == [made["secret_id_accessor"]]

# The application: one that has an old token in its hand logs in all the same.
application = hvac.Client(url=given["url"], token="s.longGoneAndForgotten0000000")
login = application.auth.approle.login("the-shop", made["secret_id"], mount_point="hv")
assert login["auth"]["policies"] == ["app", "default", "team"] and login["auth"]["lease_duration"] == 1200
assert login["auth"]["metadata"] == {"role_name": "shop", "env": "test"} and login["auth"]["orphan"] is True
assert login["data"] is None and login["auth"]["client_token"] == application.token
assert application.is_authenticated()
me = application.auth.token.lookup_self()["data"]
assert me["path"] == "auth/hv/login" and me["meta"]["role_name"] == "shop" and me["entity_id"] == login["auth"]["entity_id"]
assert application.auth.token.renew_self()["auth"]["lease_duration"] == 1200
assert approle.read_secret_id("shop", made["secret_id"], mount_point="hv")["data"]["secret_id_num_uses"] == 2

for _ in range(2):
    application.auth.approle.login("the-shop", made["secret_id"], mount_point="hv")
message = refused(exceptions.InvalidRequest, application.auth.approle.login, "the-shop", made["secret_id"], mount_point="hv")
assert "invalid role or secret ID" in message
refused(exceptions.InvalidPath, approle.list_secret_id_accessors, "shop", mount_point="hv")

custom = approle.create_custom_secret_id("shop", "my own secret", metadata={"a": "b"}, mount_point="hv")["data"]
assert custom["secret_id"] == "my own secret"
refused(exceptions.InvalidRequest, approle.create_custom_secret_id, "shop", "my own secret", mount_point="hv")
approle.destroy_secret_id("shop", "my own secret", mount_point="hv")
assert approle.read_secret_id("shop", "my own secret", mount_point="hv").status_code == 204

other = approle.generate_secret_id("shop", mount_point="hv")["data"]
approle.destroy_secret_id_accessor("shop", other["secret_id_accessor"], mount_point="hv")
refused(exceptions.InvalidPath, approle.read_secret_id_accessor, "shop", other["secret_id_accessor"], mount_point="hv")

# Wrapped: only who opens it sees the secret id.
wrapped = approle.generate_secret_id("shop", wrap_ttl="60s", mount_point="hv")["wrap_info"]
assert wrapped["creation_path"] == "auth/hv/role/shop/secret-id" and wrapped["wrapped_accessor"]
opened = hvac.Client(url=given["url"], token=wrapped["token"]).sys.unwrap()["data"]
assert opened["secret_id_accessor"] == wrapped["wrapped_accessor"]
assert application.auth.approle.login("the-shop", opened["secret_id"], mount_point="hv")["auth"]["client_token"]

approle.delete_role("shop", mount_point="hv")
refused(exceptions.InvalidPath, approle.read_role, "shop", mount_point="hv")
refused(exceptions.InvalidRequest, application.auth.token.renew_self)
client.sys.disable_auth_method("hv")
assert "hv/" not in client.sys.list_auth_methods()["data"]
refused(exceptions.Forbidden, application.auth.token.lookup_self)
