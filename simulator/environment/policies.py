"""Policies of a scenario as the verifier keeps them: by name, in every account that uses them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mfalab.simulator.environment.outcome import ScenarioError
from mfalab.simulator.environment.target import Target
from mfalab.simulator.language.words import nearest
from mfalab.verifier import Account, aws_policies

AWS_POLICIES = {policy.name: policy.arn for policy in aws_policies.everything("aws")}
"""The AWS managed policies that there are, by their names without a path; of the partition aws."""


def document_of(statements: Sequence[Mapping[str, Any]]) -> str:
    """A policy document of some statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def names_principals(statements: Sequence[Mapping[str, Any]]) -> bool:
    """Whether statements say whom they mean: then they are the policy of a resource."""
    return any("Principal" in each or "NotPrincipal" in each for each in statements)


class PolicyShelf:
    """Makes managed policies where they are asked for first, and knows them again.

    Args:
        target: keeps them.
        statements: of each policy, by name.
    """

    def __init__(self, target: Target, statements: Mapping[str, Any]) -> None:
        self._target = target
        self._statements = statements
        self._made: dict[tuple[str, str], str] = {}

    def arns(self, account: Account, names: Iterable[str]) -> list[str]:
        """The ARNs of policies in an account; a name that is not declared is AWS's.

        Raises:
            ScenarioError: it is not even that.
        """
        return [self._arn(account, name) for name in names]

    def document(self, name: str) -> str:
        """The document of a policy. Raises `ScenarioError` when none is declared of this name."""
        if name not in self._statements:
            raise ScenarioError(f'there is no policy "{name}"{nearest(name, self._statements)}')
        return document_of(self._statements[name])

    def _arn(self, account: Account, name: str) -> str:
        if name not in self._statements and name in AWS_POLICIES:
            return AWS_POLICIES[name].replace("arn:aws:", f"arn:{account.partition}:")
        place = account.id, name
        if place not in self._made:
            made = self._target.create_policy(account.id, name, self.document(name))
            self._made[place] = made.arn
        return self._made[place]
