"""Devices as people have them: the thing itself, whose it is, who holds it, its serial number.

A `HeldDevice` gives every kind of device the same face, so that a person reads a code without
asking what it comes from.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from mfalab.devices.otp.app import AppBackup, AuthenticatorApp
from mfalab.devices.otp.token import HardwareToken, HotpToken
from mfalab.devices.phone import Phone
from mfalab.devices.sms.phone import SmsPhone
from mfalab.simulator.clocks import DeviceClock
from mfalab.simulator.outcome import Hindered, ScenarioMistake
from mfalab.verifier import DeviceKind


class HeldDevice(ABC):
    """A device in somebody's hands.

    Attributes:
        name: what the scenario calls it.
        owner: the person it is meant for.
        holder: who has it now; None while it is lost.
        serial: serial number or ARN by which the verifier knows it; None before it has one.
        clock: what it goes by; None when it tells no time.
        typed: the codes that were typed from it, newest last.
        typed_pair: the pair that was typed last.
    """

    kind: DeviceKind

    def __init__(
        self, name: str, owner: str, clock: DeviceClock | None, serial: str | None
    ) -> None:
        self.name = name
        self.owner = owner
        self.holder: str | None = owner
        self.serial = serial
        self.clock = clock
        self.typed: list[str] = []
        self.typed_pair: tuple[str, str] | None = None

    def answers_to(self, serial: str) -> bool:
        """Whether the verifier calls it by this serial number."""
        return self.serial == serial

    def known_serial(self, person: str | None = None) -> str:
        """The serial number or ARN; of a device that serves several people, a person's.

        Raises:
            ScenarioMistake: it has none yet.
        """
        if self.serial is None:
            raise ScenarioMistake(f"{self.name} has no serial number yet; create it first")
        return self.serial

    @property
    @abstractmethod
    def alive(self) -> bool:
        """Whether it works now."""

    @abstractmethod
    def code(self) -> str:
        """What it shows now; a button is pressed for it.

        Raises:
            DeviceError: it does not work or holds no such account.
        """

    @abstractmethod
    def code_at(self, offset_steps: int) -> str:
        """The code so many steps (or presses) from the present one."""

    @abstractmethod
    def break_(self) -> None:
        """Break it for good."""

    @property
    def period_s(self) -> int | None:
        """Length of its time step; None when it counts no time."""
        return None

    @property
    def until_next_code_ns(self) -> int:
        """How long until it can show the next code, by its own clock."""
        return 0


class HeldToken(HeldDevice):
    """A hardware token in somebody's hands, time-based or event-based."""

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
        """See `HeldDevice.code_at`."""
        return self.thing.code_at(offset_steps)

    def break_(self) -> None:
        """Break it for good."""
        self.thing.break_()

    @property
    def period_s(self) -> int | None:
        """Length of its time step; None for an event-based token."""
        return self.thing.seed.period_s if isinstance(self.thing, HardwareToken) else None

    @property
    def until_next_code_ns(self) -> int:
        """How long until a press shows another code."""
        return self.thing.until_next_code_ns if isinstance(self.thing, HardwareToken) else 0


class HeldApp(HeldDevice):
    """An account in an authenticator app."""

    kind = DeviceKind.VIRTUAL

    def __init__(self, name: str, owner: str, clock: DeviceClock, app: AuthenticatorApp) -> None:
        super().__init__(name, owner, clock, None)
        self.app = app
        self.account: str | None = None
        self.backup: AppBackup | None = None

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

    def take_over(self, other: HeldApp) -> None:
        """Show from now on the account that `other` shows, after a clone or a restored backup."""
        self.account, self.serial = other.account, other.serial

    def _account(self) -> str:
        if self.account is None:
            raise ScenarioMistake(
                f"{self.name} holds no account yet; create or enable it, or clone one to it, first"
            )
        return self.account

    def code(self) -> str:
        """What the app shows."""
        return self.app.code(self._account())

    def code_at(self, offset_steps: int) -> str:
        """See `HeldDevice.code_at`."""
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


class HeldSms(HeldDevice):
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
            raise Hindered(
                "NoCodeArrived",
                f"{self.name} holds {len(codes)} codes, there is none at {offset_steps:+d}",
            )
        return codes[offset_steps - 1]

    def break_(self) -> None:
        """Break the phone, with all that is on it."""
        self.thing.phone.break_()
