"""Requests and what AWS's documents say of them: one row each, with the end of the refusal's text.

Sources: IAM User Guide (policy evaluation logic, cross-account evaluation, MFA-protected API
access, condition operators, policy variables, NotPrincipal, session policies), reworded, with names
of our own. The rows about MFA follow its condition keys as each kind of credentials has them.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from mfalab.verifier.policy.denial import ending
from mfalab.verifier.policy.documents import Document, Kind, parse
from mfalab.verifier.policy.evaluation import Policies, Request, evaluate
from mfalab.verifier.policy.matching import Principal, PrincipalType

HOME, AWAY, THIRD = "111122223333", "444455556666", "777788889999"


def user(name: str, account: str = HOME) -> Principal:
    return Principal(f"arn:aws:iam::{account}:user/{name}", account)


def session(role: str, account: str = HOME, name: str = "monday") -> Principal:
    return Principal(
        f"arn:aws:sts::{account}:assumed-role/{role}/{name}",
        account,
        f"arn:aws:iam::{account}:role/{role}",
    )


ANA, BEN, DORA = user("ana"), user("ben"), user("dora", AWAY)
ROOT = Principal(f"arn:aws:iam::{HOME}:root", HOME)
FAR_ROOT = Principal(f"arn:aws:iam::{AWAY}:root", AWAY)
DEPLOY = session("deploy")
FEDERATED = Principal(f"arn:aws:sts::{HOME}:federated-user/fay", HOME, ANA.arn)
EC2 = Principal("ec2.amazonaws.com", "", type=PrincipalType.SERVICE)

LONG_TERM: dict[str, str] = {}
"""What MFA's condition keys are with access keys: absent."""
NO_MFA = {"aws:MultiFactorAuthPresent": "false"}
"""With GetSessionToken without a code, AssumeRole's credentials, or the console without MFA."""


def mfa(age: int = 60) -> dict[str, str]:
    """With GetSessionToken and a code, or in the console after a second page."""
    return {"aws:MultiFactorAuthPresent": "true", "aws:MultiFactorAuthAge": str(age)}


Line = dict[str, Any]


def allow(action: str | list[str], on: str | list[str] | None = "*", **more: Any) -> Line:
    return {"Effect": "Allow", "Action": action} | ({"Resource": on} if on else {}) | more


def deny(action: str | list[str], on: str | list[str] | None = "*", **more: Any) -> Line:
    return allow(action, on, **more) | {"Effect": "Deny"}


def when(operator: str, key: str, value: Any) -> dict[str, Any]:
    return {"Condition": {operator: {key: value}}}


def to(*arns: str) -> dict[str, Any]:
    return {"Principal": {"AWS": list(arns)}}


PRESENT, AGE = "aws:MultiFactorAuthPresent", "aws:MultiFactorAuthAge"
IF_MFA = when("Bool", PRESENT, "true")

OK = None
NO_IDENTITY = "because no identity-based policy allows the {} action"
NO_RESOURCE = "because no resource-based policy allows the {} action"
NO_BOUNDARY = "because no permissions boundary allows the {} action"
NO_SESSION = "because no session policy allows the {} action"
NO_TRUST = ""
DENIED = "with an explicit deny in an identity-based policy"
DENIED_BY_RESOURCE = "with an explicit deny in a resource-based policy"
DENIED_BY_BOUNDARY = "with an explicit deny in a permissions boundary"
DENIED_BY_SESSION = "with an explicit deny in a session policy"
DENIED_BY_TRUST = "with an explicit deny in the role trust policy"


@dataclass
class Row:
    """One request, the policies that apply, and the end of the text: None if it is allowed."""

    says: str | None
    identity: Iterable[Line] = ()
    action: str = "s3:GetObject"
    on: str = "arn:aws:s3:::reports/may"
    who: Principal = ANA
    given: dict[str, Any] = field(default_factory=dict)
    resource: Iterable[Line] | None = None
    trust: Iterable[Line] | None = None
    boundary: Iterable[Line] | None = None
    session: Iterable[Line] | None = None
    owner: str = HOME
    version: str = "2012-10-17"

    def _document(self, lines: Iterable[Line], kind: Kind) -> Document:
        text = json.dumps({"Version": self.version, "Statement": list(lines)})
        return parse(text, kind)

    def check(self) -> None:
        documents = [self._document([line], Kind.IDENTITY) for line in self.identity]
        resource = None
        if self.resource is not None:
            resource = self._document(self.resource, Kind.RESOURCE)
        if self.trust is not None:
            resource = self._document(self.trust, Kind.TRUST)
        policies = Policies(
            documents,
            resource,
            None if self.boundary is None else self._document(self.boundary, Kind.MANAGED),
            None if self.session is None else [self._document(self.session, Kind.SESSION)],
        )
        verdict = evaluate(
            policies, Request(self.action, self.on, self.who, self.owner, self.given)
        )
        end = None if verdict.allowed else ending(verdict, self.action)
        wanted = self.says
        if wanted:
            wanted = " " + wanted.format(self.action)
        assert end == wanted


# -- what the operators make of the keys of MFA: rows of three, for access keys, without and with --

