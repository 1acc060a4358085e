"""What tokens are like, and what their clocks show: all that depends on no policy."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from mfalab.simulator.fleet.compiled import inlined, jit, lanes, like
from mfalab.simulator.fleet.hashing import mix32, mix64, unit
from mfalab.simulator.fleet.layout import (
    AGEING,
    BITS,
    C_AGEING_PPM,
    C_AGEING_RATE,
    C_EXCESS_PPM,
    C_LOSS,
    C_PARABOLA,
    C_PUSHING_PPM,
    C_SHELF_C,
    C_WANDER_PPM,
    DAY_S,
    END,
    FALL,
    FIRST_SUM,
    GROWN,
    HOLIDAY,
    LAST,
    LOG_GROWN,
    LOST,
    NEVER,
    RATE,
    SAGS,
    SECOND_SUM,
    TICKS,
    TURNOVER,
    W_ATTENDS,
    W_CELL_S,
    W_HOLIDAY,
    W_PERIOD_S,
    W_PHASE,
    W_SHELF_LEAST,
    W_SHELF_MOST,
    WALK_OFFSET,
    WALK_RATE,
    WEEK_S,
)
from mfalab.simulator.fleet.physics import ageing, parabola, wandered, warmth

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


_GOLDEN: Final = np.uint32(0x9E3779B1)


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
def begin(around: Any, tokens: Any, block: Any) -> None:
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
def walk_bits(word: Any, week: Any) -> Any:
    """A week's daily steps, up or down: bits that the first login of the week leaves over."""
    return np.int64(
        mix32(np.uint32(word ^ np.uint32(np.uint32(week * 8) * _GOLDEN))) & np.uint32(127)
    )


@inlined
def error_at(lane: Any, tick: Any, week: Any, around: Any, block: Any) -> Any:
    """A token's clock error at an instant not before its last event, in units.

    What `see` computes for all lanes and the events of `week`, for one token and any later
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
        packed = np.int64(walk[7, walk_bits(block.words[1, lane], each)])
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
    packed = np.int64(walk[day, walk_bits(block.words[1, lane], later)])
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
def see(week: Any, slot: Any, around: Any, block: Any) -> Any:
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
