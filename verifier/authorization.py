"""Authentication of the caller, and authorisation of its actions."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Self

from mfalab.verifier import key_use, names, refusals
from mfalab.verifier.records import AccessKey, Account, Identity, Role, Session, SessionKind
from mfalab.verifier.store.protocol import Transaction


@dataclass(frozen=True, slots=True)
class Credentials:
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
        """The root or IAM user that acts as itself; None for a role session."""
        return None if self.role else self.identity

    @property
    def root(self) -> bool:
        """Whether the caller is the account's root user."""
        return self.identity.root and self.role is None

    @property
    def mfa(self) -> bool:
        """Whether the caller proved MFA when the session began."""
        return self.session is not None and self.session.mfa_ns is not None

    def is_user(self, name: str) -> bool:
        """Whether a user name is the caller's own."""
        return self.user is not None and self.user.name_key == name.lower()


def authenticate(
    tx: Transaction,
    credentials: Credentials,
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
            GetSessionToken credentials only if they were obtained with MFA, the console only
            its own.
    """
    if credentials.session_token is None:
        if door is Door.CONSOLE:
            raise refusals.invalid_client_token()
        return _key_holder(tx, credentials, now_ns, door, lag_ns)
    session = tx.get(Session, credentials.access_key_id)
    if session is None or not _same(session.token, credentials.session_token):
        raise refusals.invalid_client_token()
    if not _same(session.secret, credentials.secret_access_key):
        raise refusals.signature_does_not_match()
    caller = session_caller(tx, session)
    if caller is None:
        raise refusals.invalid_client_token()
    if session.expires_ns <= now_ns:
        raise refusals.expired_token()
    if door is Door.CONSOLE and session.kind is not SessionKind.CONSOLE:
        raise refusals.invalid_client_token()
    if door is Door.IAM and session.kind is SessionKind.SESSION_TOKEN and not caller.mfa:
        raise refusals.invalid_client_token()
    return caller


def session_caller(tx: Transaction, session: Session) -> Caller | None:
    """Who acts in a session; None when the identity or the role is gone."""
    identity = tx.get(Identity, session.identity_id)
    if identity is None:
        return None
    if session.role_id is None:
        account = account_of(tx, identity.account_id)
        arn = names.identity_arn(account, identity)
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


EVERY_USER = frozenset(
    {
        "iam:CreateVirtualMFADevice",
        "iam:ListVirtualMFADevices",
        "iam:ListUsers",
        "iam:GetAccountPasswordPolicy",
    }
)
"""Actions of every user of an account, on any resource."""

OWNER = frozenset(
    {
        "iam:ChangePassword",
        "iam:CreateAccessKey",
        "iam:DeactivateMFADevice",
        "iam:DeleteAccessKey",
        "iam:DeleteVirtualMFADevice",
        "iam:EnableMFADevice",
        "iam:GetAccessKeyLastUsed",
        "iam:GetMFADevice",
        "iam:GetUser",
        "iam:ListAccessKeys",
        "iam:ListMFADevices",
        "iam:ListMFADeviceTags",
        "iam:ResyncMFADevice",
        "iam:TagMFADevice",
        "iam:UntagMFADevice",
        "iam:UpdateAccessKey",
    }
)
"""Actions of a user on itself and on its own devices."""


def authorize(caller: Caller, action: str, resource: str, *, own: bool) -> None:
    """Decide whether a caller may perform an action on a resource.

    Root and administrators may do everything in their account. Other users manage
    themselves and their own devices. An unassigned device has no owner, so only an administrator
    can delete one that a cancelled wizard left behind. Role sessions may do nothing here.

    Raises:
        ServiceError: AccessDenied.
    """
    user = caller.user
    if user is not None and _same_account(caller, resource):
        if user.root or user.administrator or action in EVERY_USER:
            return
        if own and action in OWNER:
            return
    raise refusals.not_authorized(caller.arn, action, resource)


def _same_account(caller: Caller, resource: str) -> bool:
    parts = resource.split(":")
    return len(parts) < 6 or parts[4] in (caller.account.id, "aws")


def _key_holder(
    tx: Transaction,
    credentials: Credentials,
    now_ns: int,
    door: Door,
    lag_ns: Callable[[str], int],
) -> Caller:
    key = tx.get(AccessKey, credentials.access_key_id)
    if key is None or not key.active:
        raise refusals.invalid_client_token()
    if not _same(key.secret, credentials.secret_access_key):
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
