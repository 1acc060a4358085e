"""Steps that bring a device to an identity and take it away again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mfalab.simulator.abilities import Ability, Need
from mfalab.simulator.environment import browser
from mfalab.simulator.environment.devices import CodeDevice, HeldDevice, HeldKey, HeldSms
from mfalab.simulator.environment.environment import Environment
from mfalab.simulator.environment.outcome import Prevented, ScenarioError
from mfalab.simulator.environment.people import Person
from mfalab.simulator.language.codes import CodeChoice, PairChoice
from mfalab.simulator.language.key_use import KeyUse
from mfalab.simulator.language.units import Span
from mfalab.simulator.language.words import DeviceName, PersonName, SessionName
from mfalab.simulator.steps.base import Step
from mfalab.simulator.steps.refusals import CONSOLE, READING, SIGNING
from mfalab.verifier import CeremonyOutcome, Credentials, Outcome

Using = SessionName | None


class OnBehalf(Step):
    """A step that one person does, for themselves or for another person."""

    who: PersonName
    """Who acts."""
    for_: Annotated[PersonName | None, Field(alias="for")] = None
    """Whose device it concerns; the actor's own when left out."""
    using: Using = None
    """`keys` (long-term access keys), `console`, or a session's name; root uses the console."""

    def needs(self) -> Iterator[Need]:
        """See `Step.needs`."""
        yield from super().needs()
        yield Need(Ability.ENROL)
        if self.using is not None:
            yield Need(Ability.CONSOLE if self.using == "console" else Ability.API)

    def actor(self, env: Environment) -> Person:
        """Who acts."""
        return env.person(self.who)

    def owner(self, env: Environment) -> Person:
        """Whom it is for."""
        return env.person(self.for_ or self.who)

    def through_console(self, env: Environment) -> bool:
        """Whether this is a console flow: root's are, and those at what has no API."""
        if self.using is not None:
            return self.using == "console"
        return self.actor(env).root or Ability.API not in env.system.offer.can

    def on_pages(self, env: Environment) -> Credentials:
        """Whose pages they are: who is signed in, unless a target's pages take anybody by name."""
        actor = self.actor(env)
        if Ability.API not in env.system.offer.can and actor.keys is not None:
            return actor.keys
        return actor.console_credentials()

    def console_user(self, env: Environment) -> str | None:
        """The user name a console flow is for; None is the one who is signed in."""
        return None if self.for_ in (None, self.who) else self.owner(env).user_name


def reader(device: HeldDevice, *people: Person) -> Person:
    """Who of these people can look at a device: the first who holds it.

    Raises:
        Prevented: none of them does.
    """
    holder = next((person for person in people if person.name == device.holder), people[0])
    holder.holding(device)
    return holder


class Create(OnBehalf):
    """Create a virtual device and scan its QR code (IAM CreateVirtualMFADevice)."""

    calls: ClassVar[tuple[str, ...]] = ("CreateVirtualMFADevice",)
    meets: ClassVar[frozenset[str]] = frozenset(READING | {"ProvisioningError"})
    do: Literal["create"] = "create"
    device: DeviceName
    """The app that scans the code."""
    device_name: str | None = None
    """The entity's name; the app's name when left out."""
    path: str = "/"
    """The path of the device's ARN."""
    tags: dict[str, str] = Field(default_factory=dict)
    """Tags to put on it, value by key."""
    scan: bool = True
    """Whether anybody scans the code: a cancelled wizard leaves it unscanned."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        device = env.app(self.device)
        actor, name = self.actor(env), self.device_name or device.name
        if self.through_console(env):
            made = env.target.console.create_virtual_device(self.on_pages(env), name)
        else:
            made = env.target.iam(actor.credentials(self.using)).create_virtual_mfa_device(
                VirtualMFADeviceName=name,
                Path=self.path,
                Tags=[{"Key": key, "Value": value} for key, value in self.tags.items()],
            )
        entity = made["VirtualMFADevice"]
        serial = str(entity["SerialNumber"])
        actor.note("creates a virtual device", device=device.name, serial=serial)
        device.serial = serial
        if self.scan:
            png = entity["QRCodePNG"]
            assert isinstance(png, bytes)
            env.note(device.name, "scans a QR code", serial=serial)
            device.scan(png)
        return serial


class Pair(OnBehalf):
    """A step that proves a device with two codes."""

    device: DeviceName
    """The device that is concerned."""
    codes: PairChoice = "consecutive"
    """What is typed: consecutive, equal, reversed, gapped, wrong, last, or two codes."""
    codes_from: DeviceName | None = None
    """Another device that the codes are read from."""
    late: Span = 0
    """How long the two codes lie around before they are submitted."""
    serial: str | None = None
    """A serial number or ARN to give instead of the device's own."""

    def needs(self) -> Iterator[Need]:
        """See `Step.needs`."""
        yield from super().needs()
        yield Need(Ability.READ, self.codes_from or self.device)

    def typed_pair(self, env: Environment) -> tuple[str, str]:
        """Read and type the two codes."""
        source = env.code_device(self.codes_from or self.device)
        pair = reader(source, self.actor(env), self.owner(env)).type_pair(source, self.codes)
        env.advance(self.late)
        return pair

    def serial_of(self, device: HeldDevice) -> str:
        """The serial number to give."""
        return self.serial or device.known_serial()


