"""The kernel: blocks of tokens as lanes, week after week, every policy on the same clocks.

All logins of one slot of the timetable are computed for a whole block: first what the clocks show
and how long typing takes, which depends on no policy, then for each policy which codes lie in the
window. What is not plainly accepted goes to `login`, one token at a time: retries, throttling in
time, resynchronisation by two real codes at the help desk.

Time is whole ticks of 1/512 s, counted from 00:00 UTC on the Monday on which the study begins. A
clock's error is a whole number of units: 2**-16 s in 32 bits, or 1 ns in 64 bits; the type of
`error` chooses. Everything that is counted is counted in integers.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from mfalab.simulator.fleet.compiled import inlined, jit, lanes, like
from mfalab.simulator.fleet.hashing import mix32, mix64, unit
from mfalab.simulator.fleet.physics import ageing, parabola, wandered, warmth
from mfalab.simulator.fleet.study import MOST_RECENT

TICKS: Final = 512
"""Ticks in a second: 1 s / 512 is a whole number of nanoseconds."""
DAY_S: Final = 86_400
WEEK_S: Final = 604_800
NEVER: Final = np.int32(2**31 - 1)
GONE: Final = np.int32(1 << 20)
"""A holiday that no week is outside of."""

# What is counted for each policy and month.
LOGINS: Final = 0
FIRST: Final = 1
LATER: Final = 2
REFUSED: Final = 3
LOCKED: Final = 4
WRONG_CODES: Final = 5
THROTTLED_CODES: Final = 6
RESYNCS: Final = 7
RESYNCS_REFUSED: Final = 8
OUT: Final = 9
WAITING: Final = 10
WAITED_MINUTES: Final = 11
NOT_ENROLLED: Final = 12
COUNTERS: Final = 13

# The columns of a policy.
BACK: Final = 0
AHEAD: Final = 1
MEMORY: Final = 2
MEMORY_LIMIT: Final = 3
PAIRS: Final = 4
PAIR_BACK: Final = 5
PAIR_AHEAD: Final = 6
PAIR_COUNTS: Final = 7
THROTTLE: Final = 8
BUDGET: Final = 9
WINDOW_S: Final = 10
FAILURES: Final = 11
DELAY_S: Final = 12
DELAY_LIMIT_S: Final = 13
FAILURES_LIMIT: Final = 14
FORGOTTEN_S: Final = 15
FORGIVES: Final = 16
GROWTH_S: Final = 17
CONSUMES: Final = 18
POLICY_COLUMNS: Final = 19
NO_THROTTLE: Final = 0
FIXED_WINDOW: Final = 1
BACKOFF: Final = 2
SLIDING_WINDOW: Final = 3

# The state of a token under a policy.
PLAIN: Final = 0
SPECIAL: Final = 1
FALLEN: Final = 2

# What a row of a trace tells.
TRACE_COLUMNS: Final = 6
CODE: Final = 0
PAIR: Final = 1
ENROLMENT: Final = 2
T_ACCEPTED: Final = 0
T_WRONG: Final = 1
T_THROTTLED: Final = 2

# Streams of a token's chance, apart from those of its events.
_OFFSET: Final = 1
_TURNOVER: Final = 2
_SIGN: Final = 3
_SHELF: Final = 4
_BATTERY: Final = 5
_LOSS: Final = 6
_HOLIDAY: Final = 7
_WALK_RATE: Final = 8
_WALK_OFFSET: Final = 9
_ENROL: Final = 10

BINS: Final = 512
"""Half time steps of clock error that a histogram tells apart: 128 steps in each direction."""
SAMPLED: Final = 16
"""Of so many tokens the clock of one goes into the histogram."""


@inlined
def _draw(key: Any, stream: Any) -> Any:
    return unit(
        mix64(np.uint64(key ^ np.uint64(np.uint64(stream) * np.uint64(0xD6E8FEB86659FD93))))
    )


@inlined
def _quantile(table: Any, share: Any) -> Any:
    """The quantile of a distribution that is given by equally spaced ones."""
    place = share * (table.size - 1)
    low = min(np.int64(place), table.size - 2)
    return table[low] + (table[low + 1] - table[low]) * (place - low)


# A cohort's constants and its whole numbers.
C_AGEING_PPM: Final = 0
C_AGEING_RATE: Final = 1
C_PARABOLA: Final = 2
C_WANDER_PPM: Final = 3
C_SHELF_C: Final = 4
C_EXCESS_PPM: Final = 5
C_PUSHING_PPM: Final = 6
C_LOSS: Final = 7
CONSTANTS: Final = 8
W_SHELF_LEAST: Final = 0
W_SHELF_MOST: Final = 1
W_HOLIDAY: Final = 2
W_ATTENDS: Final = 3
W_PERIOD_S: Final = 4
W_CELL_S: Final = 5
W_WEEKS: Final = 6
W_TRIES: Final = 7
W_DESK_FROM_S: Final = 8
W_DESK_TO_S: Final = 9
W_DESK_DAYS: Final = 10
W_BASE_S: Final = 11
W_PHASE: Final = 12
WHOLES: Final = 13

# What is drawn for a token, a column each.
TOKEN: Final = (
    "offset_ppm",
    "turnover_c",
    "ageing_ppm",
    "shelf_weeks",
    "life_steps",
    "lost_step",
    "holiday",
    "walk_rate",
    "walk_offset",
    "enrolled_tick",
)

# The rows of lanes.
RATE: Final = 0
TURNOVER: Final = 1
AGEING: Final = 2
SAGS: Final = 3
FALL: Final = 4
LAST: Final = 5
FIRST_SUM: Final = 6
SECOND_SUM: Final = 7
GROWN: Final = 8
LOG_GROWN: Final = 9
LANES: Final = 10
END: Final = 0
HOLIDAY: Final = 1
WALK_OFFSET: Final = 2
WALK_RATE: Final = 3
LOST: Final = 4
BITS: Final = 5
WHOLE_LANES: Final = 6

# The rows of a token's state under a policy.
FAILED: Final = 0
ATTEMPTS: Final = 1
COUNTED_IN: Final = 2
BLOCKED: Final = 3
WAIT: Final = 4
REFUSED_ONCE: Final = 5
HIGH_WATER: Final = 6
RECENT: Final = 7
STATES: Final = RECENT + MOST_RECENT
NO_STEP: Final = -(1 << 40)

_GOLDEN: Final = np.uint32(0x9E3779B1)


class Surroundings(NamedTuple):
    """What all tokens of a cohort share.

    Attributes:
        one: 1 in the precision to compute in.
        units: units of clock error in a second.
        constants: see `CONSTANTS`.
        wholes: see `WHOLES`.
        climate: for each week that differs, for each cell of it: both integrals of the temperature
            until the cell begins, the temperature then, and its slope.
        totals: for each week that differs, both integrals over it.
        walk: `wander_table`.
        delays: typing delays, equally likely, in ticks: 4,096 of them.
        rota: for each week of the cycle and each of its logins the day, the first time step, and
            the number of steps in which it may begin; 0 if there is no such login.
        months: the month of each day.
    """

    one: Any
    units: Any
    constants: Any
    wholes: Any
    climate: Any
    totals: Any
    walk: Any
    delays: Any
    rota: Any
    months: Any


class Block(NamedTuple):
    """Tokens as lanes.

    Attributes:
        error: clock error since it was set, without supply and wander, in units.
        floats: see `LANES`.
        wholes: see `WHOLE_LANES`.
        words: two words of 32 bits for the chance of events.
        keys: the 64 bits of each token.
        states: for each policy, see `STATES`.
        standing: for each policy `PLAIN`, `SPECIAL` or `FALLEN`.
        shown: clock error at the present event, in units.
        base: where the code lies, in units, against the verifier's time step.
        tick: the instant of the present event since the study began, low 32 bits.
    """

    error: Any
    floats: Any
    wholes: Any
    words: Any
    keys: Any
    states: Any
    offsets: Any
    anchors: Any
    standing: Any
    shown: Any
    base: Any
    step: Any
    phase: Any
    delay: Any
    here: Any
    missed: Any


class Tally(NamedTuple):
    """What is counted.

    Attributes:
        counts: by policy, month and counter.
        first_refusals: by policy and week.
        clocks: by month and bin.
        gone: by month, dead and lost.
        trace: rows, if there is room for any.
        traced: how many rows there were, the first of this block, and how many logins of tokens.
    """

    counts: Any
    first_refusals: Any
    clocks: Any
    gone: Any
    trace: Any
    traced: Any


@jit
def make_tokens(
    key: Any, first: Any, constants: Any, wholes: Any, quantiles: Any, keys: Any, out: Any
) -> None:
    """Draw what the tokens of a cohort are, in double precision.

    Args:
        key: of the cohort, 64 bits.
        first: the number of the first token.
        constants: the cohort's.
        wholes: the cohort's whole numbers.
        quantiles: of offset (ppm), turnover (degC), life of the battery (days) and of the standard
            normal distribution, a row each.
        keys: filled with each token's key.
        out: filled with a row for each token; its columns are those of `TOKEN`.
    """
    period_s = wholes[W_PERIOD_S]
    for lane in range(out.shape[0]):
        token = mix64(np.uint64(key ^ mix64(np.uint64(first + lane))))
        keys[lane] = token
        spread = wholes[W_SHELF_MOST] - wholes[W_SHELF_LEAST] + 1
        shelf_weeks = wholes[W_SHELF_LEAST] + np.int64(_draw(token, _SHELF) * spread)
        shelf_days = 7.0 * shelf_weeks
        sign = -1.0 if _draw(token, _SIGN) < 0.5 else 1.0
        lost_step = np.float64(NEVER)
        if constants[C_LOSS] > 0:
            years = -np.log(1.0 - _draw(token, _LOSS)) / constants[C_LOSS]
            lost_step = min(lost_step, np.floor(years * 365.25 * DAY_S / period_s))
        # The walk on the shelf ends at a rate and an offset that belong together: the sum of n
        # steps of variance 1, and the sum over all days of what that was.
        rate = np.sqrt(shelf_days) * _quantile(quantiles[3], _draw(token, _WALK_RATE))
        beyond = _quantile(quantiles[3], _draw(token, _WALK_OFFSET))
        gathered = rate * shelf_days / 2 + beyond * np.sqrt(shelf_days**3 / 12)
        out[lane, 0] = _quantile(quantiles[0], _draw(token, _OFFSET))
        out[lane, 1] = _quantile(quantiles[1], _draw(token, _TURNOVER))
        out[lane, 2] = sign * constants[C_AGEING_PPM]
        out[lane, 3] = shelf_weeks
        life_days = _quantile(quantiles[2], _draw(token, _BATTERY))
        out[lane, 4] = np.floor(life_days * DAY_S / period_s)
        out[lane, 5] = lost_step
        out[lane, 6] = np.floor(52 * _draw(token, _HOLIDAY))
        out[lane, 7] = np.rint(rate)
        out[lane, 8] = np.rint(gathered)
        out[lane, 9] = np.floor((9 + 8 * _draw(token, _ENROL)) * (3600 * TICKS))


@inlined
def _begin(around: Any, tokens: Any, block: Any) -> None:
    """What lanes are at 00:00 of the first Monday: what their time on the shelf has left."""
    constants = around.constants
    floats, wholes = block.floats, block.wholes
    period_s = around.wholes[W_PERIOD_S]
    for lane in range(tokens.shape[0]):
        token = tokens[lane]
        shelf_days = 7.0 * token[3]
        shelf_s = DAY_S * shelf_days
        rate = (token[0] + constants[C_EXCESS_PPM]) * 1e-6
        turnover = token[1] - 25.0
        shelf_c = constants[C_SHELF_C] - 25.0
        aged_s_a_day = token[2] * 0.0864
        first, second = shelf_c * shelf_s, shelf_c * shelf_c * shelf_s
        gained = rate * shelf_s
        gained += parabola(constants[C_PARABOLA], turnover, first, second, shelf_s)
        grown = 1.0 + constants[C_AGEING_RATE] * shelf_days
        log_grown = np.log(grown)
        gained += aged_s_a_day * (grown * log_grown / constants[C_AGEING_RATE] - shelf_days)
        block.error[lane] = like(block.error[lane], np.rint(gained * around.units))
        floats[RATE, lane] = rate
        floats[TURNOVER, lane] = turnover
        floats[AGEING, lane] = aged_s_a_day
        life_days = token[4] * period_s / DAY_S
        floats[SAGS, lane] = 0.9 * life_days - shelf_days
        # From 90 % of its life to the end the voltage falls; kappa times that, integrated.
        floats[FALL, lane] = constants[C_PUSHING_PPM] / (0.1 * life_days) * 0.0864 / 2
        floats[LAST, lane] = 0
        floats[FIRST_SUM, lane] = 0
        floats[SECOND_SUM, lane] = 0
        floats[GROWN, lane] = grown
        floats[LOG_GROWN, lane] = log_grown
        dies_step = token[4] - shelf_s / period_s
        wholes[END, lane] = np.int32(min(token[5], dies_step))
        wholes[LOST, lane] = np.int32(token[5] < dies_step)
        wholes[HOLIDAY, lane] = np.int32(token[6])
        wholes[WALK_RATE, lane] = np.int32(token[7])
        wholes[WALK_OFFSET, lane] = np.int32(token[8])
        key = block.keys[lane]
        block.words[0, lane] = np.uint32(key)
        block.words[1, lane] = np.uint32(key >> np.uint64(32))


@inlined
def _walk_bits(word: Any, week: Any) -> Any:
    """A week's daily steps, up or down: bits that the first login of the week leaves over."""
    return np.int64(
        mix32(np.uint32(word ^ np.uint32(np.uint32(week * 8) * _GOLDEN))) & np.uint32(127)
    )