STATES = {"long-term": LONG_TERM, "without": NO_MFA, "with": mfa()}
OPERATORS = {
    ("Bool", PRESENT, "true"): (False, False, True),
    ("Bool", PRESENT, "false"): (False, True, False),
    ("BoolIfExists", PRESENT, "true"): (True, False, True),
    ("BoolIfExists", PRESENT, "false"): (True, True, False),
    ("Null", PRESENT, "true"): (True, False, False),
    ("Null", PRESENT, "false"): (False, True, True),
    ("Null", AGE, "true"): (True, True, False),
    ("Null", AGE, "false"): (False, False, True),
    ("NumericLessThan", AGE, "3600"): (False, False, True),
    ("NumericLessThanEquals", AGE, "60"): (False, False, True),
    ("NumericLessThan", AGE, "60"): (False, False, False),
    ("NumericLessThanIfExists", AGE, "60"): (True, True, False),
    ("NumericGreaterThan", AGE, "30"): (False, False, True),
    ("NumericGreaterThanIfExists", AGE, "30"): (True, True, True),
    ("NumericGreaterThanIfExists", AGE, "1800"): (True, True, False),
    ("StringEquals", PRESENT, "true"): (False, False, True),
    ("StringNotEquals", PRESENT, "true"): (True, True, False),
    ("Bool", PRESENT, True): (False, False, True),
    ("Bool", PRESENT, False): (False, True, False),
    ("NumericLessThan", AGE, 3600): (False, False, True),
}


def operators() -> Iterator[tuple[str, Row]]:
    for (operator, key, value), verdicts in OPERATORS.items():
        line = when(operator, key, value)
        for (state, given), holds in zip(STATES.items(), verdicts, strict=True):
            name = f"{operator} {key.removeprefix('aws:MultiFactorAuth')} {value!r}, {state}"
            yield (
                f"Allow {name}",
                Row(OK if holds else NO_IDENTITY, [allow("s3:*", **line)], given=given),
            )
            yield (
                f"Deny {name}",
                Row(DENIED if holds else OK, [allow("*"), deny("s3:*", **line)], given=given),
            )


# -- the policies of the pages about MFA --

STOP = allow(["ec2:Stop*", "ec2:Terminate*"], **IF_MFA)
OPERATOR = [allow(["ec2:Describe*", "ec2:RunInstances"]), STOP]
MACHINE = f"arn:aws:ec2:eu-west-1:{HOME}:instance/i-1"
TRUST_AWAY = [allow("sts:AssumeRole", None, **to(AWAY), **IF_MFA)]
MAY_ASSUME = [allow("sts:AssumeRole", f"arn:aws:iam::{HOME}:role/deploy")]
DEPLOY_ARN = f"arn:aws:iam::{HOME}:role/deploy"
BUCKET = [
    allow(
        ["s3:PutObject", "s3:DeleteObject"],
        "arn:aws:s3:::reports/*",
        **to(HOME, AWAY, THIRD),
        **IF_MFA,
    )
]
WRITES = [allow("s3:*", "arn:aws:s3:::reports/*")]


def assume(says: str | None, who: Principal = DORA, **more: Any) -> Row:
    return Row(says, action="sts:AssumeRole", on=DEPLOY_ARN, who=who, **more)


def put(says: str | None, who: Principal, given: dict[str, str], lines: list[Line]) -> Row:
    return Row(says, lines, "s3:PutObject", who=who, given=given, resource=BUCKET)


MFA_PAGES = {
    "look at machines with access keys": Row(OK, OPERATOR, "ec2:DescribeInstances", "*"),
    "start a machine with access keys": Row(OK, OPERATOR, "ec2:RunInstances", MACHINE),
    "stop a machine with access keys": Row(NO_IDENTITY, OPERATOR, "ec2:StopInstances", MACHINE),
    "stop a machine without MFA": Row(
        NO_IDENTITY, OPERATOR, "ec2:StopInstances", MACHINE, given=NO_MFA
    ),
    "stop a machine with MFA": Row(OK, OPERATOR, "ec2:StopInstances", MACHINE, given=mfa()),
    "end a machine with MFA": Row(OK, OPERATOR, "ec2:TerminateInstances", MACHINE, given=mfa()),
    "reboot a machine with MFA": Row(
        NO_IDENTITY, OPERATOR, "ec2:RebootInstances", MACHINE, given=mfa()
    ),
    "role of another account, no MFA": assume(NO_TRUST, identity=MAY_ASSUME, trust=TRUST_AWAY),
    "role of another account, session without": assume(
        NO_TRUST, identity=MAY_ASSUME, trust=TRUST_AWAY, given=NO_MFA
    ),
    "role of another account, MFA": assume(OK, identity=MAY_ASSUME, trust=TRUST_AWAY, given=mfa(0)),
    "role of another account, MFA, no policy": assume(NO_IDENTITY, trust=TRUST_AWAY, given=mfa(0)),
    "role of another account, a user of a third": assume(
        NO_TRUST, user("eve", THIRD), identity=MAY_ASSUME, trust=TRUST_AWAY, given=mfa(0)
    ),
    "role of another account, from a role without MFA": assume(
        NO_TRUST, session("ci", AWAY), identity=MAY_ASSUME, trust=TRUST_AWAY, given=NO_MFA
    ),
    "fresh role, in time": assume(
        OK,
        identity=MAY_ASSUME,
        trust=[allow("sts:AssumeRole", None, **to(AWAY), **when("NumericLessThan", AGE, "3600"))],
        given=mfa(3599),
    ),
    "fresh role, at the limit": assume(
        NO_TRUST,
        identity=MAY_ASSUME,
        trust=[allow("sts:AssumeRole", None, **to(AWAY), **when("NumericLessThan", AGE, "3600"))],
        given=mfa(3600),
    ),
    "fresh role, long-term keys": assume(
        NO_TRUST,
        identity=MAY_ASSUME,
        trust=[allow("sts:AssumeRole", None, **to(AWAY), **when("NumericLessThan", AGE, "3600"))],
    ),
    "bucket, own account, MFA": put(OK, ANA, mfa(), WRITES),
    "bucket, own account, no policy of one's own": put(NO_IDENTITY, ANA, mfa(), []),
    "bucket, own account, own policy does without MFA": put(OK, ANA, NO_MFA, WRITES),
    "bucket, other account, MFA": put(OK, DORA, mfa(), WRITES),
    "bucket, other account, access keys": put(NO_RESOURCE, DORA, LONG_TERM, WRITES),
    "bucket, other account, session without MFA": put(NO_RESOURCE, DORA, NO_MFA, WRITES),
    "bucket, other account, role": put(NO_RESOURCE, session("ci", AWAY), NO_MFA, WRITES),
    "bucket, other account, no policy of one's own": put(NO_IDENTITY, DORA, mfa(), []),
    "bucket, other account, another action": Row(
        NO_RESOURCE, WRITES, "s3:GetObject", who=DORA, given=mfa(), resource=BUCKET
    ),
    "bucket denies without MFA": Row(
        DENIED_BY_RESOURCE,
        WRITES,
        given=NO_MFA,
        resource=[
            deny("s3:*", Principal="*", **when("BoolIfExists", PRESENT, "false")),
        ],
    ),
    "bucket denies without MFA, met": Row(
        OK,
        WRITES,
        given=mfa(),
        resource=[
            deny("s3:*", Principal="*", **when("BoolIfExists", PRESENT, "false")),
        ],
    ),
    "bucket denies when the code is old": Row(
        DENIED_BY_RESOURCE,
        WRITES,
        given=mfa(1801),
        resource=[deny("s3:*", Principal="*", **when("NumericGreaterThanIfExists", AGE, 1800))],
    ),
    "bucket denies when the code is old, fresh": Row(
        OK,
        WRITES,
        given=mfa(1800),
        resource=[deny("s3:*", Principal="*", **when("NumericGreaterThanIfExists", AGE, 1800))],
    ),
    "bucket denies root, too": Row(
        DENIED_BY_RESOURCE,
        who=ROOT,
        resource=[deny("s3:*", Principal="*", **when("Null", AGE, "true"))],
    ),
}

