"""Tables that a kernel reads: climates week by week, and distributions as equally likely values."""

from __future__ import annotations

from math import exp, log, tau
from statistics import NormalDist
from typing import Any, Final

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from mfalab.simulator.clocks.climates import Climate, Constant, Waves
from mfalab.simulator.clocks.durations import NS_PER_DAY, NS_PER_S, NS_PER_YEAR
from mfalab.simulator.fleet.physics import CENTRE_C

Floats = NDArray[np.float64]
DELAYS: Final = 4096
"""Typing delays that are told apart, all equally likely."""
_QUANTILES: Final = 4097
_NODES: Final = 17
WEEK_S: Final = 604_800


def climate_table(
    climate: Climate, begin_ns: int, weeks: int, cell_s: int
) -> tuple[Floats, Floats]:
    """A climate as cells in which the temperature runs straight.

    Args:
        climate: the climate.
        begin_ns: the Monday, 00:00 UTC, on which the first week begins.
        weeks: how many weeks are needed.
        cell_s: the length of a cell; a weekly timetable must change at its borders.

    Returns:
        For each week that differs, and for each of its cells: the integrals of T - `CENTRE_C` and
        of its square since the week began, T - `CENTRE_C` at the beginning of the cell and its
        slope per second. And both integrals over each week. A climate that repeats every week has
        one week.
    """
    if not isinstance(climate, Waves):
        weeks = 1
    cells = WEEK_S // cell_s
    seconds = np.arange(weeks * cells + 1, dtype=np.int64) * cell_s
    first, second, temperature = _integrals(climate, begin_ns, seconds)
    steps = cell_s * 1.0
    rise = np.diff(first)
    starts = temperature[:-1]
    # The slope for which the cell's own integral is right.
    slopes = 2 * (rise - starts * steps) / steps**2
    begins = np.arange(weeks)[:, None] * cells + np.arange(cells)
    table = np.stack(
        (
            first[begins] - first[begins[:, :1]],
            second[begins] - second[begins[:, :1]],
            starts[begins],
            slopes[begins],
        ),
        axis=1,
    )
    ends = begins[:, :1] + cells
    totals = np.stack(
        (
            first[ends[:, 0]] - first[begins[:, 0]],
            second[ends[:, 0]] - second[begins[:, 0]],
        ),
        axis=1,
    )
    return table, totals


def window_table(
    climate: Climate,
    begin_ns: int,
    from_s: NDArray[np.int64],
    to_s: NDArray[np.int64],
    terms: int,
) -> Floats:
    """Both integrals of a climate within some stretches of time, as polynomials.

    Args:
        climate: the climate; in none of the stretches it may jump.
        begin_ns: the instant from which the integrals of T - `CENTRE_C` and its square are taken.
        from_s: when each stretch begins, in seconds since then.
        to_s: when it ends.
        terms: how many coefficients to find.

    Returns:
        For each stretch and both integrals the coefficients of a polynomial in x, the constant
        first; x is -1 at the beginning of the stretch and 1 at its end.
    """
    middle, half = (from_s + to_s)[:, None] / 2, (to_s - from_s)[:, None] / 2
    nodes = -np.cos(np.pi * (np.arange(_NODES) + 0.5) / _NODES)
    # Whole seconds can be computed exactly however late it is.
    seconds = np.rint(middle + half * nodes).astype(np.int64)
    first, second, _ = _integrals(climate, begin_ns, np.concatenate(([0], seconds.ravel())))
    values = np.stack((first[1:], second[1:])).reshape(2, *seconds.shape, 1)
    by_node = chebyshev.chebvander((seconds - middle) / half, _NODES - 1)
    # What is left out of a sum of Chebyshev polynomials is spread over all of the stretch; powers
    # of x are fast to compute.
    fitted = np.linalg.solve(by_node, values)[..., :terms, 0]
    powers = np.zeros((terms, terms))
    for term in range(terms):
        powers[term, : term + 1] = chebyshev.cheb2poly(np.eye(terms)[term, : term + 1])
    return np.moveaxis(fitted @ powers, 0, 1)


