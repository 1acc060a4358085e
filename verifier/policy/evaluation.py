"""The decision: what policies of every type together say to one request.

Source: IAM User Guide, "Policy evaluation logic". Service and resource control policies and VPC
endpoint policies are out of scope: an account here is in no organisation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from mfalab.verifier.policy.documents import Document, Kind, Statement
from mfalab.verifier.policy.matching import Principal, Reach
from mfalab.verifier.policy.patterns import arn_fields


class Decision(Enum):
    """What the policies say, in the words of the policy simulator."""

    ALLOWED = "allowed"
    IMPLICIT_DENY = "implicitDeny"
    EXPLICIT_DENY = "explicitDeny"


class PolicyType(Enum):
    """The type of the policies that decided."""

    IDENTITY = "identity-based policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"
    RESOURCE = "resource-based policy"
    TRUST = "role trust policy"


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        action: such as `iam:EnableMFADevice`, in any case.
        resource: an ARN, or `*` for an action that is on no resource.
        principal: who makes it.
        resource_account: the account that owns the resource.
        context: condition keys in any case, and their values; absent keys are left out.
    """

    action: str
    resource: str
    principal: Principal
    resource_account: str
    context: Mapping[str, str | tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies that apply to a request.

    Attributes:
        identity: of the user and its groups, or of the role.
        resource: of the resource; of a role that is to be assumed, its trust policy.
        boundary: the permissions boundary of the user or the role.
        session: those given with AssumeRole or GetFederationToken; None if there were none, which
            leaves a role session all that its role may do, and a federated user nothing.
        arns: of the managed policies, by type, in the order above; None for others.
    """

    identity: Sequence[Document] = ()
    resource: Document | None = None
    boundary: Document | None = None
    session: Sequence[Document] | None = None
    arns: Mapping[PolicyType, Sequence[str | None]] = field(default_factory=dict)

    def arn_of(self, match: Match) -> str | None:
        """The ARN of a statement's policy, if it is known and has one."""
        arns = self.arns.get(match.type, ())
        return arns[match.policy] if match.policy < len(arns) else None


class Match(NamedTuple):
    """A statement: the type of its policy, which policy of that type (from 0), which in it."""

    type: PolicyType
    policy: int
    statement: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision and its reason.

    Attributes:
        decision: what was decided.
        type: the type of policy that decided; None for a root user in its own account.
        statements: those that speak of the request, if that decided: of each type of policy those
            that deny, or else those that allow.
        denied_by: the ARN of the managed policy that denies explicitly; None for any other.
    """

    decision: Decision
    type: PolicyType | None
    statements: tuple[Match, ...] = ()
    denied_by: str | None = None

    @property
    def allowed(self) -> bool:
        """Whether the request may be performed."""
        return self.decision is Decision.ALLOWED


class _Side:
    """What the policies of one type say."""

    __slots__ = ("allows", "denies", "reach")

    def __init__(self) -> None:
        self.allows: list[Match] = []
        self.denies: list[Match] = []
        self.reach = Reach.NONE


def evaluate(policies: Policies, request: Request) -> Verdict:
    """Decide on a request.

    An explicit deny of any policy decides. In one account it needs an allow of an identity-based
    policy, within the permissions boundary and the session policies, or of a resource-based
    policy that names the caller itself; across accounts, and where the resource's policy names
    only the account, an allow on both sides. A trust policy must always allow.
    """
    context = {key.lower(): value for key, value in request.context.items()}
    action = request.action.lower()
    fields = arn_fields(request.resource)
    principal = request.principal

    def side(kind: PolicyType, documents: Sequence[Document]) -> _Side:
        found = _Side()
        for n, document in enumerate(documents):
            for m, statement in document.about(action):
                if not statement.applies(fields, context):
                    continue
                if statement.principals is not None:
                    reach = _reach(statement, principal)
                    if reach is Reach.NONE:
                        continue
                    found.reach = max(found.reach, reach)
                (found.allows if statement.allow else found.denies).append(Match(kind, n, m))
        return found

    trust = policies.resource is not None and policies.resource.kind is Kind.TRUST
    resource_type = PolicyType.TRUST if trust else PolicyType.RESOURCE
    resource = side(resource_type, [policies.resource] if policies.resource else ())
    identity = side(PolicyType.IDENTITY, policies.identity)
    session = policies.session
    if session is None and principal.federated:
        session = ()
    limits = [
        (kind, side(kind, documents))
        for kind, documents in (
            (PolicyType.BOUNDARY, [policies.boundary] if policies.boundary else None),
            (PolicyType.SESSION, session),
        )
        if documents is not None
    ]
    sides = [(PolicyType.IDENTITY, identity), (resource_type, resource), *limits]
    statements = (
        *(resource.denies or resource.allows),
        *(identity.denies or identity.allows),
        *(match for _, limit in limits for match in limit.denies or limit.allows),
    )
    for kind, each in sides:
        if each.denies:
            arn = policies.arn_of(each.denies[0])
            return Verdict(Decision.EXPLICIT_DENY, kind, statements, arn)

    if trust and not resource.allows:
        return Verdict(Decision.IMPLICIT_DENY, PolicyType.TRUST)
    same_account = principal.account == request.resource_account
    if same_account and resource.reach is Reach.DIRECT:
        return Verdict(Decision.ALLOWED, resource_type, statements)
    if principal.account:
        by_resource = same_account and resource.reach is Reach.ISSUER
        if not (identity.allows or principal.root or by_resource):
            return Verdict(Decision.IMPLICIT_DENY, PolicyType.IDENTITY)
        for kind, limit in limits:
            if not limit.allows:
                return Verdict(Decision.IMPLICIT_DENY, kind)
    if not same_account and not resource.allows:
        return Verdict(Decision.IMPLICIT_DENY, resource_type)
    if identity.allows:
        return Verdict(Decision.ALLOWED, PolicyType.IDENTITY, statements)
    return Verdict(Decision.ALLOWED, resource_type if resource.allows else None, statements)


def _reach(statement: Statement, principal: Principal) -> Reach:
    assert statement.principals is not None
    if statement.not_principal:
        return Reach.NONE if statement.principals.spare(principal) else Reach.DIRECT
    return statement.principals.reach(principal)