# -- the policy that forces MFA, and its variants: action, then the three states --

OWN = "arn:aws:iam::*:user/${aws:username}"
SELF_MANAGEMENT = [
    allow(["iam:GetAccountPasswordPolicy", "iam:ListVirtualMFADevices"]),
    allow(["iam:ChangePassword", "iam:GetUser"], OWN),
    allow(["iam:CreateAccessKey", "iam:DeleteAccessKey", "iam:ListAccessKeys"], OWN),
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
]
EXCEPTED = [
    "iam:CreateVirtualMFADevice",
    "iam:EnableMFADevice",
    "iam:GetUser",
    "iam:ListMFADevices",
    "iam:ListVirtualMFADevices",
    "iam:ResyncMFADevice",
    "sts:GetSessionToken",
]


def block(excepted: list[str]) -> Line:
    return {
        "Sid": "DenyAllExceptListedIfNoMFA",
        "Effect": "Deny",
        "NotAction": excepted,
        "Resource": "*",
        **when("BoolIfExists", PRESENT, "false"),
    }


DEVICE = f"arn:aws:iam::{HOME}:mfa/ana-phone"
FORCED: dict[tuple[str, str], tuple[str | None, str | None]] = {
    ("iam:CreateVirtualMFADevice", DEVICE): (OK, OK),
    ("iam:EnableMFADevice", ANA.arn): (OK, OK),
    ("iam:ListMFADevices", ANA.arn): (OK, OK),
    ("iam:ResyncMFADevice", ANA.arn): (OK, OK),
    ("iam:ListVirtualMFADevices", "*"): (OK, OK),
    ("iam:GetUser", ANA.arn): (OK, OK),
    ("iam:DeactivateMFADevice", ANA.arn): (DENIED, OK),
    ("iam:DeleteVirtualMFADevice", DEVICE): (DENIED, NO_IDENTITY),
    ("iam:ChangePassword", ANA.arn): (DENIED, OK),
    ("iam:CreateAccessKey", ANA.arn): (DENIED, OK),
    ("iam:GetAccountPasswordPolicy", "*"): (DENIED, OK),
    ("iam:EnableMFADevice", BEN.arn): (NO_IDENTITY, NO_IDENTITY),
    ("iam:DeactivateMFADevice", BEN.arn): (DENIED, NO_IDENTITY),
    ("s3:ListAllMyBuckets", "*"): (DENIED, NO_IDENTITY),
    ("sts:GetSessionToken", "*"): (NO_IDENTITY, NO_IDENTITY),
}
API_VARIANT = [
    allow(["iam:ListUsers", "iam:ListVirtualMFADevices"]),
    allow("iam:CreateVirtualMFADevice", "arn:aws:iam::*:mfa/*"),
    allow(["iam:EnableMFADevice", "iam:ListMFADevices", "iam:ResyncMFADevice"], OWN),
    allow("iam:DeactivateMFADevice", OWN, **IF_MFA),
    block(
        [
            "iam:CreateVirtualMFADevice",
            "iam:EnableMFADevice",
            "iam:ListMFADevices",
            "iam:ListUsers",
            "iam:ListVirtualMFADevices",
            "iam:ResyncMFADevice",
        ]
    ),
]
API_FORCED: dict[tuple[str, str], tuple[str | None, str | None]] = {
    ("iam:ListUsers", "*"): (OK, OK),
    ("iam:EnableMFADevice", ANA.arn): (OK, OK),
    ("iam:ResyncMFADevice", ANA.arn): (OK, OK),
    ("iam:DeactivateMFADevice", ANA.arn): (DENIED, OK),
    ("iam:DeactivateMFADevice", BEN.arn): (DENIED, NO_IDENTITY),
    ("iam:GetUser", ANA.arn): (DENIED, NO_IDENTITY),
    ("sts:GetSessionToken", "*"): (DENIED, NO_IDENTITY),
}
RESYNC_VARIANT = [
    allow(["iam:ListVirtualMFADevices"]),
    allow(["iam:ListMFADevices", "iam:ResyncMFADevice", "iam:EnableMFADevice"], OWN),
    block(["iam:ListMFADevices", "iam:ListVirtualMFADevices", "iam:ResyncMFADevice"]),
]
RESYNC_FORCED: dict[tuple[str, str], tuple[str | None, str | None]] = {
    ("iam:ResyncMFADevice", ANA.arn): (OK, OK),
    ("iam:ListMFADevices", ANA.arn): (OK, OK),
    ("iam:EnableMFADevice", ANA.arn): (DENIED, OK),
}
LEAKY = [*SELF_MANAGEMENT, block(EXCEPTED) | when("Bool", PRESENT, "false")]
"""With Bool in place of BoolIfExists, access keys slip through."""
NULL_DENY = [*SELF_MANAGEMENT, block(EXCEPTED) | when("Null", PRESENT, "true")]
"""With Null, sessions without MFA slip through."""


