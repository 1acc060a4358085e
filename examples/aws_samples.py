"""AWS's sample code for MFA-protected sessions, with boto3, against an endpoint on this machine.

The calls are those of AWS's samples (GetSessionToken and AssumeRole with MFA, then a list of
buckets); their words are ours. Only the clients know that there is no AWS.

    $ python aws_samples.py
"""

import json
from typing import Any

import boto3
from botocore.exceptions import ClientError

from mfalab import Lab
from mfalab.simulator.clocks.wall import WALL
from mfalab.simulator.serving.lab_endpoint import LabEndpoint, served_lab

WITH_MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


def document(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


class Sample:
    """A user with a device, whose keys alone may do nothing."""

    def __init__(self, lab: Lab, endpoint: LabEndpoint) -> None:
        self.endpoint = endpoint
        self.app = lab.devices["app"].app  # type: ignore[attr-defined]  # an authenticator app
        iam = boto3.resource("iam", **endpoint.client_settings("ada"))
        self.user = iam.create_user(UserName="sample")
        self.mfa = iam.create_virtual_mfa_device(VirtualMFADeviceName="sample-mfa")
        self.label = self.app.scan(self.mfa.qr_code_png)
        self.user.enable_mfa(
            SerialNumber=self.mfa.serial_number,
            AuthenticationCode1=self.code(),
            AuthenticationCode2=self.code(),
        )
        self.key = self.user.create_access_key_pair()
        listing = document(Action="s3:ListAllMyBuckets", Resource="*", Condition=WITH_MFA)
        self.user.create_policy(PolicyName="list-buckets", PolicyDocument=listing)
        trust = document(
            Principal={"AWS": self.user.arn}, Action="sts:AssumeRole", Condition=WITH_MFA
        )
        self.role = iam.create_role(RoleName="sample-role", AssumeRolePolicyDocument=trust)
        self.policy = iam.create_policy(
            PolicyName="sample-policy",
            PolicyDocument=document(Action="s3:ListAllMyBuckets", Resource="*"),
        )
        self.role.attach_policy(PolicyArn=self.policy.arn)

    def code(self) -> str:
        """The next code of the app."""
        self.endpoint.clock.advance("30 s")
        return str(self.app.code(self.label))

    def client(self, service: str, session: dict[str, Any] | None = None) -> Any:
        keys = {
            "aws_access_key_id": session["AccessKeyId"] if session else self.key.id,
            "aws_secret_access_key": session["SecretAccessKey"] if session else self.key.secret,
            "aws_session_token": session["SessionToken"] if session else None,
        }
        place = {"endpoint_url": self.endpoint.url, "region_name": "us-east-1"}
        return boto3.client(service, **place, **keys)

    def list_buckets(self, what: str, session: dict[str, Any] | None = None) -> None:
        try:
            buckets = self.client("s3", session).list_buckets()["Buckets"]
            print(f"{what}: {[bucket['Name'] for bucket in buckets]}")
        except ClientError as error:
            print(f"{what}: {error.response['Error']['Code']}")

    def teardown(self) -> None:
        self.role.detach_policy(PolicyArn=self.policy.arn)
        self.policy.delete()
        self.role.delete()
        for policy in self.user.policies.all():
            policy.delete()
        for key in self.user.access_keys.all():
            key.delete()
        for device in self.user.mfa_devices.all():
            device.disassociate()
        self.mfa.delete()
        self.user.delete()


def run(sample: Sample) -> None:
    sts = sample.client("sts")
    sample.list_buckets("keys")
    sample.list_buckets("session without MFA", sts.get_session_token()["Credentials"])
    serial = sample.mfa.serial_number
    answer = sts.get_session_token(SerialNumber=serial, TokenCode=sample.code())
    sample.list_buckets("session with MFA", answer["Credentials"])
    role = {"RoleArn": sample.role.arn, "RoleSessionName": "sample-session"}
    try:
        sts.assume_role(**role)
    except ClientError as error:
        print(f"role without MFA: {error.response['Error']['Code']}")
    answer = sts.assume_role(**role, SerialNumber=serial, TokenCode=sample.code())
    sample.list_buckets("role with MFA", answer["Credentials"])


if __name__ == "__main__":
    lab = Lab.of(
        seed=1,
        case="samples",
        people={"ada": {"role": "administrator"}},
        devices={"app": {"kind": "totp_app", "owner": "ada"}},
    )
    lab.timeline.run_until(max(WALL.now_ns(), lab.timeline.now_ns()))
    with served_lab(lab) as served:
        sample = Sample(lab, served)
        run(sample)
        sample.teardown()
        print("nothing is left:", not sample.user.meta.client.list_roles()["Roles"])
