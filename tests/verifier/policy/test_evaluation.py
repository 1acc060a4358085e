"""The decision over all types of policies."""

import json
from typing import Any

import pytest

from mfalab.verifier.policy.documents import Document, Kind, parse
from mfalab.verifier.policy.evaluation import Decision, Policies, PolicyType, Request, evaluate
from mfalab.verifier.policy.matching import Principal

ALICE = Principal("arn:aws:iam::111122223333:user/alice", "111122223333")


def policy(*statements: dict[str, Any], kind: Kind = Kind.IDENTITY) -> Document:
    return parse(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}), kind)


ALL = policy({"Effect": "Allow", "Action": "*", "Resource": "*"})


def ask(policies: Policies, **context: str) -> tuple[Decision, PolicyType | None]:
    verdict = evaluate(policies, Request("iam:GetUser", ALICE.arn, ALICE, ALICE.account, context))
    return verdict.decision, verdict.type


def test_nothing_allows() -> None:
    assert ask(Policies()) == (Decision.IMPLICIT_DENY, PolicyType.IDENTITY)


def test_identity_policy_allows() -> None:
    assert ask(Policies([ALL])) == (Decision.ALLOWED, PolicyType.IDENTITY)


def test_statements_that_speak_of_the_request_are_told_by_type() -> None:
    """Of each type those that deny, or else those that allow."""
    policies = Policies(
        identity=[
            policy({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}),
            policy(
                {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
                {"Effect": "Allow", "Action": "iam:*", "Resource": "*"},
            ),
        ],
        resource=policy(
            {"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "*"},
            {"Effect": "Deny", "Action": "*", "Resource": "*", "Principal": "*"},
            kind=Kind.RESOURCE,
        ),
        boundary=ALL,
        session=[ALL],
    )
    verdict = evaluate(policies, Request("iam:GetUser", ALICE.arn, ALICE, ALICE.account, {}))
    assert (verdict.decision, verdict.type) == (Decision.EXPLICIT_DENY, PolicyType.RESOURCE)
    assert verdict.statements == (
        (PolicyType.RESOURCE, 0, 1),
        (PolicyType.IDENTITY, 1, 1),
        (PolicyType.BOUNDARY, 0, 0),
        (PolicyType.SESSION, 0, 0),
    )


class Counted(dict[str, str]):
    """A context that counts how often it is asked."""

    asked = 0

    def get(self, key: str, default: Any = None) -> Any:
        Counted.asked += 1
        return super().get(key, default)


@pytest.mark.parametrize("size", [1, 10, 100])
def test_cost_is_that_of_the_statements_about_the_action(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The condition of each is asked once; statements about other actions cost nothing."""
    about = {
        "Effect": "Allow",
        "Action": "iam:GetUser",
        "Resource": "*",
        "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    }
    others = about | {"Action": "s3:*"}
    document = policy(*[about, others, others] * size)
    (_, statement), *_ = document.about("iam:getuser")
    Counted.asked = 0
    context = Counted({"aws:multifactorauthpresent": "true"})
    assert all(each.applies([], context) for _, each in document.about("iam:getuser"))
    assert Counted.asked == size
    assert statement.allow


def test_managed_policy_that_denies_is_told() -> None:
    deny = policy({"Effect": "Deny", "Action": "*", "Resource": "*"})
    arns = {PolicyType.IDENTITY: [None, "arn:1", "arn:2"], PolicyType.BOUNDARY: ["arn:3"]}

    def denied_by(**policies: Any) -> str | None:
        request = Request("iam:GetUser", ALICE.arn, ALICE, ALICE.account, {})
        return evaluate(Policies(**policies, arns=arns), request).denied_by

    assert denied_by(identity=[ALL, deny, deny]) == "arn:1"
    assert denied_by(identity=[deny, deny]) is None
    assert denied_by(identity=[ALL], boundary=deny) == "arn:3"
    assert denied_by(identity=[ALL], session=[deny]) is None
    assert denied_by(identity=[]) is None