def forced() -> Iterator[tuple[str, Row]]:
    variants = {
        "force MFA": ([*SELF_MANAGEMENT, block(EXCEPTED)], FORCED),
        "force MFA, API": (API_VARIANT, API_FORCED),
        "force MFA, resync": (RESYNC_VARIANT, RESYNC_FORCED),
    }
    for variant, (lines, verdicts) in variants.items():
        for (action, on), (without, with_) in verdicts.items():
            for state, given in STATES.items():
                says = with_ if state == "with" else without
                # Each of the policies above has an allow of its own for what is on one's user.
                row = Row(says, lines, action, on, given={"aws:username": "ana"} | given)
                yield f"{variant}: {action} on {on.rpartition(':')[2]}, {state}", row
    for name, lines, verdicts3 in (
        ("Bool leaks", LEAKY, (OK, DENIED, OK)),
        ("Null leaks", NULL_DENY, (DENIED, OK, OK)),
    ):
        for (state, given), says in zip(STATES.items(), verdicts3, strict=True):
            row = Row(
                says,
                lines,
                "iam:ChangePassword",
                ANA.arn,
                given={"aws:username": "ana"} | given,
            )
            yield f"force MFA, {name}: {state}", row


# -- the evaluation logic: one account --

READS = [allow("s3:GetObject")]
NOTHING: list[Line] = [allow("sqs:*")]
"""A policy that says nothing of the request."""
FORBIDS = [allow("*"), deny("s3:GetObject")]


def open_to(*arns: str) -> list[Line]:
    return [allow("s3:GetObject", **to(*arns))]


