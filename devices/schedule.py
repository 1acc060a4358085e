"""Who lets time pass for a device that has deadlines and for a client that waits for it.

A device says what is to happen later (`after`); a client that blocks on it says what it waits for
(`wait_until`). The scheduler alone decides how time passes until then:

- `OwnTime`: a clock that moves when it is told to. A client that waits makes it leap to the next
  thing on the agenda, so one client and its keys need nothing else, and nothing ever waits.
- `WallTime`: real time, for ordinary threads. It starts none of its own: the threads that wait do
  what is due, so a thousand idle devices cost nothing.
- A simulator brings a third one, in which several clients block at the same virtual time.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from heapq import heappop, heappush
from itertools import count
from operator import index
from threading import Condition
from typing import Protocol, final

from mfalab.devices.clock import Clock
from mfalab.devices.durations import NS_PER_S


class NothingWillHappen(Exception):
    """A client waits, and nothing on the agenda could ever end it.

    Args:
        now_ns: the time at which everything stands still.
    """

    def __init__(self, now_ns: int) -> None:
        super().__init__(now_ns)
        self.now_ns = now_ns

    def __str__(self) -> str:
        return (
            f"a client waits at {self.now_ns} ns and nothing is due that could end it: a packet "
            "was lost, or the key is stalled or unplugged. Plan what ends it before the client "
            "is called, such as unplug() or a time-out of its own."
        )


class Scheduler(Clock, Protocol):
    """What lets time pass; it is a clock as well."""

    @property
    def guard(self) -> AbstractContextManager[object]:
        """Held by the user of the device, so that threads take turns."""

    def after(self, delay_ns: int, callback: Callable[[], object]) -> None:
        """Call `callback` once `delay_ns` have passed."""

    def wait_until(self, ready: Callable[[], bool], about: object) -> None:
        """Return when `ready()` is true, letting time pass until then.

        Args:
            ready: what is waited for.
            about: whose change may make it true.

        Raises:
            NothingWillHappen: it can never become true.
        """

    def wake(self, about: object) -> None:
        """Something about this has changed: let those who wait for it look again."""


class _Agenda:
    """What happens when, in the order of time and then of entry."""

    def __init__(self) -> None:
        self._entries: list[tuple[int, int, Callable[[], object]]] = []
        self._numbers = count()

    @property
    def next_ns(self) -> int | None:
        return self._entries[0][0] if self._entries else None

    def add(self, due_ns: int, callback: Callable[[], object]) -> None:
        heappush(self._entries, (due_ns, next(self._numbers), callback))

    def take(self, until_ns: int) -> Callable[[], object] | None:
        """Remove and return the next callback that is due by `until_ns`."""
        if self._entries and self._entries[0][0] <= until_ns:
            return heappop(self._entries)[2]
        return None


@final
class OwnTime:
    """A clock of its own that moves when it is told to, and the agenda that goes with it.

    Several devices may share one, but not several blocking clients: python-fido2 waits by the wall
    clock before it tries a busy key again, and this clock would stand still.

    Args:
        start_ns: what it shows at first, in nanoseconds since the Unix epoch.
    """

    def __init__(self, start_ns: int = 0) -> None:
        self._now_ns = index(start_ns)
        self._agenda = _Agenda()

    @property
    def guard(self) -> AbstractContextManager[object]:
        """Nothing: there is one thread."""
        return nullcontext()

    def now_ns(self) -> int:
        """What the clock shows."""
        return self._now_ns

    def after(self, delay_ns: int, callback: Callable[[], object]) -> None:
        """Call `callback` once the clock has been moved by `delay_ns`."""
        self._agenda.add(self._now_ns + index(delay_ns), callback)

    def advance(self, duration_ns: int) -> None:
        """Move the clock, stopping wherever something is due.

        Raises:
            ValueError: the duration is negative.
        """
        if index(duration_ns) < 0:
            raise ValueError(f"time cannot go back by {-duration_ns} ns. Make another clock.")
        until_ns = self._now_ns + duration_ns
        while self._step(until_ns):
            pass
        self._now_ns = max(until_ns, self._now_ns)

    def wait_until(self, ready: Callable[[], bool], about: object) -> None:
        """Leap from one thing that is due to the next until `ready()` is true.

        Raises:
            NothingWillHappen: the agenda is empty and it still is not.
        """
        while not ready():
            next_ns = self._agenda.next_ns
            if next_ns is None:
                raise NothingWillHappen(self._now_ns)
            self._step(next_ns)

    def wake(self, about: object) -> None:
        """Do nothing: a client that waits looks again after each step."""

    def _step(self, until_ns: int) -> bool:
        due_ns = self._agenda.next_ns
        callback = self._agenda.take(until_ns)
        if callback is None or due_ns is None:
            return False
        self._now_ns = max(due_ns, self._now_ns)
        callback()
        return True


@final
class WallTime:
    """Real time, for clients in ordinary threads.

    What is due is done by the threads that wait and by `settle`; without either, it is done late.
    All devices that share one take turns, so give each device its own unless they must agree.

    Args:
        clock: the clock on the wall.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._agenda = _Agenda()
        self._changed = Condition()

    def now_ns(self) -> int:
        """What the clock on the wall shows."""
        return self._clock.now_ns()

    @property
    def guard(self) -> AbstractContextManager[object]:
        """A lock that the same thread may take again."""
        return self._changed

    def after(self, delay_ns: int, callback: Callable[[], object]) -> None:
        """Call `callback` once `delay_ns` have passed and a thread waits or settles."""
        with self._changed:
            self._agenda.add(self._clock.now_ns() + index(delay_ns), callback)
            self._changed.notify_all()

    def settle(self) -> int | None:
        """Do everything that is due; returns how many nanoseconds the next thing is away."""
        with self._changed:
            while (callback := self._agenda.take(self._clock.now_ns())) is not None:
                callback()
            return self.left_ns()

    def left_ns(self) -> int | None:
        """How many nanoseconds the next thing is away; None when nothing is planned."""
        with self._changed:
            next_ns = self._agenda.next_ns
            return None if next_ns is None else max(0, next_ns - self._clock.now_ns())

    def wait_until(self, ready: Callable[[], bool], about: object) -> None:
        """Block this thread until `ready()` is true; it never gives up."""
        with self._changed:
            while True:
                left_ns = self.settle()
                if ready():
                    return
                self._changed.wait(None if left_ns is None else left_ns / NS_PER_S)

    def wake(self, about: object) -> None:
        """Let every waiting thread look again."""
        with self._changed:
            self._changed.notify_all()