class Enable(Pair):
    """Assign a device to an identity with two consecutive codes (IAM EnableMFADevice).

    An app that holds no account yet is given one first. An SMS phone is enrolled with the code
    that is sent to it.
    """

    calls: ClassVar[tuple[str, ...]] = ("CreateVirtualMFADevice", "EnableMFADevice")
    meets: ClassVar[frozenset[str]] = frozenset(
        READING | SIGNING | CONSOLE | {"InvalidRegistration", "ProvisioningError"}
    )
    decides: ClassVar[tuple[type[StrEnum], ...]] = (Outcome, CeremonyOutcome)
    do: Literal["enable"] = "enable"
    code: CodeChoice = "current"
    """For an SMS phone: the one code that is typed."""
    key: KeyUse = KeyUse()
    """For a security key: touch, pin, finger, origin, client, pulled_out_after."""

    def needs(self) -> Iterator[Need]:
        """See `Step.needs`."""
        yield from OnBehalf.needs(self)
        yield from self.key.needs(self.device)

    def perform(self, env: Environment) -> object:
        """See the class."""
        return env.device(self.device).take_part(_Enrolment(env, self))


@dataclass(frozen=True, slots=True)
class _Enrolment:
    """How each kind of device is enabled; the serial number is what comes of it."""

    env: Environment
    step: Enable

    def read_code(self, device: CodeDevice) -> str:
        """Enable it with two consecutive codes; an app without an account is given one first."""
        env, step = self.env, self.step
        if device.needs_account and step.serial is None:
            whose = {"who": step.who, "for": step.for_, "using": step.using}
            Create.model_validate({**whose, "device": step.device}).perform(env)
        return self._by_codes(device)

    def _by_codes(self, device: HeldDevice) -> str:
        env, step = self.env, self.step
        serial = step.serial_of(device)
        first, second = step.typed_pair(env)
        actor = step.actor(env)
        if step.through_console(env):
            env.target.console.enable_device(
                step.on_pages(env),
                serial=serial,
                code1=first,
                code2=second,
                user_name=step.console_user(env),
            )
        else:
            env.target.iam(actor.credentials(step.using)).enable_mfa_device(
                UserName=step.owner(env).user_name,
                SerialNumber=serial,
                AuthenticationCode1=first,
                AuthenticationCode2=second,
            )
        return serial

    def await_code(self, device: HeldSms) -> str:
        """Enrol a phone with the code that is sent to it."""
        env, step, console = self.env, self.step, self.env.target.console
        credentials = step.actor(env).console_credentials()
        number = device.thing.number
        if number is None:
            raise Prevented("NoCodeArrived", f"{device.name} has no number")
        already = len(device.thing.codes())
        device.serial = console.register_sms(
            credentials, phone=number, user_name=step.console_user(env)
        )
        holder = reader(device, step.actor(env), step.owner(env))
        holder.await_text(device, already)
        code = holder.read_and_type(device, step.code)
        console.confirm_sms(credentials, serial=device.serial, code=code)
        return device.serial

    def sign(self, device: HeldKey) -> str:
        """Register a key in the console, unless codes of another device are tried for it."""
        if self.step.codes_from is not None:
            return self._by_codes(device)
        env, step, console = self.env, self.step, self.env.target.console
        if not step.through_console(env) and step.using is not None:
            raise ScenarioError("security keys are enabled in the console; use using: console")
        actor, user = step.actor(env), step.console_user(env)
        credentials = step.on_pages(env)
        holder = reader(device, actor, step.owner(env))
        options = console.begin_security_key(credentials, name=device.name, user_name=user)
        response = browser.register(holder, device, options, step.key)
        serial = console.finish_security_key(credentials, response=response, user_name=user)
        device.register(step.for_ or step.who, serial, response.get("id"))
        return serial


