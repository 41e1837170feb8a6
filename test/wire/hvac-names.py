"""Password policies and user-name templates as hvac drives them, unchanged. Every expectation is an assert."""
import json
import os
import re

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


text = 'length = 24\nrule "charset" {\n  charset   = "abcdefghijklmnopqrstuvwxyz"\n  min-chars = 1\n}\nrule "charset" {\n  charset   = "$&\'\\"\\\\:@%{}"\n  min-chars = 4\n}\n'
path = "sys/policies/password"
assert client.write(f"{path}/odd", policy=text).status_code == 204
assert client.read(f"{path}/odd")["data"] == {"policy": text}
assert client.list(path)["data"]["keys"] == ["odd"]
made = [client.read(f"{path}/odd/generate")["data"]["password"] for _ in range(2)]
assert made[0] != made[1] and all(re.fullmatch(r"[a-z$&'\"\\:@%{}]{24}", one) for one in made)
assert "rules impossible" in refused(exceptions.InvalidRequest, client.write, f"{path}/never", policy='length = 4 rule "charset" { charset = "a" min-chars = 9 }')
assert client.read(f"{path}/never") is None and client.read(f"{path}/never/generate") is None

connection = dict(given["connection"])
client.sys.enable_secrets_engine("database", path="named")
configure = lambda **more: client.secrets.database.configure(
    name="app", mount_point="named", plugin_name=connection["plugin_name"], allowed_roles=["*"],
    **{key: value for key, value in connection.items() if key not in ("plugin_name", "allowed_roles")}, **more)
template = '{{.RoleName | uppercase | truncate 6}}_{{random 16}}'
assert "character 3" in refused(exceptions.InvalidRequest, configure, username_template="{{len .RoleName}}")
assert "bits of its names" in refused(exceptions.InvalidRequest, configure, username_template="v-{{.RoleName | truncate 9}}")
assert 'no password policy "gone"' in refused(exceptions.InvalidRequest, configure, password_policy="gone")
configure(username_template=template, password_policy="odd")
read = client.secrets.database.read_connection("app", mount_point="named")["data"]
assert read["password_policy"] == "odd" and read["connection_details"]["username_template"] == template
client.secrets.database.create_role("reader", "app", [given["creation"]], default_ttl="1h", mount_point="named")
login = client.secrets.database.generate_credentials("reader", mount_point="named")["data"]
assert re.fullmatch(r"READER_[0-9A-Za-z]{16}", login["username"]), login["username"]
client.delete(f"{path}/odd")
assert client.read(f"{path}/odd") is None
assert 'no password policy "odd"' in refused(exceptions.InvalidRequest, client.secrets.database.generate_credentials, "reader", mount_point="named")
print(json.dumps(login))
