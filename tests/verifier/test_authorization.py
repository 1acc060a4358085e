"""Who calls, and what the caller may do."""

import json
from dataclasses import replace
from typing import Any

import pytest

from mfalab.verifier import Credentials, ServiceError
from mfalab.verifier.authorization import Door, Target, authenticate, context_of, verdict


def test_iam_takes_session_credentials_only_with_mfa(company: Any, refused: Any) -> None:
    token = company.enrol()
    company.iam(company.mfa_session(token)).list_mfa_devices()
    with refused(
        "InvalidClientTokenId", "The security token included in the request is invalid.", 403
    ):
        company.iam(company.session()).list_mfa_devices()


def test_session_expires_to_the_second(company: Any, clock: Any, refused: Any) -> None:
    token = company.enrol()
    session = company.session(
        SerialNumber=token.serial, TokenCode=token.code(), DurationSeconds=900
    )
    clock.advance(899.999)
    company.iam(session).list_mfa_devices()
    clock.advance(0.001)
    with refused("ExpiredToken", "The security token included in the request is expired", 403):
        company.iam(session).list_mfa_devices()


def test_wrong_secret_and_wrong_token(company: Any) -> None:

    keys = company.keys["alice"]
    with pytest.raises(ServiceError) as caught:
        company.iam(replace(keys, secret_access_key="x")).get_user()
    assert caught.value.code == "SignatureDoesNotMatch"
    session = company.session()
    with pytest.raises(ServiceError) as caught:
        company.sts(replace(session, session_token="x")).get_caller_identity()
    assert caught.value.code == "InvalidClientTokenId"


def test_keys_and_other_sessions_do_not_open_the_console(company: Any, refused: Any) -> None:
    for credentials in (company.keys["ada"], company.session("ada")):
        assert isinstance(credentials, Credentials)
        with refused(
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
            403,
        ):
            company.console.users(credentials)


@pytest.fixture
def caller(company: Any) -> Any:
    """Makes the caller that some credentials stand for."""

    def call(credentials: Credentials) -> Any:
        with company.store.transaction() as tx:
            return authenticate(tx, credentials, company.clock.ns, Door.STS)

    return call


A, B = "123456789012", "210987654321"
USER = f"arn:aws:iam::{A}:user/alice"
FOREIGN = f"arn:aws:iam::{B}:user/alice"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"


@pytest.fixture
def may(company: Any, caller: Any) -> Any:
    """Whether a caller may do something; owned resources are alice's."""

    def ask(credentials: Credentials, action: str, resource: str, *, own: bool = False) -> bool:
        who = caller(credentials)
        target = Target(resource, owner_id=company.ids["alice"] if own else None)
        context = context_of(who, company.clock.ns, company.verifier.profile)
        with company.store.transaction() as tx:
            return verdict(tx, who, action, target, context).allowed

    return ask


@pytest.mark.parametrize(
    ("who", "action", "resource", "own", "allowed"),
    [
        ("ada", "iam:DeleteUser", USER, False, True),
        ("ada", "s3:ListAllMyBuckets", "*", False, True),
        ("root", "iam:DeleteUser", USER, False, True),
        ("root", "iam:DeleteUser", FOREIGN, False, False),
        ("ada", "iam:DeleteUser", FOREIGN, False, False),
        ("ada", "iam:GetPolicy", ADMIN, False, True),
        ("alice", "iam:DeleteUser", USER, True, False),
        ("alice", "iam:EnableMFADevice", USER, True, True),
        ("alice", "iam:EnableMFADevice", USER, False, False),
        ("alice", "iam:TagMFADevice", "GAHT12345678", True, True),
        ("alice", "iam:ListUsers", "*", False, True),
        ("bob", "iam:EnableMFADevice", USER, True, False),
        ("alice", "s3:ListAllMyBuckets", "*", False, False),
    ],
)
def test_who_may_do_what(
    company: Any, may: Any, who: str, action: str, resource: str, own: bool, allowed: bool
) -> None:
    assert may(company.keys[who], action, resource, own=own) == allowed


def test_user_made_by_the_api_may_do_nothing(company: Any, may: Any) -> None:
    user = company.verifier.create_user(A, "carol", policies=())
    keys = company.verifier.create_access_key(user.id)
    assert not may(keys, "iam:GetUser", f"arn:aws:iam::{A}:user/carol")
    company.sts(keys).get_caller_identity()
    company.sts(keys).get_session_token()


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": "*", **more}


DENY_S3 = {**allow("s3:*"), "Effect": "Deny"}


