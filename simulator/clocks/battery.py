"""What feeds a device, as a function of true time: a coin cell that runs flat, or the mains.

The voltage matters twice. It pulls the crystal a little (the clock takes the integral), and when
it is gone the device is dead, which is a fact about the device and not about its clock.
"""

from dataclasses import dataclass
from typing import Final, Protocol

from mfalab.devices.clock import Clock
from mfalab.simulator.clocks.durations import NS_PER_S, NS_PER_YEAR


class Supply(Protocol):
    """A supply over all of true time."""

    def voltage_v(self, true_ns: int) -> float:
        """Volts at that instant; 0 when the supply is dead."""

    def excess_v_s(self, reference_v: float, start_ns: int, end_ns: int) -> float:
        """Integral of voltage minus `reference_v` from start to end, in volt seconds.

        Only the time in which the supply is alive counts. An end before the start negates.
        """

    def alive(self, true_ns: int) -> bool:
        """Whether there is power at that instant."""


@dataclass(frozen=True, slots=True)
class Mains:
    """A supply that neither sags nor dies.

    Args:
        nominal_v: Its voltage at the crystal.
    """

    nominal_v: float = 3.0

    def voltage_v(self, true_ns: int) -> float:
        """The nominal voltage, always."""
        return self.nominal_v

    def excess_v_s(self, reference_v: float, start_ns: int, end_ns: int) -> float:
        """Integral of voltage minus `reference_v`, in volt seconds."""
        return (self.nominal_v - reference_v) * (end_ns - start_ns) / NS_PER_S

    def alive(self, true_ns: int) -> bool:
        """Always true."""
        return True


ALWAYS_ON: Final = Mains()
"""Power that is never the problem."""


@dataclass(frozen=True, slots=True)
class Battery:
    """A lithium coin cell: flat for 90 % of its life, then a straight line down, then dead.

    Args:
        fitted_ns: True time at which the cell was fitted; before it the voltage is the fresh one.
        life_ns: How long it lasts, more than 0. Hardware tokens are sold with 3 to 8 years.
        fresh_v: Voltage on the flat part.
        empty_v: Voltage at the last instant.
    """

    fitted_ns: int
    life_ns: int = 5 * NS_PER_YEAR
    fresh_v: float = 3.0
    empty_v: float = 2.5

    def __post_init__(self) -> None:
        if self.life_ns <= 0:
            raise ValueError(
                f"a battery cannot last {self.life_ns} ns. Give it a life of more than 0."
            )

    @property
    def sags_ns(self) -> int:
        """True time at which the voltage starts to fall."""
        return self.fitted_ns + self.life_ns * 9 // 10

    @property
    def dies_ns(self) -> int:
        """True time from which the cell is dead."""
        return self.fitted_ns + self.life_ns

    def voltage_v(self, true_ns: int) -> float:
        """Volts at that instant."""
        if true_ns < self.sags_ns:
            return self.fresh_v
        if true_ns >= self.dies_ns:
            return 0.0
        return self.fresh_v - self._fall_v_per_ns() * (true_ns - self.sags_ns)

    def excess_v_s(self, reference_v: float, start_ns: int, end_ns: int) -> float:
        """Integral of voltage minus `reference_v` while alive, in volt seconds."""
        dies_ns = self.dies_ns
        start_ns, end_ns = min(start_ns, dies_ns), min(end_ns, dies_ns)
        fresh = (self.fresh_v - reference_v) * (end_ns - start_ns)
        return (fresh - self._lost_v_ns(end_ns) + self._lost_v_ns(start_ns)) / NS_PER_S

    def alive(self, true_ns: int) -> bool:
        """Whether the cell still feeds the device at that instant."""
        return true_ns < self.dies_ns

    def _fall_v_per_ns(self) -> float:
        return (self.fresh_v - self.empty_v) / (self.dies_ns - self.sags_ns)

    def _lost_v_ns(self, true_ns: int) -> float:
        """Integral of the fall below the fresh voltage, up to an instant of the cell's life."""
        sagging_ns = true_ns - self.sags_ns
        return self._fall_v_per_ns() * sagging_ns * sagging_ns / 2 if sagging_ns > 0 else 0.0


class PowerNow:
    """A supply at the present true time: what a device asks before it answers a button.

    Args:
        supply: The supply over all of time.
        true_time: The timeline, or whatever stands for true time.
    """

    def __init__(self, supply: Supply, true_time: Clock) -> None:
        self.supply = supply
        self._true_time = true_time

    def alive(self) -> bool:
        """Whether there is power now."""
        return self.supply.alive(self._true_time.now_ns())

    def voltage_v(self) -> float:
        """Volts now."""
        return self.supply.voltage_v(self._true_time.now_ns())
