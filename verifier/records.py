"""The verifier's state: one frozen record type for each table of the store.

A record type names its key in `KEY` and the field groups it is looked up by in `INDEXES`. `UNIQUE`
names field groups that no two records share, and `LIVE_WHILE_NONE` the field that takes a record
out of that comparison once it is set. A new state is a new record
(`changed`), written through a `Transaction` of `mfalab.verifier.store`.
Times are nanoseconds since the Unix epoch by the verifier's clock; steps are absolute (RFC 6238
section 4.2: the value T).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

T = TypeVar("T", bound=type)
R = TypeVar("R")
_Groups = tuple[tuple[str, ...], ...]

Use = tuple[int, str, int]
"""A use of an access key: when, at which service, and from when on IAM tells of it."""

RECORD_TYPES: list[type] = []
"""All record types, in the order in which they stand here."""


def _table(
    *key: str, indexes: _Groups = (), unique: _Groups = (), live_while_none: str | None = None
) -> Callable[[T], T]:
    def decorate(record_type: Any) -> Any:
        record_type.KEY, record_type.INDEXES, record_type.UNIQUE = key, indexes, unique
        record_type.LIVE_WHILE_NONE = live_while_none
        RECORD_TYPES.append(record_type)
        return record_type

    return decorate


def changed(record: R, **changes: object) -> R:
    """A record with other values of some fields: `replace` of dataclasses, but faster."""
    kind: type = type(record)
    values_of, place_of = _fields(kind)
    values = [*values_of(record)]
    for name, value in changes.items():
        values[place_of[name]] = value
    made: R = kind(*values)
    return made


@cache
def _fields(kind: type) -> tuple[Callable[[object], tuple[Any, ...]], Mapping[str, int]]:
    names = [each.name for each in fields(kind)]
    return attrgetter(*names), {name: place for place, name in enumerate(names)}


class DeviceKind(StrEnum):
    """The kinds of MFA device that IAM knows."""

    VIRTUAL = "virtual"
    HARDWARE = "hardware"
    FIDO = "fido"
    SMS = "sms"


class MovingFactor(StrEnum):
    """What a one-time code counts: time steps (RFC 6238) or events (RFC 4226)."""

    TIME = "time"
    EVENT = "event"


class SessionKind(StrEnum):
    """How temporary credentials came to be."""

    SESSION_TOKEN = "session-token"
    ROLE = "role"
    CONSOLE = "console"
    FEDERATION = "federation"
    """Of GetFederationToken: a federated user, named by whoever called."""
    ROOT = "root"
    """Of AssumeRoot: a member account's root user, for one task."""
    ENROLMENT = "enrolment"
    """Of the page at which root has to register an MFA device; good for nothing else."""


class Demand(StrEnum):
    """What a page between the password and the session asks for."""

    MFA = "mfa"
    MAIL_CODE = "mail-code"
    """The code in a mail to root, who signs in from an unusual place without MFA."""
    NEW_PASSWORD = "new-password"
    FORGOTTEN_PASSWORD = "forgotten-password"
    """A new password of root, by the link in a mail."""
    ENROLMENT = "enrolment"
    """An MFA device of root's, who has none and must have one."""


class Ceremony(StrEnum):
    """The two ceremonies of WebAuthn, named as the client data names them."""

    REGISTRATION = "webauthn.create"
    AUTHENTICATION = "webauthn.get"


class RecoveryState(StrEnum):
    """The steps of root recovery by alternative factors, in their order."""

    STARTED = "started"
    MAIL_SENT = "mail-sent"
    MAIL_CONFIRMED = "mail-confirmed"
    CALLED = "called"
    CALL_CONFIRMED = "call-confirmed"
    DONE = "done"
    FAILED = "failed"


