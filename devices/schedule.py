"""Who lets time pass for a device that has deadlines and for a client that waits for it.

A device says what is to happen later (`after`); a client that blocks on it says what it waits for
(`wait_until`). The scheduler alone decides how time passes until then:

- `OwnTime`: a clock that moves when it is told to. A client that waits makes it leap to the next
  thing on the agenda, so one client and its keys need nothing else, and nothing ever waits.
- `WallTime`: real time, for ordinary threads. It starts none of its own: the threads that wait do
  what is due, so a thousand idle devices cost nothing. A process may lose the processor until
  after a deadline, so a loop reads what has come before anything falls due (`settle_after`).
- A simulator brings a third one, in which several clients block at the same virtual time.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from heapq import heappop, heappush
from itertools import count
from operator import index
from threading import Condition
from typing import Protocol, TypeVar, final

from mfalab.devices.clock import Clock
from mfalab.devices.durations import NS_PER_MS, NS_PER_S

_STARVED_NS = 100 * NS_PER_MS
"""A process that is so much too late did not have the processor; a fifth of a key's shortest
time-out."""
_OTHERS_NS = 50 * NS_PER_MS
"""What a process that was starved gives those that write to it: they may have been, as well."""

_LOOKS_NS = NS_PER_S
"""A loop with nothing to do looks so often, so that a look that is too late can be told."""

T = TypeVar("T")


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

    def call(self, client: Callable[[], T], /) -> T:
        """Run a client that blocks on devices, with its waiting in this scheduler's time."""

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

    def call(self, client: Callable[[], T], /) -> T:
        """Run it as it is."""
        return client()

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
        self._uncounted_ns = 0
        self._reading = False
        self._came_by_ns: int | None = None
        self._planned = False

    def now_ns(self) -> int:
        """What the clock on the wall shows, less the time in which the process was starved."""
        with self._changed:
            now_ns = self._counted_ns()
            if self._reading and (next_ns := self._agenda.next_ns) is not None:
                now_ns = min(now_ns, next_ns - 1)
            if self._reading and self._came_by_ns is not None:
                now_ns = min(now_ns, self._came_by_ns)
            return now_ns

    @property
    def guard(self) -> AbstractContextManager[object]:
        """A lock that the same thread may take again."""
        return self._changed

    def after(self, delay_ns: int, callback: Callable[[], object]) -> None:
        """Call `callback` once `delay_ns` have passed and a thread waits or settles."""
        with self._changed:
            self._agenda.add(self.now_ns() + index(delay_ns), callback)
            self._planned = True
            self._changed.notify_all()

    def settle(self, until_ns: int | None = None) -> int | None:
        """Do everything that is due; returns how many nanoseconds the next thing is away.

        Args:
            until_ns: when it had to be due; None for now.
        """
        with self._changed:
            while True:
                due_by_ns = self._counted_ns() if until_ns is None else until_ns
                callback = self._agenda.take(due_by_ns)
                if callback is None:
                    return self.left_ns()
                callback()

    def settle_after(self, read: Callable[[int], bool], look_by_ns: int) -> bool:
        """Let what has come be read, and then do everything that was due before.

        What lay unread because this process did not have the processor is read at the moment when
        it meant to look, when nothing is due yet. The time in which nobody could look is not
        counted if anything is due in it, or is planned by what is read.

        Args:
            read: takes all that has come, waiting for it for so many nanoseconds at most; false
                when there is nothing to go on with.
            look_by_ns: when the caller meant to look at the latest, from `now_ns` and `wait_ns`.

        Returns:
            What `read` returned last.
        """
        with self._changed:
            within_ns = 0
            while True:
                looked_ns = self._counted_ns()
                starved = looked_ns - look_by_ns > _STARVED_NS
                self._reading, self._planned = True, False
                self._came_by_ns = look_by_ns if starved else None
                try:
                    goes_on = read(within_ns)
                finally:
                    self._reading = False
                next_ns = self._agenda.next_ns
                late_ns = 0 if next_ns is None else looked_ns - next_ns
                if starved and self._planned:
                    late_ns = looked_ns - look_by_ns
                if not goes_on or late_ns <= _STARVED_NS:
                    break
                self._uncounted_ns += late_ns
                look_by_ns, within_ns = self._counted_ns(), _OTHERS_NS
            self.settle(looked_ns)
            return goes_on

    def wait_ns(self) -> int:
        """How many nanoseconds a loop may wait for what comes before it has to look."""
        left_ns = self.left_ns()
        return _LOOKS_NS if left_ns is None else min(left_ns, _LOOKS_NS)

    def left_ns(self) -> int | None:
        """How many nanoseconds the next thing is away; None when nothing is planned."""
        with self._changed:
            next_ns = self._agenda.next_ns
            return None if next_ns is None else max(0, next_ns - self._counted_ns())

    def wait_until(self, ready: Callable[[], bool], about: object) -> None:
        """Block this thread until `ready()` is true; it never gives up."""
        with self._changed:
            while True:
                left_ns = self.settle()
                if ready():
                    return
                self._changed.wait(None if left_ns is None else left_ns / NS_PER_S)

    def call(self, client: Callable[[], T], /) -> T:
        """Run it as it is."""
        return client()

    def wake(self, about: object) -> None:
        """Let every waiting thread look again."""
        with self._changed:
            self._changed.notify_all()

    def _counted_ns(self) -> int:
        return self._clock.now_ns() - self._uncounted_ns
