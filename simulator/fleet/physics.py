"""What a crystal gains between two instants: the terms of `simulator.clocks.quartz`, as increments.

    x(t) = x0 + integral(y0 + beta (T - T0)^2 + A ln(1 + B t)) + supply + wander

The object model takes each integral from the beginning; a kernel in single precision takes it from
one login to the next, which keeps the digits. Each function computes in the precision of its
arguments, and serves lanes and single tokens alike.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from mfalab.simulator.fleet.compiled import inlined, is_single, like

CENTRE_C: Final = 25.0
"""Temperatures are counted from here, so that their squares stay small."""


@inlined
def ageing(
    one: Any,
    seconds_a_day: Any,
    rate: Any,
    per_rate: Any,
    grown: Any,
    log_grown: Any,
    days: Any,
) -> Any:
    """Seconds gained by ageing in some days, and ln of how far g grew in them.

    With g = 1 + B t the integral of ln g over d days is d ln g + (g + B d) ln(1 + B d / g) / B - d.
    The logarithm is 2 atanh(z), z = B d / (2 g + B d), by its series: z is below 1/3.

    Args:
        one: 1 in the precision to compute in.
        seconds_a_day: A, times 0.0864 s a day for each ppm.
        rate: B per day.
        per_rate: 1 / B, once for all.
        grown: g at the earlier instant.
        log_grown: its logarithm.
        days: d, at most 4 weeks while the token is new.
    """
    more = rate * days
    z = more / (grown + grown + more)
    square = z * z
    # Terms up to the precision at hand for z = 1/3, the worst there is.
    if is_single(one):
        total = like(one, 1 / 13)
    else:
        total = like(one, 1 / 27) * square + like(one, 1 / 25)
        total = total * square + like(one, 1 / 23)
        total = total * square + like(one, 1 / 21)
        total = total * square + like(one, 1 / 19)
        total = total * square + like(one, 1 / 17)
        total = total * square + like(one, 1 / 15)
        total = total * square + like(one, 1 / 13)
    total = total * square + like(one, 1 / 11)
    total = total * square + like(one, 1 / 9)
    total = total * square + like(one, 1 / 7)
    total = total * square + like(one, 1 / 5)
    total = total * square + like(one, 1 / 3)
    log = (z + z) * (total * square + one)
    gained = seconds_a_day * (days * log_grown + (grown + more) * log * per_rate - days)
    return gained, log


@inlined
def parabola(beta: Any, from_turnover_c: Any, first: Any, second: Any, elapsed_s: Any) -> Any:
    """Seconds gained by beta (T - T0)^2.

    Args:
        beta: the coefficient, as a fraction: ppm times 1e-6.
        from_turnover_c: T0, counted from `CENTRE_C`.
        first: what the integral of T - `CENTRE_C` grew by.
        second: what the integral of its square grew by.
        elapsed_s: in how many seconds.
    """
    return beta * (
        second - from_turnover_c * (first + first) + from_turnover_c * from_turnover_c * elapsed_s
    )


@inlined
def warmth(one: Any, first: Any, second: Any, start_c: Any, slope: Any, into_s: Any) -> Any:
    """Both integrals of the temperature at an instant: it runs straight within a cell.

    Args:
        one: 1 in the precision to compute in.
        first: the integral of T - `CENTRE_C` at the beginning of the cell.
        second: the integral of its square there.
        start_c: the temperature there, counted from `CENTRE_C`.
        slope: degrees a second within the cell.
        into_s: seconds since the cell began.
    """
    risen = slope * into_s
    return (
        first + into_s * (start_c + risen * like(one, 1 / 2)),
        second + into_s * (start_c * start_c + risen * (start_c + risen * like(one, 1 / 3))),
    )


@inlined
def wandered(one: Any, offset: Any, rate: Any, packed: Any, day: Any, part: Any) -> Any:
    """What a daily random walk of the frequency gathered, in its steps times days.

    Args:
        one: 1 in the precision to compute in.
        offset: gathered until the week began.
        rate: the sum of all steps until then.
        packed: the row of `wander_table` for the steps of this week, and this day.
        day: of the week, from 0.
        part: of that day, from 0 to 1.
    """
    gathered = np.int32(packed & np.int32(0xFF)) - np.int32(128)
    steps = np.int32(packed >> np.int32(8)) - np.int32(128)
    whole = np.int32(offset + rate * day + gathered)
    return like(one, whole) + part * like(one, np.int32(rate + steps))


def wander_table() -> np.ndarray[tuple[int, int], np.dtype[np.int32]]:
    """For each day, and each way in which a week's daily steps may go up and down: two sums.

    A row for each day of the week, and an eighth for the whole week; a column for each seven bits,
    of which bit n says whether the step of day n goes up. The low octet is what was gathered until
    the day began (steps times days), the next one is the sum of the steps up to that of the day;
    128 is added to both.
    """
    ups = (np.arange(128)[:, None] >> np.arange(7)) & 1
    steps = 2 * ups - 1
    rows = []
    for day in range(8):
        before = np.arange(7) < day
        gathered = (steps * before * (day - np.arange(7))).sum(1)
        until = (steps * (np.arange(7) <= day)).sum(1)
        rows.append((gathered + 128) | ((until + 128) << 8))
    return np.array(rows, np.int32)
