"""The SSH engine as hvac drives it, unchanged. Every expectation is an assert."""
import json
import os

import hvac
from hvac import exceptions

given = json.loads(os.environ["MAYFLY"])
client = hvac.Client(url=given["url"], token=given["token"])
ssh = client.secrets.ssh


def refused(kind, call, *args, **named):
    try:
        call(*args, **named)
    except kind as error:
        return str(error)
    raise AssertionError(f"{call} was not refused as {kind.__name__}")


client.sys.enable_secrets_engine("ssh")
assert "keys haven't been configured yet" in refused(exceptions.InvalidRequest, ssh.read_public_key)
made = ssh.submit_ca_information(key_type="ssh-ed25519")
public_key = made["data"]["public_key"]
assert public_key.startswith("ssh-ed25519 ")
assert ssh.read_public_key()["data"]["public_key"] == public_key

ssh.create_role(name="people", key_type="ca", allow_user_certificates=True, allowed_users="alice,deploy", default_user="alice",
                allowed_extensions="permit-pty", default_extensions={"permit-pty": ""}, ttl="5m", max_ttl="1h", allow_user_key_ids=True)
role = ssh.read_role(name="people")["data"]
assert role["allowed_users"] == "alice,deploy" and role["ttl"] == 300 and role["default_extensions"] == {"permit-pty": ""}
assert ssh.list_roles()["data"]["keys"] == ["people"]

# hvac sends empty texts for all that was not named.
signed = ssh.sign_ssh_key(name="people", public_key=given["key"])
assert signed["data"]["signed_key"].startswith("ssh-ed25519-cert-v01@openssh.com ")
assert signed["data"]["signed_key"].endswith("\n")
assert signed["data"]["serial_number"] == "1" and signed["lease_id"].startswith("ssh/sign/people/")
assert signed["lease_duration"] == 300 and signed["renewable"] is False
named = ssh.sign_ssh_key(name="people", public_key=given["key"], valid_principals="deploy", key_id="ticket-1", ttl="10m")
assert named["lease_duration"] == 600
assert "root is not a valid value" in refused(exceptions.InvalidRequest, ssh.sign_ssh_key, name="people", public_key=given["key"], valid_principals="root")
assert "Unknown role: nobody" in refused(exceptions.InvalidRequest, ssh.sign_ssh_key, name="nobody", public_key=given["key"])
client.sys.revoke_lease(signed["lease_id"])

ssh.create_role(name="otp", key_type="otp", default_user="ubuntu", cidr_list="10.0.0.0/8", allowed_users="*")
assert set(ssh.read_role(name="otp")["data"]) == {"allowed_users", "cidr_list", "default_user", "exclude_cidr_list", "key_type", "port"}
assert ssh.list_roles_by_ip(ip="10.1.2.3")["data"]["roles"] == ["otp"]
once = ssh.generate_ssh_credentials(name="otp", username="admin", ip="10.1.2.3")
assert once["lease_id"].startswith("ssh/creds/otp/")
assert ssh.verify_ssh_otp(otp=once["data"]["key"])["data"] == {"ip": "10.1.2.3", "role_name": "otp", "username": "admin"}
assert "OTP not found" in refused(exceptions.InvalidRequest, ssh.verify_ssh_otp, otp=once["data"]["key"])
ssh.configure_zeroaddress_roles(roles="otp")
assert ssh.list_zeroaddress_roles()["data"]["roles"] == ["otp"]
ssh.delete_zeroaddress_role()

ssh.delete_role(name="people")
assert refused(exceptions.InvalidPath, ssh.read_role, name="people") is not None
ssh.delete_ca_information()
assert "keys haven't been configured yet" in refused(exceptions.InvalidRequest, ssh.read_public_key)
