"""Trying out one channel of a rig, function by function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mfalab.devices.rig import Rig
    from mfalab.devices.rig.timing import Timing

_TOUCH_MS = 150


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried."""

    function: str
    channel: int
    tried: str
    passed: bool
    says: str


def try_channel(opened: Rig, timing: Timing, function: str, channel: int) -> Iterator[Finding]:
    """Try one channel; nothing further is tried there after something failed."""
    from mfalab.devices.rig import RigError

    for tried, step in _Trial(opened, timing, channel).steps()[function]:
        try:
            says = step()
        except (RigError, _Wrong) as error:
            yield Finding(function, channel, tried, False, str(error))
            return
        yield Finding(function, channel, tried, True, str(says or ""))


@dataclass(frozen=True, slots=True)
class _Trial:
    """One channel of a rig, and what can be tried on it."""

    rig: Rig
    timing: Timing
    channel: int

    def steps(self) -> dict[str, list[tuple[str, Callable[[], object]]]]:
        """What is tried for each function, in order; what each returns is said."""
        return {
            "touch": [("touched", self._touch)],
            "power": [
                ("switched off", lambda: self._power(False)),
                ("switched on", lambda: self._power(True)),
                ("cycled", self._cycle),
            ],
            "nfc": [
                ("field off", lambda: self.rig.field(self.channel, False)),
                ("field on", lambda: self.rig.field(self.channel, True)),
                ("card laid down", lambda: self.rig.present(self.channel, True)),
                ("card taken away", lambda: self.rig.present(self.channel, False)),
            ],
            "display": [("read", self._read)],
        }

    def _touch(self) -> str:
        self.rig.touch(self.channel, ms=_TOUCH_MS)
        self.timing.pause(2 * _TOUCH_MS)
        self.rig.release(self.channel)
        return f"{_TOUCH_MS} ms"

    def _power(self, on: bool) -> str:
        self.rig.power(self.channel, on)
        found = self.rig.is_powered(self.channel)
        if found is (not on):
            raise _Wrong(f"the rig says that power is {'on' if found else 'off'}")
        return "" if found is on else "the rig cannot tell"

    def _cycle(self) -> str:
        self.rig.cycle(self.channel, 200)
        if self.rig.is_powered(self.channel) is False:
            raise _Wrong("still off")
        return "off for 200 ms"

    def _read(self) -> str:
        self.rig.show(self.channel)
        self.timing.pause(500)
        reading = self.rig.read(self.channel)
        return f"{reading.text or 'dark'}, confidence {reading.confidence:.2f}"


class _Wrong(Exception):
    """The rig did not do what it was told."""
