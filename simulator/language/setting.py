"""The setting of a story as typed models: the verifier, who is there, and what they hold."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import fields, replace
from enum import Enum
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar, get_args, get_type_hints

from pydantic import AfterValidator, BeforeValidator, Field, create_model, model_validator

from mfalab.devices.otp.seed import OtpKind
from mfalab.simulator.abilities import Ability, Need
from mfalab.simulator.clocks.durations import NS_PER_S, NS_PER_YEAR
from mfalab.simulator.language.seed_files import SeedFileEntry, TotpEntry
from mfalab.simulator.language.units import (
    Celsius,
    DelayRange,
    Duration,
    Instant,
    Ppm,
    Seconds,
    Share,
    Span,
    Steps,
    format_duration,
    format_instant,
    parse_instant_ns,
)
from mfalab.simulator.language.words import (
    AccountName,
    ClimateName,
    DeviceName,
    KeyModelName,
    Name,
    PersonName,
    PhoneName,
    Pin,
    PolicyName,
    PrincipalName,
    ProfileName,
    QuirksName,
    Strict,
)
from mfalab.verifier import PROFILES, Delay, Profile
from mfalab.verifier.names import Partition, check_alias

T = TypeVar("T")

DEFAULT_START_NS = parse_instant_ns("2026-03-02T09:00:00Z")
"""A Monday morning: an office climate starts warm."""
MOST_TIMES = 100_000
"""How often a step or a routine is done at most."""


_STEP_FIGURES = {"window_back", "window_ahead", "pair_back", "pair_ahead"}


def _profile_field(name: str, kind: Any) -> tuple[str, Any]:
    """The scenario's word for a figure, and its type: the unit moves to the value."""
    if name.endswith("_s"):
        return name.removesuffix("_s"), DelayRange if kind is Delay else Seconds
    if name.endswith("_ns"):
        return name.removesuffix("_ns"), Instant
    if name.endswith("_steps") or name.removeprefix("hardware_") in _STEP_FIGURES:
        return name.removesuffix("_steps"), Steps
    return name, kind


class ServerClockSpec(Strict):
    """How wrong the verifier's own clock is."""

    offset: Duration = 0
    """How far ahead of true time it is."""
    drift: Ppm = 0.0
    """How fast it gains."""


_HINTS = get_type_hints(Profile)
_CHANGES = {field.name: _profile_field(field.name, _HINTS[field.name]) for field in fields(Profile)}
_MAY_BE_NONE = {name for name, hint in _HINTS.items() if type(None) in get_args(hint)}


class _Changes(Strict):
    """What `ProfileChanges` does with its fields."""

    def apply(self, profile: Profile) -> Profile:
        """A profile with the fields that are given."""
        changes: dict[str, Any] = {}
        for name, (word, kind) in _CHANGES.items():
            value = getattr(self, word, None)
            if value is None:
                if word in self.model_fields_set and name in _MAY_BE_NONE:
                    changes[name] = None
            elif kind is Seconds:
                changes[name] = value // NS_PER_S
            else:
                changes[name] = Delay(*value) if kind is DelayRange else value
        return replace(profile, **changes)


ProfileChanges = create_model(
    "ProfileChanges",
    __base__=_Changes,
    **{word: (kind | None, None) for name, (word, kind) in _CHANGES.items() if name != "name"},  # type: ignore[call-overload] # the fields are those of Profile, whatever they are
)
"""Every figure of a profile, to be changed one by one."""


_KEY_OPTIONS = frozenset({"user_verification", "attestation", "passkeys"})
"""Figures that a client of a relying party may ask for in each ceremony."""


def needs_of_rules(changed: Set[str]) -> Iterator[Need]:
    """What the system under test must be able to, for these figures to be as a story says."""
    if changed & _KEY_OPTIONS:
        yield Need(Ability.KEY_OPTIONS)
    if changed - _KEY_OPTIONS:
        yield Need(Ability.RULES)


