"""Blocking clients in virtual time: python-fido2, unchanged, on a timeline.

A client such as python-fido2 calls down from `Fido2Client.register` to `read_packet`, and expects
to be held there until a report comes. On a timeline nothing may be held: it is the one that runs.
So each client has a stack of its own, a greenlet. Where it would block, it is left standing and
the timeline goes on; when what it waits for has come, the timeline's agenda switches back to it.

Why greenlets and not something else:

- Running the timeline from inside `read_packet` needs no greenlets, but only for one client: a
  second one would have to return before the first can, even if its answer comes later. Two clients
  on one key, with one being told CHANNEL_BUSY, are exactly what must be tested.
- A thread for each client, of which one runs at a time, gives the same order of events with a
  hand-over of some ten microseconds, locks around everything, and exceptions and debuggers in
  another thread. A greenlet switch costs well below one and happens where we say.
- Making python-fido2 asynchronous would be another client than the one in the field.

What a client does in its own stack waits virtually: `time.sleep`, `threading.Event.wait` (the 0.1 s
between retries on a busy channel, 0.25 s between U2F polls, 0.1 s between NFC polls) and
`threading.Timer` (the time-out of a ceremony, which may be joined). These methods are replaced
while clients run, by ones that look at who calls: other threads and code outside of clients get the
real thing.

The order of everything that happens at one instant is the order of the agenda, so runs repeat.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from math import isinf
from typing import Any, ClassVar, Generic, TypeVar, final
from weakref import WeakKeyDictionary

from greenlet import getcurrent, greenlet  # type: ignore[import-untyped]  # it has no stubs

from mfalab.devices.schedule import NothingWillHappen
from mfalab.simulator.clocks.durations import NS_PER_DAY, NS_PER_S
from mfalab.simulator.clocks.timeline import Timeline

T = TypeVar("T")


class NotAClient(RuntimeError):
    """Code that is no client would have to wait."""

    def __str__(self) -> str:
        return (
            "this code would block on a device, and on a timeline only clients can. "
            "Run it as a client: BlockingClients.call(function)."
        )


class WaitedTooLong(RuntimeError):
    """A client waited longer than any real client would.

    Args:
        client: its name.
        waited_ns: for how long it had been running.
    """

    def __init__(self, client: str, waited_ns: int) -> None:
        super().__init__(client, waited_ns)
        self.client = client
        self.waited_ns = waited_ns

    def __str__(self) -> str:
        return (
            f"{self.client} was still not done after {self.waited_ns / NS_PER_S:g} s. "
            "Something it waits for does not come; or allow it more with within_ns."
        )


@final
class Client(Generic[T]):
    """A function that runs in a stack of its own and may block.

    Attributes:
        name: what to call it in errors.
        done: whether it has returned or raised.
    """

    def __init__(self, function: Callable[[], T], name: str) -> None:
        self.name = name
        self.done = False
        self._function = function
        self._value: T | None = None
        self._error: BaseException | None = None

    def result(self) -> T:
        """What it returned; raises what it raised.

        Raises:
            RuntimeError: it is not done.
        """
        if not self.done:
            raise RuntimeError(f"{self.name} is not done yet. Run the timeline, or run_all().")
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # it is a T once the function is done

    def run(self) -> None:
        """Do it; the stack's own function."""
        try:
            self._value = self._function()
        except BaseException as error:
            self._error = error
        self.done = True


class _Stack(greenlet):  # type: ignore[misc]  # it has no stubs
    """The greenlet of a client, which says whose it is."""

    def __init__(self, clients: BlockingClients, client: Client[Any]) -> None:
        super().__init__(client.run)
        self.clients = clients
        self.client = client
        self.starts_a_thread = False


class _Parked:
    """A stack that stands still, and what it waits for."""

    __slots__ = ("about", "called", "error", "ready", "stack")

    def __init__(self, stack: _Stack, ready: Callable[[], bool], about: object) -> None:
        self.stack = stack
        self.about = about
        self.ready = ready
        self.called = False
        self.error: BaseException | None = None