def ageing_table(
    a_day: float, rate: float, ages: int, middle_days: float, half_days: float
) -> tuple[Floats, Floats]:
    """What ageing gains until a login, for tokens of each age in weeks.

    With x from -1 to 1 over the time in which the login may be and h half of that time, it is
    table + pace x + change x^2 (1 - fades x / 3 + (fades x)^2 / 6), by the series of the logarithm.

    Args:
        a_day: units gained in a day for each unit of ln(1 + B t).
        rate: B per day.
        ages: how many weeks of age there are.
        middle_days: the middle of a login's time, in days since its week began.
        half_days: h.

    Returns:
        The table, and pace, change and fades in a row each.
    """
    days = 7.0 * np.arange(ages) + middle_days
    grown = 1 + rate * days
    table = a_day * (grown * np.log(grown) / rate - days)
    pace = a_day * half_days * np.log(grown)
    change = a_day * half_days**2 * rate / (2 * grown)
    return table, np.stack((pace, change, rate * half_days / grown))


def _integrals(climate: Climate, begin_ns: int, seconds: Any) -> tuple[Floats, Floats, Floats]:
    """Integrals of T - `CENTRE_C` and its square since the beginning, and T - `CENTRE_C`."""
    if isinstance(climate, Constant):
        away = climate.celsius - CENTRE_C
        return away * seconds, away * away * seconds, np.full(seconds.shape, away)
    if isinstance(climate, Waves):
        of_t, of_square, temperature = _waves(climate, begin_ns, seconds)
    else:
        at = [begin_ns + int(second) * NS_PER_S for second in seconds]
        both = np.array([climate.integrals(each) for each in at])
        of_t, of_square = both[:, 0] - both[0, 0], both[:, 1] - both[0, 1]
        temperature = np.array([climate.temperature_c(each) for each in at])
    centred = of_square - 2 * CENTRE_C * of_t + CENTRE_C**2 * seconds
    return of_t - CENTRE_C * seconds, centred, temperature - CENTRE_C


def _waves(climate: Waves, begin_ns: int, seconds: Any) -> tuple[Floats, Floats, Floats]:
    """Integrals of T and its square since the beginning, and T."""
    # The remainders are exact however late it is.
    day_s, year_s = NS_PER_DAY // NS_PER_S, NS_PER_YEAR // NS_PER_S
    begin_s = begin_ns // NS_PER_S
    at_day, where_day = np.unique((begin_s + seconds) % day_s, return_inverse=True)
    day = np.exp(1j * tau / day_s * at_day)
    year = np.exp(1j * tau / year_s * ((begin_s + seconds) % year_s))
    of_t, of_square = climate.mean_c * seconds, climate.mean_square * seconds
    for per_day, per_year, first, second in climate.terms:
        turn = (day**per_day)[where_day] * year**per_year
        of_t = of_t + (first * turn).real
        of_square = of_square + (second * turn).real
    temperature = np.full(seconds.shape, climate.mean_c)
    for wave in climate.waves:
        turn = (day**wave.per_day)[where_day] * year**wave.per_year
        temperature += wave.amplitude_c * (turn * np.exp(-1j * wave.phase_rad)).real
    return of_t - of_t[0], of_square - of_square[0], temperature


def delay_table(median_s: float, spread: float, longest_s: float, ticks: int) -> NDArray[np.int32]:
    """Typing delays in ticks, lognormal and cut off at the longest: equally likely values.

    Args:
        median_s: half of all delays are shorter.
        spread: the standard deviation of the logarithm; 0 is the median always.
        longest_s: longer ones last so long.
        ticks: ticks in a second.
    """
    normal = NormalDist()
    shares = [(place + 0.5) / DELAYS for place in range(DELAYS)]
    delays = [
        min(longest_s, exp(log(median_s) + spread * normal.inv_cdf(share))) for share in shares
    ]
    return np.array([round(delay * ticks) for delay in delays], np.int32)


def cut_normal_quantiles(mean: float, sigma: float, limit: float) -> Floats:
    """Quantiles of a normal distribution drawn again until it is within a limit of its mean."""
    if not sigma or not limit:
        return np.full(_QUANTILES, mean)
    normal = NormalDist(0.0, sigma)
    low, high = normal.cdf(-limit), normal.cdf(limit)
    shares = np.linspace(low, high, _QUANTILES)
    values = [normal.inv_cdf(min(max(share, 1e-12), 1 - 1e-12)) for share in shares]
    cut: Floats = mean + np.clip(np.array(values), -limit, limit)
    return cut
