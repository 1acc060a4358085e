"""Policies and groups that a scenario gives, held against what the verifier takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mfalab.simulator.environment.policies import document_of, names_principals
from mfalab.simulator.scenario_files.aws_names import NameProblem, is_user
from mfalab.simulator.scenario_files.scenario import Scenario
from mfalab.simulator.scenario_files.yaml_source import Location
from mfalab.simulator.steps.sessions import Request
from mfalab.verifier import ServiceError
from mfalab.verifier.policy.documents import Kind, parse


def policy_problems(scenario: Scenario) -> Iterator[NameProblem]:
    """What is wrong with a scenario's policies, with where they are used, and with its groups."""
    accounts = [account.partition for account in scenario.accounts.values()]
    of_resources = set()
    for name, statements in scenario.policies.items():
        kind = Kind.MANAGED
        if names_principals(statements):
            kind = Kind.RESOURCE
            of_resources.add(name)
        found = [_wrong(document_of(statements), kind, each) for each in accounts or ["aws"]]
        if all(found):
            yield NameProblem(("policies", name), f"this is no policy: {found[0]}")
    for at, names in _attached(scenario):
        for index, name in enumerate(names):
            if name in of_resources:
                message = f'the policy "{name}" names principals; it is for a resource_policy'
                yield NameProblem((*at, index), message)
    for index, step in enumerate(scenario.steps):
        if isinstance(step, Request) and step.resource_policy is not None:
            named = step.resource_policy
            if named in scenario.policies and named not in of_resources:
                message = f'the policy "{named}" has no Principal; a resource\'s policy names some'
                yield NameProblem(("steps", index, "resource_policy"), message)
            elif named not in scenario.policies:
                message = f'the policy "{named}" is AWS\'s, and for no resource'
                yield NameProblem(("steps", index, "resource_policy"), message)
    for name, group in scenario.groups.items():
        for index, member in enumerate(group.members):
            person = scenario.people.get(member)
            if person and not (is_user(person) and person.account == group.account):
                message = f'"{member}" is no IAM user of the account "{group.account}"'
                yield NameProblem(("groups", name, "members", index), message)
    for name, role in scenario.roles.items():
        if role.trust_policy is not None:
            account = scenario.accounts.get(role.account)
            partition = "aws" if account is None else account.partition
            message = _wrong(document_of(role.trust_policy), Kind.TRUST, partition)
            if message:
                told = f"this is no trust policy: {message}"
                yield NameProblem(("roles", name, "trust_policy"), told)


def _attached(scenario: Scenario) -> Iterator[tuple[Location, Sequence[str]]]:
    """Where policies are attached, and their names."""
    for name, person in scenario.people.items():
        yield ("people", name, "policies"), person.policies or ()
    for name, group in scenario.groups.items():
        yield ("groups", name, "policies"), group.policies
    for name, role in scenario.roles.items():
        yield ("roles", name, "policies"), role.policies


def _wrong(document: str, kind: Kind, partition: str) -> str:
    try:
        parse(document, kind, partition)
    except ServiceError as malformed:
        return " ".join([malformed.message, *getattr(malformed, "__notes__", ())])
    return ""
