"""Wrapping as hvac does it, unchanged. Every expectation is an assert."""
import json
import os

import hvac
from hvac import exceptions

given = json.loads(os.environ["MAYFLY"])
client = hvac.Client(url=given["url"], token=given["token"])


def dead(call, *args, **named):
    try:
        call(*args, **named)
    except exceptions.InvalidRequest as error:
        return "wrapping token is not valid or does not exist" in str(error)
    return False


# What is handed on to somebody who has no token of their own.
wrapped = client.sys.wrap(payload={"foo": "bar", "count": 3}, ttl=120)["wrap_info"]
assert wrapped["ttl"] == 120 and wrapped["creation_path"] == "sys/wrapping/wrap"
receiver = hvac.Client(url=given["url"], token=wrapped["token"])
opened = receiver.sys.unwrap()
assert opened["data"] == {"foo": "bar", "count": 3} and opened["wrap_info"] is None and opened["request_id"] != ""
assert dead(receiver.sys.unwrap)
assert dead(client.sys.unwrap, token=wrapped["token"])
assert not receiver.is_authenticated()

# A credential; it is opened with the receiver's own token.
reply = client.read("users/creds/app", wrap_ttl="60s")
assert reply["data"] is None and reply["lease_id"] == "" and reply["wrap_info"]["creation_path"] == "users/creds/app"
credential = client.sys.unwrap(token=reply["wrap_info"]["token"])
assert credential["data"]["password"] and credential["lease_duration"] > 0
client.sys.renew_lease(credential["lease_id"])
client.sys.revoke_lease(credential["lease_id"])

# A token.
info = client.auth.token.create(ttl="1h", wrap_ttl="60s")["wrap_info"]
assert client.auth.token.lookup_accessor(info["wrapped_accessor"])["data"]["path"] == "auth/token/create"
inner = hvac.Client(url=given["url"], token=info["token"]).sys.unwrap()["auth"]
assert inner["accessor"] == info["wrapped_accessor"]
assert hvac.Client(url=given["url"], token=inner["client_token"]).is_authenticated()

# As its own suite has it: revoked by the accessor while it waits, it still unwraps, and what comes does not live.
info = client.auth.token.create(ttl="1h", wrap_ttl="60s")["wrap_info"]
client.auth.token.revoke_accessor(info["wrapped_accessor"])
inner = client.sys.unwrap(token=info["token"])["auth"]
assert not hvac.Client(url=given["url"], token=inner["client_token"]).is_authenticated()