class VerifierSpec(ProfileChanges):
    """Which verifier is under test: a profile's name, or a profile with some fields changed."""

    profile: ProfileName = "aws-immediate"
    clock: ServerClockSpec = ServerClockSpec()
    """How wrong its own clock is."""

    @model_validator(mode="after")
    def _makes_a_profile(self) -> Self:
        self.resolve()
        return self

    @staticmethod
    def figures(profile: Profile) -> dict[str, Any]:
        """Every figure of a profile as a scenario would write it."""
        written: dict[str, Any] = {}
        for name, (word, kind) in _CHANGES.items():
            value = getattr(profile, name)
            if value is None:
                written[word] = None
            elif kind is Seconds:
                written[word] = format_duration(value * NS_PER_S)
            elif kind is DelayRange:
                written[word] = str(value)
            elif kind is Instant:
                written[word] = format_instant(value)
            elif kind is Steps:
                written[word] = f"{value} step" if value == 1 else f"{value} steps"
            else:
                written[word] = value.value if isinstance(value, Enum) else value
        return {word: value for word, value in written.items() if word != "name"}

    def resolve(self) -> Profile:
        """The profile with its changes."""
        return self.apply(PROFILES[self.profile])


def _profile_name(value: Any) -> Any:
    return {"profile": value} if isinstance(value, str) else value


class AccountSpec(Strict):
    """An AWS account. Its root user is the person whose role is root."""

    id: Annotated[str, Field(pattern=r"^\d{12}$")] | None = None
    """Twelve digits; made up when left out."""
    alias: Annotated[str, AfterValidator(check_alias)] | None = None
    """The account's alias, by which users may sign in."""
    partition: Partition = "aws"
    alternative_factors: bool = True
    """Whether root may recover by e-mail and telephone."""
    root_phone: str | None = "+12025550100"
    """The telephone number on file; null for none."""
    managed_by: list[AccountName] = Field(default_factory=list)
    """Accounts whose users may assume this one's root: that of the organization, and delegates."""


class RoutineSpec(Strict):
    """What a person does again and again, once a step `routine` begins it."""

    signs_in: DeviceName
    """The device that they sign in with."""
    every: Span
    """From the beginning of one sign-in to the next."""
    for_: Annotated[Span, Field(alias="for")]
    """How long it goes on: `for: 2 y` with `every: 1 wk` is 104 times."""
    jitter: Span = 0
    """At most how much later a sign-in begins; drawn evenly for each."""

    @model_validator(mode="after")
    def _goes_on(self) -> Self:
        if self.every == 0:
            raise ValueError("every must be longer than 0 s")
        if self.jitter > self.every:
            raise ValueError("jitter must not be longer than every: occurrences keep their order")
        if not 1 <= self.times <= MOST_TIMES:
            raise ValueError(
                f"for holds every {self.times} times, and must do so 1 to {MOST_TIMES} times"
            )
        return self

    @property
    def times(self) -> int:
        """How often it is done."""
        return self.for_ // self.every


class PersonSpec(Strict):
    """A person who signs in, administers or attacks."""

    role: Literal["user", "administrator", "root", "stranger"] = "user"
    """What the account knows them as; a stranger has no identity in it."""
    account: AccountName = "main"
    user_name: str | None = None
    """The IAM user name; the person's name when left out."""
    path: str = "/"
    """The path of the IAM user's ARN."""
    policies: list[PolicyName] | None = None
    """Managed policies in place of the one that a user (SelfManagement) or an administrator
    (AdministratorAccess) has."""
    must_change_password: bool = False
    """Whether the first sign-in of an IAM user asks for a new password."""
    typing: Span | Literal["natural", "instant"] = "natural"
    """From reading a code to its arrival: natural is lognormal around 9 s, at most 45 s."""
    routine: RoutineSpec | None = None
    """What they do again and again: {signs_in: DEVICE, every: 1 wk, for: 2 y, jitter: 3 h}; a step
    `routine` says when."""

    @model_validator(mode="after")
    def _policies_are_of_users(self) -> Self:
        if self.policies is not None and self.role in ("root", "stranger"):
            raise ValueError(f"a {self.role} has no policies; only IAM users have")
        return self


Statements = Annotated[list[dict[str, Any]], Field(min_length=1)]
"""The statements of a policy, in AWS's words: Effect, Action, Resource, Condition, ..."""


