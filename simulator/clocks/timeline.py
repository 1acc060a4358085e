"""True time: an integer of nanoseconds since the Unix epoch, on a SimPy environment.

True time never goes back and never waits: when nothing is due, it leaps. What a device *believes*
is another matter and lives in `mfalab.simulator.clocks`.
"""

from collections.abc import Callable
from operator import index

import simpy


class _Due(simpy.Event):
    """An entry of the agenda.

    A timeout would bring a list and a closure of its own. These share what they have in common: no
    process ever sees one and waits for it.
    """

    _ok, _value = True, None
    callbacks = (lambda due: due.callback(),)  # type: ignore[assignment]  # SimPy only reads it

    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback = callback


class Timeline:
    """True time of one run, and the agenda of what happens when.

    It satisfies `Clock`, so a device with a perfect clock can be given the timeline itself.
    Things due at one instant happen in the order in which they were scheduled.

    Args:
        start_ns: True time at the start, in nanoseconds since the Unix epoch; may be negative.
    """

    def __init__(self, start_ns: int) -> None:
        self._start_ns = index(start_ns)
        self._env = simpy.Environment(initial_time=self._start_ns)
        self._running = False

    @property
    def env(self) -> simpy.Environment:
        """The SimPy environment, for processes; its time unit is the nanosecond.

        SimPy raises a copy of the exception that ended a process, `type(e)(*e.args)`. Callables
        given to `at` and `after` are no processes: what they raise arrives as it is.
        """
        return self._env

    @property
    def start_ns(self) -> int:
        """True time at which this timeline began."""
        return self._start_ns

    @property
    def running(self) -> bool:
        """Whether the caller is something that it is just running."""
        return self._running

    def now_ns(self) -> int:
        """True time now, in nanoseconds since the Unix epoch."""
        return int(self._env.now)

    def advance(self, duration_ns: int) -> None:
        """Let `duration_ns` of true time pass; see `run_until`.

        Raises:
            ValueError: The duration is negative.
        """
        if index(duration_ns) < 0:
            raise ValueError(
                f"true time cannot go back by {-duration_ns} ns. "
                "Step a device's clock if that is what is meant."
            )
        self.run_until(self.now_ns() + duration_ns)

    def run_until(self, true_ns: int) -> None:
        """Let everything happen that is due up to `true_ns`, that instant included.

        Afterwards it is `true_ns` sharp. If something raises, the exception surfaces unchanged,
        time stands at the instant of the failure, and the rest of the agenda is still there.

        Raises:
            ValueError: `true_ns` is in the past.
            RuntimeError: Called by something that this timeline is just running.
        """
        now_ns = self.now_ns()
        if index(true_ns) < now_ns:
            raise ValueError(
                f"true time cannot go back from {now_ns} ns to {true_ns} ns. "
                "Step a device's clock if that is what is meant."
            )
        if self._running:
            raise RuntimeError(
                f"the timeline is already running at {now_ns} ns. "
                "A scheduled callable must not wait; let it schedule the next one."
            )
        env = self._env
        end = env.timeout(true_ns - now_ns)
        self._running = True
        try:
            env.run(until=end)  # its loop costs half as much as one of ours
            while env.peek() <= true_ns:  # what was scheduled for the last instant on the way
                env.step()
        finally:
            self._running = False
            if end.callbacks:  # something raised before the end, which must stop no later run
                end.callbacks.clear()

    def at(self, true_ns: int, callback: Callable[[], object]) -> None:
        """Call `callback` at the instant `true_ns`; its result is dropped.

        Raises:
            ValueError: `true_ns` is in the past.
        """
        env = self._env
        delay_ns = index(true_ns) - env.now
        if delay_ns < 0:
            raise ValueError(
                f"cannot schedule anything at {true_ns} ns: "
                f"it is {self.now_ns()} ns already. Choose a later instant."
            )
        env.schedule(_Due(callback), delay=delay_ns)

    def after(self, delay_ns: int, callback: Callable[[], object]) -> None:
        """Call `callback` once `delay_ns` of true time have passed.

        Raises:
            ValueError: The delay is negative.
        """
        self.at(self.now_ns() + index(delay_ns), callback)
