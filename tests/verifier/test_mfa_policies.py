"""Policies about MFA from end to end: real credentials of every kind, and IAM's own operations."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from mfalab.verifier import Credentials, ServiceError

A, B = "123456789012", "444455556666"
PRESENT, AGE = "aws:MultiFactorAuthPresent", "aws:MultiFactorAuthAge"
BUCKET = "arn:aws:s3:::reports/may"


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def allow(action: Any, on: Any = "*", **more: Any) -> dict[str, Any]:
    whole = {"Effect": "Allow", "Action": action, "Resource": on} | more
    return {name: value for name, value in whole.items() if value is not None}


def when(operator: str, key: str, value: str) -> dict[str, Any]:
    return {"Condition": {operator: {key: value}}}


IF_MFA = when("Bool", PRESENT, "true")


@pytest.fixture
def put(company: Any) -> Callable[..., None]:
    """Gives a user policies in place of all that it had."""

    def put(user: str, *statements: dict[str, Any]) -> None:
        ada = company.iam("ada")
        for policy in ada.list_attached_user_policies(UserName=user)["AttachedPolicies"]:
            ada.detach_user_policy(UserName=user, PolicyArn=policy["PolicyArn"])
        ada.put_user_policy(UserName=user, PolicyName="all", PolicyDocument=document(*statements))

    return put


@pytest.fixture
def end(company: Any) -> Callable[..., str]:
    """The end of the refusal of an action that another service asks about; empty if allowed."""

    def end(
        credentials: Credentials, action: str = "s3:GetObject", on: str = BUCKET, **more: Any
    ) -> str:
        try:
            company.verifier.authorize(credentials, action, on, **more)
        except ServiceError as refusal:
            if refusal.code != "AccessDenied":
                raise
            return refusal.message.partition(f"on resource: {on}")[2] or "refused"
        return ""

    return end


CONDITIONS = [
    ("Bool", PRESENT, "true"),
    ("Bool", PRESENT, "false"),
    ("BoolIfExists", PRESENT, "true"),
    ("BoolIfExists", PRESENT, "false"),
    ("Null", PRESENT, "true"),
    ("Null", PRESENT, "false"),
    ("NumericLessThan", AGE, "100"),
    ("NumericLessThan", AGE, "40"),
    ("NumericGreaterThanIfExists", AGE, "40"),
]
ABSENT, FALSE, TRUE = (
    (False, False, True, True, True, False, False, False, True),
    (False, True, False, True, False, True, False, False, True),
    (True, False, True, False, False, True, True, False, True),
)
"""Which of the conditions hold, an age of a minute assumed."""


def by_code(company: Any, token: Any) -> Credentials:
    page = company.page("alice")
    signed_in: Credentials = company.console.submit_code(page.id, token.code(1)).credentials
    return signed_in


def by_password(company: Any, token: Any) -> Credentials:
    company.iam("ada").deactivate_mfa_device(UserName="alice", SerialNumber=token.serial)
    signed_in: Credentials = company.signed_in("alice").credentials
    return signed_in


def in_role(company: Any, caller: Any, **mfa: str) -> Credentials:
    role = f"arn:aws:iam::{A}:role/operator"
    return Credentials.of(
        company.sts(caller).assume_role(RoleArn=role, RoleSessionName="monday", **mfa)
    )


KINDS: dict[str, tuple[Callable[[Any, Any], Credentials], tuple[bool, ...]]] = {
    "access keys": (lambda company, token: company.keys["alice"], ABSENT),
    "session": (lambda company, token: company.session("alice"), FALSE),
    "session with MFA": (lambda company, token: company.mfa_session(token), TRUE),
    "console with MFA": (by_code, TRUE),
    "console": (by_password, FALSE),
    "role": (lambda company, token: in_role(company, "alice"), FALSE),
    "role assumed with MFA": (
        lambda company, token: in_role(
            company, "alice", SerialNumber=token.serial, TokenCode=token.code()
        ),
        FALSE,
    ),
    "federated user": (
        lambda company, token: Credentials.of(
            company.sts("alice").get_federation_token(Name="fay", Policy=document(allow("*")))
        ),
        FALSE,
    ),
    "role assumed from a session with MFA": (
        lambda company, token: in_role(company, company.mfa_session(token)),
        FALSE,
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_keys_of_mfa_by_the_kind_of_credentials(
    company: Any, clock: Any, put: Any, end: Any, kind: str
) -> None:
    """Section by section: what the keys are, and what each operator makes of them."""
    arn = company.verifier.create_role(A, "operator", trusts=[f"arn:aws:iam::{A}:user/alice"]).name
    lines = [allow(f"x:Condition{n}", **when(*condition)) for n, condition in enumerate(CONDITIONS)]
    put("alice", *lines, allow("sts:GetFederationToken"))
    company.iam("ada").put_role_policy(
        RoleName=arn, PolicyName="all", PolicyDocument=document(*lines)
    )
    token = company.enrol()
    make, expected = KINDS[kind]
    credentials = make(company, token)
    clock.advance(60)
    held = tuple(end(credentials, f"x:Condition{n}", "*") == "" for n in range(len(CONDITIONS)))
    assert held == expected


OWN = "arn:aws:iam::*:user/${aws:username}"
EXCEPTED = [
    "iam:CreateVirtualMFADevice",
    "iam:EnableMFADevice",
    "iam:GetUser",
    "iam:ListMFADevices",
    "iam:ListVirtualMFADevices",
    "iam:ResyncMFADevice",
    "sts:GetSessionToken",
]
FORCE_MFA = [
    allow("iam:ListVirtualMFADevices"),
    allow(["iam:ChangePassword", "iam:GetUser"], OWN),
    allow("iam:CreateVirtualMFADevice", "arn:aws:iam::*:mfa/*"),
    allow(
        [
            "iam:DeactivateMFADevice",
            "iam:EnableMFADevice",
            "iam:ListMFADevices",
            "iam:ResyncMFADevice",
        ],
        OWN,
    ),
    {
        "Sid": "DenyAllExceptListedIfNoMFA",
        "Effect": "Deny",
        "NotAction": EXCEPTED,
        "Resource": "*",
        **when("BoolIfExists", PRESENT, "false"),
    },
]
DENIED = " with an explicit deny in an identity-based policy"


class TestForceMfa:
    """The policy that lets a user do nothing but enrol until MFA was proved."""

    def test_user_enrols_and_may_then_do_more(
        self, company: Any, clock: Any, put: Any, refused: Any
    ) -> None:
        put("alice", *FORCE_MFA)
        alice = company.iam("alice")
        with pytest.raises(ServiceError, match=DENIED):
            alice.change_password(OldPassword="alice pw", NewPassword="An0ther one!")
        token = company.create("phone", by="alice")
        company.enable(token, by="alice")
        assert company.serials() == [token.serial]
        assert alice.get_user()["User"]["UserName"] == "alice"
        with pytest.raises(ServiceError, match=DENIED):
            alice.deactivate_mfa_device(UserName="alice", SerialNumber=token.serial)
        clock.advance(60)
        proved = company.iam(company.mfa_session(token))
        proved.change_password(OldPassword="alice pw", NewPassword="An0ther one!")
        proved.deactivate_mfa_device(UserName="alice", SerialNumber=token.serial)
        with pytest.raises(ServiceError, match="because no identity-based policy allows"):
            proved.delete_virtual_mfa_device(SerialNumber=token.serial)

    def test_managed_policy_that_denies_is_named(self, company: Any, end: Any) -> None:
        ada = company.iam("ada")
        made = ada.create_policy(PolicyName="force", PolicyDocument=document(*FORCE_MFA))
        arn = made["Policy"]["Arn"]
        ada.attach_user_policy(UserName="alice", PolicyArn=arn)
        assert end(company.keys["alice"]) == f"{DENIED}: {arn}"
        ada.detach_user_policy(UserName="alice", PolicyArn=arn)
        ada.put_user_permissions_boundary(UserName="alice", PermissionsBoundary=arn)
        boundary = f" with an explicit deny in a permissions boundary: {arn}"
        assert end(company.keys["alice"]) == boundary

    def test_others_are_out_of_reach(self, company: Any, put: Any) -> None:
        put("alice", *FORCE_MFA)
        token = company.create("phone", by="alice")
        with pytest.raises(ServiceError, match="because no identity-based policy allows"):
            company.enable(token, user="bob", by="alice")

    def test_session_token_may_be_denied(self, company: Any, put: Any) -> None:
        """The API variant does not except it; without it no session with MFA is to be had."""
        variant = [each for each in EXCEPTED if each != "sts:GetSessionToken"]
        put("alice", *FORCE_MFA[:-1], FORCE_MFA[-1] | {"NotAction": variant})
        token = company.enrol()
        with pytest.raises(ServiceError, match=DENIED):
            company.mfa_session(token)

    @pytest.mark.parametrize(
        ("operator", "ends"),
        [
            ("BoolIfExists", (DENIED, DENIED, "")),
            ("Bool", ("", DENIED, "")),
        ],
    )
    def test_bool_leaks_long_term_keys(
        self, company: Any, put: Any, end: Any, operator: str, ends: tuple[str, ...]
    ) -> None:
        block = FORCE_MFA[-1] | when(operator, PRESENT, "false")
        put("alice", *FORCE_MFA[:-1], allow("s3:*"), block)
        token = company.enrol()
        each = (
            company.keys["alice"],
            company.session("alice"),
            company.mfa_session(token),
        )
        assert tuple(map(end, each)) == ends


@pytest.mark.parametrize("state", ["access keys", "session", "session with MFA"])
def test_simulator_says_what_is_decided(
    company: Any, clock: Any, put: Any, end: Any, state: str
) -> None:
    """With the keys of the same credentials as context, action by action."""
    put("alice", *FORCE_MFA, allow("s3:*", **when("NumericLessThan", AGE, "100")))
    token = company.enrol()
    credentials, mfa = {
        "access keys": (company.keys["alice"], {}),
        "session": (company.session("alice"), {PRESENT: "false"}),
        "session with MFA": (company.mfa_session(token), {PRESENT: "true", AGE: "60"}),
    }[state]
    clock.advance(60)
    user, device = f"arn:aws:iam::{A}:user/alice", token.serial
    for action, on in (
        *((action, user) for action in EXCEPTED[1:] if action.startswith("iam:")),
        ("iam:DeactivateMFADevice", user),
        ("iam:DeactivateMFADevice", f"arn:aws:iam::{A}:user/bob"),
        ("iam:DeleteVirtualMFADevice", device),
        ("iam:CreateVirtualMFADevice", device),
        ("iam:ChangePassword", user),
        ("s3:GetObject", BUCKET),
    ):
        said = company.iam("ada").simulate_principal_policy(
            PolicySourceArn=user,
            ActionNames=[action],
            ResourceArns=[on],
            ContextEntries=[
                {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
                for key, value in {"aws:username": "alice", **mfa}.items()
            ],
        )["EvaluationResults"][0]["EvalDecision"]
        decided = {"": "allowed", DENIED: "explicitDeny"}
        assert said == decided.get(end(credentials, action, on), "implicitDeny"), (action, on)


class TestScenarios:
    """Delegation in one account, across two, and by a resource's policy."""

    def test_some_actions_need_mfa(self, company: Any, put: Any, end: Any) -> None:
        machine = f"arn:aws:ec2:eu-west-1:{A}:instance/i-1"
        put("alice", allow("ec2:Describe*"), allow("ec2:TerminateInstances", **IF_MFA))
        token = company.enrol()
        for credentials in (company.keys["alice"], company.session("alice")):
            assert end(credentials, "ec2:DescribeInstances", "*") == ""
            assert end(credentials, "ec2:TerminateInstances", machine) == (
                " because no identity-based policy allows the ec2:TerminateInstances action"
            )
        assert end(company.mfa_session(token), "ec2:TerminateInstances", machine) == ""

    def test_role_of_another_account(
        self, company: Any, clock: Any, put: Any, end: Any, refused: Any
    ) -> None:
        company.verifier.create_account(B, root_email="b@example.com", root_password="root pw")
        role = company.verifier.role_arn(
            company.verifier.create_role(
                B, "visitor", trusts=[A], requires_mfa=True, mfa_max_age_s=3600
            )
        )
        asked = {"RoleArn": role, "RoleSessionName": "monday"}
        bare = (
            f"User: arn:aws:iam::{A}:user/alice is not authorized to perform: sts:AssumeRole "
            f"on resource: {role}"
        )
        token = company.enrol()
        proof = {"SerialNumber": token.serial, "TokenCode": token.code()}
        put("alice", allow("s3:*"))
        with pytest.raises(ServiceError, match="because no identity-based policy allows"):
            company.sts("alice").assume_role(**asked, **proof)
        put("alice", allow("sts:AssumeRole", role))
        with refused("AccessDenied", bare, 403):
            company.sts("alice").assume_role(**asked)
        visiting = Credentials.of(company.sts("alice").assume_role(**asked, **proof))
        assert end(visiting).startswith(" because no identity-based policy")
        session = company.mfa_session(token, step=1)
        clock.advance(3600)
        company.sts(session).assume_role(**asked)
        clock.advance(1)
        with refused("AccessDenied", bare, 403):
            company.sts(session).assume_role(**asked)

    def test_bucket_takes_sessions_with_mfa_and_no_roles(
        self, company: Any, put: Any, end: Any
    ) -> None:
        policy = json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": {
                    "Effect": "Allow",
                    "Principal": {"AWS": A},
                    "Action": "s3:*",
                    "Resource": "arn:aws:s3:::reports/*",
                    **IF_MFA,
                },
            }
        )
        other = {"resource_policy": policy, "resource_account": B}
        put("alice", allow(["s3:*", "sts:AssumeRole"]))
        company.verifier.create_role(
            A,
            "operator",
            trusts=[f"arn:aws:iam::{A}:user/alice"],
            policies=["arn:aws:iam::aws:policy/AdministratorAccess"],
        )
        token = company.enrol()
        no = " because no resource-based policy allows the s3:GetObject action"
        assert end(company.keys["alice"], **other) == no
        assert end(company.session("alice"), **other) == no
        assert end(company.mfa_session(token), **other) == ""
        proof = {"SerialNumber": token.serial, "TokenCode": token.code(1)}
        assert end(in_role(company, "alice", **proof), **other) == no

    @pytest.mark.parametrize(
        ("lines", "fresh", "stale"),
        [
            (
                [allow("s3:*", **when("NumericLessThan", AGE, "1800"))],
                "",
                " because no identity-based policy allows the s3:GetObject action",
            ),
            (
                [
                    allow("s3:*"),
                    allow("s3:*", **when("NumericGreaterThanIfExists", AGE, "1799"))
                    | {"Effect": "Deny"},
                ],
                "",
                DENIED,
            ),
        ],
    )
    def test_freshness(
        self,
        company: Any,
        clock: Any,
        put: Any,
        end: Any,
        lines: list[dict[str, Any]],
        fresh: str,
        stale: str,
    ) -> None:
        put("alice", *lines)
        session = company.mfa_session(company.enrol())
        clock.advance(1799)
        assert end(session) == fresh
        clock.advance(1)
        assert end(session) == stale

    def test_what_cannot_be_protected(self, company: Any, end: Any) -> None:
        """Root's own keys: no identity-based policy binds them."""
        company.keys["root"] = company.verifier.create_access_key(A)
        assert end(company.keys["root"]) == ""