class TestSourcesOfPermission:
    """The same question with the permission in each place where it can come from."""

    ASK = ("s3:ListAllMyBuckets", "*")

    def test_inline_attached_and_by_group(self, company: Any, may: Any) -> None:
        iam, alice = company.iam("ada"), company.keys["alice"]
        text = policy(allow("s3:List*"))
        arn = iam.create_policy(PolicyName="s3", PolicyDocument=text)["Policy"]["Arn"]
        iam.create_group(GroupName="g")
        iam.add_user_to_group(GroupName="g", UserName="alice")
        for give, take in (
            (
                lambda: iam.put_user_policy(UserName="alice", PolicyName="p", PolicyDocument=text),
                lambda: iam.delete_user_policy(UserName="alice", PolicyName="p"),
            ),
            (
                lambda: iam.attach_user_policy(UserName="alice", PolicyArn=arn),
                lambda: iam.detach_user_policy(UserName="alice", PolicyArn=arn),
            ),
            (
                lambda: iam.put_group_policy(GroupName="g", PolicyName="p", PolicyDocument=text),
                lambda: iam.delete_group_policy(GroupName="g", PolicyName="p"),
            ),
            (
                lambda: iam.attach_group_policy(GroupName="g", PolicyArn=arn),
                lambda: iam.remove_user_from_group(GroupName="g", UserName="alice"),
            ),
        ):
            assert not may(alice, *self.ASK)
            give()
            assert may(alice, *self.ASK)
            take()
        assert not may(alice, *self.ASK)

    def test_version_in_force_decides(self, company: Any, may: Any) -> None:
        iam, alice = company.iam("ada"), company.keys["alice"]
        made = iam.create_policy(PolicyName="s3", PolicyDocument=policy(allow("s3:*")))
        arn = made["Policy"]["Arn"]
        iam.attach_user_policy(UserName="alice", PolicyArn=arn)
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(DENY_S3))
        assert may(alice, *self.ASK)
        iam.set_default_policy_version(PolicyArn=arn, VersionId="v2")
        assert not may(alice, *self.ASK)

    def test_boundary_bounds(self, company: Any, may: Any, refused: Any) -> None:
        iam, ada = company.iam("ada"), company.keys["ada"]
        read = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
        iam.put_user_permissions_boundary(UserName="ada", PermissionsBoundary=read)
        assert may(ada, *self.ASK)
        assert not may(ada, "iam:GetUser", USER)
        with refused(
            "AccessDenied",
            f"User: arn:aws:iam::{A}:user/ada is not authorized to perform: iam:GetUser on "
            "resource: user alice because no permissions boundary allows the iam:GetUser action",
            403,
        ):
            iam.get_user(UserName="alice")

    def test_role_has_its_own(self, company: Any, may: Any) -> None:
        trusts = [f"arn:aws:iam::{A}:root"]
        for name, policies, allowed in (("none", (), False), ("admin", (ADMIN,), True)):
            role = company.verifier.create_role(A, name, trusts=trusts, policies=policies)
            answer = company.sts("alice").assume_role(
                RoleArn=company.verifier.role_arn(role), RoleSessionName="shift"
            )
            assert may(Credentials.of(answer), *self.ASK) == allowed

    def test_session_policies_narrow(self, company: Any, may: Any, refused: Any) -> None:
        arn = company.verifier.role_arn(
            company.verifier.create_role(
                A, "admin", trusts=[f"arn:aws:iam::{A}:root"], policies=[ADMIN]
            )
        )

        def session(**narrowed: Any) -> Credentials:
            answer = company.sts("alice").assume_role(
                RoleArn=arn, RoleSessionName="shift", **narrowed
            )
            return Credentials.of(answer)

        read = {"arn": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}
        by_arn, by_text = session(PolicyArns=[read]), session(Policy=policy(allow("sqs:*")))
        both = session(PolicyArns=[read], Policy=policy(allow("sqs:*")))
        asked = ("s3:GetObject", "sqs:SendMessage", "iam:GetUser")
        found = [[may(each, action, "*") for action in asked] for each in (by_arn, by_text, both)]
        assert found == [[True, False, False], [False, True, False], [True, True, False]]
        with refused(
            "AccessDenied",
            f"User: arn:aws:sts::{A}:assumed-role/admin/shift is not authorized to perform: "
            "iam:GetUser on resource: user alice because no session policy allows the iam:GetUser "
            "action",
            403,
        ):
            company.iam(by_arn).get_user(UserName="alice")

    def test_explicit_deny_wins(self, company: Any, may: Any, refused: Any) -> None:
        deny = {**allow("iam:GetUser"), "Effect": "Deny"}
        company.iam("root").put_user_policy(
            UserName="ada", PolicyName="p", PolicyDocument=policy(deny)
        )
        with refused(
            "AccessDenied",
            f"User: arn:aws:iam::{A}:user/ada is not authorized to perform: iam:GetUser on "
            "resource: user ada with an explicit deny in an identity-based policy",
            403,
        ):
            company.iam("ada").get_user()


