"""What policies see of a request: the condition keys that a caller and its credentials give.

The keys are AWS's global ones (IAM User Guide, global condition context keys). A key without a
value is absent, which is not the same as false or empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mfalab.verifier import names
from mfalab.verifier.moments import SECOND_NS, iso
from mfalab.verifier.profile import Profile, RoleCredentialsMfa
from mfalab.verifier.records import Account, Identity, Role, Session, SessionKind

Context = Mapping[str, str | tuple[str, ...]]
"""Values by condition key; a tuple is a key of several values."""


@dataclass(frozen=True, slots=True)
class MfaContext:
    """The condition keys `aws:MultiFactorAuthPresent` and `aws:MultiFactorAuthAge`.

    None means that the key is absent, which is not the same as false.
    """

    present: bool | None
    age_s: int | None

    def keys(self) -> Iterator[tuple[str, str]]:
        """The keys that are present."""
        if self.present is not None:
            yield "aws:MultiFactorAuthPresent", "true" if self.present else "false"
        if self.age_s is not None:
            yield "aws:MultiFactorAuthAge", str(self.age_s)


def mfa_context(
    session: Session | None, now_ns: int, profile: Profile, *, root: bool = False
) -> MfaContext:
    """What policies see of MFA in a request of a session, or with long-term keys (None)."""
    if session is None:
        return MfaContext(None, None)
    if (
        session.kind is SessionKind.ROLE
        and profile.role_credentials_mfa is not RoleCredentialsMfa.INHERITED
    ):
        absent = profile.role_credentials_mfa is RoleCredentialsMfa.ABSENT
        return MfaContext(None if absent else False, None)
    if session.mfa_ns is None or (root and not _counts_for_root(session, profile)):
        return MfaContext(False, None)
    return MfaContext(True, (now_ns - session.mfa_ns) // SECOND_NS)


def _counts_for_root(session: Session, profile: Profile) -> bool:
    """Whether MFA that root proved is seen by policies; at the console it always is."""
    return session.kind is not SessionKind.SESSION_TOKEN or profile.root_session_mfa


def principal_context(
    account: Account,
    identity: Identity,
    role: Role | None,
    session: Session | None,
    now_ns: int,
    mfa: MfaContext,
) -> dict[str, str | tuple[str, ...]]:
    """The keys of the principal and of the moment."""
    keys: dict[str, str | tuple[str, ...]] = {
        "aws:PrincipalAccount": account.id,
        "aws:CurrentTime": iso(now_ns),
        "aws:EpochTime": str(now_ns // SECOND_NS),
        "aws:SecureTransport": "true",
        "aws:ViaAWSService": "false",
        **dict(mfa.keys()),
    }
    if role is not None and session is not None:
        keys |= {
            "aws:PrincipalType": "AssumedRole",
            "aws:PrincipalArn": names.role_arn(account, role),
            "aws:userid": f"{role.id}:{session.session_name}",
        }
        tags = {**dict(role.tags), **dict(session.tags)}
    elif session is not None and session.kind is SessionKind.FEDERATION:
        name = session.session_name or ""
        keys |= {
            "aws:PrincipalType": "FederatedUser",
            "aws:PrincipalArn": names.federated_user_arn(account, name),
            "aws:userid": f"{account.id}:{name}",
        }
        tags = dict(session.tags)
    else:
        keys |= {
            "aws:PrincipalType": "Account" if identity.root else "User",
            "aws:PrincipalArn": names.identity_arn(account, identity),
            "aws:userid": identity.id,
        }
        tags = dict(identity.tags)
        if not identity.root:
            keys["aws:username"] = identity.name
        if session is not None and session.kind is SessionKind.ROOT:
            keys["aws:AssumedRoot"] = "true"
    keys |= tag_keys("aws:PrincipalTag", tags.items())
    if session is not None:
        keys["aws:TokenIssueTime"] = iso(session.issued_ns)
        if session.source_identity is not None:
            keys["aws:SourceIdentity"] = session.source_identity
    return keys


def request_context(parameters: Mapping[str, Any]) -> dict[str, str | tuple[str, ...]]:
    """The keys of what is asked for: its tags, the policy or boundary that it names."""
    keys: dict[str, str | tuple[str, ...]] = {}
    tags = [(tag["Key"], tag["Value"]) for tag in parameters.get("Tags") or ()]
    named = tuple(key for key, _ in tags) or tuple(parameters.get("TagKeys") or ())
    if named:
        keys["aws:TagKeys"] = named
    keys |= tag_keys("aws:RequestTag", tags)
    for parameter, key in (
        ("PolicyArn", "iam:PolicyARN"),
        ("PermissionsBoundary", "iam:PermissionsBoundary"),
    ):
        if parameters.get(parameter) is not None:
            keys[key] = parameters[parameter]
    return keys


def tag_keys(prefix: str, tags: Iterable[tuple[str, str]]) -> dict[str, str]:
    """A key for each tag, such as `aws:PrincipalTag/team`."""
    return {f"{prefix}/{key}": value for key, value in tags}