ONE_ACCOUNT = {
    "nothing": Row(NO_IDENTITY),
    "root": Row(OK, who=ROOT),
    "root of another account": Row(NO_RESOURCE, who=FAR_ROOT),
    "identity allows": Row(OK, READS),
    "identity silent": Row(NO_IDENTITY, NOTHING),
    "one of several allows": Row(OK, [*NOTHING, *READS]),
    "identity denies": Row(DENIED, FORBIDS),
    "deny comes first": Row(DENIED, [deny("s3:*"), *READS]),
    "identity and resource allow": Row(OK, READS, resource=open_to(ANA.arn)),
    "only the resource allows": Row(OK, resource=open_to(ANA.arn)),
    "only the identity allows": Row(OK, READS, resource=open_to(BEN.arn)),
    "neither allows": Row(NO_IDENTITY, NOTHING, resource=open_to(BEN.arn)),
    "identity denies, resource allows": Row(DENIED, FORBIDS, resource=open_to(ANA.arn)),
    "identity allows, resource denies": Row(
        DENIED_BY_RESOURCE, READS, resource=[deny("s3:*", **to(ANA.arn))]
    ),
    "resource denies another": Row(OK, READS, resource=[deny("s3:*", **to(BEN.arn))]),
    "resource denies the account": Row(
        DENIED_BY_RESOURCE, READS, resource=[deny("s3:*", **to(HOME))]
    ),
    "resource allows the account": Row(NO_IDENTITY, NOTHING, resource=open_to(HOME)),
    "resource allows everyone": Row(OK, NOTHING, resource=[allow("s3:GetObject", Principal="*")]),
    "resource allows every principal": Row(OK, NOTHING, resource=open_to("*")),
    "resource allows another resource": Row(
        NO_IDENTITY, resource=[allow("s3:GetObject", "arn:aws:s3:::other/*", **to(ANA.arn))]
    ),
    "boundary allows": Row(OK, READS, boundary=READS),
    "boundary silent": Row(NO_BOUNDARY, READS, boundary=NOTHING),
    "boundary denies": Row(DENIED_BY_BOUNDARY, READS, boundary=FORBIDS),
    "boundary grants nothing": Row(NO_IDENTITY, boundary=READS),
    "boundary does not limit what a user is given by name": Row(
        OK, NOTHING, resource=open_to(ANA.arn), boundary=NOTHING
    ),
    "user named, then the account": Row(
        OK, NOTHING, resource=[*open_to(ANA.arn), *open_to(HOME)], boundary=NOTHING
    ),
    "boundary's deny limits that, too": Row(
        DENIED_BY_BOUNDARY, resource=open_to(ANA.arn), boundary=FORBIDS
    ),
    "boundary limits what the account is given": Row(
        NO_BOUNDARY, READS, resource=open_to(HOME), boundary=NOTHING
    ),
    "role: identity allows": Row(OK, READS, who=DEPLOY),
    "role: nothing allows": Row(NO_IDENTITY, NOTHING, who=DEPLOY),
    "role: session allows": Row(OK, READS, who=DEPLOY, session=READS),
    "role: session silent": Row(NO_SESSION, READS, who=DEPLOY, session=NOTHING),
    "role: session denies": Row(DENIED_BY_SESSION, READS, who=DEPLOY, session=FORBIDS),
    "role: session grants nothing": Row(NO_IDENTITY, NOTHING, who=DEPLOY, session=READS),
    "role: boundary before session": Row(
        NO_BOUNDARY, READS, who=DEPLOY, boundary=NOTHING, session=NOTHING
    ),
    "role: all three": Row(OK, READS, who=DEPLOY, boundary=READS, session=READS),
    # "Resource-based policies and implicit denies in other policy types", row by row.
    "role named: identity silent": Row(OK, NOTHING, who=DEPLOY, resource=open_to(DEPLOY_ARN)),
    "role named: boundary silent": Row(
        NO_BOUNDARY, NOTHING, who=DEPLOY, resource=open_to(DEPLOY_ARN), boundary=NOTHING
    ),
    "role named: session silent": Row(
        NO_SESSION,
        NOTHING,
        who=DEPLOY,
        resource=open_to(DEPLOY_ARN),
        boundary=READS,
        session=NOTHING,
    ),
    "role named: limits allow": Row(
        OK,
        NOTHING,
        who=DEPLOY,
        resource=open_to(DEPLOY_ARN),
        boundary=READS,
        session=READS,
    ),
    "session named: all silent": Row(
        OK,
        NOTHING,
        who=DEPLOY,
        resource=open_to(DEPLOY.arn),
        boundary=NOTHING,
        session=NOTHING,
    ),
    "session named: session denies": Row(
        DENIED_BY_SESSION, who=DEPLOY, resource=open_to(DEPLOY.arn), session=FORBIDS
    ),
    "another session named": Row(
        NO_IDENTITY, who=DEPLOY, resource=open_to(session("deploy", name="friday").arn)
    ),
    "everyone, by the role's ARN as condition": Row(
        OK,
        NOTHING,
        who=DEPLOY,
        given={"aws:PrincipalArn": DEPLOY_ARN},
        resource=[
            allow(
                "s3:GetObject", Principal="*", **when("ArnEquals", "aws:PrincipalArn", DEPLOY_ARN)
            )
        ],
        boundary=NOTHING,
    ),
    "user named: all silent": Row(OK, NOTHING, resource=open_to(ANA.arn), boundary=NOTHING),
    "federated: no session policy": Row(NO_SESSION, READS, who=FEDERATED),
    "federated: session allows": Row(OK, READS, who=FEDERATED, session=READS),
    "federated: user may not": Row(NO_IDENTITY, NOTHING, who=FEDERATED, session=READS),
    "federated named: all silent": Row(
        OK, NOTHING, who=FEDERATED, resource=open_to(FEDERATED.arn), session=NOTHING
    ),
    "federated: user named, session silent": Row(
        NO_SESSION, NOTHING, who=FEDERATED, resource=open_to(ANA.arn), session=NOTHING
    ),
    "federated: user named, session allows": Row(
        OK, NOTHING, who=FEDERATED, resource=open_to(ANA.arn), session=READS
    ),
    "root with a task's session policy": Row(OK, who=ROOT, session=READS),
    "root beyond a task's session policy": Row(NO_SESSION, who=ROOT, session=NOTHING),
    # The page's example of a bucket of one's own, and buckets of logs that are denied.
    "logs denied": Row(
        DENIED,
        [
            allow("s3:*", ["arn:aws:s3:::ana/*", "arn:aws:s3:::ana"]),
            deny("s3:*", "arn:aws:s3:::*log*"),
        ],
        on="arn:aws:s3:::ana-logs/may",
    ),
    "own bucket": Row(
        OK,
        [
            allow("s3:*", ["arn:aws:s3:::ana/*", "arn:aws:s3:::ana"]),
            deny("s3:*", "arn:aws:s3:::*log*"),
        ],
        on="arn:aws:s3:::ana/may",
        resource=[allow("s3:*", "arn:aws:s3:::ana/*", **to(ANA.arn))],
    ),
    "IAM's reads allowed": Row(
        OK, [allow(["iam:Get*", "iam:List*"]), deny("iam:*Report")], "iam:GetUser", ANA.arn
    ),
    "IAM's writes not mentioned": Row(
        NO_IDENTITY,
        [allow(["iam:Get*", "iam:List*"]), deny("iam:*Report")],
        "iam:CreatePolicy",
        f"arn:aws:iam::{HOME}:policy/p",
    ),
    "IAM's reports denied": Row(
        DENIED,
        [allow(["iam:Get*", "iam:List*"]), deny("iam:*Report"), allow("iam:*")],
        "iam:GenerateCredentialReport",
        "*",
    ),
}

