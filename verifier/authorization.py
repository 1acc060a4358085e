"""Authentication of the caller, and authorisation of its actions."""

from __future__ import annotations

import hmac
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Self

from mfalab.verifier import aws_policies, key_use, names, permissions, refusals
from mfalab.verifier.aws_policies import OWNER_KEY
from mfalab.verifier.policy.denial import ending
from mfalab.verifier.policy.documents import Document, Kind, parse
from mfalab.verifier.policy.evaluation import Policies, Request, Verdict, evaluate
from mfalab.verifier.policy.matching import Principal
from mfalab.verifier.profile import Profile
from mfalab.verifier.records import AccessKey, Account, Identity, Role, Session, SessionKind
from mfalab.verifier.request_context import (
    Context,
    MfaContext,
    mfa_context,
    principal_context,
    tag_keys,
)
from mfalab.verifier.store.protocol import Transaction


class Signer(ABC):
    """Who makes a request, and the proof of it: credentials, or a signature made with them."""

    __slots__ = ()
    access_key_id: str
    session_token: str | None

    @abstractmethod
    def proves(self, secret: str) -> bool:
        """Whether the request was made with this secret access key."""


@dataclass(frozen=True, slots=True)
class Credentials(Signer):
    """What a caller signs requests with; temporary ones (`ASIA...`) have a session token."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """Those in an answer of STS, such as that of GetSessionToken or AssumeRole.

        Raises:
            KeyError: the answer has none.
        """
        given = answer["Credentials"]
        return cls(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    def proves(self, secret: str) -> bool:
        """Whether a secret access key is this one."""
        return _same(secret, self.secret_access_key)


class Door(Enum):
    """Where a request comes in."""

    IAM = "iam"
    STS = "sts"
    CONSOLE = "console"


@dataclass(frozen=True, slots=True)
class Caller:
    """The identity that signed a request, and its credentials.

    For a role session, `account` and `role` are the role's, and `identity` began the chain.
    """

    account: Account
    identity: Identity
    arn: str
    access_key_id: str
    session: Session | None = None
    role: Role | None = None

    @property
    def user(self) -> Identity | None:
        """The root or IAM user that acts as itself; None for a role or a federated user."""
        return None if self.role or self.federated else self.identity

    @property
    def federated(self) -> bool:
        """Whether the caller is a federated user, of GetFederationToken."""
        return self.session is not None and self.session.kind is SessionKind.FEDERATION

    @property
    def assumed_root(self) -> bool:
        """Whether the caller is root for one task, by AssumeRoot."""
        return self.session is not None and self.session.kind is SessionKind.ROOT

    @property
    def root(self) -> bool:
        """Whether the caller is the account's root user."""
        return self.user is not None and self.user.root

    @property
    def mfa(self) -> bool:
        """Whether the caller proved MFA when the session began."""
        return self.session is not None and self.session.mfa_ns is not None

    def is_user(self, name: str) -> bool:
        """Whether a user name is the caller's own."""
        return self.user is not None and self.user.name_key == name.lower()


def authenticate(
    tx: Transaction,
    credentials: Signer,
    now_ns: int,
    door: Door,
    lag_ns: Callable[[str], int] = lambda key_id: 0,
) -> Caller:
    """The caller whose credentials these are.

    Args:
        tx: where the use of an access key is written down.
        credentials: what the request was signed with.
        now_ns: the verifier's time.
        door: where the request came in.
        lag_ns: how long after its use IAM tells of the use of the access key with an id.

    Raises:
        ServiceError: unknown, wrong, expired, or not admitted at this door: the IAM API takes
            GetSessionToken credentials only if they were obtained with MFA and none of
            GetFederationToken, the console only its own.
    """
    if credentials.session_token is None:
        if door is Door.CONSOLE:
            raise refusals.invalid_client_token()
        return _key_holder(tx, credentials, now_ns, door, lag_ns)
    session = tx.get(Session, credentials.access_key_id)
    if session is None or not _same(session.token, credentials.session_token):
        raise refusals.invalid_client_token()
    if not credentials.proves(session.secret):
        raise refusals.signature_does_not_match()
    caller = session_caller(tx, session)
    if caller is None:
        raise refusals.invalid_client_token()
    if session.expires_ns <= now_ns:
        raise refusals.expired_token()
    of_console = session.kind in (SessionKind.CONSOLE, SessionKind.ENROLMENT)
    if door is Door.CONSOLE and not of_console:
        raise refusals.invalid_client_token()
    if door is not Door.CONSOLE and session.kind is SessionKind.ENROLMENT:
        raise refusals.invalid_client_token()
    if door is Door.IAM and session.kind is SessionKind.SESSION_TOKEN and not caller.mfa:
        raise refusals.invalid_client_token()
    if door is Door.IAM and caller.federated:
        raise refusals.invalid_client_token()
    return caller


