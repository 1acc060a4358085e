# ruff: noqa: N803 - parameters are named as boto3 names them
"""The policy simulator: what policies would say, and what they ask of a request.

Nothing is taken from the caller's own session: a key that a policy looks at, and that is not
given, is absent, and is told of as a missing context value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Unpack

from mfalab.verifier import names, permissions, refusals
from mfalab.verifier.authorization import Door, Target
from mfalab.verifier.calls import Call, Paging, on_everything, operation, target_user
from mfalab.verifier.errors import ServiceError
from mfalab.verifier.iam.caller import ForCaller
from mfalab.verifier.iam.paging import page
from mfalab.verifier.iam.targets import target_group, target_role
from mfalab.verifier.policy.documents import Document, Kind, parse
from mfalab.verifier.policy.evaluation import (
    Decision,
    Match,
    Policies,
    PolicyType,
    Request,
    Verdict,
    evaluate,
)
from mfalab.verifier.policy.matching import Principal
from mfalab.verifier.policy.patterns import ARN_FIELDS
from mfalab.verifier.policy.positions import spans
from mfalab.verifier.records import Attachment, Identity, InlinePolicy, Role, UserGroup


@dataclass(frozen=True)
class _Source:
    """A policy that takes part, under the name that the answer calls it by."""

    id: str
    text: str
    kind: Kind
    partition: str

    @cached_property
    def document(self) -> Document:
        try:
            return parse(self.text, self.kind, self.partition)
        except ServiceError as malformed:
            reason = " ".join([malformed.message, *getattr(malformed, "__notes__", ())])
            raise refusals.invalid_policy_input(self.id, reason) from None

    def entry(self, statement: int) -> dict[str, Any]:
        """A statement as the answer shows it."""
        start, end = spans(self.text)[statement]
        resource = self.kind in {Kind.RESOURCE, Kind.TRUST}
        return {
            "SourcePolicyId": self.id,
            "SourcePolicyType": "Resource Policy" if resource else "IAM Policy",
            "StartPosition": {"Line": start.line, "Column": start.column},
            "EndPosition": {"Line": end.line, "Column": end.column},
        }


@dataclass(frozen=True)
class _Simulation:
    """The policies and the circumstances that stay the same for all actions and resources."""

    caller: Principal
    identity: Sequence[_Source]
    boundary: _Source | None
    resource: _Source | None
    owner: str
    context: Mapping[str, str | tuple[str, ...]]

    @cached_property
    def policies(self) -> Policies:
        return Policies(
            [source.document for source in self.identity],
            self.resource.document if self.resource else None,
            self.boundary.document if self.boundary else None,
        )

    @cached_property
    def missing(self) -> list[str]:
        """The condition keys that the policies look at and that were not given."""
        sources = [*self.identity, *filter(None, (self.boundary, self.resource))]
        given = {key.lower() for key in self.context}
        return [key for key in _key_names(sources) if key.lower() not in given]

    def result(self, action: str, arns: Sequence[str]) -> dict[str, Any]:
        """What the policies say of one action on all resources, and on each."""
        simulation = self
        if action.lower().startswith("sts:assume"):
            # The simulator reads a role's trust policy and leaves it out (aws-cli issue 10314).
            simulation = replace(self, resource=None)
        if arns == ["*"]:
            verdict = simulation.verdict(action, "*")
            return {
                "EvalActionName": action,
                "EvalResourceName": "*",
                "EvalDecision": verdict.decision.value,
                "MatchedStatements": simulation.entries(verdict),
                "MissingContextValues": simulation.missing,
                **simulation.within_boundary(action, "*"),
            }
        each = [simulation.on_resource(action, arn) for arn in arns]
        decisions = [one["EvalResourceDecision"] for one in each]
        details: dict[str, str] = {}
        for one in each:
            for kind, decision in one.get("EvalDecisionDetails", {}).items():
                details[kind] = _strictest([decision, details.get(kind, decision)])
        return {
            "EvalActionName": action,
            "EvalResourceName": arns[0] if len(arns) == 1 else "*",
            "EvalDecision": _strictest(decisions),
            "MatchedStatements": _distinct(one["MatchedStatements"] for one in each),
            "MissingContextValues": simulation.missing,
            "EvalDecisionDetails": details,
            "ResourceSpecificResults": each,
        }

    def on_resource(self, action: str, arn: str) -> dict[str, Any]:
        verdict = self.verdict(action, arn)
        result: dict[str, Any] = {
            "EvalResourceName": arn,
            "EvalResourceDecision": verdict.decision.value,
            "MatchedStatements": self.entries(verdict),
            **self.within_boundary(action, arn),
        }
        if self.missing:
            result["MissingContextValues"] = self.missing
        if self.resource is not None and self._owner_of(arn) != self.caller.account:
            result["EvalDecisionDetails"] = self._by_type(action, arn)
        return result

    def verdict(self, action: str, arn: str) -> Verdict:
        return evaluate(self.policies, self._request(action, arn))

    def entries(self, verdict: Verdict) -> list[dict[str, Any]]:
        """The statements of a verdict, but for those of a boundary."""
        return [
            self._source(match).entry(match.statement)
            for match in verdict.statements
            if match.type is not PolicyType.BOUNDARY
        ]

    def within_boundary(self, action: str, arn: str) -> dict[str, Any]:
        if self.boundary is None:
            return {}
        verdict = self._alone(self.boundary.document, action, arn)
        return {
            "PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": verdict.allowed}
        }

    def _source(self, match: Match) -> _Source:
        source = self.identity[match.policy] if match.type is PolicyType.IDENTITY else self.resource
        assert source is not None
        return source

    def _request(self, action: str, arn: str) -> Request:
        return Request(action, arn, self.caller, self._owner_of(arn), self.context)

    def _owner_of(self, arn: str) -> str:
        """The account that a resource belongs to; only a resource policy makes it matter."""
        if self.resource is None:
            return self.caller.account
        fields = arn.split(":", ARN_FIELDS - 1)
        return fields[4] if len(fields) == ARN_FIELDS and fields[4] else self.owner

    def _alone(self, document: Document, action: str, arn: str) -> Verdict:
        """What a document says as an identity-based policy."""
        request = Request(action, arn, self.caller, self.caller.account, self.context)
        return evaluate(Policies([document]), request)

    def _by_type(self, action: str, arn: str) -> dict[str, str]:
        """What each type of policy says by itself, across accounts."""
        assert self.resource is not None
        request = self._request(action, arn)
        anything = parse(_ANYTHING, Kind.IDENTITY)
        own = evaluate(
            replace(self.policies, resource=None),
            replace(request, resource_account=self.caller.account),
        )
        others = evaluate(Policies([anything], self.resource.document), request)
        return {
            "IAM Policy": own.decision.value,
            "Resource Policy": others.decision.value,
        }


_ANYTHING = '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'


def _on_source(call: Call, parameters: Mapping[str, Any]) -> Target:
    """Authorised on the entity; of another account, which is refused later, on everything."""
    arn: str = parameters["PolicySourceArn"]
    own = f":{call.caller.account.id}:" in arn
    return Target(arn if own else "*")


class Simulation(ForCaller):
    """The policy simulator."""

    @operation("SimulateCustomPolicy", Door.IAM, on_everything)
    def simulate_custom_policy(
        self,
        call: Call,
        *,
        PolicyInputList: Sequence[str],
        ActionNames: Sequence[str],
        PermissionsBoundaryPolicyInputList: Sequence[str] | None = None,
        ResourceArns: Sequence[str] | None = None,
        ResourcePolicy: str | None = None,
        ResourceOwner: str | None = None,
        CallerArn: str | None = None,
        ContextEntries: Sequence[Mapping[str, Any]] | None = None,
        **paging: Unpack[Paging],
    ) -> dict[str, Any]:
        """What given policies say of actions on resources."""
        boundary = _given_boundary(call, PermissionsBoundaryPolicyInputList)
        caller = _simulated_caller(call, CallerArn, ResourcePolicy)
        simulation = _simulation(
            call,
            caller,
            _inputs(call, PolicyInputList),
            boundary,
            ResourcePolicy,
            ResourceOwner,
            ContextEntries,
        )
        return _answer(simulation, ActionNames, ResourceArns, paging)

    @operation("SimulatePrincipalPolicy", Door.IAM, _on_source)
    def simulate_principal_policy(
        self,
        call: Call,
        *,
        PolicySourceArn: str,
        ActionNames: Sequence[str],
        PolicyInputList: Sequence[str] | None = None,
        PermissionsBoundaryPolicyInputList: Sequence[str] | None = None,
        ResourceArns: Sequence[str] | None = None,
        ResourcePolicy: str | None = None,
        ResourceOwner: str | None = None,
        CallerArn: str | None = None,
        ContextEntries: Sequence[Mapping[str, Any]] | None = None,
        **paging: Unpack[Paging],
    ) -> dict[str, Any]:
        """What the policies of a user, a group or a role, and given ones, say."""
        entity = _entity(call, PolicySourceArn)
        boundary = _given_boundary(call, PermissionsBoundaryPolicyInputList)
        if boundary is None:
            boundary = _own_boundary(call, entity)
        caller = _simulated_caller(call, CallerArn or PolicySourceArn, ResourcePolicy)
        sources = [*_attached(call, entity), *_inputs(call, PolicyInputList or ())]
        simulation = _simulation(
            call, caller, sources, boundary, ResourcePolicy, ResourceOwner, ContextEntries
        )
        return _answer(simulation, ActionNames, ResourceArns, paging)

    @operation("GetContextKeysForCustomPolicy", Door.IAM, on_everything)
    def get_context_keys_for_custom_policy(
        self, call: Call, *, PolicyInputList: Sequence[str]
    ) -> dict[str, Any]:
        """The condition keys that given policies look at."""
        return {"ContextKeyNames": _key_names(_inputs(call, PolicyInputList))}

    @operation("GetContextKeysForPrincipalPolicy", Door.IAM, _on_source)
    def get_context_keys_for_principal_policy(
        self, call: Call, *, PolicySourceArn: str, PolicyInputList: Sequence[str] | None = None
    ) -> dict[str, Any]:
        """The condition keys that the policies of a user, a group or a role look at."""
        entity = _entity(call, PolicySourceArn)
        sources = [*_attached(call, entity), *_inputs(call, PolicyInputList or ())]
        return {"ContextKeyNames": _key_names(sources)}


# Policies that take part


def _inputs(call: Call, texts: Iterable[str]) -> list[_Source]:
    partition = call.caller.account.partition
    return [
        _Source(f"PolicyInputList.{n}", text, Kind.IDENTITY, partition)
        for n, text in enumerate(texts, 1)
    ]


def _attached(call: Call, entity: Identity | UserGroup | Role) -> Iterator[_Source]:
    """The policies of an entity, and of the groups of a user."""
    partition = call.caller.account.partition
    holders: list[tuple[str, str, str]] = []
    if isinstance(entity, Identity):
        holders.append(("user", entity.name, entity.id))
        for group_id in permissions.groups_of(call.tx, entity.id):
            group = call.tx.get(UserGroup, group_id)
            assert group is not None, f"{group_id} has members and is gone"
            holders.append(("group", group.name, group_id))
    else:
        kind = "role" if isinstance(entity, Role) else "group"
        holders.append((kind, entity.name, entity.id))
    for kind, name, owner_id in holders:
        for inline in call.tx.find(InlinePolicy, owner_id=owner_id):
            yield _Source(f"{kind}_{name}_{inline.name}", inline.document, Kind.IDENTITY, partition)
        for attachment in call.tx.find(Attachment, owner_id=owner_id):
            yield _managed(call, attachment.policy_arn)


def _managed(call: Call, arn: str) -> _Source:
    account = call.caller.account
    policy = permissions.managed_policy(call.tx, account, arn)
    document = permissions.managed_document(call.tx, account, arn)
    assert policy is not None, f"{arn} is attached and gone"
    assert document is not None, f"{arn} has no default version"
    return _Source(policy.name, document, Kind.IDENTITY, account.partition)


def _own_boundary(call: Call, entity: Identity | UserGroup | Role) -> _Source | None:
    arn = None if isinstance(entity, UserGroup) else entity.permissions_boundary
    return None if arn is None else _managed(call, arn)


def _given_boundary(call: Call, texts: Sequence[str] | None) -> _Source | None:
    if not texts:
        return None
    if len(texts) > 1:
        raise refusals.several_boundaries()
    return _Source(
        "PermissionsBoundaryPolicyInputList.1",
        texts[0],
        Kind.IDENTITY,
        call.caller.account.partition,
    )


def _key_names(sources: Iterable[_Source]) -> list[str]:
    """The condition keys of policies, each once: names that differ in case only are one."""
    found: dict[str, str] = {}
    for source in sources:
        for key in sorted(source.document.context_keys):
            found.setdefault(key.lower(), key)
    return [found[key] for key in sorted(found)]


# Who and what


_ENTITY_ARN = re.compile(r"arn:[\w-]+:iam::(\d{12}):(user|group|role)/(?:.*/)?([^/]+)")
_OWNER_ARN = re.compile(r"arn:[\w-]+:iam::(\d{12}):root")


def _entity(call: Call, arn: str) -> Identity | UserGroup | Role:
    """The user, the group or the role whose policies are asked for."""
    parts = _ENTITY_ARN.fullmatch(arn)
    if parts is None:
        raise refusals.invalid_entity_arn(arn)
    account_id, kind, name = parts.groups()
    if account_id != call.caller.account.id:
        raise refusals.policies_of_another_account(call.caller.account.id, account_id)
    if kind == "user":
        return target_user(call, name)
    return target_group(call, name) if kind == "group" else target_role(call, name)


def _simulated_caller(call: Call, arn: str | None, resource_policy: str | None) -> Principal:
    account = call.caller.account
    if arn is None:
        if resource_policy is not None:
            raise refusals.simulated_caller_is_no_user()
        return Principal(names.root_arn(account).replace(":root", ":user/simulated"), account.id)
    parts = _ENTITY_ARN.fullmatch(arn)
    if parts is None:
        raise refusals.invalid_entity_arn(arn)
    if resource_policy is not None and parts[2] != "user":
        raise refusals.simulated_caller_is_no_user()
    return Principal(arn, parts[1])


def _simulation(
    call: Call,
    caller: Principal,
    sources: Sequence[_Source],
    boundary: _Source | None,
    resource_policy: str | None,
    owner_arn: str | None,
    entries: Sequence[Mapping[str, Any]] | None,
) -> _Simulation:
    resource = None
    if resource_policy is not None:
        partition = call.caller.account.partition
        resource = _Source("ResourcePolicy", resource_policy, Kind.RESOURCE, partition)
    owner = caller.account
    if owner_arn is not None:
        parts = _OWNER_ARN.fullmatch(owner_arn)
        if parts is None:
            raise refusals.invalid_resource_owner(owner_arn)
        owner = parts[1]
    context = dict(_context_key(n, entry) for n, entry in enumerate(entries or (), start=1))
    return _Simulation(caller, sources, boundary, resource, owner, context)


def _context_key(number: int, entry: Mapping[str, Any]) -> tuple[str, str | tuple[str, ...]]:
    """A condition key with its value; the model lets its name be left out, which says nothing."""
    if "ContextKeyName" not in entry:
        raise refusals.validation_error(
            "1 validation error detected: Value null at "
            f"'contextEntries.{number}.member.contextKeyName' failed to satisfy constraint: "
            "Member must not be null"
        )
    return entry["ContextKeyName"], _value(entry)


def _value(entry: Mapping[str, Any]) -> str | tuple[str, ...]:
    """The value of a context key; one of a list type may have several."""
    values = tuple(entry.get("ContextKeyValues", ()))
    if len(values) == 1 and not str(entry.get("ContextKeyType")).endswith("List"):
        return str(values[0])
    return values


def _answer(
    simulation: _Simulation,
    actions: Sequence[str],
    arns: Sequence[str] | None,
    paging: Paging,
) -> dict[str, Any]:
    wrong = [arn for arn in arns or () if arn != "*" and not arn.startswith("arn:")]
    if wrong:
        raise refusals.resources_without_arn(wrong)
    for action in actions:
        if action.count(":") != 1:
            raise refusals.invalid_action(action)
    numbered = [f"{n:09}" for n in range(len(actions))]
    shown, rest = page(numbered, str, paging)
    resources = list(arns or ["*"])
    results = [simulation.result(actions[int(n)], resources) for n in shown]
    return {"EvaluationResults": results, **rest}


_STRICTNESS = [
    Decision.ALLOWED.value,
    Decision.IMPLICIT_DENY.value,
    Decision.EXPLICIT_DENY.value,
]


def _strictest(decisions: Sequence[str]) -> str:
    return max(decisions, key=_STRICTNESS.index)


def _distinct(lists: Iterable[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for entries in lists:
        found += [entry for entry in entries if entry not in found]
    return found