# -- two accounts --

ACROSS = {
    "both allow": Row(OK, READS, who=DORA, resource=open_to(DORA.arn)),
    "both allow, by account": Row(OK, READS, who=DORA, resource=open_to(AWAY)),
    "identity silent": Row(NO_IDENTITY, NOTHING, who=DORA, resource=open_to(DORA.arn)),
    "resource silent": Row(NO_RESOURCE, READS, who=DORA, resource=open_to(ANA.arn)),
    "no resource policy": Row(NO_RESOURCE, READS, who=DORA),
    "everyone": Row(OK, READS, who=DORA, resource=open_to("*")),
    "everyone, identity silent": Row(NO_IDENTITY, who=DORA, resource=open_to("*")),
    "identity denies": Row(DENIED, FORBIDS, who=DORA, resource=open_to(DORA.arn)),
    "resource denies": Row(
        DENIED_BY_RESOURCE,
        READS,
        who=DORA,
        resource=[*open_to(DORA.arn), deny("*", **to(AWAY))],
    ),
    "boundary silent": Row(
        NO_BOUNDARY, READS, who=DORA, resource=open_to(DORA.arn), boundary=NOTHING
    ),
    "role": Row(
        OK,
        READS,
        who=session("ci", AWAY),
        resource=open_to(f"arn:aws:iam::{AWAY}:role/ci"),
    ),
    "role, identity silent": Row(
        NO_IDENTITY,
        NOTHING,
        who=session("ci", AWAY),
        resource=open_to(f"arn:aws:iam::{AWAY}:role/ci"),
    ),
    "role, session silent": Row(
        NO_SESSION,
        READS,
        who=session("ci", AWAY),
        resource=open_to(session("ci", AWAY).arn),
        session=NOTHING,
    ),
    "root of the other account": Row(OK, who=FAR_ROOT, resource=open_to(AWAY)),
    "a user of the same name": Row(
        NO_RESOURCE, READS, who=user("ana", AWAY), resource=open_to(ANA.arn)
    ),
}

# -- trust policies --


def trusts(*arns: str, **more: Any) -> list[Line]:
    return [allow("sts:AssumeRole", None, **to(*arns), **more)]


TRUST = {
    "trusts the user": assume(OK, ANA, trust=trusts(ANA.arn)),
    "trusts another user": assume(NO_TRUST, ANA, identity=MAY_ASSUME, trust=trusts(BEN.arn)),
    "trusts another user, no policy": assume(NO_TRUST, ANA, trust=trusts(BEN.arn)),
    "trusts the account": assume(OK, ANA, identity=MAY_ASSUME, trust=trusts(HOME)),
    "trusts the account, no policy": assume(NO_IDENTITY, ANA, trust=trusts(HOME)),
    "trusts the account by its root": assume(OK, ANA, identity=MAY_ASSUME, trust=trusts(ROOT.arn)),
    "trusts the user, identity denies": assume(
        DENIED, ANA, identity=[deny("sts:*")], trust=trusts(ANA.arn)
    ),
    "denies the user": assume(
        DENIED_BY_TRUST,
        ANA,
        identity=MAY_ASSUME,
        trust=[*trusts(HOME), deny("sts:AssumeRole", None, **to(ANA.arn))],
    ),
    "trusts an administrator's account": assume(OK, ANA, identity=[allow("*")], trust=trusts(HOME)),
    "an administrator is not trusted": assume(
        NO_TRUST, ANA, identity=[allow("*")], trust=trusts(BEN.arn)
    ),
    "other account, by user": assume(OK, identity=MAY_ASSUME, trust=trusts(DORA.arn)),
    "other account, by user, no policy": assume(NO_IDENTITY, trust=trusts(DORA.arn)),
    "chained": assume(
        OK, session("ci"), identity=MAY_ASSUME, trust=trusts(f"arn:aws:iam::{HOME}:role/ci")
    ),
    "chained by session": assume(OK, session("ci"), trust=trusts(session("ci").arn)),
    "external id": assume(
        OK,
        identity=MAY_ASSUME,
        trust=trusts(AWAY, **when("StringEquals", "sts:ExternalId", "x-12")),
        given={"sts:ExternalId": "x-12"},
    ),
    "wrong external id": assume(
        NO_TRUST,
        identity=MAY_ASSUME,
        trust=trusts(AWAY, **when("StringEquals", "sts:ExternalId", "x-12")),
        given={"sts:ExternalId": "x-13"},
    ),
    "no external id": assume(
        NO_TRUST,
        identity=MAY_ASSUME,
        trust=trusts(AWAY, **when("StringEquals", "sts:ExternalId", "x-12")),
    ),
    "a service": assume(
        OK,
        EC2,
        trust=[allow("sts:AssumeRole", None, Principal={"Service": "ec2.amazonaws.com"})],
    ),
    "another service": assume(
        NO_TRUST,
        EC2,
        trust=[allow("sts:AssumeRole", None, Principal={"Service": "lambda.amazonaws.com"})],
    ),
    "a user where a service is trusted": assume(
        NO_TRUST,
        ANA,
        identity=MAY_ASSUME,
        trust=[allow("sts:AssumeRole", None, Principal={"Service": "ec2.amazonaws.com"})],
    ),
    "boundary silent": assume(
        NO_BOUNDARY, ANA, identity=MAY_ASSUME, trust=trusts(HOME), boundary=NOTHING
    ),
    "session silent": assume(
        NO_SESSION,
        session("ci"),
        identity=MAY_ASSUME,
        trust=trusts(HOME),
        session=NOTHING,
    ),
}

