"""What all device clocks share: believed time as a function of true time."""

from abc import ABC, abstractmethod
from bisect import bisect_right

from mfalab.devices.clock import Clock


class DeviceClock(ABC):
    """A clock that is right or wrong in a known way.

    `believed_ns` answers for any true time and costs nothing but arithmetic: how far the clock is
    off never depends on what it was asked before. What has been done to the clock (a step, a
    journey) took place at a true time and leaves everything before it as it was. Clocks have no
    power switch; a device that also holds a supply is the one that goes dark.

    Args:
        true_time: The timeline, or whatever stands for true time.
    """

    def __init__(self, true_time: Clock) -> None:
        self._true_time = true_time

    @abstractmethod
    def believed_ns(self, true_ns: int) -> int:
        """What this clock shows at the instant `true_ns`, in nanoseconds since the Unix epoch."""

    def turns_ns(self) -> list[int]:
        """The instants at which something was done to it, so that its line jumps or bends."""
        return []

    def now_ns(self) -> int:
        """Nanoseconds since the Unix epoch, as this clock believes."""
        return self.believed_ns(self._true_time.now_ns())

    def offset_ns(self) -> int:
        """Believed minus true time now: positive when the clock is fast."""
        true_ns = self._true_time.now_ns()
        return self.believed_ns(true_ns) - true_ns


class Steps:
    """Sudden changes of an offset, each at a true time and lasting."""

    __slots__ = ("_starts_ns", "_totals_ns")

    def __init__(self) -> None:
        self._starts_ns: list[int] = []
        self._totals_ns: list[int] = [0]

    def add(self, true_ns: int, delta_ns: int) -> None:
        """Add `delta_ns` from the instant `true_ns` on, which is not before the last one."""
        self._starts_ns.append(true_ns)
        self._totals_ns.append(self._totals_ns[-1] + delta_ns)

    @property
    def starts_ns(self) -> list[int]:
        """The instant of each step."""
        return list(self._starts_ns)

    def total_ns(self, true_ns: int) -> int:
        """Sum of all steps up to that instant, itself included."""
        return self._totals_ns[bisect_right(self._starts_ns, true_ns)]