class GroupSpec(Strict):
    """A group of IAM users, who have its policies besides their own."""

    account: AccountName = "main"
    members: list[PersonName] = Field(default_factory=list)
    policies: list[PolicyName] = Field(default_factory=list)
    """Managed policies of all members."""


class RoleSpec(Strict):
    """A role that people may assume."""

    account: AccountName = "main"
    trusts: list[PrincipalName] = Field(default_factory=lambda: ["main"])
    """People, or accounts, or ARNs."""
    requires_mfa: bool = False
    """The trust policy demands aws:MultiFactorAuthPresent."""
    mfa_max_age: Seconds | None = None
    """The trust policy demands an aws:MultiFactorAuthAge below this."""
    external_id: str | None = None
    """The trust policy demands this sts:ExternalId."""
    trust_policy: Statements | None = None
    """The statements of the trust policy, in place of what the four words before say."""
    max_session: Seconds = 3600 * NS_PER_S
    """The longest session that may be asked for."""
    policies: list[PolicyName] = Field(default_factory=list)
    """Managed policies of its sessions, which otherwise may do nothing."""


class PhoneSpec(Strict):
    """A telephone: what apps and SMS live on, and a clock that the network keeps."""

    owner: PersonName | None = None
    clock: Literal["network", "airplane", "manual"] = "network"
    """Kept by the network; or free-running in airplane mode, or set by hand, from the start."""
    offset: Duration = 0
    """How far a clock set by hand is ahead at the start."""


class DeviceSpec(Strict):
    """What all MFA devices have."""

    owner: PersonName
    """Who holds it at the start, and whose device it is meant to be."""


class TokenSpec(SeedFileEntry, DeviceSpec):
    """What all hardware tokens have."""

    registered: bool = True
    """Whether the maker has handed this token's seed to the verifier."""
    age: Span = 0
    """How long before the start it was made; it has aged and drifted since."""
    battery: Span = 8 * NS_PER_YEAR
    """How long a battery lasts, from the day it was made."""


class HardwareTotpSpec(TotpEntry, TokenSpec):
    """A hardware TOTP token (RFC 6238): button, display, quartz, coin cell."""

    kind: Literal["hardware_totp"] = "hardware_totp"
    crystal: Literal["quartz", "tcxo", "mems"] = "quartz"
    drift: Ppm | None = None
    """Fractional frequency at 25 C when new, positive is fast; drawn from the data sheet's
    spread when left out."""
    turnover: Celsius | None = None
    """The temperature at which its crystal is fastest; drawn likewise."""
    ageing: Ppm | None = None
    """What its frequency gains in the first year; drawn likewise."""
    offset: Duration = 0
    """How far its clock is ahead at the start, beside what its age gives; the TimeDrift of its
    seed file when left out."""
    climate: ClimateName | Celsius = "drawer"
    frozen: bool = False
    """Its clock has stopped; the display still works."""


class HardwareHotpSpec(TokenSpec):
    """An event-based hardware token (RFC 4226): each press is the next code."""

    otp_kind: ClassVar[OtpKind] = OtpKind.HOTP
    kind: Literal["hardware_hotp"] = "hardware_hotp"
    counter: Annotated[int, Field(ge=0)] = 0
    """The counter of the first press."""


class TotpAppSpec(DeviceSpec):
    """A virtual MFA device: an account in an authenticator app on a phone."""

    kind: Literal["totp_app"] = "totp_app"
    on: PhoneName | None = None
    """The phone it lives on; a phone of its own when left out."""
    quirks: QuirksName = "faithful"
    """How the app departs from the key URI it is given."""


class SmsPhoneSpec(DeviceSpec):
    """A phone that receives codes by SMS."""

    kind: Literal["sms_phone"] = "sms_phone"
    on: PhoneName | None = None
    number: Annotated[str, Field(pattern=r"^\+\d{6,15}$")] | None = None
    """E.164; made up when left out."""