class Resync(Pair):
    """Resynchronise a device with two consecutive codes (IAM ResyncMFADevice)."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.RESYNC,)
    calls: ClassVar[tuple[str, ...]] = ("ResyncMFADevice",)
    meets: ClassVar[frozenset[str]] = READING | CONSOLE
    decides: ClassVar[tuple[type[StrEnum], ...]] = (Outcome,)
    do: Literal["resync"] = "resync"
    at: Literal["sign-in page"] | None = None
    """Resynchronise on the second page of a sign-in that is under way."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        device, actor = env.device(self.device), self.actor(env)
        first, second = self.typed_pair(env)
        if self.at is not None:
            if actor.page is None:
                raise ScenarioError(f"{actor.name} has no sign-in page open")
            actor.page = env.target.console.resync(actor.page.id, first, second)
        elif self.through_console(env):
            env.target.console.resync_device(
                self.on_pages(env),
                serial=self.serial_of(device),
                code1=first,
                code2=second,
                user_name=self.console_user(env),
            )
        else:
            env.target.iam(actor.credentials(self.using)).resync_mfa_device(
                UserName=self.owner(env).user_name,
                SerialNumber=self.serial_of(device),
                AuthenticationCode1=first,
                AuthenticationCode2=second,
            )
        return None


class Deactivate(OnBehalf):
    """Take a device from an identity (IAM DeactivateMFADevice)."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.REMOVE,)
    calls: ClassVar[tuple[str, ...]] = ("DeactivateMFADevice",)
    do: Literal["deactivate"] = "deactivate"
    device: DeviceName
    serial: str | None = None
    """A serial number or ARN to give instead of the device's own."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        device, actor = env.device(self.device), self.actor(env)
        serial = self.serial or device.known_serial(self.for_ or self.who)
        if self.through_console(env):
            env.target.console.deactivate_device(
                self.on_pages(env), serial=serial, user_name=self.console_user(env)
            )
        else:
            owner = self.owner(env)
            # Root has no user name; a session of AssumeRoot acts as the root that it is.
            assumed = owner.root and self.using not in (None, "keys")
            env.target.iam(actor.credentials(self.using)).deactivate_mfa_device(
                SerialNumber=serial, UserName=None if assumed else owner.user_name
            )
        env.journal.window_closed(device.name)
        return None


class Delete(Step):
    """Delete a virtual or SMS device entity (IAM DeleteVirtualMFADevice)."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.API,)
    calls: ClassVar[tuple[str, ...]] = ("DeleteVirtualMFADevice",)
    do: Literal["delete"] = "delete"
    who: PersonName
    device: DeviceName
    using: Using = None
    serial: str | None = None
    """A serial number or ARN to give instead of the device's own."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        device, actor = env.device(self.device), env.person(self.who)
        serial = self.serial or device.known_serial()
        env.target.iam(actor.credentials(self.using)).delete_virtual_mfa_device(SerialNumber=serial)
        env.journal.window_closed(device.name)
        return None


class Tag(Step):
    """Put tags on a virtual device (IAM TagMFADevice)."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.API,)
    calls: ClassVar[tuple[str, ...]] = ("TagMFADevice",)
    do: Literal["tag"] = "tag"
    who: PersonName
    device: DeviceName
    using: Using = None
    tags: dict[str, str]
    """Value by key."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        env.target.iam(env.person(self.who).credentials(self.using)).tag_mfa_device(
            SerialNumber=env.device(self.device).known_serial(),
            Tags=[{"Key": key, "Value": value} for key, value in self.tags.items()],
        )
        return None


class Untag(Step):
    """Take tags from a virtual device (IAM UntagMFADevice)."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.API,)
    calls: ClassVar[tuple[str, ...]] = ("UntagMFADevice",)
    do: Literal["untag"] = "untag"
    who: PersonName
    device: DeviceName
    using: Using = None
    keys: list[str]
    """The keys of the tags."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        env.target.iam(env.person(self.who).credentials(self.using)).untag_mfa_device(
            SerialNumber=env.device(self.device).known_serial(), TagKeys=self.keys
        )
        return None
