"""The time of keys that clients in several threads use while a test moves it, or lets it leap."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from operator import index
from threading import Condition, Event, get_ident
from typing import TypeVar, final

from mfalab.devices.schedule import OwnTime
from mfalab.simulator.clocks.durations import NS_PER_S

T = TypeVar("T")


@final
class KeyTime:
    """A scheduler for keys, see `mfalab.devices.schedule`, with one time for several threads.

    When every client waits, time leaps to the next thing that is due, so nothing ever waits for
    real. While it is held it moves by `advance` only, and a client waits until a test does
    something: touches the key, pulls it out, or lets time pass.

    Args:
        start_ns: what it shows at first, in nanoseconds since the Unix epoch.
    """

    def __init__(self, start_ns: int = 0) -> None:
        self._time = OwnTime(start_ns)
        self._changed = Condition()
        self._running: dict[int, int] = {}
        self._changes = 0
        self._seen: dict[int, int] = {}
        """Of each client that waits: the change that it has looked at last."""
        self._finished = 0
        self._holds = 0
        self._hurried: set[int] = set()
        self._happened = 0

    @property
    def guard(self) -> AbstractContextManager[object]:
        """A lock that the same thread may take again."""
        return self._changed

    @property
    def held(self) -> bool:
        """Whether it moves by `advance` only."""
        return self._holds > 0

    def now_ns(self) -> int:
        """What the clock shows."""
        return self._time.now_ns()

    def after(self, delay_ns: int, callback: Callable[[], object]) -> None:
        """Call `callback` once `delay_ns` have passed."""

        def due() -> None:
            self._happened += 1
            callback()

        with self._changed:
            self._time.after(index(delay_ns), due)
            self._changed.notify_all()

    def advance(self, duration_ns: int) -> None:
        """Let time pass, stopping wherever something is due.

        Raises:
            ValueError: the duration is negative.
        """
        with self._changed:
            self._time.advance(duration_ns)
            self._tell()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Let it stand still for a while."""
        with self._changed:
            self._holds += 1
        try:
            yield
        finally:
            with self._changed:
                self._holds -= 1
                self._changed.notify_all()

    def hurry(self, thread: int) -> None:
        """Let time leap for a client that is called off, also while it is held.

        Args:
            thread: its identity, as `threading.get_ident` has it.
        """
        with self._changed:
            self._hurried.add(thread)
            self._changed.notify_all()

    def call(self, client: Callable[[], T], /) -> T:
        """Run a client; time does not leap while it works."""
        with self._entered():
            return client()

    def wait_until(self, ready: Callable[[], bool], about: object) -> None:
        """Wait until `ready()` is true; time leaps when every client waits and it is not held.

        Raises:
            NothingWillHappen: nothing is due that could make it true.
        """
        me = get_ident()
        with self._changed, self._entered():
            try:
                while not ready():
                    self._time.advance(0)
                    if ready():
                        return
                    self._seen[me] = self._changes
                    if self._may_leap():
                        self._leap()
                    else:
                        self._changed.wait()
            finally:
                self._seen.pop(me, None)

    def wake(self, about: object) -> None:
        """Let every waiting thread look again."""
        with self._changed:
            self._tell()

    @property
    def finished(self) -> int:
        """How many times a client has finished."""
        return self._finished

    def wait_for_other_clients(self, signal: Event, timeout_s: float, finished: int) -> bool:
        """Wait for a signal for so much of this time, or until another client has finished.

        Args:
            signal: ends the wait.
            timeout_s: how long, in seconds of this time.
            finished: `finished` before the key was asked that is busy: it may be free by now.

        Returns:
            Whether the signal is set.
        """
        with self._changed:
            until_ns = self.now_ns() + round(timeout_s * NS_PER_S)
            self.after(until_ns - self.now_ns(), lambda: None)
            self.wait_until(
                lambda: signal.is_set() or self._finished != finished or self.now_ns() >= until_ns,
                signal,
            )
            return signal.is_set()

    def _tell(self) -> None:
        self._changes += 1
        self._changed.notify_all()

    def _may_leap(self) -> bool:
        if get_ident() in self._hurried:
            return True
        if self._holds or len(self._seen) < len(self._running):
            return False
        # One of them may have what it waits for, and has not looked yet.
        return all(seen == self._changes for seen in self._seen.values())

    def _leap(self) -> None:
        before = self._happened
        self._time.wait_until(lambda: self._happened != before, self)
        self._tell()

    @contextmanager
    def _entered(self) -> Iterator[None]:
        """Count this thread among the clients."""
        me = get_ident()
        with self._changed:
            self._running[me] = self._running.get(me, 0) + 1
        try:
            yield
        finally:
            with self._changed:
                self._running[me] -= 1
                if not self._running[me]:
                    del self._running[me]
                    self._hurried.discard(me)
                    self._finished += 1
                self._changed.notify_all()


@final
class KeyEvent(Event):
    """An event whose time-outs pass in a key's time; python-fido2 polls and is called off by it.

    Args:
        time: the key's.
    """

    def __init__(self, time: KeyTime) -> None:
        super().__init__()
        self._time = time
        self.ask()

    def ask(self) -> None:
        """A key is about to be asked: what finishes from now on may make it free."""
        self._finished = self._time.finished

    def set(self) -> None:
        """Set it, and let those who wait look."""
        super().set()
        self._time.wake(self)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for it, for so many seconds of the key's time at most; then a key is asked again."""
        if timeout is None:
            self._time.wait_until(self.is_set, self)
            return True
        is_set = self._time.wait_for_other_clients(self, timeout, self._finished)
        self.ask()
        return is_set