@inlined
def error_at(lane: Any, tick: Any, week: Any, around: Any, block: Any) -> Any:
    """A token's clock error at an instant not before its last event, in units.

    What `_see` computes for all lanes and the events of `week`, for one token and any later
    instant, in double precision; the weeks in between are walked through.
    """
    constants, climate, walk = around.constants, around.climate, around.walk
    floats, wholes = block.floats, block.wholes
    rows = climate.shape[0]
    later = tick // (WEEK_S * TICKS)
    into_s = (tick - later * (WEEK_S * TICKS)) / TICKS
    cell_s = around.wholes[W_CELL_S]
    cell = np.int64(into_s / cell_s)
    row = later % rows
    first, second = warmth(
        1.0,
        np.float64(climate[row, 0, cell]),
        np.float64(climate[row, 1, cell]),
        np.float64(climate[row, 2, cell]),
        np.float64(climate[row, 3, cell]),
        into_s - cell * cell_s,
    )
    elapsed_s = into_s - np.float64(floats[LAST, lane])
    first -= np.float64(floats[FIRST_SUM, lane])
    second -= np.float64(floats[SECOND_SUM, lane])
    offset, rate = np.int64(wholes[WALK_OFFSET, lane]), np.int64(wholes[WALK_RATE, lane])
    for each in range(week, later):
        first += np.float64(around.totals[each % rows, 0])
        second += np.float64(around.totals[each % rows, 1])
        elapsed_s += WEEK_S
        packed = np.int64(walk[7, _walk_bits(block.words[1, lane], each)])
        offset += 7 * rate + (packed & 0xFF) - 128
        rate += (packed >> 8) - 128
    gained = np.float64(floats[RATE, lane]) * elapsed_s + parabola(
        constants[C_PARABOLA], np.float64(floats[TURNOVER, lane]), first, second, elapsed_s
    )
    aged, _ = ageing(
        1.0,
        np.float64(floats[AGEING, lane]),
        constants[C_AGEING_RATE],
        1.0 / constants[C_AGEING_RATE],
        np.float64(floats[GROWN, lane]),
        np.float64(floats[LOG_GROWN, lane]),
        elapsed_s / DAY_S,
    )
    day = np.int64(into_s / DAY_S)
    packed = np.int64(walk[day, _walk_bits(block.words[1, lane], later)])
    wander = wandered(1.0, offset, rate, packed, day, into_s / DAY_S - day)
    sagging = max(0.0, later * 7.0 + into_s / DAY_S - np.float64(floats[SAGS, lane]))
    rest = constants[C_WANDER_PPM] * 0.0864 * wander
    rest -= np.float64(floats[FALL, lane]) * sagging * sagging
    units = around.units
    gone = np.int64(np.rint((gained + aged) * units)) + np.int64(np.rint(rest * units))
    return np.int64(block.error[lane]) + gone


