"""The engine against a second one, written for this test only, on small random policies.

No library of PyPI evaluates IAM policies and is alive (looked at in November 2026: the simulation
of principalmapper ended in 2022; policyuniverse, parliament and cloudsplaining read policies, and
do not decide). The reference knows regular expressions and compiles nothing.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mfalab.verifier.policy.documents import Document, Kind, parse
from mfalab.verifier.policy.evaluation import Policies, Request, evaluate
from mfalab.verifier.policy.matching import Principal

Line = dict[str, Any]
HOME, AWAY = "111122223333", "444455556666"
USER, ROLE = f"arn:aws:iam::{HOME}:user/ana", f"arn:aws:iam::{HOME}:role/ops"
SESSION, ROOT = f"arn:aws:sts::{HOME}:assumed-role/ops/may", f"arn:aws:iam::{HOME}:root"
WHO = {
    "user": Principal(USER, HOME),
    "session": Principal(SESSION, HOME, ROLE),
    "root": Principal(ROOT, HOME),
}

# -- the reference --


def like(pattern: str, text: str) -> bool:
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def met(operator: str, key: str, wanted: list[str], given_: dict[str, str]) -> bool:
    name = operator.removesuffix("IfExists")
    if name == "Null":
        return ("false" if key in given_ else "true") in wanted
    negated, name = "Not" in name, name.replace("Not", "")
    if key not in given_:
        return negated or operator.endswith("IfExists")
    value = given_[key]
    compare = {
        "StringEquals": lambda one: one == value,
        "StringLike": lambda one: like(one, value),
        "Bool": lambda one: one.lower() == value.lower(),
        "NumericEquals": lambda one: float(value) == float(one),
        "NumericLessThan": lambda one: float(value) < float(one),
        "NumericGreaterThanEquals": lambda one: float(value) >= float(one),
    }[name]
    try:
        return any(map(compare, wanted)) is not negated
    except ValueError:
        return negated


def speaks(line: Line, action: str, arn: str, given_: dict[str, str]) -> bool:
    def among(name: str, test: Any) -> bool:
        if f"Not{name}" in line:
            return not any(map(test, listed(line[f"Not{name}"])))
        return any(map(test, listed(line[name])))

    def covers(pattern: str) -> bool:
        pairs = zip(pattern.split(":", 5), arn.split(":", 5), strict=False)
        return pattern == "*" or (arn != "*" and all(like(*pair) for pair in pairs))

    return (
        among("Action", lambda one: like(one.lower(), action.lower()))
        and among("Resource", covers)
        and all(
            met(operator, key, listed(values), given_)
            for operator, tests in line.get("Condition", {}).items()
            for key, values in tests.items()
        )
    )


def decide(policies: dict[str, Any], who: str, owner: str, *request: Any) -> bool:
    said = {
        kind: [line for line in lines if speaks(line, *request)]
        for kind, lines in policies.items()
        if lines is not None
    }
    names = {
        "user": [USER, HOME],
        "session": [SESSION, ROLE, HOME],
        "root": [HOME],
    }[who]
    named: set[str] = set()
    if "resource" in said:
        said["resource"] = [
            line
            for line in said["resource"]
            if line["Principal"] == "*" or set(line["Principal"]["AWS"]) & {"*", *names}
        ]
        for line in said["resource"]:
            if line["Effect"] == "Allow":
                named |= {"*"} if line["Principal"] == "*" else set(line["Principal"]["AWS"])
    if any(line["Effect"] == "Deny" for lines in said.values() for line in lines):
        return False
    own = bool(said["identity"]) or who == "root"
    limits = all(said[kind] for kind in ("boundary", "session") if kind in said)
    direct = bool(named & {"*", names[0]})
    if owner != HOME:
        return own and limits and bool(named & {"*", *names})
    return direct or ((own or ROLE in named & set(names)) and limits)


# -- small policies about a small world --

ACTIONS = ["s3:GetObject", "S3:Get*", "s3:*", "s3:?*Object", "iam:*", "*", "sqs:Send?essage"]
ARNS = ["*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/x", "arn:aws:s3:::*", "arn:aws:s3:::?/?"]
KEYS = ["aws:MultiFactorAuthPresent", "aws:MultiFactorAuthAge", "aws:username"]
VALUES = ["true", "false", "10", "60", "ana", "a*", "b"]
OPERATORS = [
    name + suffix
    for name in (
        "StringEquals",
        "StringNotEquals",
        "StringLike",
        "StringNotLike",
        "Bool",
        "NumericEquals",
        "NumericNotEquals",
        "NumericLessThan",
        "NumericGreaterThanEquals",
    )
    for suffix in ("", "IfExists")
] + ["Null"]


def some(values: Sequence[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True)


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for operator in draw(st.lists(st.sampled_from(OPERATORS), max_size=2, unique=True)):
        values = VALUES
        if operator.startswith("Numeric"):
            values = ["10", "60"]
        elif operator.startswith(("Bool", "Null")):
            values = ["true", "false"]
        made[operator] = {draw(st.sampled_from(KEYS)): draw(some(values))}
    return made


@st.composite
def lines(draw: st.DrawFn, *, principals: bool = False) -> Line:
    line: Line = {
        "Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"])),
        draw(st.sampled_from(["Action", "Action", "NotAction"])): draw(some(ACTIONS)),
        draw(st.sampled_from(["Resource", "Resource", "NotResource"])): draw(some(ARNS)),
    }
    if draw(st.booleans()):
        line["Condition"] = draw(conditions())
    if principals:
        named = st.fixed_dictionaries({"AWS": some([USER, ROLE, SESSION, HOME, AWAY, "*"])})
        line["Principal"] = draw(st.one_of(st.just("*"), named, named, named))
    return line


def policy(*, optional: bool = False, principals: bool = False) -> st.SearchStrategy[Any]:
    made = st.lists(lines(principals=principals), min_size=1, max_size=3)
    return st.one_of(st.none(), made) if optional else made


REQUEST = st.tuples(
    st.sampled_from(["s3:GetObject", "s3:PutObject", "iam:GetUser", "sqs:SendMessage"]),
    st.sampled_from(["arn:aws:s3:::b/x", "arn:aws:s3:::b/xx", "arn:aws:s3:::c/x", "*"]),
    st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES)),
)
POLICIES = st.fixed_dictionaries(
    {
        "identity": policy(),
        "resource": policy(optional=True, principals=True),
        "boundary": policy(optional=True),
        "session": policy(optional=True),
    }
)


def document(given_: list[Line], kind: Kind) -> Document:
    return parse(json.dumps({"Version": "2012-10-17", "Statement": given_}), kind)


ANYTHING = [{"Effect": "Allow", "Action": ["*"], "Resource": ["*"]}]


@pytest.mark.slow
@settings(max_examples=600, derandomize=True)
@given(POLICIES, st.sampled_from(list(WHO)), st.sampled_from([HOME, AWAY]), REQUEST)
@example(
    {"identity": ANYTHING, "resource": None, "boundary": None, "session": None},
    "user",
    HOME,
    ("s3:GetObject", "*", {}),
)
def test_engine_and_reference_agree(
    policies: dict[str, Any], who: str, owner: str, request: tuple[str, str, dict[str, str]]
) -> None:
    action, arn, context = request
    resource, boundary, session = (policies[kind] for kind in ("resource", "boundary", "session"))
    verdict = evaluate(
        Policies(
            [document(policies["identity"], Kind.IDENTITY)],
            resource and document(resource, Kind.RESOURCE),
            boundary and document(boundary, Kind.MANAGED),
            session and [document(session, Kind.SESSION)],
        ),
        Request(action, arn, WHO[who], owner, context),
    )
    assert verdict.allowed is decide(policies, who, owner, action, arn, context)
