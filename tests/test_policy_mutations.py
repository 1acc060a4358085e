"""The shipped suites notice a verifier that reads policies wrongly, one rule at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mfalab.verifier import authorization, permissions, request_context, sts
from mfalab.verifier.policy import conditions, patterns
from mfalab.verifier.policy.documents import Document, Kind, Statement, parse
from mfalab.verifier.policy.evaluation import Decision, Policies, PolicyType, Request, Verdict
from mfalab.verifier.policy.matching import Resources
from support.breaks import Break, Patch, each

pytestmark = pytest.mark.slow

EVERYTHING = parse(
    '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}', Kind.IDENTITY
)


# -- statements --


def absent_key_meets_any_condition(patch: Patch) -> None:
    patch.setattr(conditions._Comparison, "_absent", lambda _: True)


def if_exists_not_read(patch: Patch) -> None:
    patch.setattr(conditions._Comparison, "_absent", lambda self: self.negated)


def false_taken_for_absent(patch: Patch) -> None:
    def broken(self: Any, context: Any) -> bool:
        return (context.get(self.key, "false") == "false") in self.wanted

    patch.setattr(conditions._Presence, "holds", broken)


def conditions_not_looked_at(patch: Patch) -> None:
    patch.setattr(conditions._Comparison, "holds", lambda *_: True)


def denies_not_looked_at(patch: Patch) -> None:
    right = Statement.applies
    patch.setattr(Statement, "applies", lambda self, *request: self.allow and right(self, *request))


def not_action_read_as_action(patch: Patch) -> None:
    def broken(self: Document, action: str) -> list[tuple[int, Statement]]:
        found = enumerate(self.statements)
        return [(n, each) for n, each in found if each.actions.include(action)]

    patch.setattr(Document, "about", broken)


def resources_not_looked_at(patch: Patch) -> None:
    patch.setattr(Resources, "include", lambda *_: True)


def variable_stands_for_anything(patch: Patch) -> None:
    def broken(pattern: Any, _: Any) -> Any:
        return tuple(
            patterns.Wild.MANY if isinstance(token, patterns.Variable) else token
            for token in pattern
        )

    patch.setattr(patterns, "resolved", broken)


def absent_key_meets_no_condition(patch: Patch) -> None:
    patch.setattr(conditions._Comparison, "_absent", lambda _: False)


def one_condition_is_enough(patch: Patch) -> None:
    right = Statement.applies

    def broken(statement: Any, *args: Any) -> Any:
        alone = [replace(statement, conditions=(each,)) for each in statement.conditions]
        return any(right(each, *args) for each in alone or [statement])

    patch.setattr(Statement, "applies", broken)


def not_resource_read_as_resource(patch: Patch) -> None:
    right = Statement.applies

    def broken(statement: Any, *args: Any) -> Any:
        return right(replace(statement, not_resource=False), *args)

    patch.setattr(Statement, "applies", broken)


def external_id_not_looked_at(patch: Patch) -> None:
    right = conditions._Comparison.holds
    patch.setattr(
        conditions._Comparison,
        "holds",
        lambda line, context: line.key == "sts:externalid" or right(line, context),
    )


# -- the decision --


def _decision(patch: Patch, change: Callable[[Policies, Request], Policies]) -> None:
    right = authorization.evaluate
    patch.setattr(
        authorization,
        "evaluate",
        lambda policies, request: right(change(policies, request), request),
    )


def _in_own_account(patch: Patch, kind: Kind) -> None:
    right = authorization.evaluate

    def broken(policies: Policies, request: Request) -> Any:
        if policies.resource is not None and policies.resource.kind is kind:
            policies = replace(policies, resource=None)
            request = replace(request, resource_account=request.principal.account)
        return right(policies, request)

    patch.setattr(authorization, "evaluate", broken)


def trust_policy_need_not_allow(patch: Patch) -> None:
    _in_own_account(patch, Kind.TRUST)


def resource_of_another_account_need_not_allow(patch: Patch) -> None:
    _in_own_account(patch, Kind.RESOURCE)


def callers_account_need_not_allow(patch: Patch) -> None:
    _decision(
        patch,
        lambda policies, _: (
            policies if policies.resource is None else replace(policies, identity=(EVERYTHING,))
        ),
    )


def root_bound_by_nothing(patch: Patch) -> None:
    _decision(
        patch,
        lambda policies, request: (
            replace(policies, resource=None) if request.principal.root else policies
        ),
    )


def groups_have_no_policies(patch: Patch) -> None:
    patch.setattr(permissions, "groups_of", lambda *_: [])


def refusal_does_not_say_why(patch: Patch) -> None:
    patch.setattr(authorization, "ending", lambda *_: "")


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


BREAKS: list[tuple[Break, str]] = [
    (absent_key_meets_any_condition, "conditions-on-mfa"),
    (if_exists_not_read, "conditions-on-mfa"),
    (false_taken_for_absent, "conditions-on-mfa"),
    (conditions_not_looked_at, "conditions-on-mfa"),
    (denies_not_looked_at, "groups-force-mfa"),
    (not_action_read_as_action, "force-mfa-self-management"),
    (resources_not_looked_at, "both-accounts-must-allow"),
    (variable_stands_for_anything, "force-mfa-self-management"),
    (trust_policy_need_not_allow, "role-wants-mfa"),
    (resource_of_another_account_need_not_allow, "bucket-wants-mfa"),
    (callers_account_need_not_allow, "both-accounts-must-allow"),
    (root_bound_by_nothing, "roots-keys-are-bound-by-resources-only"),
    (groups_have_no_policies, "groups-force-mfa"),
    (refusal_does_not_say_why, "force-mfa-self-management"),
    (absent_key_meets_no_condition, "polic"),
    (one_condition_is_enough, "polic"),
    (not_resource_read_as_resource, "own-folder"),
    (external_id_not_looked_at, "bucket-wants-mfa"),
    (trust_policy_not_looked_at, "role-wants-mfa"),
    (what_no_policy_allows_is_allowed, "polic"),
    (resource_of_another_account_needs_no_policy_of_its_own, "polic"),
    (access_keys_say_that_there_was_no_mfa, "sessions"),
    (age_of_mfa_never_grows, "mfa-too-long-ago"),
]
"""A break, and the scenario that is tried first."""


@each(BREAKS)
def test_misread_policies_are_noticed(
    notice: Callable[[Break, str], None], break_it: Break, word: str
) -> None:
    notice(break_it, word)
