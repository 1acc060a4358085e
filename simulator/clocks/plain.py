"""Clocks that need no model: the server's and the frozen one."""

from mfalab.devices.clock import Clock
from mfalab.simulator.clocks.base import DeviceClock, Steps


class FrozenClock(DeviceClock):
    """A clock that stands still: a hung device, or a dead real-time clock at 1970.

    Args:
        true_time: The timeline, or whatever stands for true time.
        believed_ns: What it shows for ever; by default the present true time.
    """

    def __init__(self, true_time: Clock, believed_ns: int | None = None) -> None:
        super().__init__(true_time)
        self._believed_ns = true_time.now_ns() if believed_ns is None else believed_ns

    def believed_ns(self, true_ns: int) -> int:
        """The same instant, whatever the true time."""
        return self._believed_ns


class ServerClock(DeviceClock):
    """The verifier's clock: true time, plus what an operator or a bad NTP server does to it.

    Args:
        true_time: The timeline, or whatever stands for true time.
        offset_ns: Believed minus true time at the beginning.
        drift_ppm: Rate since the beginning; 0 for a server with NTP.
    """

    def __init__(self, true_time: Clock, *, offset_ns: int = 0, drift_ppm: float = 0.0) -> None:
        super().__init__(true_time)
        self._offset_ns = offset_ns
        self._drift_ppm = drift_ppm
        self._begin_ns = true_time.now_ns()
        self._steps = Steps()
        self._slews: list[tuple[int, int, int]] = []  # start, duration, delta

    def believed_ns(self, true_ns: int) -> int:
        """What this clock shows at the instant `true_ns`, in nanoseconds since the Unix epoch."""
        believed_ns = true_ns + self._offset_ns + self._steps.total_ns(true_ns)
        if self._drift_ppm:
            believed_ns += round(self._drift_ppm * (true_ns - self._begin_ns) / 1e6)
        for start_ns, over_ns, delta_ns in self._slews:
            into_ns = min(max(0, true_ns - start_ns), over_ns)
            believed_ns += delta_ns * into_ns // over_ns
        return believed_ns

    def turns_ns(self) -> list[int]:
        """See `DeviceClock.turns_ns`."""
        slews = [at for start, over, _ in self._slews for at in (start, start + over)]
        return self._steps.starts_ns + slews

    def step(self, delta_ns: int) -> None:
        """Move the clock by `delta_ns` at once; -1 s is a leap second, seen by Unix time."""
        self._steps.add(self._true_time.now_ns(), delta_ns)

    def set_to(self, believed_ns: int) -> None:
        """Make the clock show `believed_ns` now."""
        self.step(believed_ns - self.now_ns())

    def slew(self, delta_ns: int, over_ns: int) -> None:
        """Move the clock by `delta_ns` evenly over the next `over_ns`; slews add up.

        Raises:
            ValueError: `over_ns` is not positive.
        """
        if over_ns <= 0:
            raise ValueError(f"a slew cannot take {over_ns} ns. Use step for a sudden change.")
        self._slews.append((self._true_time.now_ns(), over_ns, delta_ns))
