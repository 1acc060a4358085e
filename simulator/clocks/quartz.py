"""The quartz clock: how a crystal of known faults tells time over years.

With x the offset (believed minus true, positive when fast) and y its rate in ppm:

    x(t) = x0 + integral(y dt) + steps
    y(t) = y0 + beta (T(t) - T0)^2 + A ln(1 + B t) + kappa (V(t) - Vref) + noise

Every term has a closed integral, so a reading costs microseconds whatever the time span. Figures
are those of tuning-fork data sheets; the ageing law is that of MIL-PRF-55310. Left out: the
flicker floor (0.3 s in a year at an Allan deviation of 1e-8), hysteresis, shock and humidity.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import log, log1p
from types import MappingProxyType
from typing import Final

from mfalab.devices.clock import Clock
from mfalab.simulator.clocks.base import DeviceClock, Steps
from mfalab.simulator.clocks.battery import ALWAYS_ON, Battery, Supply
from mfalab.simulator.clocks.climates import CLIMATES, Climate, squared_deviation
from mfalab.simulator.clocks.durations import NS_PER_DAY
from mfalab.simulator.clocks.noise import RandomWalk
from mfalab.simulator.entropy import Stream

_NS_PER_PPM_S: Final = 1000.0  # one second at one ppm


def ageing_ppm(first_year_ppm: float, rate_per_day: float = 1 / 30) -> float:
    """The coefficient A for which A ln(1 + B t) reaches `first_year_ppm` after 365.25 days."""
    return first_year_ppm / log1p(rate_per_day * 365.25)


def cut_normal(stream: Stream, mean: float, sigma: float, limit: float) -> float:
    """A normal deviate, drawn again until it is within `limit` of the mean.

    Drawn again and not clipped: makers sort parts, they do not bend them.
    """
    while True:
        deviation = stream.gauss(0.0, sigma)
        if abs(deviation) <= limit:
            return mean + deviation


@dataclass(frozen=True, slots=True)
class Quartz:
    """One oscillator's constants; the defaults are a typical watch crystal of 32768 Hz.

    Args:
        offset_ppm: y0, rate at the turnover temperature when new.
        turnover_c: T0, the temperature at which the crystal is fastest.
        parabola_ppm_per_c2: beta, 0 or negative: slow when hot and slow when cold.
        ageing_ppm: A of the log law; 1.16355 is 3 ppm in the first year.
        ageing_rate_per_day: B of the log law.
        supply_ppm_per_v: kappa, supply pushing.
        supply_reference_v: Vref, the voltage at which the supply changes nothing.
        wander_ppm: Standard deviation of the daily frequency step, if there is noise.
    """

    offset_ppm: float = 0.0
    turnover_c: float = 25.0
    parabola_ppm_per_c2: float = -0.034
    ageing_ppm: float = 1.16355
    ageing_rate_per_day: float = 1 / 30
    supply_ppm_per_v: float = 1.0
    supply_reference_v: float = 3.0
    wander_ppm: float = 0.01


STEADY: Final = Quartz(
    parabola_ppm_per_c2=0.0, ageing_ppm=0.0, supply_ppm_per_v=0.0, wander_ppm=0.0
)
"""An oscillator with no fault but the rate one gives it: `replace(STEADY, offset_ppm=45)`."""


@dataclass(frozen=True, slots=True)
class DataSheet:
    """What a maker promises of an oscillator; every specimen differs within it.

    Args:
        typical: The specimen in the middle, with the ageing of a bad one.
        offset_sigma_ppm: Spread of y0.
        offset_limit_ppm: Tolerance of y0.
        turnover_sigma_c: Spread of T0.
        turnover_limit_c: Tolerance of T0.
    """

    typical: Quartz
    offset_sigma_ppm: float
    offset_limit_ppm: float
    turnover_sigma_c: float = 0.0
    turnover_limit_c: float = 0.0

    def draw(self, stream: Stream) -> Quartz:
        """One specimen: rate and turnover within tolerance, ageing in either direction."""
        typical = self.typical
        return replace(
            typical,
            offset_ppm=cut_normal(
                stream, typical.offset_ppm, self.offset_sigma_ppm, self.offset_limit_ppm
            ),
            turnover_c=cut_normal(
                stream, typical.turnover_c, self.turnover_sigma_c, self.turnover_limit_c
            ),
            ageing_ppm=stream.choice((-1, 1)) * typical.ageing_ppm,
        )


TUNING_FORK: Final = DataSheet(
    Quartz(),
    offset_sigma_ppm=4.0,
    offset_limit_ppm=12.0,
    turnover_sigma_c=1.7,
    turnover_limit_c=5.0,
)
"""The uncompensated crystal of nearly every hardware token."""

TCXO: Final = DataSheet(
    Quartz(parabola_ppm_per_c2=0.0, ageing_ppm=ageing_ppm(1.0), supply_ppm_per_v=0.0),
    offset_sigma_ppm=2 / 3,
    offset_limit_ppm=2.0,
)
"""A temperature-compensated oscillator of the DS3231 class: +-2 ppm from 0 to 40 degC.

