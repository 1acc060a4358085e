"""How the offset of a token's clock moves: what is fitted, in seconds and ppm.

    x(t) = x_end + r t + s I1(t) + b I2(t) + A a(t) + sum of w_k g_k(t)

t is counted from the last reading, so it is 0 there and negative before. I1 and I2 are the
integrals of (T - T_mean) and (T - T_mean)^2; s is the slope of the rate against temperature at
T_mean, and b half its bend: the parabola of docs/clocks.md about another point, linear in what is
unknown. a(t) is the integral of the ageing law ln(1 + B age), and the g_k are those of a random
walk of the frequency. All of these have the straight line through their ends taken off, so r is
the mean rate of the whole measurement, which is what the readings tell best.

What is known beforehand of a quartz comes in as normal distributions: b is -0.034 with a standard
deviation of 0.005 ppm/degC^2, s that of a turnover temperature of 25 with 5 degC, A is 0 with 1.16
ppm, each daily step of the walk 0 with 0.01 ppm.
Offset and rate are left to the readings (the rate's 100 ppm only keep three readings of one minute
from giving any figure at all).
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, log, sqrt

from mfalab.simulator.clocks import OSCILLATORS
from mfalab.simulator.clocks.durations import NS_PER_DAY, NS_PER_S
from mfalab.simulator.twin.algebra import Vector
from mfalab.simulator.twin.readings import Temperature

_DAY_S = 86_400.0
_WALK_STEPS = (3, 8)
_DAYS_PER_WALK_STEP = 30.0
_LEAST_SWING_C = 3.0
_RATE_SD_PPM = 100.0
_TURNOVER_SD_C = 5.0
_BEND_SD = 0.005
NEGLIGIBLE_S = 0.05
"""A random walk that bends the line by less is left to the slack of the readings."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One unknown, with what is known of it beforehand: a normal distribution.

    `sd` is infinite for what only the readings tell.
    """

    name: str
    mean: float
    sd: float


class Climatology:
    """Temperature over the time of a measurement: a straight line between two known ones.

    Args:
        temperatures: at least one, in the order of time.
        start_ns: first moment of the measurement.
        end_ns: last moment of it.
    """

    def __init__(self, temperatures: Sequence[Temperature], start_ns: int, end_ns: int) -> None:
        self._end_ns = end_ns
        times = [(each.at_ns - end_ns) / NS_PER_S for each in temperatures]
        warm = [each.celsius for each in temperatures]
        start_s = (start_ns - end_ns) / NS_PER_S
        # Before the first and after the last it stays as it is known.
        if times[0] > start_s:
            times.insert(0, start_s)
            warm.insert(0, warm[0])
        if times[-1] < 0.0:
            times.append(0.0)
            warm.append(warm[-1])
        self._times, self._warm = times, warm
        self.mean_c = 0.0
        self._sums: list[tuple[float, float]] = [(0.0, 0.0)]
        self._accumulate()
        at_start, at_end = self._raw(start_s), self._raw(0.0)
        span_s = -start_s
        self.mean_c = (at_end[0] - at_start[0]) / span_s if span_s else warm[-1]
        self._accumulate()
        self._origin = self._raw(0.0)
        at_start = self._raw(start_s)
        self.mean_square_c2 = (self._origin[1] - at_start[1]) / span_s if span_s else 0.0
        inside = [c for t, c in zip(times, warm, strict=True) if start_s <= t <= 0.0]
        self.coldest_c, self.warmest_c = min(inside), max(inside)
        known = sorted({start_s, 0.0, *(t for t in times if start_s <= t <= 0.0)})
        self.longest_gap_s = max((b - a for a, b in pairwise(known)), default=0.0)

    @property
    def varies(self) -> bool:
        """Whether it varied enough to tell what temperature does to the clock."""
        return self.warmest_c - self.coldest_c >= _LEAST_SWING_C

    def integrals(self, t_s: float) -> tuple[float, float]:
        """Integrals of T - mean and of its square from the last reading to `t_s`.

        After the last reading it is as warm as it was on average, and varies as it did.
        """
        if t_s > 0.0:
            return 0.0, self.mean_square_c2 * t_s
        first, second = self._raw(t_s)
        return first - self._origin[0], second - self._origin[1]

    def _accumulate(self) -> None:
        self._sums = [(0.0, 0.0)]
        times, warm, mean = self._times, self._warm, self.mean_c
        for index in range(1, len(times)):
            piece = _piece(
                times[index] - times[index - 1], warm[index - 1] - mean, warm[index] - mean
            )
            last = self._sums[-1]
            self._sums.append((last[0] + piece[0], last[1] + piece[1]))

    def _raw(self, t_s: float) -> tuple[float, float]:
        times, warm, mean = self._times, self._warm, self.mean_c
        index = min(max(bisect_right(times, t_s) - 1, 0), len(times) - 1)
        begun = self._sums[index]
        into_s, from_c = t_s - times[index], warm[index] - mean
        to_c = from_c
        if into_s > 0.0 and index + 1 < len(times):
            share = into_s / (times[index + 1] - times[index])
            to_c += share * (warm[index + 1] - warm[index])
        piece = _piece(into_s, from_c, to_c)
        return begun[0] + piece[0], begun[1] + piece[1]


def _piece(span_s: float, a: float, b: float) -> tuple[float, float]:
    """Integrals of a straight line from a to b and of its square."""
    return span_s * (a + b) / 2, span_s * (a * a + a * b + b * b) / 3


class Model:
    """The unknowns, and what each of them does to the offset at a time.

    Args:
        start_ns: true time of the first reading.
        end_ns: true time of the last one.
        crystal: a name of `OSCILLATORS`.
        made_ns: when the token was made; without it, as late as possible, at the first reading,
            because a new crystal ages fastest.
        climate: temperatures, where they are known; a slope is fitted only if they vary and the
            crystal minds them.
    """

    def __init__(
        self,
        start_ns: int,
        end_ns: int,
        *,
        crystal: str = "quartz",
        made_ns: int | None = None,
        climate: Climatology | None = None,
    ) -> None:
        sheet = OSCILLATORS[crystal].typical
        self.start_ns, self.end_ns = start_ns, end_ns
        self.crystal = crystal
        self.climate = climate
        self.span_s = (end_ns - start_ns) / NS_PER_S
        self._ageing_per_day = sheet.ageing_rate_per_day
        made_ns = start_ns if made_ns is None else made_ns
        self._age_at_end_days = (end_ns - made_ns) / NS_PER_DAY
        self.fits_temperature = False
        steps = round(self.span_s / _DAY_S / _DAYS_PER_WALK_STEP)
        steps = min(max(steps, _WALK_STEPS[0]), _WALK_STEPS[1])
        knots = [-self.span_s * (steps - k) / steps for k in range(steps + 1)]
        walk_ppm = sheet.wander_ppm * sqrt(self.span_s / _DAY_S / steps)
        self.wander_ppm = sheet.wander_ppm
        self.parameters = [
            Parameter("offset_s", 0.0, inf),
            Parameter("rate_ppm", 0.0, _RATE_SD_PPM),
        ]
        if climate is not None and climate.varies and sheet.parabola_ppm_per_c2:
            self.fits_temperature = True
            self.parameters += [
                Parameter(
                    "slope_ppm_per_c",
                    2 * sheet.parabola_ppm_per_c2 * (climate.mean_c - sheet.turnover_c),
                    2 * abs(sheet.parabola_ppm_per_c2) * _TURNOVER_SD_C,
                ),
                Parameter("bend_ppm_per_c2", sheet.parabola_ppm_per_c2, _BEND_SD),
            ]
        self.parameters.append(Parameter("ageing_ppm", 0.0, abs(sheet.ageing_ppm)))
        self._curves = [_Bridge(self._aged, self.span_s)]
        walk = [_Bridge(_ramp(a, b, walk_ppm), self.span_s) for a, b in pairwise(knots)]
        if max(abs(curve(knot)) for curve in walk for knot in knots) >= NEGLIGIBLE_S * 1e6:
            self.parameters += [Parameter(f"walk_{k}", 0.0, 1.0) for k in range(steps)]
            self._curves += walk

    def row(self, t_s: float) -> Vector:
        """What one unit of each unknown adds to the offset at `t_s`, in seconds."""
        row = [1.0, t_s * 1e-6]
        if self.fits_temperature:
            assert self.climate is not None
            first, second = self.climate.integrals(t_s)
            row += [first * 1e-6, (second - self.climate.mean_square_c2 * t_s) * 1e-6]
        row += [curve(t_s) * 1e-6 for curve in self._curves]
        return row

    def _aged(self, t_s: float) -> float:
        """Integral of ln(1 + B age) up to `t_s`, in s."""
        age = max(0.0, self._age_at_end_days + t_s / _DAY_S)
        grown = 1 + self._ageing_per_day * age
        return _DAY_S * (grown * log(grown) / self._ageing_per_day - age)


_Curve = Callable[[float], float]
"""A part of the offset as a function of time, in ppm s."""


class _Bridge:
    """A curve without the straight line through its ends: 0 at the first and the last reading."""

    def __init__(self, curve: _Curve, span_s: float) -> None:
        self._curve = curve
        self._at_end = curve(0.0)
        self._slope = (self._at_end - curve(-span_s)) / span_s if span_s else 0.0

    def __call__(self, t_s: float) -> float:
        return self._curve(t_s) - self._at_end - self._slope * t_s


def _ramp(start_s: float, end_s: float, height_ppm: float) -> _Curve:
    """The integral of a frequency that rises from 0 to `height_ppm` and stays there."""
    length_s = end_s - start_s

    def integral(t_s: float) -> float:
        into_s = min(max(0.0, t_s - start_s), length_s)
        risen = into_s * into_s / (2 * length_s) if length_s else 0.0
        return height_ppm * (risen + max(0.0, t_s - end_s))

    return integral
