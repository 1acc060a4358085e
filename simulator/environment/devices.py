"""Devices as people have them: the thing itself, whose it is, who holds it, its serial number.

A device shows codes (`CodeDevice`) or answers challenges (`HeldKey`). What differs between them
is a `Ceremony`, which each takes part in by its own way, so no code asks what kind a device is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from mfalab.devices.otp.app import AppBackup, AuthenticatorApp
from mfalab.devices.otp.token import HardwareToken, HotpToken
from mfalab.devices.phone import Phone
from mfalab.devices.sms.phone import SmsPhone
from mfalab.simulator.clocks import DeviceClock
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.environment.key_access import KeyAccess
from mfalab.simulator.environment.outcome import Prevented, ScenarioError
from mfalab.simulator.language import codes
from mfalab.verifier import DeviceKind

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_FAR_STEPS = 12
"""A wrong code is the code of no step this near: no sensible window reaches farther."""


class Ceremony(Protocol[T_co]):
    """What devices take part in, such as an enrolment or a sign-in; each kind in its own way."""

    def read_code(self, device: CodeDevice) -> T_co:
        """With a device whose display is looked at."""
        ...

    def await_code(self, device: HeldSms) -> T_co:
        """With a phone that a code is sent to."""
        ...

    def sign(self, device: HeldKey) -> T_co:
        """With a security key, which signs a challenge."""
        ...


class HeldDevice(ABC):
    """A device in a person's hands.

    Attributes:
        name: what the scenario calls it.
        owner: the person it is meant for.
        holder: who has it now; None while it is lost.
        serial: serial number or ARN by which the verifier knows it; None before it has one.
        when_named: is told when it has another serial number.
        clock: what it goes by; None when it tells no time.
        typed: the codes that were typed for it, newest last.
        typed_pair: the pair that was typed last.
    """

    kind: DeviceKind

    def __init__(
        self, name: str, owner: str, clock: DeviceClock | None, serial: str | None
    ) -> None:
        self.name = name
        self.owner = owner
        self.holder: str | None = owner
        self.when_named: Callable[[HeldDevice], None] = lambda device: None
        self._serial = serial
        self.clock = clock
        self.typed: list[str] = []
        self.typed_pair: tuple[str, str] | None = None

    @property
    def serial(self) -> str | None:
        """See the class."""
        return self._serial

    @serial.setter
    def serial(self, serial: str | None) -> None:
        self._serial = serial
        self.when_named(self)

    def all_serials(self) -> list[str]:
        """Every serial number that it has now."""
        return [] if self.serial is None else [self.serial]

    def answers_to(self, serial: str) -> bool:
        """Whether the verifier calls it by this serial number."""
        return self.serial == serial

    def known_serial(self, person: str | None = None) -> str:
        """The serial number or ARN; of a device that serves several people, a person's.

        Raises:
            ScenarioError: it has none yet.
        """
        if self.serial is None:
            raise ScenarioError(f"{self.name} has no serial number yet; create it first")
        return self.serial

    @property
    @abstractmethod
    def alive(self) -> bool:
        """Whether it works now."""

    @abstractmethod
    def break_(self) -> None:
        """Break it for good."""

    @abstractmethod
    def take_part(self, ceremony: Ceremony[T]) -> T:
        """Take part in a ceremony in the way of this kind of device."""

    @property
    def period_s(self) -> int | None:
        """Length of its time step; None when it counts no time."""
        return None

    @property
    def codes_received(self) -> int | None:
        """How many codes were sent to it; None where none are sent, or it is broken."""
        return None


class CodeDevice(HeldDevice):
    """A device that shows codes."""

    @abstractmethod
    def code(self) -> str:
        """What it shows now; a button is pressed for it.

        Raises:
            DeviceError: it does not work or holds no such account.
        """

    @abstractmethod
    def code_at(self, offset_steps: int) -> str:
        """The code so many steps (or presses) from the present one."""

    @property
    def step(self) -> int | None:
        """The time step that it believes in, or the counter of its next code; None without one."""
        if self.clock is None or self.period_s is None:
            return None
        return self.clock.now_ns() // (self.period_s * NS_PER_S)

    @property
    def needs_account(self) -> bool:
        """Whether it holds no secret yet and has to be given one."""
        return False

    def wrong_code(self) -> str:
        """A code that no sensible window holds."""
        first = 0 if self.period_s is None else -_FAR_STEPS
        near = {self.code_at(steps) for steps in range(first, _FAR_STEPS + 1)}
        return codes.other_than(near, self.code_at(0))

    @property
    def until_next_code_ns(self) -> int:
        """How long until it can show the next code, by its own clock."""
        return 0

    def take_part(self, ceremony: Ceremony[T]) -> T:
        """Be looked at."""
        return ceremony.read_code(self)


def showing_codes(device: HeldDevice) -> CodeDevice:
    """A device as one that shows codes.

    Raises:
        Prevented: it shows none.
    """
    if not isinstance(device, CodeDevice):
        raise Prevented("NoCode", f"{device.name} is a security key and shows no codes")
    return device


class HeldToken(CodeDevice):
    """A hardware token in a person's hands, time-based or event-based."""

    kind = DeviceKind.HARDWARE

    def __init__(
        self, name: str, owner: str, clock: DeviceClock, thing: HardwareToken | HotpToken
    ) -> None:
        super().__init__(name, owner, clock, thing.serial)
        self.thing = thing

    @property
    def alive(self) -> bool:
        """Whether its display would light up."""
        return self.thing.usable

    def code(self) -> str:
        """Press and read."""
        return self.thing.read_code()

    def code_at(self, offset_steps: int) -> str:
        """See `CodeDevice.code_at`."""
        return self.thing.code_at(offset_steps)

    def break_(self) -> None:
        """Break it for good."""
        self.thing.break_()

    @property
    def period_s(self) -> int | None:
        """Length of its time step; None for an event-based token."""
        return self.thing.seed.period_s if isinstance(self.thing, HardwareToken) else None

    @property
    def step(self) -> int | None:
        """See `CodeDevice.step`."""
        return self.thing.counter if isinstance(self.thing, HotpToken) else super().step

    @property
    def until_next_code_ns(self) -> int:
        """How long until a press shows another code."""
        return self.thing.until_next_code_ns if isinstance(self.thing, HardwareToken) else 0


