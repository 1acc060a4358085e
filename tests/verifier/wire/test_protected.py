"""The bucket and the instance that policies protect, as botocore reads the answers."""

import json
from collections.abc import Callable
from typing import Any

import botocore.session
import pytest
from botocore.parsers import create_parser

from mfalab.verifier import Credentials
from mfalab.verifier.wire.messages import Request
from mfalab.verifier.wire.protected import INSTANCE
from mfalab.verifier.wire.service import Endpoint

Sign = Callable[..., Request]
Ask = Callable[..., Any]
SESSION = botocore.session.get_session()
PROTOCOLS = {"s3": "rest-xml", "ec2": "ec2"}


@pytest.fixture
def use(company: Any, endpoint: Endpoint, signed: Sign) -> Ask:
    """Asks S3 or EC2, and reads the answer as botocore does."""

    def call(
        who: Any, operation: str, *instances: str, DryRun: str = "false", **changes: str
    ) -> Any:
        credentials = company.keys[who] if isinstance(who, str) else who
        service = "s3" if operation == "ListBuckets" else "ec2"
        fields = {"Action": operation, "Version": "2016-11-15", "DryRun": DryRun}
        fields |= {f"InstanceId.{n}": each for n, each in enumerate(instances, start=1)}
        if service == "s3":
            request = signed(credentials, service="s3", method="GET")
        else:
            request = signed(credentials, fields, service="ec2", **changes)
        response = endpoint.answer(request)
        shape = SESSION.get_service_model(service).operation_model(operation).output_shape
        parts = {
            "body": response.body,
            "headers": dict(response.headers),
            "status_code": response.status,
        }
        return create_parser(PROTOCOLS[service]).parse(parts, shape)

    return call


def allow(company: Any, user: str, *actions: str, mfa: bool = False) -> None:
    condition = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}} if mfa else {}
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*", **condition}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    company.iam("ada").put_user_policy(
        UserName=user, PolicyName="p", PolicyDocument=json.dumps(document)
    )


def error(answer: Any) -> tuple[str, int]:
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def test_bucket_is_listed_only_with_mfa(company: Any, use: Ask) -> None:
    allow(company, "alice", "s3:ListAllMyBuckets", mfa=True)
    token = company.enrol()
    refused = use("alice", "ListBuckets")
    assert error(refused) == ("AccessDenied", 403)
    assert refused["Error"]["Message"].endswith(
        "because no identity-based policy allows the s3:ListAllMyBuckets action"
    )
    assert error(use(company.session("alice"), "ListBuckets")) == ("AccessDenied", 403)
    buckets = use(company.mfa_session(token), "ListBuckets")["Buckets"]
    assert [bucket["Name"] for bucket in buckets] == ["mfalab-123456789012"]


def test_instance_is_described_and_terminated(company: Any, use: Ask) -> None:
    allow(company, "alice", "ec2:DescribeInstances")
    token = company.enrol()

    def state() -> str:
        (reservation,) = use("alice", "DescribeInstances")["Reservations"]
        return str(reservation["Instances"][0]["State"]["Name"])

    assert state() == "running"
    refused = use("alice", "TerminateInstances", INSTANCE)
    assert error(refused) == ("UnauthorizedOperation", 403)
    assert refused["Error"]["Message"].startswith("You are not authorized to perform this")
    assert f":instance/{INSTANCE}" in refused["Error"]["Message"]
    allow(company, "alice", "ec2:*", mfa=True)
    ended = use(company.mfa_session(token), "TerminateInstances", INSTANCE)
    (instance,) = ended["TerminatingInstances"]
    assert instance["PreviousState"]["Name"] == "running"
    allow(company, "alice", "ec2:DescribeInstances")
    assert state() == "terminated"


def test_region_of_the_signature_is_that_of_the_instance(company: Any, use: Ask) -> None:
    refused = use("alice", "TerminateInstances", INSTANCE, region="eu-central-1")
    arn = f"arn:aws:ec2:eu-central-1:123456789012:instance/{INSTANCE}"
    assert arn in refused["Error"]["Message"]


@pytest.mark.parametrize("instances", [[], ["i-0"], [INSTANCE, "i-0"]])
def test_instance_that_is_not_there(company: Any, use: Ask, instances: list[str]) -> None:
    refused = use("ada", "TerminateInstances", *instances)
    assert error(refused) == ("InvalidInstanceID.NotFound", 400)


def test_refusals_have_the_codes_of_each_service(company: Any, use: Ask) -> None:
    nobody = Credentials("AKIANOBODY", "x")
    wrong = Credentials(company.keys["ada"].access_key_id, "x")
    late = company.session("alice")
    assert error(use(nobody, "ListBuckets")) == ("InvalidAccessKeyId", 403)
    assert error(use(wrong, "ListBuckets")) == ("SignatureDoesNotMatch", 403)
    assert error(use(nobody, "DescribeInstances")) == ("AuthFailure", 401)
    assert error(use(wrong, "DescribeInstances")) == ("AuthFailure", 401)
    company.clock.advance(13 * 3_600)
    assert error(use(late, "ListBuckets")) == ("ExpiredToken", 400)
    assert error(use(late, "DescribeInstances")) == ("RequestExpired", 400)


def test_what_is_not_here(company: Any, endpoint: Endpoint, signed: Sign) -> None:
    ada = company.keys["ada"]
    put = signed(ada, service="s3", method="PUT", url="http://localhost/bucket/key")
    assert endpoint.answer(put).status == 501
    stop = signed(ada, {"Action": "StopInstances", "Version": "2016-11-15"}, service="ec2")
    response = endpoint.answer(stop)
    assert response.status == 400
    assert b"<Code>InvalidAction</Code>" in response.body


def test_dry_run_changes_nothing_and_is_no_call_of_anybody(company: Any, use: Ask) -> None:
    allow(company, "alice", "ec2:*")
    company.observed.clear()
    for operation, instances in (("TerminateInstances", [INSTANCE]), ("DescribeInstances", [])):
        asked = use("alice", operation, *instances, DryRun="true")
        assert error(asked) == ("DryRunOperation", 412)
    (reservation,) = use("alice", "DescribeInstances")["Reservations"]
    assert reservation["Instances"][0]["State"]["Name"] == "running"
    assert company.trail("GetCallerIdentity") == []
    assert error(use("bob", "TerminateInstances", INSTANCE, DryRun="true"))[1] == 403