@lanes
def _see_lanes(
    one: Any,
    wholes: Any,
    constants: Any,
    a_unit: Any,
    week: Any,
    slot: Any,
    login: Any,
    cells: Any,
    today: Any,
    delays: Any,
    word1: Any,
    word2: Any,
    floats: Any,
    last: Any,
    first_sum: Any,
    second_sum: Any,
    growns: Any,
    log_growns: Any,
    ends: Any,
    holidays: Any,
    walk_offsets: Any,
    walk_rates: Any,
    bits: Any,
    error: Any,
    shown: Any,
    base: Any,
    step_of: Any,
    phase_of: Any,
    delay_of: Any,
    here: Any,
) -> Any:
    """Compute one login of all lanes: their clocks, and where the codes lie.

    Returns:
        How many lanes have a login, and how many have reached their end.
    """
    period_s, cell_s = wholes[W_PERIOD_S], wholes[W_CELL_S]
    a_step = np.int32(TICKS * period_s)
    cell_steps = cell_s // period_s
    firsts, seconds, starts, slopes = cells[0], cells[1], cells[2], cells[3]
    day, from_step, steps = np.int32(login[0]), np.int32(login[1]), np.uint32(login[2])
    # s // cell_steps by multiplication; exact below 2**15 steps, see the test.
    inverse = np.uint32((1 << 20) // cell_steps + 1)
    a_cell = np.int32(cell_steps)
    period, tick_s = like(one, period_s), like(one, 1 / TICKS)
    a_tick = like(error[0], a_unit // TICKS)
    units = like(one, a_unit)
    whole_step = like(error[0], a_unit * period_s)
    per_step = like(one, 1 / (TICKS * period_s))
    beta = like(one, constants[C_PARABOLA])
    ageing_rate = like(one, constants[C_AGEING_RATE])
    per_ageing_rate = like(one, 1 / constants[C_AGEING_RATE])
    wander_s = like(one, constants[C_WANDER_PPM] * 0.0864)
    per_day, half = like(one, 1 / DAY_S), like(one, 0.5)
    week_days, this_day = like(one, 7 * week), like(one, day)
    week_step = np.int32(week * (WEEK_S // period_s))
    event = np.uint32(np.uint32(week * 8 + slot) * _GOLDEN)
    free, attends = np.int32(wholes[W_HOLIDAY]), np.uint32(wholes[W_ATTENDS])
    of_year = np.int32(week % 52)
    rates, turnovers, agers = floats[RATE], floats[TURNOVER], floats[AGEING]
    sags, falls = floats[SAGS], floats[FALL]
    present, ended = np.int32(0), np.int32(0)
    for lane in range(error.size):
        draw1 = mix32(np.uint32(word1[lane] ^ event))
        draw2 = mix32(np.uint32(word2[lane] ^ event))
        step = np.int32(
            from_step + np.int32(np.uint32((draw1 >> np.uint32(16)) * steps) >> np.uint32(16))
        )
        phase = np.int32(
            np.uint32((draw1 & np.uint32(0xFFFF)) * np.uint32(a_step)) >> np.uint32(16)
        )
        delay = delays[np.uint32(draw2 >> np.uint32(20))]
        if slot == 0:
            bits[lane] = np.int32(draw2 & np.uint32(127))
        # The clock
        place = np.uint32(np.uint32(np.uint32(step) * inverse) >> np.uint32(20))
        part = like(one, phase) * tick_s
        into_s = like(one, np.int32(step - np.int32(place) * a_cell)) * period + part
        first, second = warmth(
            one, firsts[place], seconds[place], starts[place], slopes[place], into_s
        )
        now_s = like(one, step) * period + part
        elapsed_s = now_s - last[lane]
        gained = rates[lane] * elapsed_s + parabola(
            beta, turnovers[lane], first - first_sum[lane], second - second_sum[lane], elapsed_s
        )
        grown = growns[lane]
        days = elapsed_s * per_day
        aged, log = ageing(
            one, agers[lane], ageing_rate, per_ageing_rate, grown, log_growns[lane], days
        )
        last[lane] = now_s
        first_sum[lane] = first
        second_sum[lane] = second
        growns[lane] = grown + ageing_rate * days
        log_growns[lane] = log_growns[lane] + log
        now_day = now_s * per_day
        packed = today[np.uint32(np.uint32(bits[lane]) & np.uint32(127))]
        wander = wandered(
            one, walk_offsets[lane], walk_rates[lane], packed, day, now_day - this_day
        )
        sagging = max(week_days + now_day - sags[lane], one - one)
        rest = wander_s * wander - falls[lane] * sagging * sagging
        total = like(
            error[lane],
            error[lane] + like(error[lane], np.floor((gained + aged) * units + half)),
        )
        error[lane] = total
        clock = like(error[lane], total + like(error[lane], np.floor(rest * units + half)))
        shown[lane] = clock
        # The code, against the verifier's step at the instant at which it has been typed.
        late = np.int32((like(one, np.int32(phase + delay)) + half) * per_step)
        base[lane] = like(error[lane], phase * a_tick + clock - late * whole_step)
        step_of[lane] = step
        phase_of[lane] = phase
        delay_of[lane] = delay
        # Whether there is a login at all
        reached = np.int32(np.int32(week_step + step) >= ends[lane])
        away = np.int32(of_year - holidays[lane])
        away = np.int32(away + np.int32(52) if away < 0 else away)
        comes = np.int32(away >= free) & np.int32(
            np.uint32((draw2 >> np.uint32(8)) & np.uint32(0xFFF)) < attends
        )
        comes = np.int32(comes & np.int32(1 - reached))
        here[lane] = comes
        present = np.int32(present + comes)
        ended = np.int32(ended + reached)
    return present, ended


@inlined
def _see(week: Any, slot: Any, around: Any, block: Any) -> Any:
    """See `_see_lanes`."""
    wholes, floats, of_lane = around.wholes, block.floats, block.wholes
    cycle = around.rota.shape[0]
    login = around.rota[(week + wholes[W_PHASE]) % cycle, slot]
    return _see_lanes(
        around.one,
        wholes,
        around.constants,
        around.units,
        week,
        slot,
        login,
        around.climate[week % around.climate.shape[0]],
        around.walk[login[0]],
        around.delays,
        block.words[0],
        block.words[1],
        floats[:LAST],
        floats[LAST],
        floats[FIRST_SUM],
        floats[SECOND_SUM],
        floats[GROWN],
        floats[LOG_GROWN],
        of_lane[END],
        of_lane[HOLIDAY],
        of_lane[WALK_OFFSET],
        of_lane[WALK_RATE],
        of_lane[BITS],
        block.error,
        block.shown,
        block.base,
        block.step,
        block.phase,
        block.delay,
        block.here,
    )


@lanes
def _decide_lanes(
    low: Any, high: Any, a_step: Any, base: Any, here: Any, offsets: Any, standing: Any, missed: Any
) -> Any:
    """See `_decide`, for policies that remember no drift."""
    accepted, wrong = np.int32(0), np.int32(0)
    for lane in range(base.size):
        at = like(a_step, base[lane] - offsets[lane] * a_step)
        stands = np.int32(standing[lane])
        plain = np.int32(here[lane] & np.int32(stands == PLAIN))
        good = np.int32(np.int32(np.int32(at >= low) & np.int32(at < high)) & plain)
        bad = np.int32(np.int32(here[lane] & np.int32(stands != FALLEN)) - good)
        missed[lane] = bad
        accepted = np.int32(accepted + good)
        wrong = np.int32(wrong + bad)
    return accepted, wrong


@lanes
def _follow_lanes(
    low: Any,
    high: Any,
    a_step: Any,
    per_step: Any,
    limit: Any,
    base: Any,
    here: Any,
    offsets: Any,
    anchors: Any,
    standing: Any,
    missed: Any,
) -> Any:
    """See `_decide`, for policies whose window follows the codes that they accept."""
    accepted, wrong = np.int32(0), np.int32(0)
    for lane in range(base.size):
        at = like(a_step, base[lane] - offsets[lane] * a_step)
        stands = np.int32(standing[lane])
        plain = np.int32(here[lane] & np.int32(stands == PLAIN))
        good = np.int32(np.int32(np.int32(at >= low) & np.int32(at < high)) & plain)
        bad = np.int32(np.int32(here[lane] & np.int32(stands != FALLEN)) - good)
        # Division in floating point may be one off at the edges.
        moved = np.int32(np.floor(like(per_step, at) * per_step))
        beyond = like(a_step, at - moved * a_step)
        moved = np.int32(np.int32(moved + np.int32(beyond >= a_step)) - np.int32(beyond < 0))
        learnt = np.int32(offsets[lane] + moved)
        learnt = max(learnt, np.int32(anchors[lane] - limit))
        learnt = min(learnt, np.int32(anchors[lane] + limit))
        offsets[lane] = learnt if good else offsets[lane]
        missed[lane] = bad
        accepted = np.int32(accepted + good)
        wrong = np.int32(wrong + bad)
    return accepted, wrong


@inlined
def _decide(policy: Any, row: Any, whole_step: Any, one: Any, block: Any) -> Any:
    """Which lanes' codes a policy plainly accepts; marks the others that have a login.

    Returns:
        How many it accepts, and how many are marked.
    """
    zero = block.error[0]
    a_step = like(zero, whole_step)
    low, high = like(zero, -row[BACK] * whole_step), like(zero, (row[AHEAD] + 1) * whole_step)
    offsets, standing = block.offsets[policy], block.standing[policy]
    if not row[MEMORY]:
        return _decide_lanes(
            low, high, a_step, block.base, block.here, offsets, standing, block.missed
        )
    return _follow_lanes(
        low,
        high,
        a_step,
        like(one, 1 / whole_step),
        np.int32(row[MEMORY_LIMIT]),
        block.base,
        block.here,
        offsets,
        block.anchors[policy],
        standing,
        block.missed,
    )


@inlined
def _record(
    tally: Any, policy: Any, lane: Any, kind: Any, tick: Any, delay: Any, told: Any
) -> None:
    """Add a row to the trace, if there is one."""
    place = tally.traced[0]
    if place < tally.trace.shape[0]:
        row = tally.trace[place]
        row[0], row[1], row[2] = policy, tally.traced[2] + lane, kind
        row[3], row[4], row[5] = tick, delay, told
    tally.traced[0] = place + 1


@inlined
def _delay_of_s(failures: Any, row: Any) -> Any:
    """The delay in seconds that follows so many failures in a row (`verifier.throttle`)."""
    beyond = failures - row[FAILURES]
    if beyond < 0:
        return np.int64(0)
    longest = row[DELAY_LIMIT_S]
    delay = row[DELAY_S]
    for _ in range(beyond):
        if delay >= longest:
            break
        delay *= 2
    return min(delay, longest)


@inlined
def _throttled(row: Any, state: Any, lane: Any, tick: Any, base_s: Any) -> Any:
    """Whether an attempt at this instant of the verifier is refused unseen."""
    if row[THROTTLE] == FIXED_WINDOW:
        window = (base_s + tick // TICKS) // row[WINDOW_S]
        return state[ATTEMPTS, lane] >= row[BUDGET] and state[COUNTED_IN, lane] == window
    if row[THROTTLE] == BACKOFF:
        failures = state[FAILED, lane]
        if 0 <= row[FAILURES_LIMIT] <= failures:
            return True
        left = state[BLOCKED, lane] - tick
        return 0 < left <= 2 * TICKS * _delay_of_s(failures, row)
    if row[THROTTLE] == SLIDING_WINDOW:
        recent = 0
        for place in range(row[BUDGET]):
            at = state[RECENT + place, lane]
            recent += tick - row[WINDOW_S] * TICKS < at <= tick and at > 0
        return recent >= row[BUDGET]
    return False


@inlined
def _count_unseen(row: Any, state: Any, lane: Any, tick: Any) -> None:
    """Count an attempt that was not looked at, where that counts: it slides into the window."""
    if row[THROTTLE] == SLIDING_WINDOW and row[BUDGET]:
        for place in range(row[BUDGET] - 1):
            state[RECENT + place, lane] = state[RECENT + place + 1, lane]
        state[RECENT + row[BUDGET] - 1, lane] = tick


@inlined
def _in_window(row: Any, state: Any, lane: Any, server: Any, offset: Any, away: Any) -> Any:
    """Whether a code may lie so many steps from the centre; the window may grow while idle."""
    back, ahead = row[BACK], row[AHEAD]
    newest = state[HIGH_WATER, lane]
    if row[GROWTH_S] and newest != NO_STEP:
        grown = (server + offset - newest) * row[GROWTH_S] // DAY_S
        back = min(row[PAIR_BACK], back + grown)
        ahead = min(row[PAIR_AHEAD], ahead + grown)
    return -back <= away <= ahead


@inlined
def _count(row: Any, state: Any, lane: Any, tick: Any, base_s: Any, accepted: Any) -> None:
    """Count an attempt that was looked at."""
    if row[THROTTLE] == FIXED_WINDOW:
        window = (base_s + tick // TICKS) // row[WINDOW_S]
        same = state[COUNTED_IN, lane] == window
        state[ATTEMPTS, lane] = state[ATTEMPTS, lane] + 1 if same else 1
        state[COUNTED_IN, lane] = window
    elif row[THROTTLE] == BACKOFF:
        if accepted:
            state[FAILED, lane] = state[BLOCKED, lane] = 0
            return
        failures = state[FAILED, lane]
        if row[FORGOTTEN_S] >= 0:
            last = state[BLOCKED, lane] - TICKS * _delay_of_s(failures, row)
            if tick - last >= row[FORGOTTEN_S] * TICKS:
                failures = 0
        state[FAILED, lane] = failures + 1
        state[BLOCKED, lane] = tick + TICKS * _delay_of_s(failures + 1, row)
    else:
        _count_unseen(row, state, lane, tick)


@inlined
def _desk_opens(tick: Any, wholes: Any) -> Any:
    """The next instant at which the help desk is there: this one, if it is."""
    day_ticks = DAY_S * TICKS
    day = tick // day_ticks
    into = tick - day * day_ticks
    from_tick, to_tick = wholes[W_DESK_FROM_S] * TICKS, wholes[W_DESK_TO_S] * TICKS
    for later in range(8):
        if (wholes[W_DESK_DAYS] >> ((day + later) % 7)) & 1:
            if later == 0 and into < to_tick:
                return max(tick, day * day_ticks + from_tick)
            if later:
                return (day + later) * day_ticks + from_tick
    return tick


@inlined
def _pair(
    policy: Any,
    row: Any,
    lane: Any,
    tick: Any,
    delay: Any,
    week: Any,
    kind: Any,
    around: Any,
    block: Any,
    tally: Any,
) -> Any:
    """Read a code at an instant and the next one a time step later, and hand both in.

    Returns:
        Whether the pair is accepted; then the token's offset is what it showed.
    """
    a_step = TICKS * around.wholes[W_PERIOD_S]
    a_tick = np.int64(around.units / TICKS)
    whole_step = a_step * a_tick
    first = (tick * a_tick + error_at(lane, tick, week, around, block)) // whole_step
    later = tick + a_step
    second = (later * a_tick + error_at(lane, later, week, around, block)) // whole_step
    handed_in = later + delay
    server = handed_in // a_step
    away = second - server - block.offsets[policy, lane]
    good = second == first + 1 and -row[PAIR_BACK] <= away <= row[PAIR_AHEAD]
    if kind == PAIR and row[PAIR_COUNTS]:
        base_s = around.wholes[W_BASE_S]
        _count(row, block.states[policy], lane, handed_in, base_s, good)
    if good:
        state = block.states[policy]
        if row[PAIRS]:
            block.offsets[policy, lane] = second - server
            block.anchors[policy, lane] = second - server
        if row[CONSUMES]:
            state[HIGH_WATER, lane] = max(state[HIGH_WATER, lane], second)
        if row[FORGIVES]:
            state[FAILED, lane] = state[BLOCKED, lane] = 0
    _record(tally, policy, lane, kind, tick, delay, T_ACCEPTED if good else T_WRONG)
    return good


@inlined
def _login(
    policy: Any, row: Any, lane: Any, week: Any, slot: Any, around: Any, block: Any, tally: Any
) -> None:
    """One login of one token, from its first code to the end: retries, and a resynchronisation.

    Whoever is refused waits for another code. After the last try the help desk is asked, when it
    is next there; a token that it cannot bring back has fallen out.
    """
    wholes = around.wholes
    base_s = wholes[W_BASE_S]
    a_step = TICKS * wholes[W_PERIOD_S]
    a_tick = np.int64(around.units / TICKS)
    whole_step = a_step * a_tick
    state = block.states[policy]
    tick = (week * (WEEK_S // wholes[W_PERIOD_S]) + block.step[lane]) * a_step + block.phase[lane]
    delay = np.int64(block.delay[lane])
    counts = tally.counts[policy, around.months[tick // (DAY_S * TICKS)]]
    if tick < state[WAIT, lane]:
        counts[WAITING] += 1
        return
    counts[LOGINS] += 1
    key = np.uint64(block.keys[lane] ^ np.uint64((week * 8 + slot) * 64 + 1))
    accepted, throttled = False, False
    shown = np.int64(block.shown[lane])
    for attempt in range(wholes[W_TRIES]):
        if attempt:
            key = mix64(key)
            waits = np.int64(np.uint64(key >> np.uint64(32)) % np.uint64(a_step))
            tick += (1 + (tick % a_step + delay) // a_step) * a_step + waits
            delay = np.int64(around.delays[np.int64(key & np.uint64(4095))])
            shown = error_at(lane, tick, week, around, block)
        typed = tick + delay
        throttled = _throttled(row, state, lane, typed, base_s)
        if throttled:
            counts[THROTTLED_CODES] += 1
            _count_unseen(row, state, lane, typed)
            _record(tally, policy, lane, CODE, tick, delay, T_THROTTLED)
        else:
            server = typed // a_step
            found = (tick * a_tick + shown) // whole_step - server
            offset = block.offsets[policy, lane]
            accepted = _in_window(row, state, lane, server, offset, found - offset)
            _count(row, state, lane, typed, base_s, accepted)
            _record(tally, policy, lane, CODE, tick, delay, T_ACCEPTED if accepted else T_WRONG)
            if not accepted:
                counts[WRONG_CODES] += 1
        if accepted:
            state[HIGH_WATER, lane] = max(state[HIGH_WATER, lane], found + server)
            if row[MEMORY]:
                anchor, limit = block.anchors[policy, lane], row[MEMORY_LIMIT]
                block.offsets[policy, lane] = max(anchor - limit, min(anchor + limit, found))
            break
        if not state[REFUSED_ONCE, lane]:
            state[REFUSED_ONCE, lane] = 1
            tally.first_refusals[policy, week] += 1
    if accepted:
        counts[FIRST if attempt == 0 else LATER] += 1
        block.standing[policy, lane] = SPECIAL if row[GROWTH_S] else PLAIN
        return
    counts[REFUSED] += 1
    if throttled:
        counts[LOCKED] += 1
    given_up = tick + delay
    helped = False
    tick = given_up
    # A throttle that the pair meets as well makes the help desk wait, too.
    for _ in range(8):
        locked = row[THROTTLE] == BACKOFF and 0 <= row[FAILURES_LIMIT] <= state[FAILED, lane]
        if not row[PAIRS] or (locked and (row[PAIR_COUNTS] or not row[FORGIVES])):
            break
        key = mix64(key)
        waits = np.int64(np.uint64(key >> np.uint64(32)) % np.uint64(a_step))
        tick = _desk_opens(tick, wholes) + a_step + waits
        delay = np.int64(around.delays[np.int64(key & np.uint64(4095))])
        handed_in = tick + a_step + delay
        if row[PAIR_COUNTS] and _throttled(row, state, lane, handed_in, base_s):
            _record(tally, policy, lane, PAIR, tick, delay, T_THROTTLED)
            _count_unseen(row, state, lane, handed_in)
            tick = handed_in
            if row[THROTTLE] == BACKOFF:
                tick = max(tick, state[BLOCKED, lane])
            else:
                tick += row[WINDOW_S] * TICKS
            continue
        helped = _pair(policy, row, lane, tick, delay, week, PAIR, around, block, tally)
        tick = handed_in
        break
    when = tally.counts[policy, around.months[tick // (DAY_S * TICKS)]]
    if not helped:
        if row[PAIRS]:
            when[RESYNCS_REFUSED] += 1
        when[OUT] += 1
        block.standing[policy, lane] = FALLEN
        return
    when[RESYNCS] += 1
    counts[WAITED_MINUTES] += (tick - given_up) // (60 * TICKS)
    state[WAIT, lane] = tick
    block.standing[policy, lane] = SPECIAL


@inlined
def _bury(week: Any, around: Any, block: Any, tally: Any) -> None:
    """Count the tokens that have reached their end since the last login, once."""
    wholes = block.wholes
    period_s = around.wholes[W_PERIOD_S]
    for lane in range(block.error.size):
        end = wholes[END, lane]
        if end != NEVER and week * (WEEK_S // period_s) + block.step[lane] >= end:
            month = around.months[max(0, end) * period_s // DAY_S]
            tally.gone[month, wholes[LOST, lane]] += 1
            wholes[END, lane] = NEVER
            wholes[HOLIDAY, lane] = GONE
            block.here[lane] = 0


@lanes
def _end_week_lanes(
    week_s: Any,
    total1: Any,
    total2: Any,
    whole: Any,
    last: Any,
    first: Any,
    second: Any,
    offsets: Any,
    rates: Any,
    bits: Any,
) -> None:
    """See `_end_week`."""
    for lane in range(last.size):
        last[lane] -= week_s
        first[lane] -= total1
        second[lane] -= total2
        packed = whole[np.uint32(np.uint32(bits[lane]) & np.uint32(127))]
        gathered = np.int32(np.int32(packed & np.int32(0xFF)) - np.int32(128))
        steps = np.int32(np.int32(packed >> np.int32(8)) - np.int32(128))
        rate = rates[lane]
        offsets[lane] = np.int32(offsets[lane] + np.int32(np.int32(7) * rate + gathered))
        rates[lane] = np.int32(rate + steps)


@inlined
def _end_week(week: Any, around: Any, block: Any) -> None:
    """Let instants within the week count from the next one."""
    row = week % around.totals.shape[0]
    _end_week_lanes(
        like(around.one, WEEK_S),
        around.totals[row, 0],
        around.totals[row, 1],
        around.walk[7],
        block.floats[LAST],
        block.floats[FIRST_SUM],
        block.floats[SECOND_SUM],
        block.wholes[WALK_OFFSET],
        block.wholes[WALK_RATE],
        block.wholes[BITS],
    )


@jit
def live(
    around: Any, tokens: Any, first: Any, row: Any, policies: Any, block: Any, tally: Any
) -> None:
    """The whole study of one block of tokens.

    Args:
        around: what they share.
        tokens: see `make_tokens`.
        first: the number of the first of them, for the sample of clocks.
        row: what to call it in a trace.
        policies: a row for each; see `POLICY_COLUMNS`.
        block: room for the lanes; its keys are filled.
        tally: where all is counted.
    """
    wholes = around.wholes
    period_s = wholes[W_PERIOD_S]
    whole_step = np.int64(around.units * period_s)
    size = block.error.size
    tally.traced[2] = row
    _begin(around, tokens, block)
    for policy in range(policies.shape[0]):
        for lane in range(size):
            block.offsets[policy, lane] = 0
            block.anchors[policy, lane] = 0
            # A window that grows is another one for each token: none is plain.
            block.standing[policy, lane] = SPECIAL if policies[policy, GROWTH_S] else PLAIN
            for each in range(STATES):
                block.states[policy, each, lane] = 0
            block.states[policy, HIGH_WATER, lane] = NO_STEP
            tick = np.int64(tokens[lane, 9])
            delay = np.int64(around.delays[np.int64(block.keys[lane] & np.uint64(4095))])
            if not _pair(
                policy, policies[policy], lane, tick, delay, 0, ENROLMENT, around, block, tally
            ):
                block.standing[policy, lane] = FALLEN
                tally.counts[policy, 0, NOT_ENROLLED] += 1
    sampled_month = -1
    cycle = around.rota.shape[0]
    for week in range(wholes[W_WEEKS] + 1):
        logins = around.rota[(week + wholes[W_PHASE]) % cycle]
        seen = False
        for slot in range(logins.shape[0]):
            # The first week is that of the enrolment.
            if week == 0 or logins[slot, 2] == 0:
                continue
            present, ended = _see(week, slot, around, block)
            tally.traced[1] += size
            seen = seen or slot == 0
            month = around.months[week * 7 + logins[slot, 0]]
            if month != sampled_month:
                sampled_month = month
                for lane in range((-first) % SAMPLED, size, SAMPLED):
                    if block.wholes[HOLIDAY, lane] != GONE:
                        halves = np.int64(np.floor(2.0 * block.shown[lane] / whole_step))
                        place = min(max(halves + BINS // 2, 0), BINS - 1)
                        tally.clocks[month, place] += 1
            if ended:
                _bury(week, around, block, tally)
            if not present:
                continue
            for policy in range(policies.shape[0]):
                rule = policies[policy]
                accepted, wrong = _decide(policy, rule, whole_step, around.one, block)
                tally.counts[policy, month, FIRST] += accepted
                tally.counts[policy, month, LOGINS] += accepted
                if tally.trace.shape[0]:
                    _record_accepted(policy, week, around, block, tally)
                if wrong:
                    for lane in range(size):
                        if block.missed[lane]:
                            _login(policy, rule, lane, week, slot, around, block, tally)
        if not seen:
            for lane in range(size):
                block.wholes[BITS, lane] = _walk_bits(block.words[1, lane], week)
        _end_week(week, around, block)


@inlined
def _record_accepted(policy: Any, week: Any, around: Any, block: Any, tally: Any) -> None:
    """Add the plainly accepted codes of one login to the trace."""
    wholes = around.wholes
    a_step = TICKS * wholes[W_PERIOD_S]
    for lane in range(block.error.size):
        if block.here[lane] and block.standing[policy, lane] != FALLEN and not block.missed[lane]:
            step = week * (WEEK_S // wholes[W_PERIOD_S]) + block.step[lane]
            tick = step * a_step + block.phase[lane]
            _record(tally, policy, lane, CODE, tick, block.delay[lane], T_ACCEPTED)