# -- elements: NotAction, NotResource, NotPrincipal, variables, versions --


def negative(name: str, values: Any, effect: str = "Allow", **more: Any) -> Line:
    line: Line = {"Effect": effect, "Action": "s3:*", "Resource": "*", **more}
    del line[name.removeprefix("Not")]
    return line | {name: values}


ELEMENTS = {
    "NotAction allows others": Row(OK, [negative("NotAction", "iam:*")]),
    "NotAction does not allow its own": Row(NO_IDENTITY, [negative("NotAction", "s3:Get*")]),
    "NotAction denies others": Row(
        DENIED, [allow("*"), negative("NotAction", ["iam:*", "sts:*"], "Deny")]
    ),
    "NotAction spares its own": Row(OK, [allow("*"), negative("NotAction", "s3:*", "Deny")]),
    "NotResource allows others": Row(OK, [negative("NotResource", "arn:aws:s3:::secret/*")]),
    "NotResource does not allow its own": Row(
        NO_IDENTITY, [negative("NotResource", ["arn:aws:s3:::reports/*"])]
    ),
    "NotResource denies others": Row(
        DENIED, [allow("*"), negative("NotResource", "arn:aws:s3:::secret/*", "Deny")]
    ),
    "NotResource spares its own": Row(
        OK, [allow("*"), negative("NotResource", "arn:aws:s3:::reports/*", "Deny")]
    ),
    "NotResource with an absent variable": Row(
        OK, [allow("*"), negative("NotResource", "arn:aws:s3:::${aws:username}/*", "Deny")]
    ),
    "NotPrincipal denies others": Row(
        DENIED_BY_RESOURCE,
        READS,
        resource=[deny("s3:*", NotPrincipal={"AWS": [BEN.arn, HOME]})],
    ),
    "NotPrincipal spares user and account": Row(
        OK, READS, resource=[deny("s3:*", NotPrincipal={"AWS": [ANA.arn, HOME]})]
    ),
    "NotPrincipal wants the account, too": Row(
        DENIED_BY_RESOURCE, READS, resource=[deny("s3:*", NotPrincipal={"AWS": ANA.arn})]
    ),
    "NotPrincipal spares session, role and account": Row(
        OK,
        READS,
        who=DEPLOY,
        resource=[deny("s3:*", NotPrincipal={"AWS": [DEPLOY.arn, DEPLOY_ARN, HOME]})],
    ),
    "NotPrincipal wants the role, too": Row(
        DENIED_BY_RESOURCE,
        READS,
        who=DEPLOY,
        resource=[deny("s3:*", NotPrincipal={"AWS": [DEPLOY.arn, HOME]})],
    ),
    "action in another case": Row(OK, [allow("S3:getobject")]),
    "resource in another case": Row(NO_IDENTITY, [allow("s3:*", "arn:aws:s3:::Reports/*")]),
    "action on no resource needs the star": Row(
        NO_IDENTITY, [allow("s3:*", "arn:aws:s3:::*")], "s3:ListAllMyBuckets", "*"
    ),
    "action on no resource": Row(OK, [allow("s3:*")], "s3:ListAllMyBuckets", "*"),
    "own home": Row(
        OK,
        [allow("s3:*", "arn:aws:s3:::home/${aws:username}/*")],
        on="arn:aws:s3:::home/ana/x",
        given={"aws:username": "ana"},
    ),
    "another's home": Row(
        NO_IDENTITY,
        [allow("s3:*", "arn:aws:s3:::home/${aws:username}/*")],
        on="arn:aws:s3:::home/ben/x",
        given={"aws:username": "ana"},
    ),
    "a role has no user name": Row(
        NO_IDENTITY,
        [allow("s3:*", "arn:aws:s3:::home/${aws:username}/*")],
        on="arn:aws:s3:::home/ana/x",
        who=DEPLOY,
    ),
    "a role may have a default": Row(
        OK,
        [allow("s3:*", "arn:aws:s3:::home/${aws:username, 'common'}/*")],
        on="arn:aws:s3:::home/common/x",
        who=DEPLOY,
    ),
    "old version has no variables": Row(
        NO_IDENTITY,
        [allow("s3:*", "arn:aws:s3:::home/${aws:username}/*")],
        on="arn:aws:s3:::home/ana/x",
        given={"aws:username": "ana"},
        version="2008-10-17",
    ),
    "old version takes them as text": Row(
        OK,
        [allow("s3:*", "arn:aws:s3:::home/${aws:username}/*")],
        on="arn:aws:s3:::home/${aws:username}/x",
        version="2008-10-17",
    ),
    "prefix of one's own": Row(
        OK,
        [
            allow(
                "s3:ListBucket",
                "arn:aws:s3:::home",
                **when("StringLike", "s3:prefix", ["", "${aws:username}/*"]),
            )
        ],
        "s3:ListBucket",
        "arn:aws:s3:::home",
        given={"aws:username": "ana", "s3:prefix": "ana/may"},
    ),
    "prefix of another": Row(
        NO_IDENTITY,
        [
            allow(
                "s3:ListBucket",
                "arn:aws:s3:::home",
                **when("StringLike", "s3:prefix", ["", "${aws:username}/*"]),
            )
        ],
        "s3:ListBucket",
        "arn:aws:s3:::home",
        given={"aws:username": "ana", "s3:prefix": "ben/may"},
    ),
    "empty prefix": Row(
        OK,
        [
            allow(
                "s3:ListBucket",
                "arn:aws:s3:::home",
                **when("StringLike", "s3:prefix", ["", "${aws:username}/*"]),
            )
        ],
        "s3:ListBucket",
        "arn:aws:s3:::home",
        given={"aws:username": "ana", "s3:prefix": ""},
    ),
    "team by tag": Row(
        OK,
        [
            allow(
                "ec2:*",
                **when("StringEquals", "aws:ResourceTag/team", "${aws:PrincipalTag/team}"),
            )
        ],
        "ec2:StopInstances",
        MACHINE,
        given={"aws:resourcetag/team": "red", "aws:principaltag/team": "red"},
    ),
    "another team": Row(
        NO_IDENTITY,
        [
            allow(
                "ec2:*",
                **when("StringEquals", "aws:ResourceTag/team", "${aws:PrincipalTag/team}"),
            )
        ],
        "ec2:StopInstances",
        MACHINE,
        given={"aws:ResourceTag/team": "red", "aws:PrincipalTag/team": "blue"},
    ),
    "key names in any case": Row(
        OK, [allow("*", **when("Bool", "AWS:multifactorauthpresent", "true"))], given=mfa()
    ),
    "all of several operators": Row(
        OK,
        [
            allow(
                "*",
                Condition={
                    "Bool": {PRESENT: "true"},
                    "NumericLessThan": {AGE: "3600"},
                    "IpAddress": {"aws:SourceIp": "203.0.113.0/24"},
                },
            )
        ],
        given=mfa() | {"aws:SourceIp": "203.0.113.9"},
    ),
    "all but one of several operators": Row(
        NO_IDENTITY,
        [
            allow(
                "*",
                Condition={
                    "Bool": {PRESENT: "true"},
                    "NumericLessThan": {AGE: "3600"},
                    "IpAddress": {"aws:SourceIp": "203.0.113.0/24"},
                },
            )
        ],
        given=mfa() | {"aws:SourceIp": "198.51.100.9"},
    ),
    "all of several keys": Row(
        NO_IDENTITY,
        [allow("*", Condition={"StringEquals": {"aws:username": "ana", "aws:userid": "A1"}})],
        given={"aws:username": "ana", "aws:userid": "A2"},
    ),
    "an empty condition": Row(OK, [allow("*", Condition={})]),
    "tag keys all known": Row(
        OK,
        [
            allow(
                "iam:TagUser",
                **when("ForAllValues:StringEquals", "aws:TagKeys", ["team", "cost"]),
            )
        ],
        "iam:TagUser",
        ANA.arn,
        given={"aws:TagKeys": ("team",)},
    ),
    "tag keys not all known": Row(
        NO_IDENTITY,
        [
            allow(
                "iam:TagUser",
                **when("ForAllValues:StringEquals", "aws:TagKeys", ["team", "cost"]),
            )
        ],
        "iam:TagUser",
        ANA.arn,
        given={"aws:TagKeys": ("team", "rank")},
    ),
    "no tag keys at all": Row(
        OK,
        [allow("*", **when("ForAllValues:StringEquals", "aws:TagKeys", ["team", "cost"]))],
    ),
    "any forbidden tag key": Row(
        DENIED,
        [allow("*"), deny("*", **when("ForAnyValue:StringEquals", "aws:TagKeys", ["rank"]))],
        given={"aws:TagKeys": ("team", "rank")},
    ),
    "before a date": Row(
        OK,
        [allow("*", **when("DateLessThan", "aws:CurrentTime", "2026-12-01T00:00:00Z"))],
        given={"aws:CurrentTime": "2026-11-27T09:00:00Z"},
    ),
    "after a date": Row(
        NO_IDENTITY,
        [allow("*", **when("DateLessThan", "aws:CurrentTime", "2026-11-01T00:00:00Z"))],
        given={"aws:CurrentTime": "2026-11-27T09:00:00Z"},
    ),
    "credentials issued before a date": Row(
        DENIED,
        [
            allow("*"),
            deny("*", **when("DateLessThan", "aws:TokenIssueTime", "2026-11-27T09:00:00Z")),
        ],
        given={"aws:TokenIssueTime": "2026-11-27T08:59:59Z"},
    ),
    "credentials that were never issued": Row(
        OK,
        [
            allow("*"),
            deny("*", **when("DateLessThan", "aws:TokenIssueTime", "2026-11-27T09:00:00Z")),
        ],
    ),
}


def table() -> Iterator[tuple[str, Row]]:
    yield from operators()
    yield from forced()
    for chapter, rows in (
        ("MFA", MFA_PAGES),
        ("one account", ONE_ACCOUNT),
        ("two accounts", ACROSS),
        ("trust", TRUST),
        ("elements", ELEMENTS),
    ):
        for name, row in rows.items():
            yield f"{chapter}: {name}", row


TABLE = list(table())


@pytest.mark.parametrize("row", [row for _, row in TABLE], ids=[name for name, _ in TABLE])
def test_row(row: Row) -> None:
    row.check()


def test_table_is_long_and_names_each_row_once() -> None:
    assert len(TABLE) >= 150
    assert len({name for name, _ in TABLE}) == len(TABLE)
