"""Actions, resources and principals."""

import pytest

from mfalab.verifier.policy.matching import (
    Actions,
    Principal,
    Principals,
    PrincipalType,
    Reach,
    Resources,
)
from mfalab.verifier.policy.patterns import arn_fields

ACCOUNT = "111122223333"
ALICE = Principal(f"arn:aws:iam::{ACCOUNT}:user/alice", ACCOUNT)
ROOT = Principal(f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)
ROLE = f"arn:aws:iam::{ACCOUNT}:role/ops/deploy"
SESSION = Principal(f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/monday", ACCOUNT, ROLE)
SERVICE = Principal("ec2.amazonaws.com", "", type=PrincipalType.SERVICE)
PROVIDER = Principal("accounts.google.com", "", type=PrincipalType.FEDERATED)


@pytest.mark.parametrize(
    ("names", "action", "included"),
    [
        (["iam:GetUser"], "iam:getuser", True),
        (["IAM:getuser"], "iam:getuser", True),
        (["iam:GetUser"], "iam:getusers", False),
        (["iam:Get*"], "iam:getuser", True),
        (["iam:*User"], "iam:getuser", True),
        (["iam:?etUser"], "iam:getuser", True),
        (["iam:Get*"], "iam:listusers", False),
        (["iam:*"], "sts:getuser", False),
        (["*"], "iam:getuser", True),
        (["*:*"], "iam:getuser", True),
        (["s3:*", "iam:GetUser"], "iam:getuser", True),
        (["iam:${aws:username}"], "iam:alice", False),
    ],
)
def test_actions(names: list[str], action: str, included: bool) -> None:
    assert Actions(names).include(action) is included


@pytest.mark.parametrize(
    ("arns", "arn", "included"),
    [
        (["*"], "*", True),
        (["*"], ALICE.arn, True),
        (["arn:aws:iam::*:user/*"], "*", False),
        (["arn:aws:iam::*:user/*"], ALICE.arn, True),
        (["arn:aws:iam::*:role/*", "arn:aws:iam::*:user/*"], ALICE.arn, True),
        (["arn:aws:iam::*:user/${aws:username}"], ALICE.arn, None),
        (["arn:aws:iam::*:user/${aws:username}", "arn:aws:iam::*:user/a*"], ALICE.arn, True),
        (["arn:aws:iam::*:user/${aws:username}"], "arn:aws:s3:::b", False),
    ],
)
def test_resources(arns: list[str], arn: str, included: bool | None) -> None:
    assert Resources(arns, variables=True).include(arn_fields(arn), {}) is included


def named(type_: PrincipalType = PrincipalType.AWS, *values: str) -> Principals:
    return Principals({type_: frozenset(values)})


AWS = PrincipalType.AWS


@pytest.mark.parametrize(
    ("principals", "principal", "reach"),
    [
        (Principals(None), ALICE, Reach.DIRECT),
        (Principals(None), SERVICE, Reach.DIRECT),
        (named(AWS, "*"), ALICE, Reach.DIRECT),
        (named(AWS, "*"), SERVICE, Reach.NONE),
        (named(AWS, ALICE.arn), ALICE, Reach.DIRECT),
        (named(AWS, ALICE.arn), ROOT, Reach.NONE),
        (named(AWS, ACCOUNT), ALICE, Reach.ACCOUNT),
        (named(AWS, ACCOUNT), SESSION, Reach.ACCOUNT),
        (named(AWS, ACCOUNT), ROOT, Reach.DIRECT),
        (named(AWS, "444455556666"), ALICE, Reach.NONE),
        (named(AWS, ROLE), SESSION, Reach.ISSUER),
        (named(AWS, SESSION.arn), SESSION, Reach.DIRECT),
        (named(AWS, SESSION.arn, ROLE, ACCOUNT), SESSION, Reach.DIRECT),
        (named(AWS, ROLE), ALICE, Reach.NONE),
        (named(PrincipalType.SERVICE, SERVICE.arn), SERVICE, Reach.DIRECT),
        (named(PrincipalType.SERVICE, "lambda.amazonaws.com"), SERVICE, Reach.NONE),
        (named(PrincipalType.FEDERATED, PROVIDER.arn), PROVIDER, Reach.DIRECT),
        (named(PrincipalType.SERVICE, PROVIDER.arn), PROVIDER, Reach.NONE),
    ],
)
def test_reach(principals: Principals, principal: Principal, reach: Reach) -> None:
    assert principals.reach(principal) is reach


@pytest.mark.parametrize(
    ("principals", "principal", "spared"),
    [
        (Principals(None), ALICE, True),
        (named(AWS, "*"), ALICE, True),
        (named(AWS, ALICE.arn), ALICE, False),
        (named(AWS, ACCOUNT), ALICE, False),
        (named(AWS, ALICE.arn, ACCOUNT), ALICE, True),
        (named(AWS, ALICE.arn, ACCOUNT), SESSION, False),
        (named(AWS, SESSION.arn, ACCOUNT), SESSION, False),
        (named(AWS, SESSION.arn, ROLE, ACCOUNT), SESSION, True),
        (named(AWS, ACCOUNT), ROOT, True),
        (named(AWS, ACCOUNT), SERVICE, False),
        (named(PrincipalType.SERVICE, SERVICE.arn), SERVICE, True),
    ],
)
def test_not_principal_spares_who_is_named_by_all_names(
    principals: Principals, principal: Principal, spared: bool
) -> None:
    assert principals.spare(principal) is spared