class TestOtherServices:
    """`Verifier.authorize`: what an S3 or an EC2 would ask."""

    def test_policy_of_a_bucket(self, company: Any) -> None:
        """In one account the bucket's policy is enough; it may demand MFA."""
        arn = "arn:aws:s3:::reports/2026.csv"
        text = policy(
            {
                "Effect": "Allow",
                "Principal": {"AWS": USER},
                "Action": "s3:GetObject",
                "Resource": arn,
                "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
            }
        )
        token = company.enrol()
        ask = {"action": "s3:GetObject", "resource": arn, "resource_policy": text}
        company.verifier.authorize(company.mfa_session(token), **ask)
        for credentials in (company.keys["alice"], company.session(), company.keys["bob"]):
            with pytest.raises(ServiceError, match="no identity-based policy allows"):
                company.verifier.authorize(credentials, **ask)
        with pytest.raises(ServiceError, match="AccessDenied"):
            company.verifier.authorize(
                company.mfa_session(token, step=1), **ask, resource_account=B
            )

    def test_malformed_policy_of_a_bucket(self, company: Any) -> None:
        with pytest.raises(ServiceError, match="MalformedPolicyDocument"):
            company.verifier.authorize(
                company.keys["ada"], "s3:GetObject", "*", resource_policy="{"
            )

    def test_context_of_the_request(self, company: Any) -> None:
        statement = allow("ec2:*", Condition={"StringEquals": {"ec2:Region": "eu-west-1"}})
        company.iam("ada").put_user_policy(
            UserName="alice", PolicyName="p", PolicyDocument=policy(statement)
        )
        ask = (company.keys["alice"], "ec2:TerminateInstances")
        company.verifier.authorize(*ask, context={"ec2:Region": "eu-west-1"})
        with pytest.raises(ServiceError, match="ec2:TerminateInstances"):
            company.verifier.authorize(*ask, context={"ec2:Region": "us-east-1"})


def test_where_a_request_comes_from(company: Any) -> None:
    statement = allow("*", Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}})
    company.iam("ada").put_user_policy(
        UserName="alice", PolicyName="p", PolicyDocument=policy(statement)
    )
    keys = company.keys["alice"]
    company.verifier.iam(keys, "192.0.2.7").get_account_summary()
    for elsewhere in ("198.51.100.7", None):
        with pytest.raises(ServiceError, match="AccessDenied"):
            company.verifier.iam(keys, elsewhere).get_account_summary()


def test_reads_of_a_decision_are_few(company: Any, caller: Any) -> None:
    """One read for what a user has of each sort, and the same for each group; none for AWS's."""
    iam = company.iam("ada")
    reads = [count_reads(company, caller, company.keys["alice"])]
    for number in range(3):
        iam.create_group(GroupName=f"g{number}")
        iam.add_user_to_group(GroupName=f"g{number}", UserName="alice")
        reads.append(count_reads(company, caller, company.keys["alice"]))
    assert reads == [3, 5, 7, 9]


def count_reads(company: Any, caller: Any, credentials: Credentials) -> int:
    who = caller(credentials)
    context = context_of(who, company.clock.ns, company.verifier.profile)
    with company.store.transaction() as tx:
        counted = Counted(tx)
        verdict(counted, who, "iam:GetUser", Target(USER), context)
    return counted.reads


class Counted:
    """A transaction that counts its reads."""

    def __init__(self, tx: Any) -> None:
        self.tx, self.reads = tx, 0

    def get(self, *args: Any) -> Any:
        self.reads += 1
        return self.tx.get(*args)

    def find(self, *args: Any, **equal: Any) -> Any:
        self.reads += 1
        return self.tx.find(*args, **equal)


def test_names_of_callers_are_compared_without_case(company: Any, caller: Any) -> None:
    assert caller(company.keys["alice"]).is_user("ALICE")
    assert not caller(company.keys["alice"]).is_user("alic")


def test_last_use_of_an_access_key_is_written_once_in_fifteen_minutes(
    company: Any, clock: Any
) -> None:
    def last_used() -> int:
        keys = company.everything()["AccessKey"]
        (key,) = [key for key in keys if key.id == company.keys["alice"].access_key_id]
        return int(key.uses[-1][0])

    first_ns = clock.ns
    for seconds, expected_ns in ((0, first_ns), (899, first_ns), (1, first_ns + 900 * 10**9)):
        clock.advance(seconds)
        company.iam("alice").get_user()
        assert last_used() == expected_ns


def test_context_says_nothing_that_the_credentials_tell(company: Any) -> None:
    session = company.mfa_session(company.enrol())
    for key in ("aws:MultiFactorAuthPresent", "AWS:multifactorauthpresent", "aws:username"):
        with pytest.raises(ValueError, match=f"the credentials tell {key}"):
            company.verifier.authorize(session, "s3:ListAllMyBuckets", context={key: "true"})
