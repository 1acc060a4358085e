"""Which actions, resources and principals a statement names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum

from mfalab.verifier.policy.patterns import ArnPattern, Context, Wild, matcher, tokens


class Actions:
    """The Action element: names without case, with wildcards."""

    def __init__(self, names: Iterable[str]) -> None:
        patterns = [tokens(name.lower(), variables=False) for name in names]
        self._names = frozenset(
            "".join(map(str, pattern))
            for pattern in patterns
            if not any(isinstance(token, Wild) for token in pattern)
        )
        self._patterns = [
            matcher(pattern)
            for pattern in patterns
            if any(isinstance(token, Wild) for token in pattern)
        ]

    def include(self, action: str) -> bool:
        """Whether an action, in lower case, is among them."""
        return action in self._names or any(match(action) for match in self._patterns)


class Resources:
    """The Resource element: ARNs with wildcards and variables, or `*`."""

    def __init__(self, arns: Sequence[str], *, variables: bool) -> None:
        self._everything = "*" in arns
        self._patterns = [
            ArnPattern(tokens(arn, variables=variables)) for arn in arns if arn != "*"
        ]
        self.keys = frozenset[str]().union(*(pattern.keys for pattern in self._patterns))

    def include(self, fields: list[str], context: Context) -> bool | None:
        """Whether an ARN, split into its fields, is among them.

        Returns:
            None if that depends on a variable that the request does not have.
        """
        if self._everything:
            return True
        unknown = False
        for pattern in self._patterns:
            found = pattern.matches(fields, context)
            if found:
                return True
            unknown = unknown or found is None
        return None if unknown else False


class PrincipalType(Enum):
    """The keys of a Principal element."""

    AWS = "AWS"
    SERVICE = "Service"
    FEDERATED = "Federated"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who makes a request, under the names that policies know it by.

    Attributes:
        arn: of the user, the root user or the session; a service's or an identity provider's name.
        account: its account; empty for a service or an identity provider.
        issuer: what a session was made from: the ARN of the role, with its path, or of the user
            who called GetFederationToken. None for a user, also with credentials of
            GetSessionToken.
        type: under which key of a Principal element it is looked for.
    """

    arn: str
    account: str
    issuer: str | None = None
    type: PrincipalType = PrincipalType.AWS

    @property
    def root(self) -> bool:
        """Whether it is an account's root user."""
        return self.type is PrincipalType.AWS and self.arn.endswith(f"::{self.account}:root")

    @property
    def federated(self) -> bool:
        """Whether it is a session of GetFederationToken."""
        return ":federated-user/" in self.arn


class Reach(IntEnum):
    """How closely a resource-based policy names a principal."""

    NONE = 0
    ACCOUNT = 1
    """Its account: the account's own policies must allow it, too."""
    ISSUER = 2
    """The role, or the federated user's user: its own policies need not allow it."""
    DIRECT = 3
    """The user or the session itself, or everyone."""


class Principals:
    """The Principal element: everyone, or principals by type.

    Args:
        named: for each type the ARNs, account ids (for `arn:...:root`, too), services or
            providers, or `*`; None for everyone.
    """

    def __init__(self, named: dict[PrincipalType, frozenset[str]] | None) -> None:
        self._named = named

    def reach(self, principal: Principal) -> Reach:
        """How closely a principal is named."""
        if self._named is None:
            return Reach.DIRECT
        named = self._named.get(principal.type, frozenset())
        if "*" in named or principal.arn in named:
            return Reach.DIRECT
        if principal.type is not PrincipalType.AWS:
            return Reach.NONE
        if principal.issuer in named:
            return Reach.ISSUER
        if principal.account in named:
            return Reach.DIRECT if principal.root else Reach.ACCOUNT
        return Reach.NONE

    def spare(self, principal: Principal) -> bool:
        """Whether NotPrincipal spares a principal: all names that it goes by are named.

        A service may look at the account first, then at the role, then at the session; each
        that is not named is met.
        """
        if self._named is None:
            return True
        named = self._named.get(principal.type, frozenset())
        if "*" in named:
            return True
        if principal.type is not PrincipalType.AWS:
            return principal.arn in named
        names = {principal.account}
        if not principal.root:
            names.add(principal.arn)
        if principal.issuer is not None:
            names.add(principal.issuer)
        return names <= named
