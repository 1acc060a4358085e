"""Who waits on the host's side of a rig: for drivers that time a touch themselves.

A board times its pulses and is the better for it; a relay box does not, so its driver pauses
between on and off, and calls back to end what lasts longer.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Timer
from typing import Protocol, final

from mfalab.devices.clock import Clock
from mfalab.devices.durations import NS_PER_MS
from mfalab.devices.schedule import Scheduler


class Timing(Clock, Protocol):
    """A clock that can also wait."""

    def pause(self, duration_ms: int) -> None:
        """Let time pass."""

    def later(self, delay_ms: int, action: Callable[[], None]) -> Callable[[], None]:
        """Do something once that time has passed; what is returned forgets it instead."""


@final
class ThreadTiming:
    """Real time; what is to happen later happens in a thread of its own.

    Args:
        clock: the clock on the wall.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now_ns(self) -> int:
        """What the clock on the wall shows."""
        return self._clock.now_ns()

    def pause(self, duration_ms: int) -> None:
        """Block this thread."""
        Event().wait(duration_ms / 1000)

    def later(self, delay_ms: int, action: Callable[[], None]) -> Callable[[], None]:
        """See `Timing.later`; a process that ends does not wait for it."""
        timer = Timer(delay_ms / 1000, action)
        timer.daemon = True
        timer.start()
        return timer.cancel


@final
class SchedulerTiming:
    """A scheduler's time: virtual where the board is simulated in the same process."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def now_ns(self) -> int:
        """What the scheduler's clock shows."""
        return self._scheduler.now_ns()

    def pause(self, duration_ms: int) -> None:
        """Let the scheduler's time pass."""
        until_ns = self.now_ns() + duration_ms * NS_PER_MS
        self._scheduler.after(duration_ms * NS_PER_MS, lambda: None)
        self._scheduler.wait_until(lambda: self.now_ns() >= until_ns, self)

    def later(self, delay_ms: int, action: Callable[[], None]) -> Callable[[], None]:
        """See `Timing.later`."""
        wanted = True

        def act() -> None:
            if wanted:
                action()

        def forget() -> None:
            nonlocal wanted
            wanted = False

        self._scheduler.after(delay_ms * NS_PER_MS, act)
        return forget
