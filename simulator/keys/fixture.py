"""A key on the bench: how clients reach it, who touches it, and who cuts its power.

A `Fixture` is the same for a simulated key, a real one and a recording, so a test that is written
for it runs on all of them. What one of them cannot do is missing from `can`, and asking for it
raises `CannotDo`.

Time is the fixture's own: virtual where the key is simulated, the wall's where it is real. Tests
of a key wait and measure with the fixture's `wait` and `now_ns`, and with nothing else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from fido2.ctap import CtapDevice

from mfalab.devices.ctap.user import User, absent
from mfalab.devices.errors import DeviceError
from mfalab.simulator.abilities import Ability


@dataclass(eq=False, repr=False)
class CannotDo(DeviceError):
    """Something was asked of a fixture that it cannot do.

    Args:
        fixture: its name.
        ability: what it lacks.
        advice: what to do about it, a sentence.
    """

    fixture: str
    ability: Ability
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.fixture} cannot {self.ability.value}. {self.advice}".rstrip()


class Reports(Protocol):
    """An open way for 64-byte reports, without report numbers."""

    def write(self, report: bytes) -> None:
        """Send a report to the key.

        Raises:
            OSError: the key is gone.
        """
        ...

    def read(self, within_ns: int) -> bytes | None:
        """The next report of the key; None when none comes within that time.

        Raises:
            OSError: the key is gone.
        """
        ...

    def close(self) -> None:
        """End it; closing twice does no harm."""
        ...


class Fixture(ABC):
    """One key with everything around it.

    Attributes:
        name: its address, such as `hid:/dev/hidraw0`.
        can: what it can do.
        destructive: whether what is on it may be changed for good: credentials, PIN, reset.
        pin: its PIN as the bench knows it; None when it has none or it is unknown.
        user: who sits in front of it: asked whenever the key wants its user, as long as `can`
            has `TOUCH`. May be changed at any time. Over NFC each user but `absent` taps the key
            again for each way that is opened.
    """

    def __init__(
        self,
        name: str,
        can: frozenset[Ability],
        *,
        destructive: bool = False,
        pin: str | None = None,
        user: User = absent,
    ) -> None:
        self.name = name
        self.can = can
        self.destructive = destructive
        self.pin = pin
        self.user = user

    def require(self, ability: Ability, advice: str = "") -> None:
        """Make sure that it can do something.

        Raises:
            CannotDo: it cannot.
        """
        if ability not in self.can:
            raise CannotDo(self.name, ability, advice)

    @abstractmethod
    def now_ns(self) -> int:
        """What its time is: nanoseconds since the Unix epoch."""

    @abstractmethod
    def wait(self, duration_ns: int) -> None:
        """Let time pass."""

    @abstractmethod
    def connect(self) -> CtapDevice:
        """A way for CTAP clients, on a channel of its own; the caller closes it.

        Raises:
            OSError: it is not plugged in, or another program holds it.
        """

    @abstractmethod
    def reports(self) -> Reports:
        """A way for 64-byte reports, which hears what a hidraw node hears; the caller closes it.

        Raises:
            CannotDo: it has no HID interface.
            OSError: it is not plugged in.
        """

    @abstractmethod
    def power(self, on: bool) -> None:
        """Plug it in or pull it out; on a reader, lay it down or take it away.

        Raises:
            CannotDo: the bench has no hand for that.
        """

    def power_cycle(self) -> None:
        """Pull it out and plug it in, or lift it off the reader and tap again."""
        self.power(False)
        self.power(True)

    @abstractmethod
    def close(self) -> None:
        """Let go of it; nothing happens when nothing is held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
