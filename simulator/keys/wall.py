"""The time that real things live in."""

from __future__ import annotations

from threading import Event
from typing import Final, Protocol, final

from mfalab.devices.clock import Clock
from mfalab.simulator.clocks import WallClock

__all__ = ["WALL", "Wall"]

_NS_PER_S: Final = 10**9


class Wall(Clock, Protocol):
    """A clock that one can also wait by."""

    def wait(self, duration_ns: int) -> None:
        """Let time pass."""
        ...


@final
class _RealWall:
    """This machine's clock; waiting is really waiting."""

    def __init__(self) -> None:
        self._clock = WallClock()

    def now_ns(self) -> int:
        """What it shows."""
        return self._clock.now_ns()

    def wait(self, duration_ns: int) -> None:
        """Block this thread."""
        Event().wait(duration_ns / _NS_PER_S)


WALL: Final[Wall] = _RealWall()
"""The one on the wall."""
