"""The ends of AccessDenied texts."""

import pytest

from mfalab.verifier.policy.denial import ending
from mfalab.verifier.policy.evaluation import Decision, PolicyType, Verdict

EXPLICIT, IMPLICIT = Decision.EXPLICIT_DENY, Decision.IMPLICIT_DENY


@pytest.mark.parametrize(
    ("decision", "kind", "end"),
    [
        (EXPLICIT, PolicyType.IDENTITY, " with an explicit deny in an identity-based policy"),
        (EXPLICIT, PolicyType.RESOURCE, " with an explicit deny in a resource-based policy"),
        (EXPLICIT, PolicyType.TRUST, " with an explicit deny in the role trust policy"),
        (EXPLICIT, PolicyType.BOUNDARY, " with an explicit deny in a permissions boundary"),
        (EXPLICIT, PolicyType.SESSION, " with an explicit deny in a session policy"),
        (
            IMPLICIT,
            PolicyType.IDENTITY,
            " because no identity-based policy allows the iam:GetUser action",
        ),
        (
            IMPLICIT,
            PolicyType.RESOURCE,
            " because no resource-based policy allows the iam:GetUser action",
        ),
        (IMPLICIT, PolicyType.TRUST, ""),
        (
            IMPLICIT,
            PolicyType.BOUNDARY,
            " because no permissions boundary allows the iam:GetUser action",
        ),
        (
            IMPLICIT,
            PolicyType.SESSION,
            " because no session policy allows the iam:GetUser action",
        ),
    ],
)
def test_end_names_the_type_of_policy(decision: Decision, kind: PolicyType, end: str) -> None:
    assert ending(Verdict(decision, kind), "iam:GetUser") == end


def test_managed_policy_that_denies_is_named() -> None:
    arn = "arn:aws:iam::aws:policy/AWSDenyAll"
    verdict = Verdict(EXPLICIT, PolicyType.IDENTITY, denied_by=arn)
    assert ending(verdict, "x") == f" with an explicit deny in an identity-based policy: {arn}"
