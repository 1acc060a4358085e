"""Climates: the temperature of a device's case as a function of true time.

A crystal integrates (T - T0)^2, so every climate here knows the integrals of T and of T^2 in
closed form: reading a clock costs the same after a second and after ten years. Two kinds suffice.
`Weekly` repeats a timetable of constant temperatures; `Waves` is a finite sum of waves, each a
whole number of turns per day plus a whole number of turns per year, and the square of such a sum
is one again.

Days begin at 00:00 UTC, weeks on Monday, and the year has 365.25 days counted from 1970: local
time zones, leap days and holidays are left out. The named figures are modelling choices.
"""

from abc import ABC, abstractmethod
from bisect import bisect_right
from cmath import exp as cexp
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate, pairwise, repeat
from math import tau
from operator import mul
from types import MappingProxyType
from typing import Final

from mfalab.simulator.clocks.durations import (
    NS_PER_DAY,
    NS_PER_HOUR,
    NS_PER_S,
    NS_PER_WEEK,
    NS_PER_YEAR,
)

_MONDAY_NS: Final = 4 * NS_PER_DAY  # 1970-01-01 was a Thursday, the first Monday the 5th
_RAD_PER_S_DAILY: Final = tau * NS_PER_S / NS_PER_DAY
_RAD_PER_S_YEARLY: Final = tau * NS_PER_S / NS_PER_YEAR


class Climate(ABC):
    """A case temperature over all of true time, past and future."""

    __slots__ = ()

    @abstractmethod
    def temperature_c(self, true_ns: int) -> float:
        """Degrees Celsius at that instant."""

    @abstractmethod
    def integrals(self, true_ns: int) -> tuple[float, float]:
        """Integrals of T in degC s and of T^2 in degC^2 s, from some fixed instant to this one."""

    def squared_deviation(self, turnover_c: float, start_ns: int, end_ns: int) -> float:
        """Integral of (T - turnover)^2 from start to end, in degC^2 s; negated if end < start."""
        return squared_deviation(
            turnover_c, self.integrals(start_ns), self.integrals(end_ns), end_ns - start_ns
        )


def squared_deviation(
    turnover_c: float,
    start: tuple[float, float],
    end: tuple[float, float],
    elapsed_ns: int,
) -> float:
    """(T - turnover)^2 multiplied out, from one climate's integrals at both ends, in degC^2 s."""
    return (
        (end[1] - start[1])
        - 2 * turnover_c * (end[0] - start[0])
        + turnover_c * turnover_c * elapsed_ns / NS_PER_S
    )


@dataclass(frozen=True, slots=True)
class Constant(Climate):
    """One temperature for ever.

    Args:
        celsius: The temperature in degrees Celsius.
    """

    celsius: float

    def temperature_c(self, true_ns: int) -> float:
        """The temperature, whenever asked."""
        return self.celsius

    def integrals(self, true_ns: int) -> tuple[float, float]:
        """Integrals of T and T^2 since the epoch."""
        integral = self.celsius * true_ns / NS_PER_S
        return integral, self.celsius * integral