ENROLMENT = frozenset({"CreateVirtualMFADevice", "EnableMFADevice", "ListMFADevices"})
"""What a root user does who may not sign in before a device is registered."""


def check_enrolment(caller: Caller, operation: str) -> None:
    """Let the session of the enrolment page enrol a device, and do nothing else.

    Raises:
        ServiceError: AccessDenied.
    """
    session = caller.session
    if session is None or session.kind is not SessionKind.ENROLMENT:
        return
    if operation not in ENROLMENT:
        raise refusals.mfa_enrolment_needed()


def session_caller(tx: Transaction, session: Session) -> Caller | None:
    """Who acts in a session; None when the identity or the role is gone."""
    identity = tx.get(Identity, session.identity_id)
    if identity is None:
        return None
    if session.role_id is None:
        account = account_of(tx, identity.account_id)
        arn = names.identity_arn(account, identity)
        if session.kind is SessionKind.FEDERATION:
            arn = names.federated_user_arn(account, session.session_name or "")
        return Caller(account, identity, arn, session.access_key_id, session)
    role = tx.get(Role, session.role_id)
    if role is None:
        return None
    account = account_of(tx, role.account_id)
    arn = names.assumed_role_arn(account, role, session.session_name or "")
    return Caller(account, identity, arn, session.access_key_id, session, role)


def account_of(tx: Transaction, account_id: str) -> Account:
    """The account of a record that names it."""
    account = tx.get(Account, account_id)
    assert account is not None
    return account


@dataclass(frozen=True, slots=True)
class Target:
    """What an action is authorised on.

    Attributes:
        arn: of the resource, or `*`; a hardware token has its serial number.
        shown: how a refusal names it, such as `user alice`; empty for the ARN.
        owner_id: unique id of the user that it is, or belongs to.
        tags: the resource's.
    """

    arn: str
    shown: str = ""
    owner_id: str | None = None
    tags: tuple[tuple[str, str], ...] = ()

    def context(self) -> Context:
        """The condition keys that the resource gives."""
        keys = tag_keys("aws:ResourceTag", self.tags) | tag_keys("iam:ResourceTag", self.tags)
        return keys if self.owner_id is None else {**keys, OWNER_KEY: self.owner_id}


def context_of(
    caller: Caller, now_ns: int, profile: Profile, mfa: MfaContext | None = None
) -> dict[str, str | tuple[str, ...]]:
    """The condition keys that the caller gives; `mfa` in place of what its session says of it."""
    return principal_context(
        caller.account,
        caller.identity,
        caller.role,
        caller.session,
        now_ns,
        mfa or mfa_context(caller.session, now_ns, profile, root=caller.root),
    )


def verdict(
    tx: Transaction,
    caller: Caller,
    action: str,
    target: Target,
    context: Context,
    resource_policy: Document | None = None,
    resource_account: str | None = None,
    trusted_ids: Sequence[tuple[str, str]] = (),
) -> Verdict:
    """What all policies together say to a request of a caller.

    Args:
        tx: to read the policies in.
        caller: who asks.
        action: such as `iam:EnableMFADevice`.
        target: on what.
        context: condition keys besides the target's.
        resource_policy: the target's own policy, or the trust policy of a role.
        resource_account: the account that the target is in, where its ARN does not tell.
        trusted_ids: ARNs in the resource's policy, with the unique ids of those who are meant.
    """
    policies = _policies(tx, caller, resource_policy)
    arn, issuer = caller.arn, None
    if caller.role is not None:
        role_arn = names.role_arn(caller.account, caller.role)
        issuer = _known_as(trusted_ids, role_arn, caller.role.id)
    elif caller.user is not None:
        arn = _known_as(trusted_ids, arn, caller.user.id)
    if caller.federated:
        issuer = names.identity_arn(caller.account, caller.identity)
        if caller.identity.root:
            policies = replace(policies, identity=(_everything(caller.account.partition),))
    return evaluate(
        policies,
        Request(
            action,
            target.arn,
            Principal(arn, caller.account.id, issuer),
            resource_account or _account_in(target.arn) or caller.account.id,
            {**context, **target.context()},
        ),
    )