@_table("id")
@dataclass(frozen=True, slots=True)
class Account:
    """An AWS account with what is on file for its root user."""

    id: str
    partition: str
    alias: str | None
    root_email: str
    root_phone: str | None
    alternative_factors: bool
    created_ns: int
    managed_by: tuple[str, ...] = ()
    """Accounts whose users may assume this account's root: the organization's management account
    and delegated administrators."""
    root_mfa_asked_ns: int | None = None
    """When its root user first signed in without a device although one was required."""


@_table(
    "id",
    indexes=(("account_id", "name_key"), ("account_id", "permissions_boundary"), ("account_id",)),
    unique=(("account_id", "name_key"),),
)
@dataclass(frozen=True, slots=True)
class Identity:
    """The root user or an IAM user: what can own MFA devices.

    `id` is `AIDA...` for an IAM user and the account's id for root. A root user's `name` is empty.
    """

    id: str
    account_id: str
    name: str
    name_key: str
    """The name as IAM compares names: in lower case."""
    path: str
    root: bool
    password_hash: str | None = field(repr=False)
    created_ns: int
    password_changed_ns: int | None = None
    password_last_used_ns: int | None = None
    permissions_boundary: str | None = None
    """ARN of the managed policy that bounds what its identity policies allow."""
    tags: tuple[tuple[str, str], ...] = ()
    password_created_ns: int | None = None
    """Since when the identity has a password (the login profile's creation)."""
    password_reset_required: bool = False
    """Whether the next sign-in asks for a new password."""
    former_passwords: tuple[str, ...] = field(default=(), repr=False)
    """Hashes of earlier passwords, the newest first."""


@_table("account_id")
@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """What an account demands of its users' passwords, in place of AWS's default."""

    account_id: str
    minimum_length: int
    symbols: bool
    numbers: bool
    uppercase: bool
    lowercase: bool
    users_may_change: bool
    maximum_age_days: int | None
    reuse_prevention: int | None
    hard_expiry: bool


@_table("id", indexes=(("identity_id",),))
@dataclass(frozen=True, slots=True)
class AccessKey:
    """Long-term credentials of an identity (`AKIA...`)."""

    id: str
    secret: str = field(repr=False)
    identity_id: str
    active: bool
    created_ns: int
    uses: tuple[Use, ...] = ()
    """The uses that `key_use` keeps, by their time."""


@_table(
    "id",
    indexes=(("account_id", "name_key"), ("account_id", "permissions_boundary"), ("account_id",)),
    unique=(("account_id", "name_key"),),
)
@dataclass(frozen=True, slots=True)
class Role:
    """A role; its trust policy says who may assume it."""

    id: str
    account_id: str
    name: str
    name_key: str
    path: str
    trust_policy: str
    """A document, as it was given."""
    max_session_s: int
    created_ns: int
    description: str | None = None
    permissions_boundary: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    trusted_ids: tuple[tuple[str, str], ...] = ()
    """Users and roles that the trust policy names, by ARN, with the unique id that each had when
    the policy was saved: it means them, and nobody who has their name later."""


@_table(
    "id",
    indexes=(("account_id", "name_key"), ("account_id",)),
    unique=(("account_id", "name_key"),),
)
@dataclass(frozen=True, slots=True)
class UserGroup:
    """A group of IAM users (`AGPA...`): they have its policies."""

    id: str
    account_id: str
    name: str
    name_key: str
    path: str
    created_ns: int


@_table("user_id", "group_id", indexes=(("user_id",), ("group_id",)))
@dataclass(frozen=True, slots=True)
class Membership:
    """A user in a group."""

    user_id: str
    group_id: str


@_table("arn", indexes=(("account_id",),), unique=(("account_id", "name_key"),))
@dataclass(frozen=True, slots=True)
class ManagedPolicy:
    """A customer managed policy; AWS's own are in no store (`aws_policies`)."""

    arn: str
    id: str
    """`ANPA...`"""
    account_id: str
    name: str
    name_key: str
    path: str
    description: str | None
    default_version: int
    last_version: int
    """The highest number that a version ever had: a number is not given twice."""
    created_ns: int
    updated_ns: int
    tags: tuple[tuple[str, str], ...] = ()


