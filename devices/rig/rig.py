"""A rig: the hands at a bench, which touch keys, cut their power, move cards and read displays.

A `Rig` is the same for a board on a serial line, a relay box, a switchable hub and a person. What
it has is in `functions`: how many channels of each function, counted from 1. Asking for what it
has not raises `NotFitted`.

A rig that breaks stays broken: the first `RigBroken` closes it, and every call
afterwards raises the same error. It is unknown then whether a finger is still down; the board's
own failsafe sees to that, and a board without one should be unplugged.

    with open_rig(RigSpec("bench1", "scpi", port="/dev/ttyACM0"), clock=clock) as rig:
        rig.touch(1)
        rig.cycle(1)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum, unique
from threading import RLock
from types import TracebackType
from typing import Self

from mfalab.devices.rig.errors import NotFitted, RigBroken, RigClosed, RigError


@unique
class Function(Enum):
    """What a rig can have; the value says it before "channel"."""

    TOUCH = "touch"
    POWER = "power"
    NFC = "nfc"
    DISPLAY = "display"


@dataclass(frozen=True, slots=True)
class Identity:
    """What a rig says that it is (IEEE 488.2 section 10.14); empty texts where it does not say."""

    maker: str
    model: str
    serial: str
    firmware: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a display showed.

    Attributes:
        text: the characters; empty when it was dark.
        confidence: from 0, a guess, to 1, certain.
        at_us: when, in microseconds of the rig's own time.
    """

    text: str
    confidence: float
    at_us: int


class Rig(ABC):
    """One rig. Threads may share it: it does one thing at a time.

    A driver overrides the methods that begin with an underscore, as far as it has the function.

    Args:
        name: what to call it in errors and logs.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = RLock()
        self._opened = False
        self._broken: RigBroken | None = None

    # What it is.

    @property
    @abstractmethod
    def functions(self) -> Mapping[Function, int]:
        """How many channels of each function it has; known once it is open."""

    @property
    def broken(self) -> RigBroken | None:
        """Why it is broken; None while it works."""
        return self._broken

    def require(self, function: Function, channel: int = 1) -> None:
        """Make sure that it has a channel.

        Raises:
            NotFitted: it has not.
        """
        fitted = self.functions.get(function, 0)
        if not 1 <= channel <= fitted:
            raise NotFitted(self.name, function.value, channel, fitted)

    # Its life.

    def open(self) -> None:
        """Take hold of it and bring it into its safe state; nothing happens when it is open.

        Raises:
            PortUnclear: its port is not there, or there is more than one.
            RigBusy: another program holds it.
            RigBroken: it is not what it should be, or was broken before.
        """
        with self._lock:
            if self._broken is not None:
                raise _again(self._broken)
            if self._opened:
                return
            try:
                self._open()
                self._opened = True
                self._safe()
            except BaseException as error:
                if isinstance(error, RigBroken):
                    self._broken = error
                self._opened = False
                with suppress(RigError):
                    self._close()
                raise

    def close(self) -> None:
        """Bring it into its safe state and let go of it; closing twice does no harm.

        Raises:
            RigBroken: it broke just now, so its state is unknown.
        """
        with self._lock:
            if not self._opened:
                return
            try:
                with self._using():
                    self._safe()
            finally:
                if self._opened:
                    self._opened = False
                    with suppress(RigError):
                        self._close()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def identify(self) -> Identity:
        """What it says that it is."""
        with self._using():
            return self._identify()

    def safe(self) -> None:
        """Release every touch and restore all power."""
        with self._using():
            self._safe()

    # What it does.

    def touch(self, channel: int, *, ms: int = 150, after_ms: int = 20) -> None:
        """Touch once: a pulse, because a capacitive sensor recalibrates under a lasting contact.

        Returns when the rig has it in hand; a board that times its pulses is not waited for.

        Args:
            channel: which, from 1.
            ms: how long.
            after_ms: how much later.
        """
        with self._using(Function.TOUCH, channel):
            self._touch(channel, ms, after_ms)

    def hold(self, channel: int, ms: int) -> None:
        """Begin a long touch, which ends by itself after `ms`; returns at once."""
        with self._using(Function.TOUCH, channel):
            self._hold(channel, ms)

    def release(self, channel: int) -> None:
        """End a touch, or forget one that has not begun; nothing happens when there is none."""
        with self._using(Function.TOUCH, channel):
            self._release(channel)

    def power(self, channel: int, on: bool) -> None:
        """Switch a port's power."""
        with self._using(Function.POWER, channel):
            self._power(channel, on)

    def is_powered(self, channel: int) -> bool | None:
        """Whether a port has power; None when the rig cannot tell."""
        with self._using(Function.POWER, channel):
            return self._is_powered(channel)

    def cycle(self, channel: int, off_ms: int = 500) -> None:
        """Cut a port's power for `off_ms`; returns when it has power again."""
        with self._using(Function.POWER, channel):
            self._cycle(channel, off_ms)

    def field(self, channel: int, on: bool) -> None:
        """Switch a reader's field."""
        with self._using(Function.NFC, channel):
            self._field(channel, on)

    def present(self, channel: int, on: bool) -> None:
        """Lay the card on the reader, or take it away."""
        with self._using(Function.NFC, channel):
            self._present(channel, on)

    def show(self, channel: int) -> None:
        """Press the button of the token in front of the camera."""
        with self._using(Function.DISPLAY, channel):
            self._show(channel)

    def read(self, channel: int) -> Reading:
        """Read the token's display."""
        with self._using(Function.DISPLAY, channel):
            return self._read(channel)

    # What a driver does.

    @abstractmethod
    def _open(self) -> None:
        """Take hold of it."""

    @abstractmethod
    def _close(self) -> None:
        """Let go of it, whatever its state."""

    @abstractmethod
    def _identify(self) -> Identity:
        """See `identify`."""

    @abstractmethod
    def _safe(self) -> None:
        """See `safe`."""

    def _touch(self, channel: int, ms: int, after_ms: int) -> None:
        raise NotImplementedError

    def _hold(self, channel: int, ms: int) -> None:
        raise NotImplementedError

    def _release(self, channel: int) -> None:
        raise NotImplementedError

    def _power(self, channel: int, on: bool) -> None:
        raise NotImplementedError

    def _is_powered(self, channel: int) -> bool | None:
        raise NotImplementedError

    def _cycle(self, channel: int, off_ms: int) -> None:
        raise NotImplementedError

    def _field(self, channel: int, on: bool) -> None:
        raise NotImplementedError

    def _present(self, channel: int, on: bool) -> None:
        raise NotImplementedError

    def _show(self, channel: int) -> None:
        raise NotImplementedError

    def _read(self, channel: int) -> Reading:
        raise NotImplementedError

    @contextmanager
    def _using(self, function: Function | None = None, channel: int = 1) -> Iterator[None]:
        """Keep others off while it does something, and remember the first thing that breaks it."""
        with self._lock:
            if self._broken is not None:
                raise _again(self._broken)
            if not self._opened:
                raise RigClosed(self.name)
            if function is not None:
                self.require(function, channel)
            try:
                yield
            except RigBroken as error:
                if self._broken is None:
                    self._broken = error
                    self._opened = False
                    with suppress(RigError):
                        self._close()
                raise


def _again(error: RigBroken) -> RigBroken:
    """The same error without the first one's traceback, which would grow with each raise."""
    return type(error)(*error.args)