The +-3.5 ppm beyond that range are left out.
"""

MEMS: Final = DataSheet(
    Quartz(parabola_ppm_per_c2=0.0, ageing_ppm=ageing_ppm(1.0), supply_ppm_per_v=0.0),
    offset_sigma_ppm=5 / 3,
    offset_limit_ppm=5.0,
)
"""A real-time clock with a MEMS resonator of the DS3231M class: +-5 ppm everywhere."""

OSCILLATORS: Final[Mapping[str, DataSheet]] = MappingProxyType(
    {
        "quartz": TUNING_FORK,
        "tcxo": TCXO,
        "mems": MEMS,
    }
)
"""The oscillators a scenario may name."""


@dataclass(frozen=True, slots=True)
class _Stay:
    """A time in one climate: its integrals at arrival, and (T - T0)^2 integrated before that."""

    climate: Climate
    integrals: tuple[float, float]
    before: float


class QuartzClock(DeviceClock):
    """A clock run by a crystal in a climate, fed by a supply.

    Before `set_ns` the offset is carried back by the same formula without noise; before
    `made_ns` the crystal does not age. When the supply dies the formula goes on without supply
    pushing, so that plots stay readable: it is the device that stops.

    Args:
        true_time: The timeline, or whatever stands for true time.
        quartz: The crystal's constants.
        climate: Where the device lies until it travels.
        supply: What feeds it.
        offset_ns: x0, believed minus true time at `set_ns`.
        set_ns: True time at which the offset was `offset_ns`; now by default. A token from a
            three-year-old box has 0 here and was set when it was made.
        made_ns: True time of manufacture, from which the crystal ages; `set_ns` by default.
        noise: A stream of its own for the random walk; no noise without one.

    Raises:
        ValueError: `set_ns` is in the future.
    """

    def __init__(
        self,
        true_time: Clock,
        quartz: Quartz,
        *,
        climate: Climate = CLIMATES["drawer"],
        supply: Supply = ALWAYS_ON,
        offset_ns: int = 0,
        set_ns: int | None = None,
        made_ns: int | None = None,
        noise: Stream | None = None,
    ) -> None:
        super().__init__(true_time)
        now_ns = true_time.now_ns()
        if set_ns is not None and set_ns > now_ns:
            raise ValueError(
                f"a clock cannot have been set at {set_ns} ns when it is {now_ns} ns. "
                "Choose now or an earlier instant."
            )
        self.quartz: Final = quartz
        self.supply: Final = supply
        self._offset_ns = offset_ns
        self._set_ns = now_ns if set_ns is None else set_ns
        self._made_ns = self._set_ns if made_ns is None else made_ns
        self._ageing_at_set_ns = self._aged_ns(self._set_ns)
        self._walk = RandomWalk(noise, quartz.wander_ppm) if noise and quartz.wander_ppm else None
        # Climates lived in, each from an instant on; the first one also held before.
        self._moves_ns: list[int] = [self._set_ns]
        self._stays: list[_Stay] = [_Stay(climate, climate.integrals(self._set_ns), 0.0)]
        # Rates had, each from an instant on, with what was gained before; as climates.
        self._drifts_ns: list[int] = [self._set_ns]
        self._drifts: list[tuple[float, float]] = [(quartz.offset_ppm, 0.0)]
        self._steps = Steps()

    @property
    def climate(self) -> Climate:
        """Where the device is now."""
        return self._stays[-1].climate

    @property
    def drift_ppm(self) -> float:
        """Its rate at the turnover temperature when new: y0, or what it was bent to last."""
        return self._drifts[-1][0]

    def believed_ns(self, true_ns: int) -> int:
        """What this clock shows at the instant `true_ns`, in nanoseconds since the Unix epoch."""
        quartz = self.quartz
        elapsed_ns = true_ns - self._set_ns
        error_ns = self._drifted_ns(true_ns)
        if quartz.parabola_ppm_per_c2:
            error_ns += (
                quartz.parabola_ppm_per_c2 * self._squared_deviation(true_ns) * _NS_PER_PPM_S
            )
        if quartz.ageing_ppm:
            error_ns += self._aged_ns(true_ns) - self._ageing_at_set_ns
        if quartz.supply_ppm_per_v:
            excess_v_s = self.supply.excess_v_s(quartz.supply_reference_v, self._set_ns, true_ns)
            error_ns += quartz.supply_ppm_per_v * excess_v_s * _NS_PER_PPM_S
        if self._walk:
            error_ns += self._walk.offset_ns(elapsed_ns)
        return true_ns + self._offset_ns + round(error_ns) + self._steps.total_ns(true_ns)

    def turns_ns(self) -> list[int]:
        """See `DeviceClock.turns_ns`; the end of its battery is one."""
        ends = [self.supply.dies_ns] if isinstance(self.supply, Battery) else []
        return self._moves_ns[1:] + self._drifts_ns[1:] + self._steps.starts_ns + ends

    def rate_ppm(self, true_ns: int) -> float:
        """The drift y at the instant `true_ns` in ppm, without noise."""
        quartz = self.quartz
        climate = self._stays[_latest(self._moves_ns, true_ns)].climate
        deviation_c = climate.temperature_c(true_ns) - quartz.turnover_c
        drift_ppm, _ = self._drifts[_latest(self._drifts_ns, true_ns)]
        rate_ppm = drift_ppm + quartz.parabola_ppm_per_c2 * deviation_c**2
        age_days = max(0, true_ns - self._made_ns) / NS_PER_DAY
        rate_ppm += quartz.ageing_ppm * log1p(quartz.ageing_rate_per_day * age_days)
        if self.supply.alive(true_ns):
            excess_v = self.supply.voltage_v(true_ns) - quartz.supply_reference_v
            rate_ppm += quartz.supply_ppm_per_v * excess_v
        return rate_ppm

    def travel(self, climate: Climate) -> None:
        """Take the device into another climate, from now on; its offset is continuous."""
        true_ns = self._true_time.now_ns()
        before = self._squared_deviation(true_ns)
        self._stays.append(_Stay(climate, climate.integrals(true_ns), before))
        self._moves_ns.append(true_ns)

    def bend(self, drift_ppm: float) -> None:
        """Give the crystal another y0 from now on, as a blow does; its offset is continuous."""
        true_ns = self._true_time.now_ns()
        gained_ns = self._drifted_ns(true_ns)
        self._drifts.append((drift_ppm, gained_ns))
        self._drifts_ns.append(true_ns)

    def step(self, delta_ns: int) -> None:
        """Move the clock by `delta_ns` at once."""
        self._steps.add(self._true_time.now_ns(), delta_ns)

    def set_to(self, believed_ns: int) -> None:
        """Make the clock show `believed_ns` now; it drifts on from there."""
        self.step(believed_ns - self.now_ns())

    def _drifted_ns(self, true_ns: int) -> float:
        index = _latest(self._drifts_ns, true_ns)
        drift_ppm, before_ns = self._drifts[index]
        return before_ns + drift_ppm * (true_ns - self._drifts_ns[index]) / 1e6

    def _squared_deviation(self, true_ns: int) -> float:
        index = _latest(self._moves_ns, true_ns)
        stay = self._stays[index]
        return stay.before + squared_deviation(
            self.quartz.turnover_c,
            stay.integrals,
            stay.climate.integrals(true_ns),
            true_ns - self._moves_ns[index],
        )

    def _aged_ns(self, true_ns: int) -> float:
        """Time gained by ageing since manufacture: A ((1 + B t) ln(1 + B t) / B - t)."""
        age_days = max(0, true_ns - self._made_ns) / NS_PER_DAY
        rate = self.quartz.ageing_rate_per_day
        grown = 1 + rate * age_days
        ppm_days = self.quartz.ageing_ppm * (grown * log(grown) / rate - age_days)
        return ppm_days * NS_PER_DAY / 1e6


def _latest(starts_ns: list[int], true_ns: int) -> int:
    """Which of several stretches an instant is in; the first one also held before."""
    return max(0, bisect_right(starts_ns, true_ns) - 1)