@_table("policy_arn", "number", indexes=(("policy_arn",),))
@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One version of a customer managed policy: version `v3` has number 3."""

    policy_arn: str
    number: int
    document: str
    created_ns: int


@_table("owner_id", "name", indexes=(("owner_id",),))
@dataclass(frozen=True, slots=True)
class InlinePolicy:
    """A policy embedded in a user, a group or a role, which is its owner."""

    owner_id: str
    name: str
    document: str


@_table("owner_id", "policy_arn", indexes=(("owner_id",), ("account_id", "policy_arn")))
@dataclass(frozen=True, slots=True)
class Attachment:
    """A managed policy, AWS's or the account's own, attached to a user, a group or a role."""

    owner_id: str
    policy_arn: str
    account_id: str
    """The owner's account: policies of AWS are attached in many."""


@_table(
    "id",
    indexes=(
        ("serial", "deleted_ns"),
        ("serial",),
        ("owner_id",),
        ("account_id",),
        ("account_id", "kind", "deleted_ns"),
        ("account_id", "name_key", "deleted_ns"),
    ),
    unique=(("serial",),),
    live_while_none="deleted_ns",
)
@dataclass(frozen=True, slots=True)
class Device:
    """An MFA device entity, its binding to an identity, and the state of its one-time codes.

    Rows outlive deletion (`deleted_ns`), so that what was accepted once stays used. A hardware
    token belongs to no account until it is enabled; its seed came from the maker.
    """

    id: str
    kind: DeviceKind
    serial: str
    account_id: str | None
    name: str
    path: str
    created_ns: int
    secret: bytes = field(default=b"", repr=False)
    algorithm: str = "SHA1"
    digits: int = 6
    period_s: int = 30
    moving_factor: MovingFactor = MovingFactor.TIME
    phone: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    owner_id: str | None = None
    enabled_ns: int | None = None
    deleted_ns: int | None = None
    offset_steps: int = 0
    """Where the window is centred: steps from the verifier's own; for events, the next counter."""
    pair_offset_steps: int = 0
    """The offset that the last accepted pair found; drift memory stays near it."""
    last_pair_step: int | None = None
    """Second step of the last accepted pair; a new pair must be newer."""
    high_water_step: int | None = None
    """Highest step accepted as a single code."""
    name_key: str = ""
    """The name in lower case, by which a name that is taken is looked up."""


@_table("device_id", "step")
@dataclass(frozen=True, slots=True)
class UsedCode:
    """A step whose code was accepted from a device: its presence is the single-use rule."""

    device_id: str
    step: int


@_table("serial")
@dataclass(frozen=True, slots=True)
class Budget:
    """The attempts that a serial number has left; outlives the device of that name.

    The console counts an identity's failures under its unique id instead of a serial number.
    """

    serial: str
    window: int = 0
    """Index of the fixed window that `attempts` counts."""
    attempts: int = 0
    failures: int = 0
    """Consecutive failures, for the rule that delays."""
    blocked_until_ns: int = 0
    """When the delay after the last failure ends: at once if there is none."""
    recent_ns: tuple[int, ...] = ()
    """When the last attempts were, for the window that slides; no more than it takes."""


@_table("device_id", "from_ns", indexes=(("serial",), ("device_id",)))
@dataclass(frozen=True, slots=True)
class Binding:
    """Which identity STS believes a serial number to belong to, and from when until when.

    IAM's lists change at once; STS sees the change after the profile's propagation delay.
    """

    device_id: str
    from_ns: int
    serial: str
    identity_id: str
    until_ns: int | None = None


