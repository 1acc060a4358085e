"""The decision over all types of policies."""

import json
from typing import Any

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
