"""API access protected by MFA: refused without a code, allowed with one, refused when it is old.

GetSessionToken, then AssumeRole, then a list of buckets, as AWS's sample code does it. The listing
is a request to another service; the embedded verifier decides on it by the policies.

    $ python mfa_protected_api.py
"""

import json
from typing import Any

from mfalab import Timeline
from mfalab.devices.otp.app import AuthenticatorApp
from mfalab.devices.phone import Phone
from mfalab.simulator.entropy import Entropy
from mfalab.verifier import Credentials, MemoryStore, ServiceError, Silence, Verifier

SECOND = 10**9
now = Timeline(start_ns=1_772_442_000 * SECOND)
verifier = Verifier(
    store=MemoryStore(),
    clock=now,
    random_bytes=Entropy(1).random_bytes("verifier"),
    outbox=Silence(),
)
account = verifier.create_account(
    "123456789012", root_email="root@example.com", root_password="a long one"
)
ada = verifier.create_user(account.id, "ada", administrator=True)
admin = verifier.iam(verifier.create_access_key(ada.id))


def document(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", **statement}})


# Ada makes a user who lists buckets only with a fresh code, and a role that does it after a code.
user = admin.create_user(UserName="alice")["User"]
key = admin.create_access_key(UserName="alice")["AccessKey"]
keys = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
fresh = {"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}}
listing = {"Action": "s3:ListAllMyBuckets", "Resource": "arn:aws:s3:::*"}
admin.put_user_policy(
    UserName="alice", PolicyName="list", PolicyDocument=document(**listing, Condition=fresh)
)
role = admin.create_role(
    RoleName="auditor",
    AssumeRolePolicyDocument=document(
        Principal={"AWS": user["Arn"]},
        Action="sts:AssumeRole",
        Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    ),
)["Role"]
admin.put_role_policy(RoleName="auditor", PolicyName="list", PolicyDocument=document(**listing))

# Her device; Ada enables it.
device = admin.create_virtual_mfa_device(VirtualMFADeviceName="alice")["VirtualMFADevice"]
serial = device["SerialNumber"]
app = AuthenticatorApp(Phone("phone", clock=now))
label = app.scan(device["QRCodePNG"])


def next_code() -> str:
    now.advance(30 * SECOND)
    return app.code(label)


admin.enable_mfa_device(
    UserName="alice",
    SerialNumber=serial,
    AuthenticationCode1=next_code(),
    AuthenticationCode2=next_code(),
)


def show(what: str, call: Any, **parameters: Any) -> Any:
    try:
        answer = call(**parameters)
    except ServiceError as refusal:
        print(f"{what}: {refusal}")
        return None
    print(f"{what}: allowed")
    return answer


def list_buckets(what: str, credentials: Credentials) -> None:
    show(
        what,
        verifier.authorize,
        credentials=credentials,
        action="s3:ListAllMyBuckets",
        resource="arn:aws:s3:::*",
    )


sts = verifier.sts(keys)
list_buckets("access keys", keys)
without = Credentials.of(sts.get_session_token())
list_buckets("session without MFA", without)
session = Credentials.of(sts.get_session_token(SerialNumber=serial, TokenCode=next_code()))
list_buckets("session with MFA", session)
now.advance(3600 * SECOND)
list_buckets("an hour later", session)

assume = {"RoleArn": role["Arn"], "RoleSessionName": "monday"}
show("role without MFA", sts.assume_role, **assume)
assumed = show(
    "role with MFA", sts.assume_role, **assume, SerialNumber=serial, TokenCode=next_code()
)
list_buckets("role's credentials", Credentials.of(assumed))