class HeldApp(CodeDevice):
    """An account in an authenticator app."""

    kind = DeviceKind.VIRTUAL

    def __init__(self, name: str, owner: str, clock: DeviceClock, app: AuthenticatorApp) -> None:
        super().__init__(name, owner, clock, None)
        self.app = app
        self.account: str | None = None
        self.backup: AppBackup | None = None

    @property
    def needs_account(self) -> bool:
        """Whether no QR code has been scanned yet."""
        return self.account is None

    @property
    def phone(self) -> Phone:
        """The phone it lives on."""
        return self.app.phone

    @property
    def alive(self) -> bool:
        """Whether the phone works."""
        return self.phone.usable

    def scan(self, png: bytes) -> None:
        """Take up the account in a QR code."""
        self.account = self.app.scan(png)

    def add(self, uri: str) -> None:
        """Take up the account in a key URI."""
        self.account = self.app.add(uri)

    def take_over(self, other: HeldApp) -> None:
        """Show from now on the account that `other` shows, after a clone or a restored backup."""
        self.account, self.serial = other.account, other.serial

    def _account(self) -> str:
        if self.account is None:
            raise ScenarioError(
                f"{self.name} holds no account yet; create or enable it, or clone one to it, first"
            )
        return self.account

    def code(self) -> str:
        """What the app shows."""
        return self.app.code(self._account())

    def code_at(self, offset_steps: int) -> str:
        """See `CodeDevice.code_at`."""
        return self.app.code_at(self._account(), offset_steps)

    def break_(self) -> None:
        """Break the phone, with all that is on it."""
        self.phone.break_()

    @property
    def period_s(self) -> int | None:
        """The time step of AWS's virtual devices."""
        return 30

    @property
    def until_next_code_ns(self) -> int:
        """How long until the app shows another code."""
        return self.app.until_next_code_ns(self._account())