@final
class BlockingClients:
    """Clients that block on devices while a timeline runs; the devices' `Scheduler`.

    Args:
        timeline: true time.
    """

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._clients: list[Client[Any]] = []
        # By the identity of what they wait for, so that a thousand keys do not wake each other.
        self._parked: dict[int, list[_Parked]] = {}
        self._thread = threading.get_ident()

    # What devices ask of a scheduler.

    @property
    def guard(self) -> AbstractContextManager[object]:
        """Nothing: one stack runs at a time, and it is switched only where it waits."""
        return nullcontext()

    def now_ns(self) -> int:
        """True time."""
        return self._timeline.now_ns()

    def after(self, delay_ns: int, callback: Callable[[], object]) -> None:
        """Call `callback` once `delay_ns` of true time have passed."""
        self._timeline.after(delay_ns, callback)

    def wake(self, about: object) -> None:
        """Let clients go on whose wait is over, at this very instant and in the order they came."""
        for parked in self._parked.get(id(about), ()):
            if not parked.called and parked.ready():
                parked.called = True
                self._timeline.after(0, lambda parked=parked: self._resume(parked))  # type: ignore[misc]  # bound in the loop

    def wait_until(self, ready: Callable[[], bool], about: object) -> None:
        """Leave this client standing until `ready()` is true; other code runs the timeline itself.

        Raises:
            NotAClient: the timeline runs this code, so it cannot run on until then.
            NothingWillHappen: the timeline has come to its end and it still is not.
        """
        while not ready():
            if isinstance(getcurrent(), _Stack) or self._timeline.running:
                self._park(ready, about)
            elif isinf(next_ns := self._timeline.env.peek()):
                raise NothingWillHappen(self.now_ns())
            else:
                self._timeline.run_until(int(next_ns))

    # What clients and those who run them ask for.

    def start(self, function: Callable[[], T], name: str | None = None) -> Client[T]:
        """Begin a client at this instant; it runs when the timeline does."""
        client = Client(function, name or f"client {len(self._clients) + 1}")
        self._clients.append(client)
        stack = _Stack(self, client)
        self._timeline.after(0, lambda: self._switch(stack))
        return client

    def run(self, *functions: Callable[[], T], within_ns: int = NS_PER_DAY) -> list[T]:
        """Run clients side by side until all are done; returns what they returned.

        Time ends up at the instant at which the last was done. Clients started before run, too.

        Args:
            functions: what the clients do.
            within_ns: how long they may take.

        Raises:
            WaitedTooLong: one was not done in that time; raised in the client, and here.
            NothingWillHappen: one waits for something that cannot come; likewise.
        """
        clients = [self.start(function) for function in functions]
        if isinstance(getcurrent(), _Stack):
            # A client among clients: the limit of the outermost one holds.
            self.wait_until(lambda: all(client.done for client in clients), self)
        else:
            self.run_all(within_ns=within_ns)
        return [client.result() for client in clients]

    def call(self, function: Callable[[], T], within_ns: int = NS_PER_DAY) -> T:
        """Run one client and return what it returned; in a client, simply call it."""
        if isinstance(getcurrent(), _Stack):
            return function()
        return self.run(function, within_ns=within_ns)[0]

    def run_all(self, *, within_ns: int = NS_PER_DAY) -> None:
        """Run the timeline until every client that was started is done."""
        began_ns = self._timeline.now_ns()
        with _virtual_waiting(self):
            while not all(client.done for client in self._clients):
                next_ns = self._timeline.env.peek()
                if isinf(next_ns):
                    self._give_up(lambda name: NothingWillHappen(self.now_ns()))
                elif next_ns > began_ns + within_ns:
                    self._give_up(lambda name: WaitedTooLong(name, within_ns))
                else:
                    self._timeline.run_until(int(next_ns))
        self._clients = []

    def advance(self, duration_ns: int) -> None:
        """Let time pass: a client stands still for so long, other code runs the timeline."""
        if isinstance(getcurrent(), _Stack):
            self._park(lambda: False, None, duration_ns)
        else:
            with _virtual_waiting(self):
                self._timeline.advance(duration_ns)

    def wait_for_event(self, event: threading.Event, timeout_ns: int | None) -> bool:
        """`threading.Event.wait` for a client."""
        return self.wait_for(event.is_set, event, timeout_ns)

    def wait_for(self, ready: Callable[[], bool], about: object, timeout_ns: int | None) -> bool:
        """Leave this client standing until `ready()` is true, or for so long; whether it is."""
        deadline_ns = None if timeout_ns is None else self.now_ns() + timeout_ns
        while not ready():
            left_ns = None if deadline_ns is None else deadline_ns - self.now_ns()
            if left_ns is not None and left_ns <= 0:
                return False
            self._park(ready, about, left_ns)
        return True

    def event_was_set(self, event: threading.Event) -> None:
        """`threading.Event.set`; from another thread it is seen when the wait's time is up."""
        if threading.get_ident() == self._thread:
            self.wake(event)

    def _park(
        self, ready: Callable[[], bool], about: object, timeout_ns: int | None = None
    ) -> None:
        """Stand still until it is woken and ready, or for so long."""
        stack = getcurrent()
        if not isinstance(stack, _Stack) or stack.clients is not self or stack.parent is None:
            raise NotAClient
        parked = _Parked(stack, ready, about)
        self._parked.setdefault(id(about), []).append(parked)
        if timeout_ns is not None:
            self._timeline.after(max(0, timeout_ns), lambda: self._resume(parked))
        stack.parent.switch()
        if parked.error is not None:
            raise parked.error

    def _resume(self, parked: _Parked) -> None:
        about = id(parked.about)
        waiting = self._parked.get(about, [])
        if parked in waiting:
            waiting.remove(parked)
            if not waiting:
                del self._parked[about]
            self._switch(parked.stack)

    def _switch(self, stack: _Stack) -> None:
        # It comes back here when it parks again or ends, whatever runs the timeline by then.
        stack.parent = getcurrent()
        stack.switch()
        if stack.dead:
            self.wake(self)

    def _give_up(self, error: Callable[[str], BaseException]) -> None:
        """Raise in every client where it stands, so that each can tidy up."""
        for parked in [each for waiting in self._parked.values() for each in waiting]:
            parked.error = error(parked.stack.client.name)
            self._resume(parked)


