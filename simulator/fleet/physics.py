"""What a crystal gains between two instants: the terms of `simulator.clocks.quartz`.

    x(t) = x0 + integral(y0 + beta (T - T0)^2 + A ln(1 + B t)) + supply + wander

Each function computes in the precision of its arguments, and serves lanes and single tokens alike.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from mfalab.simulator.fleet.compiled import inlined, is_single, like

CENTRE_C: Final = 25.0
"""Temperatures are counted from here, so that their squares stay small."""
TERMS: Final = {"single": 9, "double": 17}
"""Coefficients of a polynomial, by the precision."""


@inlined
def ageing(rate: Any, days: Any) -> Any:
    """The integral of ln(1 + B t) since manufacture, in days.

    Args:
        rate: B per day.
        days: since manufacture.
    """
    grown = 1.0 + rate * days
    return grown * np.log(grown) / rate - days


@inlined
def evaluate(one: Any, terms: Any, x: Any) -> Any:
    """A polynomial; of as many `TERMS` as the precision needs.

    Args:
        one: 1 in the precision to compute in.
        terms: its coefficients, the constant first.
        x: where.
    """
    if is_single(one):
        total = terms[8]
    else:
        total = terms[16] * x + terms[15]
        total = total * x + terms[14]
        total = total * x + terms[13]
        total = total * x + terms[12]
        total = total * x + terms[11]
        total = total * x + terms[10]
        total = total * x + terms[9]
        total = total * x + terms[8]
    total = total * x + terms[7]
    total = total * x + terms[6]
    total = total * x + terms[5]
    total = total * x + terms[4]
    total = total * x + terms[3]
    total = total * x + terms[2]
    total = total * x + terms[1]
    return total * x + terms[0]


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
    gathered = np.int32(np.int32(packed & np.uint32(0xFF)) - np.int32(128))
    steps = np.int32(np.int32((packed >> np.uint32(8)) & np.uint32(0xFF)) - np.int32(128))
    whole = np.int32(offset + np.int32(np.int32(rate * day) + gathered))
    return like(one, whole) + part * like(one, np.int32(rate + steps))


@inlined
def walked_on(offset: Any, rate: Any, packed: Any) -> Any:
    """Where the walk has come to when the week is over: what it gathered, and its rate.

    Args:
        offset: gathered until the week began.
        rate: the sum of all steps until then.
        packed: any row of `wander_table` for the steps of this week.
    """
    gathered = np.int32(np.int32((packed >> np.uint32(16)) & np.uint32(0xFF)) - np.int32(128))
    steps = np.int32(np.int32(packed >> np.uint32(24)) - np.int32(128))
    return (
        np.int32(offset + np.int32(np.int32(np.int32(7) * rate) + gathered)),
        np.int32(rate + steps),
    )


def wander_table() -> np.ndarray[tuple[int, int], np.dtype[np.uint32]]:
    """For each day, and each way in which a week's daily steps may go up and down: four sums.

    A row for each day of the week; a column for each seven bits, of which bit n says whether the
    step of day n goes up. The low octet is what was gathered until the day began (steps times
    days), the next one is the sum of the steps up to that of the day; the upper two are the same
    for the whole week. 128 is added to each.
    """
    ups = (np.arange(128)[:, None] >> np.arange(7)) & 1
    steps = 2 * ups - 1
    whole = (steps * (7 - np.arange(7))).sum(1) + 128 | (steps.sum(1) + 128) << 8
    rows = []
    for day in range(7):
        before = np.arange(7) < day
        gathered = (steps * before * (day - np.arange(7))).sum(1)
        until = (steps * (np.arange(7) <= day)).sum(1)
        rows.append((gathered + 128) | ((until + 128) << 8) | (whole << 16))
    return np.array(rows, np.uint32)