@dataclass(frozen=True, slots=True)
class Weekly(Climate):
    """A timetable of constant temperatures that repeats every week.

    Args:
        changes: Pairs of hours since Monday 00:00 UTC and the temperature from then on in degrees
            Celsius; ascending, the first at hour 0, all below 168.
    """

    changes: tuple[tuple[float, float], ...]
    _starts_ns: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _sums: tuple[tuple[float, float], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        hours = [hour for hour, _ in self.changes]
        if (
            not hours
            or hours[0] != 0
            or hours[-1] >= 168
            or any(b <= a for a, b in pairwise(hours))
        ):
            raise ValueError(
                f"a weekly climate cannot change at hours {hours}. "
                "Start at hour 0, ascend and stay below 168."
            )
        starts_ns = tuple(round(hour * NS_PER_HOUR) for hour in hours)
        stretches = [
            (celsius * (end - start) / NS_PER_S, celsius * celsius * (end - start) / NS_PER_S)
            for (start, end), (_, celsius) in zip(
                pairwise((*starts_ns, NS_PER_WEEK)), self.changes, strict=True
            )
        ]
        sums = accumulate(stretches, lambda a, b: (a[0] + b[0], a[1] + b[1]), initial=(0.0, 0.0))
        object.__setattr__(self, "_starts_ns", starts_ns)
        object.__setattr__(self, "_sums", tuple(sums))

    @classmethod
    def of_days(
        cls,
        working_day: Iterable[tuple[float, float]],
        day_off: Iterable[tuple[float, float]] | None = None,
    ) -> "Weekly":
        """A week of five working days and two days off, each given in hours since midnight.

        Without `day_off` all seven days are alike.
        """
        working = tuple(working_day)
        off = working if day_off is None else tuple(day_off)
        return cls(
            tuple(
                (24 * day + hour, celsius)
                for day in range(7)
                for hour, celsius in (working if day < 5 else off)
            )
        )

    def temperature_c(self, true_ns: int) -> float:
        """Degrees Celsius at that instant."""
        into_week_ns = (true_ns - _MONDAY_NS) % NS_PER_WEEK
        return self.changes[bisect_right(self._starts_ns, into_week_ns) - 1][1]

    def integrals(self, true_ns: int) -> tuple[float, float]:
        """Integrals of T and T^2 since the first Monday of 1970."""
        weeks, into_week_ns = divmod(true_ns - _MONDAY_NS, NS_PER_WEEK)
        index = bisect_right(self._starts_ns, into_week_ns) - 1
        celsius = self.changes[index][1]
        into_stretch_s = (into_week_ns - self._starts_ns[index]) / NS_PER_S
        week, before = self._sums[-1], self._sums[index]
        return (
            weeks * week[0] + before[0] + celsius * into_stretch_s,
            weeks * week[1] + before[1] + celsius * celsius * into_stretch_s,
        )


@dataclass(frozen=True, slots=True)
class Wave:
    """`amplitude_c * cos(2 pi (per_day * day + per_year * year) - phase_rad)`.

    Args:
        amplitude_c: Half the swing in degrees Celsius.
        per_day: Turns per day, a whole number.
        per_year: Turns per year, a whole number; not both 0.
        phase_rad: Where the crest is: 2 pi times the part of a turn after 00:00 UTC, 1 January.
    """

    amplitude_c: float
    per_day: int = 0
    per_year: int = 0
    phase_rad: float = 0.0

    def __post_init__(self) -> None:
        if self.per_day == 0 and self.per_year == 0:
            raise ValueError(
                "a wave of 0 turns per day and per year is a constant. Add it to the mean."
            )


Term = tuple[int, int, complex, complex]
"""Turns per day, per year, and the coefficients of exp(i angle) in the integrals of T and T^2."""


@dataclass(frozen=True, slots=True)
class Waves(Climate):
    """A mean temperature and waves about it.

    Args:
        mean_c: Mean in degrees Celsius.
        waves: The waves; a dozen is a lot.
    """

    mean_c: float
    waves: tuple[Wave, ...]
    _mean_square: float = field(init=False, repr=False, compare=False)
    _terms: tuple[Term, ...] = field(init=False, repr=False, compare=False)
    _per_day: int = field(init=False, repr=False, compare=False)
    _per_year: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # T as a Fourier sum over positive and negative frequencies; multiplying such sums adds
        # the frequencies, and integrating a term divides it by i omega.
        spectrum: dict[tuple[int, int], complex] = defaultdict(complex)
        spectrum[0, 0] += self.mean_c
        for wave in self.waves:
            half = wave.amplitude_c / 2 * cexp(-1j * wave.phase_rad)
            spectrum[wave.per_day, wave.per_year] += half
            spectrum[-wave.per_day, -wave.per_year] += half.conjugate()
        square: dict[tuple[int, int], complex] = defaultdict(complex)
        for (day_a, year_a), a in spectrum.items():
            for (day_b, year_b), b in spectrum.items():
                square[day_a + day_b, year_a + year_b] += a * b
        # The spectra are symmetric: of each pair of frequencies one is kept, and doubled.
        terms = tuple(
            (day, year, 2 * spectrum.get((day, year), 0) / rate, 2 * value / rate)
            for (day, year), value in square.items()
            if (day, year) > (0, 0)
            for rate in (1j * (day * _RAD_PER_S_DAILY + year * _RAD_PER_S_YEARLY),)
        )
        object.__setattr__(self, "_mean_square", square[0, 0].real)
        object.__setattr__(self, "_terms", terms)
        object.__setattr__(self, "_per_day", max((abs(term[0]) for term in terms), default=0))
        object.__setattr__(self, "_per_year", max((abs(term[1]) for term in terms), default=0))

    def temperature_c(self, true_ns: int) -> float:
        """Degrees Celsius at that instant."""
        day, year = _angles(true_ns)
        return self.mean_c + sum(
            (
                wave.amplitude_c
                * cexp(1j * (wave.per_day * day + wave.per_year * year - wave.phase_rad)).real
            )
            for wave in self.waves
        )

    def integrals(self, true_ns: int) -> tuple[float, float]:
        """Integrals of T and T^2, apart from a constant since the epoch."""
        day, year = _angles(true_ns)
        days, years = (
            _powers(cexp(1j * day), self._per_day),
            _powers(cexp(1j * year), self._per_year),
        )
        first = second = 0j
        for per_day, per_year, of_t, of_square in self._terms:
            turn = days[per_day] * years[per_year]
            first += of_t * turn
            second += of_square * turn
        seconds = true_ns / NS_PER_S
        return (
            self.mean_c * seconds + first.real,
            self._mean_square * seconds + second.real,
        )

    @property
    def mean_square(self) -> float:
        """The mean of T^2."""
        return self._mean_square

    @property
    def terms(self) -> tuple[Term, ...]:
        """The waves of both integrals, for those who compute many instants at once.

        The integral of T is `mean_c` t plus the sum over all terms of the real part of
        `of_t * exp(i (per_day * day + per_year * year))`, with the angles of day and year in
        radians; that of T^2 is `mean_square` t plus the same with `of_square`.
        """
        return self._terms


def _angles(true_ns: int) -> tuple[float, float]:
    """Angle of the day and of the year in radians; the remainder is exact however late it is."""
    return tau * (true_ns % NS_PER_DAY) / NS_PER_DAY, tau * (true_ns % NS_PER_YEAR) / NS_PER_YEAR


def _powers(turn: complex, highest: int) -> list[complex]:
    """Powers 0 to `highest` and then -`highest` to -1, so that negative indices fit as well."""
    up = list(accumulate(repeat(turn, highest), mul, initial=1 + 0j))
    return up + [power.conjugate() for power in up[:0:-1]]


def _at_hour(hour: float) -> float:
    return tau * hour / 24


def _on_day(day_of_year: float) -> float:
    return tau * day_of_year / 365.25


def _outdoors() -> Waves:
    """10 degC on average, 10 degC warmer in mid July, 5 degC warmer at 15 h: -5 to 25 degC."""
    return Waves(
        10.0,
        (
            Wave(10.0, per_year=1, phase_rad=_on_day(200)),
            Wave(5.0, per_day=1, phase_rad=_at_hour(15)),
        ),
    )


def _car() -> Waves:
    """A car parked outside: nights of -10 (January) to 20 degC (July), afternoons of 0 to 60.

    The night temperature is 5 + 15 c, c being the cosine of the year with its crest in mid July.
    By day the sun adds (25 + 15 c) s with s = ((1 + cos) / 2)^2 of the day, peaked at 15 h and
    close to nothing from evening to morning. s = 3/8 + cos / 2 + cos(twice) / 8; multiplied out
    with cos a cos b = (cos(a + b) + cos(a - b)) / 2 this is a sum of plain waves.
    """
    summer, afternoon = _on_day(200), _at_hour(15)
    sun_c, sun_season_c = 25.0, 15.0
    waves = [Wave(15.0 + sun_season_c * 3 / 8, per_year=1, phase_rad=summer)]
    for per_day, share in ((1, 1 / 2), (2, 1 / 8)):
        waves.append(Wave(sun_c * share, per_day=per_day, phase_rad=per_day * afternoon))
        waves.extend(
            Wave(sun_season_c * share / 2, per_day, sign, per_day * afternoon + sign * summer)
            for sign in (1, -1)
        )
    return Waves(5.0 + sun_c * 3 / 8, tuple(waves))


CLIMATES: Final[Mapping[str, Climate]] = MappingProxyType(
    {
        "drawer": Constant(21.0),
        "office": Weekly.of_days(
            working_day=((0, 18.0), (8, 22.0), (18, 18.0)),
            day_off=((0, 17.0),),
        ),
        "pocket": Weekly.of_days(((0, 21.0), (7, 30.0), (23, 21.0))),
        "outdoors": _outdoors(),
        "car": _car(),
    }
)
"""The climates a scenario may name."""
TEXTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "drawer": "21 C, always.",
        "office": "22 C from 8 to 18 h on working days, 18 C at night, 17 C on days off.",
        "pocket": "30 C from 7 to 23 h, 21 C on the night table.",
        "outdoors": "-5 to 25 C over the seasons.",
        "car": "-10 to 60 C, hot on summer afternoons.",
    }
)
"""What each climate is, in UTC."""


def climate(named: str | float) -> Climate:
    """The climate of that name, or a constant temperature in degrees Celsius."""
    return CLIMATES[named] if isinstance(named, str) else Constant(named)
