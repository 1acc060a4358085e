"""This machine's time, for real devices: the one module that reads it and really waits."""

from __future__ import annotations

import time
from threading import Event
from typing import TYPE_CHECKING, Final, Protocol

from mfalab.devices.clock import Clock
from mfalab.simulator.clocks.durations import NS_PER_S

if TYPE_CHECKING:  # a key that is plugged in needs no simpy
    from mfalab.simulator.clocks.timeline import Timeline


class Wall(Clock, Protocol):
    """A clock that one can also wait by."""

    def wait(self, duration_ns: int) -> None:
        """Let time pass."""
        ...


class WallClock:
    """This machine's clock: it stands for true time where no timeline runs.

    Nothing in a simulated run may hold one.
    """

    def now_ns(self) -> int:
        """Nanoseconds since the Unix epoch, as this machine believes."""
        return time.time_ns()  # noqa: TID251 - the one reader of real time

    def wait(self, duration_ns: int) -> None:
        """Block this thread; an interrupt ends it."""
        Event().wait(duration_ns / NS_PER_S)


WALL: Final[Wall] = WallClock()


def meet(wall: Wall, timeline: Timeline) -> None:
    """Let a wall and a timeline show the same time: whichever is behind waits."""
    ahead_ns = timeline.now_ns() - wall.now_ns()
    if ahead_ns > 0:
        wall.wait(ahead_ns)
    timeline.advance(max(0, wall.now_ns() - timeline.now_ns()))