class SecurityKeySpec(DeviceSpec):
    """A FIDO security key, plugged in at the start."""

    kind: Literal["security_key"] = "security_key"
    model: KeyModelName = "ctap-2.1-pin"
    """What kind of key; `mfalab key models` tells what each can do."""
    pin: Pin | None = None
    """Its PIN; none is set when left out."""
    fingers: list[Name] = Field(default_factory=list)
    """Fingers that are enrolled; enrolling takes a PIN."""
    slots: Annotated[int, Field(ge=0)] | None = None
    """How many discoverable credentials it holds; as the model has it when left out."""
    attachment: Literal["cross-platform", "platform"] = "cross-platform"
    """How it is attached; platform is the authenticator built into its owner's machine."""

    @model_validator(mode="after")
    def _fingers_need_a_pin(self) -> Self:
        if self.fingers and self.pin is None:
            raise ValueError("fingers are enrolled with a PIN; give the key one")
        return self


class CarrierSpec(Strict):
    """How well the carrier delivers SMS."""

    delay: Span = 4 * NS_PER_S
    """Median time on the way."""
    loses: Share = 0.0
    """Texts that never arrive."""
    duplicates: Share = 0.0
    """Texts that arrive twice."""
    reorders: Share = 0.0
    """Texts that a later one overtakes."""


AnyDevice = Annotated[
    HardwareTotpSpec | HardwareHotpSpec | TotpAppSpec | SmsPhoneSpec | SecurityKeySpec,
    Field(discriminator="kind"),
]

DEVICE_KINDS = tuple(
    model.model_fields["kind"].default for model in get_args(get_args(AnyDevice)[0])
)
"""The words of `kind`."""


def _empty_means_defaults(value: Any) -> Any:
    """`alice:` with nothing behind it is `alice: {}`."""
    if isinstance(value, dict):
        return {key: {} if item is None else item for key, item in value.items()}
    return value


_Named = Annotated[dict[Name, T], BeforeValidator(_empty_means_defaults)]


class Setting(Strict):
    """Where a story takes place: the verifier, and who is there with what."""

    verifier: Annotated[VerifierSpec, BeforeValidator(_profile_name)] = VerifierSpec()
    """The verifier under test."""
    start: Instant = DEFAULT_START_NS
    """True time at the first step."""
    accounts: _Named[AccountSpec] = Field(default_factory=dict)
    """AWS accounts beside `main`, by name."""
    people: _Named[PersonSpec] = Field(default_factory=dict)
    """People, by name."""
    policies: dict[Name, Statements] = Field(default_factory=dict)
    """Policies, by name: the statements of each. What has a Principal is a resource's policy."""
    groups: _Named[GroupSpec] = Field(default_factory=dict)
    """Groups of IAM users, by name."""
    roles: _Named[RoleSpec] = Field(default_factory=dict)
    """IAM roles, by name."""
    phones: _Named[PhoneSpec] = Field(default_factory=dict)
    """Phones, by name."""
    devices: dict[Name, AnyDevice] = Field(default_factory=dict)
    """MFA devices, by name; `kind` says of which kind."""
    carrier: CarrierSpec = CarrierSpec()
    """The carrier of text messages."""

    def needs(self) -> Iterator[Need]:
        """What the system under test must be able to, for the story to take place there."""
        if "start" in self.model_fields_set:
            yield Need(Ability.ANY_TIME)
        said = self.verifier.model_fields_set
        yield from needs_of_rules(said - {"clock"})
        if "clock" in said:
            yield Need(Ability.SERVER_CLOCK)
        if self.accounts.keys() - {"main"}:
            yield Need(Ability.ACCOUNTS)
        if any(person.role == "root" for person in self.people.values()):
            yield Need(Ability.ROOT)
        if any(person.must_change_password for person in self.people.values()):
            yield Need(Ability.PAGES)
        policies = any(person.policies is not None for person in self.people.values())
        if self.roles or self.groups or policies:
            yield Need(Ability.API)
        kinds = {device.kind for device in self.devices.values()}
        of_kind = {
            "totp_app": Ability.CODES,
            "hardware_totp": Ability.CODES,
            "hardware_hotp": Ability.COUNTERS,
            "sms_phone": Ability.SMS,
            "security_key": Ability.KEYS,
        }
        needed = {ability: None for kind, ability in of_kind.items() if kind in kinds}
        yield from map(Need, needed)
        if any(isinstance(device, TokenSpec) for device in self.devices.values()):
            yield Need(Ability.TOKENS)
