"""What an application and its operator do with hvac's AWS engine, unchanged. Every expectation is an assert; the last line is what was issued."""
import json
import os

import hvac
from hvac import exceptions

given = json.loads(os.environ["MAYFLY"])
client = hvac.Client(url=given["url"], token=given["token"])
aws = client.secrets.aws


def refused(kind, call, *args, **named):
    try:
        call(*args, **named)
    except kind as error:
        return str(error)
    raise AssertionError(f"{call} was not refused as {kind.__name__}")


client.sys.enable_secrets_engine("aws")
assert refused(exceptions.InvalidPath, aws.read_lease_config) is not None
configured = aws.configure_root_iam_credentials(given["access_key"], given["secret_key"], region="us-east-1",
                                                iam_endpoint=given["endpoint"], sts_endpoint=given["endpoint"])
assert configured.status_code == 204
assert aws.configure_lease("30m", "12h").status_code == 204
assert aws.read_lease_config()["data"] == {"lease": "30m0s", "lease_max": "12h0m0s"}
rotated = aws.rotate_root_iam_credentials()["data"]["access_key"]
assert rotated and rotated != given["access_key"]

policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
aws.create_or_update_role("deploy", "iam_user", policy_document=policy, iam_tags=["team=payments"])
aws.create_or_update_role("app", "assumed_role", role_arns=given["role_arns"], default_sts_ttl="1h", max_sts_ttl="2h")
aws.create_or_update_role("fed", "federation_token", policy_document=policy)
assert sorted(aws.list_roles()["data"]["keys"]) == ["app", "deploy", "fed"]
role = aws.read_role("app")["data"]
assert role["credential_type"] == "assumed_role" and role["default_sts_ttl"] == 3600 and role["policy_arns"] is None
assert "credential_type" in refused(exceptions.InvalidRequest, client.write, "aws/roles/x", policy_arns="arn:aws:iam::aws:policy/X")

user = aws.generate_credentials("deploy")
assert user["renewable"] and user["lease_duration"] == 1800 and user["data"]["security_token"] is None
assert client.sys.renew_lease(user["lease_id"], 3600)["lease_duration"] == 3600

one, two = given["role_arns"]
missing = refused(exceptions.InvalidRequest, aws.generate_credentials, "app")
assert "did not supply a role_arn parameter and unable to determine one" in missing
session = aws.generate_credentials("app", role_arn=one, ttl="20m", role_session_name="anna")
assert not session["renewable"] and 1190 < session["lease_duration"] <= 1200
assert "/anna-" in session["data"]["arn"] and session["data"]["security_token"]
other = aws.generate_credentials("app", role_arn=two, endpoint="sts")
assert other["data"]["arn"].split("/")[1] == two.split("/")[-1]
assert aws.generate_credentials("fed", endpoint="sts")["data"]["security_token"]
assert 'Role "none" not found' in refused(exceptions.InvalidRequest, aws.generate_credentials, "none")
assert "lease is not renewable" in refused(exceptions.InvalidRequest, client.sys.renew_lease, session["lease_id"])

gone = aws.generate_credentials("deploy")
client.sys.revoke_lease(gone["lease_id"])
aws.delete_role("deploy")
assert refused(exceptions.InvalidPath, aws.read_role, "deploy") is not None
print(json.dumps({"kept": [user["data"], session["data"]], "revoked": [gone["data"]]}))