class _Virtual:
    """The replaced methods, and who they are replaced for."""

    running: ClassVar[list[BlockingClients]] = []
    real: ClassVar[dict[str, Any]] = {}
    timers: ClassVar[WeakKeyDictionary[threading.Thread, _VirtualTimer]] = WeakKeyDictionary()


def _sleep(seconds: float) -> None:
    stack = getcurrent()
    if isinstance(stack, _Stack):
        stack.clients.advance(round(seconds * NS_PER_S))
    else:
        _Virtual.real["sleep"](seconds)


def _wait(event: threading.Event, timeout: float | None = None) -> bool:
    stack = getcurrent()
    if isinstance(stack, _Stack) and not stack.starts_a_thread:
        timeout_ns = None if timeout is None else round(timeout * NS_PER_S)
        return stack.clients.wait_for_event(event, timeout_ns)
    waited: bool = _Virtual.real["wait"](event, timeout)
    return waited


def _set(event: threading.Event) -> None:
    _Virtual.real["set"](event)
    for clients in _Virtual.running:
        clients.event_was_set(event)


def _start(thread: threading.Thread) -> None:
    stack = getcurrent()
    if not isinstance(stack, _Stack):
        _Virtual.real["start"](thread)
        return
    if not isinstance(thread, threading.Timer):
        # The thread says by an event that it runs, and for that the client waits for real.
        stack.starts_a_thread = True
        try:
            _Virtual.real["start"](thread)
        finally:
            stack.starts_a_thread = False
        return
    if thread in _Virtual.timers:
        raise RuntimeError("threads can only be started once")
    timer = _VirtualTimer(thread, stack.clients)
    _Virtual.timers[thread] = timer
    stack.clients.after(round(thread.interval * NS_PER_S), timer.fire)


def _join(thread: threading.Thread, timeout: float | None = None) -> None:
    timer = _Virtual.timers.get(thread)
    if timer is None:
        _Virtual.real["join"](thread, timeout)
    else:
        timer.join(timeout)


def _is_alive(thread: threading.Thread) -> bool:
    timer = _Virtual.timers.get(thread)
    alive: bool = _Virtual.real["is_alive"](thread) if timer is None else not timer.over
    return alive


class _VirtualTimer:
    """A timer that was started in a client: no thread, but a client of its own once it fires."""

    def __init__(self, timer: threading.Timer, clients: BlockingClients) -> None:
        self._timer = timer
        self._clients = clients
        self._running = False

    @property
    def over(self) -> bool:
        """It has done its work, or was cancelled before."""
        return self._timer.finished.is_set() and not self._running

    def fire(self) -> None:
        """Its time has come."""
        if not self._timer.finished.is_set():
            self._running = True
            self._clients.start(self._run, self._timer.name)

    def _run(self) -> None:
        timer = self._timer
        try:
            timer.function(*timer.args, **timer.kwargs)
        except Exception:
            # As for a thread: it is told, and whoever waits for the timer goes on.
            threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), timer)))
        finally:
            self._running = False
            timer.finished.set()

    def join(self, timeout: float | None) -> None:
        """Wait until it is over, or for so many seconds."""
        timeout_ns = None if timeout is None else round(timeout * NS_PER_S)
        self._clients.wait_for(lambda: self.over, self._timer.finished, timeout_ns)


_REPLACED: tuple[tuple[Any, str, Callable[..., Any]], ...] = (
    (time, "sleep", _sleep),
    (threading.Event, "wait", _wait),
    (threading.Event, "set", _set),
    (threading.Thread, "start", _start),
    (threading.Thread, "join", _join),
    (threading.Thread, "is_alive", _is_alive),
)


@contextmanager
def _virtual_waiting(clients: BlockingClients) -> Iterator[None]:
    """Have clients wait virtually while this lasts."""
    if not _Virtual.running:
        for owner, name, replacement in _REPLACED:
            _Virtual.real[name] = getattr(owner, name)
            setattr(owner, name, replacement)
    _Virtual.running.append(clients)
    try:
        yield
    finally:
        _Virtual.running.remove(clients)
        if not _Virtual.running:
            for owner, name, _ in _REPLACED:
                setattr(owner, name, _Virtual.real[name])