def may_deny(tx: Transaction, caller: Caller, action: str) -> bool:
    """Whether a policy of the caller has a word against an action: what none has, none denies."""
    policies = _policies(tx, caller)
    documents = [*policies.identity, *(policies.session or ())]
    if policies.boundary is not None:
        documents.append(policies.boundary)
    return any(
        not statement.allow
        for document in documents
        for _, statement in document.about(action.lower())
    )


def _policies(tx: Transaction, caller: Caller, resource_policy: Document | None = None) -> Policies:
    owners: list[str] = []
    boundary: str | None = None
    if caller.role is not None:
        owners, boundary = [caller.role.id], caller.role.permissions_boundary
    elif not caller.root:
        owners = [caller.identity.id, *permissions.groups_of(tx, caller.identity.id)]
        boundary = caller.identity.permissions_boundary
    session = caller.session.policies if caller.session else ()
    return permissions.policies_of(
        tx, caller.account, owners, boundary, session or None, resource_policy
    )


def authorize(
    tx: Transaction,
    caller: Caller,
    action: str,
    target: Target,
    context: Context,
    resource_policy: Document | None = None,
    resource_account: str | None = None,
    trusted_ids: Sequence[tuple[str, str]] = (),
) -> None:
    """Refuse what the policies do not allow; see `verdict`.

    Raises:
        ServiceError: AccessDenied, whose text says which type of policy refused.
    """
    said = verdict(
        tx, caller, action, target, context, resource_policy, resource_account, trusted_ids
    )
    if not said.allowed:
        shown = (target.shown or target.arn) + ending(said, action)
        raise refusals.not_authorized(caller.arn, action, shown)


def _known_as(trusted_ids: Sequence[tuple[str, str]], arn: str, unique_id: str) -> str:
    """The name by which a trust policy knows someone: the ARN of when it was saved.

    Who took over the ARN since then is not meant, and is called by the unique id, which no policy
    has for an ARN.
    """
    for saved, saved_id in trusted_ids:
        if saved_id == unique_id:
            return saved
    return unique_id if any(saved == arn for saved, _ in trusted_ids) else arn


def _everything(partition: str) -> Document:
    """What root may do, as a policy: who acts for root by GetFederationToken is not root."""
    found = aws_policies.find(partition, aws_policies.arn_of(partition, aws_policies.ADMINISTRATOR))
    assert found is not None
    return parse(found[1], Kind.IDENTITY, partition)


def _account_in(arn: str) -> str | None:
    """The account that an ARN names; AWS's own policies are in every account."""
    parts = arn.split(":")
    return parts[4] if len(parts) >= 6 and parts[4] != "aws" else None


def check_root_task(caller: Caller, target: Identity, action: str) -> None:
    """What is done to a root user by the API is done by AssumeRoot only, not by root itself.

    Raises:
        ServiceError: AccessDenied.
    """
    if target.root and not caller.assumed_root:
        raise refusals.not_authorized(caller.arn, action, caller.arn)


def _key_holder(
    tx: Transaction,
    credentials: Signer,
    now_ns: int,
    door: Door,
    lag_ns: Callable[[str], int],
) -> Caller:
    key = tx.get(AccessKey, credentials.access_key_id)
    if key is None or not key.active:
        raise refusals.invalid_client_token()
    if not credentials.proves(key.secret):
        raise refusals.signature_does_not_match()
    identity = tx.get(Identity, key.identity_id)
    if identity is None:
        raise refusals.invalid_client_token()
    if key_use.is_news(key, door.value, now_ns):
        used = (now_ns, door.value, now_ns + lag_ns(key.id))
        tx.update(replace(key, uses=key_use.after_use(key.uses, used)))
    account = account_of(tx, identity.account_id)
    return Caller(account, identity, names.identity_arn(account, identity), key.id)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