@_table("device_id")
@dataclass(frozen=True, slots=True)
class PairAtSts:
    """What STS learns late of a device's last accepted pair."""

    device_id: str
    old_offset_steps: int
    old_until_ns: int
    """How long STS goes on with the old offset."""
    offset_from_ns: int
    """From when on it knows the new offset; in between it takes no code."""
    second_step: int
    """The step of the pair's second code."""
    second_step_from_ns: int
    """From when on it takes that code."""


@_table("access_key_id")
@dataclass(frozen=True, slots=True)
class Session:
    """Temporary credentials (`ASIA...`) or a console session."""

    access_key_id: str
    secret: str = field(repr=False)
    token: str = field(repr=False)
    kind: SessionKind
    identity_id: str
    """The identity that began the chain; for a role session, who assumed the first role."""
    role_id: str | None
    session_name: str | None
    issued_ns: int
    expires_ns: int
    mfa_ns: int | None = None
    """When MFA was proved; None when it was not."""
    mfa_serial: str | None = None
    policies: tuple[str, ...] = ()
    """Documents of its session policies, which can only narrow what it may do."""
    tags: tuple[tuple[str, str], ...] = ()
    transitive_tag_keys: tuple[str, ...] = ()
    source_identity: str | None = None


@_table("id", indexes=(("identity_id",),))
@dataclass(frozen=True, slots=True)
class SignIn:
    """A console sign-in that waits for what the page after the password asks for."""

    id: str
    identity_id: str
    started_ns: int
    failures: int = 0
    chosen: DeviceKind | None = None
    closed: bool = False
    demand: Demand = Demand.MFA
    mfa_ns: int | None = None
    """When MFA was proved on this page, where more is asked for."""
    mfa_serial: str | None = None
    mail_code: str = field(default="", repr=False)


@_table("device_id")
@dataclass(frozen=True, slots=True)
class SmsChallenge:
    """The newest code that was sent to an SMS device; an older one is refused."""

    device_id: str
    code: str = field(repr=False)
    sent_ns: int
    tries: int = 0
    used: bool = False


@_table("device_id", indexes=(("credential_id",),), unique=(("credential_id",),))
@dataclass(frozen=True, slots=True)
class CredentialRecord:
    """A security key's credential (WebAuthn Level 3 section 4, credential record).

    It ends with the registration; the device's row stays.
    """

    device_id: str
    credential_id: bytes
    public_key: bytes
    """A COSE_Key."""
    sign_count: int
    aaguid: bytes
    transports: tuple[str, ...]
    backup_eligible: bool
    backed_up: bool
    user_verified: bool
    """Whether the key ever verified its user."""
    attestation_format: str
    certifications: tuple[tuple[str, str], ...] = ()
    """Of the key's model, by the metadata that its attestation was verified with."""
    app_id: str | None = None
    """What it was registered for through the U2F API, in place of a relying party's identifier."""
    cloned_ns: int | None = None
    """When its counter first failed to grow."""
    last_used_ns: int | None = None


@_table("challenge")
@dataclass(frozen=True, slots=True)
class WebAuthnChallenge:
    """A challenge for one ceremony; it is valid for one answer."""

    challenge: str
    """Base64url, as the client data has it."""
    ceremony: Ceremony
    identity_id: str
    holder: str
    """Who may answer: the second page, or the session that registers a key."""
    name: str
    """Of the key that is being registered; else empty."""
    issued_ns: int
    used: bool = False


@_table("id")
@dataclass(frozen=True, slots=True)
class Recovery:
    """A root user's sign-in by alternative factors, under way."""

    id: str
    identity_id: str
    state: RecoveryState
    mail_token: str = field(default="", repr=False)
    mail_sent_ns: int | None = None
    call_digits: str = field(default="", repr=False)
    called_ns: int | None = None
    call_tries: int = 0


@_table("account_id")
@dataclass(frozen=True, slots=True)
class CredentialReport:
    """The last credential report of an account."""

    account_id: str
    content: str
    generated_ns: int
    ready_ns: int
    """When it is finished, and handed out."""
