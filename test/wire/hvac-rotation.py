"""Static roles and the admin account with hvac, unchanged. Every expectation is an assert; the last line is what was read."""
import json
import os

import hvac
from hvac import exceptions

given = json.loads(os.environ["MAYFLY"])
client = hvac.Client(url=given["url"], token=given["token"])
database = client.secrets.database


def refused(kind, call, *args, **named):
    try:
        call(*args, **named)
    except kind as error:
        return str(error)
    raise AssertionError(f"{call} was not refused as {kind.__name__}")


client.sys.enable_secrets_engine("database", path="hvr")
connection = dict(given["connection"])
database.configure(name="app", mount_point="hvr", plugin_name=connection.pop("plugin_name"), allowed_roles=["*"],
                   **{key: value for key, value in connection.items() if key != "allowed_roles"})

assert database.create_static_role("fixed", "app", given["user"], [], rotation_period=3600, mount_point="hvr").status_code == 204
assert database.list_static_roles(mount_point="hvr")["data"]["keys"] == ["fixed"]
role = database.read_static_role("fixed", mount_point="hvr")["data"]
assert role["username"] == given["user"] and role["rotation_period"] == 3600 and role["rotation_statements"] == []

first = database.get_static_credentials("fixed", mount_point="hvr")
assert first["lease_id"] == "" and first["data"]["username"] == given["user"] and 0 < first["data"]["ttl"] <= 3600
assert database.rotate_static_role_credentials("fixed", mount_point="hvr").status_code == 204
second = database.get_static_credentials("fixed", mount_point="hvr")["data"]
assert second["password"] != first["data"]["password"]

assert database.rotate_root_credentials("app", mount_point="hvr").status_code == 204
assert database.reset_connection("app", mount_point="hvr").status_code == 204
assert "before a rotation" in refused(exceptions.InvalidRequest, database.configure, name="app", mount_point="hvr",
                                      plugin_name="postgresql-database-plugin", password=connection["password"])
assert database.rotate_static_role_credentials("fixed", mount_point="hvr").status_code == 204
last = database.get_static_credentials("fixed", mount_point="hvr")["data"]

refused(exceptions.InvalidRequest, database.create_static_role, "twice", "app", given["user"], [], rotation_period=3600, mount_point="hvr")
refused(exceptions.InvalidRequest, database.get_static_credentials, "nobody", mount_point="hvr")
refused(exceptions.InvalidRequest, database.rotate_static_role_credentials, "nobody", mount_point="hvr")
refused(exceptions.InvalidPath, database.read_static_role, "nobody", mount_point="hvr")
database.delete_static_role("fixed", mount_point="hvr")
refused(exceptions.InvalidPath, database.read_static_role, "fixed", mount_point="hvr")

print(json.dumps({"kept": last, "gone": [first["data"], second]}))
