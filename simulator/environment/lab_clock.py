"""True time of a lab as tests use it: with units, as dates, and for a process that follows it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.language.units import EPOCH, parse_duration_ns


class CannotFreeze(RuntimeError):
    """time-machine, which makes a process read another time, is not installed."""

    def __str__(self) -> str:
        return "clock.freeze() needs time-machine: pip install time-machine"


def nanoseconds(duration: int | str | timedelta) -> int:
    """A duration as nanoseconds: `"400 d"`, a timedelta, or nanoseconds already.

    Raises:
        ValueError: the text is no duration.
    """
    if isinstance(duration, str):
        return parse_duration_ns(duration)
    if isinstance(duration, timedelta):
        return duration // timedelta(microseconds=1) * 1000
    return duration


class LabClock(Timeline):
    """True time of one lab; see `Timeline`."""

    _traveller: Any = None
    """What makes the process read this clock: time-machine's coordinates and their owner."""

    def advance(self, duration: int | str | timedelta) -> None:
        """Let time pass.

        Args:
            duration: such as `"400 d"` or `"1 h 30 min"`, a timedelta, or nanoseconds.

        Raises:
            ValueError: it is negative or no duration.
        """
        super().advance(nanoseconds(duration))

    def run_until(self, true_ns: int) -> None:
        """See `Timeline.run_until`; a frozen process follows."""
        try:
            super().run_until(true_ns)
        finally:
            if self._traveller is not None:
                self._traveller[1].move_to(self.now())

    def now(self) -> datetime:
        """True time as a date in UTC, to the microsecond."""
        return EPOCH + timedelta(microseconds=self.now_ns() // 1000)

    def freeze(self) -> Frozen:
        """Make this process read this clock: `datetime.now()`, `time.time()` and what uses them.

        It lasts until the end of a `with` block, or `thaw()`, which the fixture `clock` calls when
        its test ends. `time.monotonic()` goes on.

        Raises:
            CannotFreeze: time-machine is not installed.
        """
        try:
            import time_machine
        except ImportError:
            raise CannotFreeze from None
        if self._traveller is None:
            travel = time_machine.travel(self.now(), tick=False)
            self._traveller = (travel, travel.start())
        return Frozen(self)

    def thaw(self) -> None:
        """Let the process read its own clock again; nothing happens when it does."""
        if self._traveller is not None:
            travel, self._traveller = self._traveller[0], None
            travel.stop()


class Frozen:
    """The time in which a process reads a lab's clock, as a context."""

    def __init__(self, clock: LabClock) -> None:
        self._clock = clock

    def __enter__(self) -> LabClock:
        return self._clock

    def __exit__(self, *raised: object) -> None:
        self._clock.thaw()