class HeldSms(CodeDevice):
    """A phone that receives codes."""

    kind = DeviceKind.SMS

    def __init__(self, name: str, owner: str, clock: DeviceClock, thing: SmsPhone) -> None:
        super().__init__(name, owner, clock, None)
        self.thing = thing

    @property
    def alive(self) -> bool:
        """Whether the phone works."""
        return self.thing.phone.usable

    def code(self) -> str:
        """The code that arrived last."""
        return self.thing.newest_code()

    def code_at(self, offset_steps: int) -> str:
        """An earlier code of the inbox: -1 is the one before the newest."""
        codes = self.thing.codes()
        if offset_steps > 0 or len(codes) < 1 - offset_steps:
            raise Prevented(
                "NoCodeArrived",
                f"{self.name} holds {len(codes)} codes, there is none at {offset_steps:+d}",
            )
        return codes[offset_steps - 1]

    def wrong_code(self) -> str:
        """A code that is none of those in the inbox."""
        return codes.other_than(set(self.thing.codes()), self.code())

    @property
    def codes_received(self) -> int | None:
        """How many codes are in the inbox; None while it is broken."""
        return len(self.thing.codes()) if self.alive else None

    def take_part(self, ceremony: Ceremony[T]) -> T:
        """Wait for a code."""
        return ceremony.await_code(self)

    def break_(self) -> None:
        """Break the phone, with all that is on it."""
        self.thing.phone.break_()


class HeldKey(HeldDevice):
    """A security key in a person's hands; one key may serve several people.

    Attributes:
        access: the key as clients reach it, simulated or on the bench.
        pin: its PIN, as its holders know it; None while it has none.
        fingers: the fingers that are enrolled.
        serials: by which serial number the verifier knows it for each person.
        credentials: the credential ID of each person's registration, as browsers write it.
        last_response: what it signed last, as the browser posted it.
        built_in: whether it is a platform authenticator.
    """

    kind = DeviceKind.FIDO

    def __init__(self, name: str, owner: str, access: KeyAccess, *, built_in: bool = False) -> None:
        super().__init__(name, owner, None, None)
        self.access = access
        self.built_in = built_in
        self.pin: str | None = None
        self.fingers: list[str] = []
        self.serials: dict[str, str] = {}
        self.credentials: dict[str, str] = {}
        self.last_response: dict[str, Any] | None = None

    def register(self, person: str, serial: str, credential_id: str | None = None) -> None:
        """Remember a registration; the newest is the one that a serial number of the key means."""
        self.serials[person] = self.serial = serial
        if credential_id is not None:
            self.credentials[person] = credential_id

    def known_credential(self, person: str) -> str:
        """The credential ID of a person's registration.

        Raises:
            ScenarioError: this person never registered the key.
        """
        if person not in self.credentials:
            raise ScenarioError(f"{self.name} is not registered for {person}")
        return self.credentials[person]

    def known_serial(self, person: str | None = None) -> str:
        """The serial number of a person's registration, or of the newest one.

        Raises:
            ScenarioError: it is not registered.
        """
        serial = self.serials.get(person) if person is not None else None
        return serial or super().known_serial()

    def all_serials(self) -> list[str]:
        """Those of its registrations."""
        return list(self.serials.values())

    def answers_to(self, serial: str) -> bool:
        """Whether one of its registrations has this serial number."""
        return serial in self.serials.values()

    @property
    def alive(self) -> bool:
        """Whether it works; unplugged it still does."""
        return self.access.usable

    def break_(self) -> None:
        """Break it for good."""
        self.access.break_()

    def known_pin(self) -> str:
        """The PIN.

        Raises:
            ScenarioError: it has none.
        """
        if self.pin is None:
            raise ScenarioError(f"{self.name} has no PIN; give it one with `pin` or set_pin")
        return self.pin

    def take_part(self, ceremony: Ceremony[T]) -> T:
        """Sign."""
        return ceremony.sign(self)

    def become_copy_of(self, source: HeldKey, access: KeyAccess) -> None:
        """Be from now on a key with all that is stored on `source`, reached by `access`."""
        self.access = access
        self.pin, self.fingers = source.pin, list(source.fingers)
        self.serials, self.serial = dict(source.serials), source.serial
        self.credentials = dict(source.credentials)
