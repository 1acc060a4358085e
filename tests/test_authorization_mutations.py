"""The shipped suites notice a verifier whose rules for policies are broken, one at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mfalab.verifier import authorization, permissions, request_context, sts
from mfalab.verifier.policy import conditions, documents, matching
from mfalab.verifier.policy.evaluation import Decision, PolicyType, Verdict

pytestmark = pytest.mark.slow

Patch = pytest.MonkeyPatch


def explicit_deny_not_looked_at(patch: Patch) -> None:
    right = documents.Statement.applies
    patch.setattr(
        documents.Statement,
        "applies",
        lambda statement, *args: statement.allow and right(statement, *args),
    )


def absent_key_meets_every_condition(patch: Patch) -> None:
    patch.setattr(conditions._Comparison, "_absent", lambda _: True)


def absent_key_meets_no_condition(patch: Patch) -> None:
    patch.setattr(conditions._Comparison, "_absent", lambda _: False)


def one_condition_is_enough(patch: Patch) -> None:
    right = documents.Statement.applies

    def broken(statement: Any, *args: Any) -> Any:
        alone = [replace(statement, conditions=(each,)) for each in statement.conditions]
        return any(right(each, *args) for each in alone or [statement])

    patch.setattr(documents.Statement, "applies", broken)


def resource_not_looked_at(patch: Patch) -> None:
    patch.setattr(matching.Resources, "include", lambda *_: True)


def not_action_read_as_action(patch: Patch) -> None:
    def broken(document: Any, action: str) -> Any:
        return tuple(
            (n, each) for n, each in enumerate(document.statements) if each.actions.include(action)
        )

    patch.setattr(documents.Document, "about", broken)


def not_resource_read_as_resource(patch: Patch) -> None:
    right = documents.Statement.applies

    def broken(statement: Any, *args: Any) -> Any:
        return right(replace(statement, not_resource=False), *args)

    patch.setattr(documents.Statement, "applies", broken)


def external_id_not_looked_at(patch: Patch) -> None:
    right = conditions._Comparison.holds
    patch.setattr(
        conditions._Comparison,
        "holds",
        lambda line, context: line.key == "sts:externalid" or right(line, context),
    )


def groups_forgotten(patch: Patch) -> None:
    patch.setattr(permissions, "groups_of", lambda *_: [])


def trust_policy_not_looked_at(patch: Patch) -> None:
    patch.setattr(sts, "_authorize", lambda *_, **__: None)


def _verdict(patch: Patch, change: Callable[[Verdict], bool]) -> None:
    right = authorization.evaluate

    def broken(*args: Any) -> Verdict:
        said = right(*args)
        return replace(said, decision=Decision.ALLOWED) if change(said) else said

    patch.setattr(authorization, "evaluate", broken)


def what_no_policy_allows_is_allowed(patch: Patch) -> None:
    _verdict(patch, lambda said: said.decision is Decision.IMPLICIT_DENY)


def resource_of_another_account_needs_no_policy_of_its_own(patch: Patch) -> None:
    _verdict(
        patch,
        lambda said: said.decision is Decision.IMPLICIT_DENY and said.type is PolicyType.RESOURCE,
    )


def access_keys_say_that_there_was_no_mfa(patch: Patch) -> None:
    right = request_context.mfa_context

    def broken(*args: Any, **words: Any) -> Any:
        said = right(*args, **words)
        return replace(said, present=False) if said.present is None else said

    for module in (request_context, authorization):
        patch.setattr(module, "mfa_context", broken)


def age_of_mfa_never_grows(patch: Patch) -> None:
    right = request_context.mfa_context

    def broken(*args: Any, **words: Any) -> Any:
        said = right(*args, **words)
        return replace(said, age_s=0) if said.age_s else said

    for module in (request_context, authorization):
        patch.setattr(module, "mfa_context", broken)


BREAKS: list[tuple[Callable[[Patch], None], str]] = [
    (explicit_deny_not_looked_at, "groups-force-mfa"),
    (absent_key_meets_every_condition, "polic"),
    (absent_key_meets_no_condition, "polic"),
    (one_condition_is_enough, "polic"),
    (resource_not_looked_at, "own-folder"),
    (not_action_read_as_action, "groups-force-mfa"),
    (not_resource_read_as_resource, "own-folder"),
    (external_id_not_looked_at, "bucket-wants-mfa"),
    (groups_forgotten, "groups-force-mfa"),
    (trust_policy_not_looked_at, "role-wants-mfa"),
    (what_no_policy_allows_is_allowed, "polic"),
    (resource_of_another_account_needs_no_policy_of_its_own, "polic"),
    (access_keys_say_that_there_was_no_mfa, "sessions"),
    (age_of_mfa_never_grows, "mfa-too-long-ago"),
]
"""A break, and the scenario that is tried first."""


@pytest.mark.parametrize(
    ("break_it", "word"), BREAKS, ids=[break_it.__name__ for break_it, _ in BREAKS]
)
def test_verifier_with_a_broken_rule_for_policies_is_noticed(
    noticed: Callable[..., bool],
    monkeypatch: Patch,
    break_it: Callable[[Patch], None],
    word: str,
) -> None:
    assert noticed(monkeypatch, break_it, word), (
        f"no scenario fails with this break: {break_it.__name__.replace('_', ' ')}"
    )
