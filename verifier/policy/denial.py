"""The end of an AccessDenied text: which type of policy refused.

Source: IAM User Guide, "Troubleshoot access denied error messages". Service control policies are
out of scope (see `evaluation`).
"""

from mfalab.verifier.policy.evaluation import Decision, PolicyType, Verdict

_WITHIN = {
    PolicyType.IDENTITY: "an identity-based policy",
    PolicyType.BOUNDARY: "a permissions boundary",
    PolicyType.SESSION: "a session policy",
    PolicyType.RESOURCE: "a resource-based policy",
    PolicyType.TRUST: "the role trust policy",
}


def ending(verdict: Verdict, action: str) -> str:
    """What follows the resource in the text of a refusal, with a space in front.

    Since January 2026 the ARN of a managed policy that denies is named (AWS Security Blog, and
    captures of the answers of IAM and other services since). A trust policy that does not allow is
    passed over in silence: captures of 2026 end after the role's ARN, whatever the guide prints.

    Args:
        verdict: one that does not allow.
        action: such as `iam:EnableMFADevice`.
    """
    assert verdict.type is not None
    if verdict.decision is Decision.EXPLICIT_DENY:
        named = "" if verdict.denied_by is None else f": {verdict.denied_by}"
        return f" with an explicit deny in {_WITHIN[verdict.type]}{named}"
    if verdict.type is PolicyType.TRUST:
        return ""
    return f" because no {verdict.type.value} allows the {action} action"
