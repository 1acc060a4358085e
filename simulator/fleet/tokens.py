"""What tokens are like: drawn in double precision, and made into lanes."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from mfalab.simulator.fleet.compiled import inlined, jit, lanes, like
from mfalab.simulator.fleet.hashing import mix64, unit
from mfalab.simulator.fleet.layout import (
    AGE,
    C_AGEING_PPM,
    C_EXCESS_PPM,
    C_LOSS,
    C_MEAN_C,
    C_PARABOLA,
    C_PUSHING_PPM,
    C_SHELF_C,
    D_AGEING,
    D_ENROLLED,
    D_HOLIDAY,
    D_LIFE,
    D_LOST,
    D_OFFSET,
    D_SHELF,
    D_TURNOVER,
    D_WALK_OFFSET,
    D_WALK_RATE,
    DAY_S,
    END,
    FALL,
    GAIN,
    HOLIDAY,
    LOST,
    NEVER,
    REST,
    SAGS,
    START,
    TICKS,
    TURN,
    W_AGES,
    W_PERIOD_S,
    W_SHELF_LEAST,
    W_SHELF_MOST,
    WALKS,
    WEEK_S,
)
from mfalab.simulator.fleet.physics import parabola

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
    last = np.int64(table.size - 1)
    place = share * np.float64(last)
    low = np.uint64(min(np.int64(place), last - 1))
    left = table[low]
    return left + (table[np.uint64(low + np.uint64(1))] - left) * (place - np.float64(low))


@lanes
def _draw_lanes(
    key: Any,
    first: Any,
    ageing_ppm: Any,
    shelf_least: Any,
    shelf_most: Any,
    period_s: Any,
    offset_quantiles: Any,
    turnover_quantiles: Any,
    life_quantiles: Any,
    normal_quantiles: Any,
    keys: Any,
    offset: Any,
    turnover: Any,
    ageing: Any,
    shelf: Any,
    life: Any,
    lost: Any,
    holiday: Any,
    walk_rate: Any,
    walk_offset: Any,
    enrolled: Any,
) -> None:
    """See `make_tokens`; none is lost."""
    spread = np.float64(shelf_most - shelf_least + 1)
    per_period = 1.0 / np.float64(period_s)
    for lane in range(keys.size):
        token = mix64(np.uint64(key ^ mix64(np.uint64(np.uint64(first) + np.uint64(lane)))))
        keys[lane] = token
        shelf_weeks = np.floor(_draw(token, _SHELF) * spread) + np.float64(shelf_least)
        shelf_days = 7.0 * shelf_weeks
        # The walk on the shelf ends at a rate and an offset that belong together: the sum of n
        # steps of variance 1, and the sum over all days of what that was.
        rate = np.sqrt(shelf_days) * _quantile(normal_quantiles, _draw(token, _WALK_RATE))
        beyond = _quantile(normal_quantiles, _draw(token, _WALK_OFFSET))
        variance = shelf_days * shelf_days * shelf_days / 12.0
        gathered = rate * shelf_days / 2.0 + beyond * np.sqrt(variance)
        offset[lane] = _quantile(offset_quantiles, _draw(token, _OFFSET))
        turnover[lane] = _quantile(turnover_quantiles, _draw(token, _TURNOVER))
        ageing[lane] = -ageing_ppm if _draw(token, _SIGN) < 0.5 else ageing_ppm
        shelf[lane] = shelf_weeks
        life_s = _quantile(life_quantiles, _draw(token, _BATTERY)) * DAY_S
        life[lane] = np.floor(life_s * per_period)
        lost[lane] = np.float64(NEVER)
        holiday[lane] = np.floor(52.0 * _draw(token, _HOLIDAY))
        walk_rate[lane] = np.floor(rate + 0.5)
        walk_offset[lane] = np.floor(gathered + 0.5)
        enrolled[lane] = np.floor((9.0 + 8.0 * _draw(token, _ENROL)) * (3600.0 * TICKS))


@inlined
def draw_block(key: Any, first: Any, around: Any, keys: Any, drawn: Any) -> None:
    """See `make_tokens`."""
    constants, wholes, quantiles = around.constants, around.wholes, around.quantiles
    _draw_lanes(
        key,
        first,
        constants[C_AGEING_PPM],
        wholes[W_SHELF_LEAST],
        wholes[W_SHELF_MOST],
        wholes[W_PERIOD_S],
        quantiles[0],
        quantiles[1],
        quantiles[2],
        quantiles[3],
        keys,
        drawn[D_OFFSET],
        drawn[D_TURNOVER],
        drawn[D_AGEING],
        drawn[D_SHELF],
        drawn[D_LIFE],
        drawn[D_LOST],
        drawn[D_HOLIDAY],
        drawn[D_WALK_RATE],
        drawn[D_WALK_OFFSET],
        drawn[D_ENROLLED],
    )
    if constants[C_LOSS] > 0:
        for lane in range(keys.size):
            years = -np.log(1.0 - _draw(keys[lane], _LOSS)) / constants[C_LOSS]
            lost_step = np.floor(years * 365.25 * DAY_S / wholes[W_PERIOD_S])
            drawn[D_LOST, lane] = min(np.float64(NEVER), lost_step)


@jit
def make_tokens(key: Any, first: Any, around: Any, keys: Any, drawn: Any) -> None:
    """Draw what the tokens of a cohort are, in double precision.

    Args:
        key: of the cohort, 64 bits.
        first: the number of the first token.
        around: what they share.
        keys: filled with each token's key.
        drawn: filled with a column for each token; its rows are those of `TOKEN`.
    """
    draw_block(key, first, around, keys, drawn)


@lanes
def _begin_lanes(
    one: Any,
    zero: Any,
    constants: Any,
    units: Any,
    ages: Any,
    period_s: Any,
    keys: Any,
    offset: Any,
    turnover: Any,
    ageing: Any,
    shelf: Any,
    life: Any,
    lost: Any,
    holiday: Any,
    walk_rate: Any,
    walk_offset: Any,
    word1: Any,
    word2: Any,
    starts: Any,
    gains: Any,
    turns: Any,
    sags: Any,
    falls: Any,
    rests: Any,
    age: Any,
    ends: Any,
    is_lost: Any,
    holidays: Any,
    walk_offsets: Any,
    walk_rates: Any,
) -> None:
    """See `begin`."""
    beta, excess_ppm = constants[C_PARABOLA], constants[C_EXCESS_PPM]
    shelf_c, mean_c = constants[C_SHELF_C] - 25.0, constants[C_MEAN_C]
    # From 90 % of its life to the end the voltage falls; kappa times that, integrated.
    pushing = constants[C_PUSHING_PPM] * 10.0 * 0.0864 / 2.0
    per_day, shelf_steps = np.float64(period_s) / DAY_S, 7.0 * DAY_S / np.float64(period_s)
    scale = np.float64(units)
    for lane in range(keys.size):
        key = keys[lane]
        word1[lane] = np.uint32(key)
        word2[lane] = np.uint32(key >> np.uint64(32))
        shelf_weeks = shelf[lane]
        shelf_s = shelf_weeks * np.float64(WEEK_S)
        rate = (offset[lane] + excess_ppm) * 1e-6
        away = turnover[lane] - 25.0
        gained = rate * shelf_s + parabola(
            beta, away, shelf_c * shelf_s, shelf_c * shelf_c * shelf_s, shelf_s
        )
        starts[lane] = like(zero, np.floor(gained * scale + 0.5))
        a_week = (rate + beta * away * (away - 2.0 * mean_c)) * (scale * np.float64(WEEK_S))
        whole = np.floor(a_week + 0.5)
        gains[lane] = like(zero, whole)
        rests[lane] = np.int32(np.floor((a_week - whole) * 65536.0 + 0.5))
        turns[lane] = like(one, -2.0 * beta * away * scale)
        older = shelf_weeks + (np.float64(ages) if ageing[lane] < 0.0 else 0.0)
        age[lane] = np.int32(older)
        life_days = life[lane] * per_day
        sags[lane] = like(one, 0.9 * life_days - 7.0 * shelf_weeks)
        falls[lane] = like(one, pushing / life_days)
        dies_step = life[lane] - shelf_weeks * shelf_steps
        ends[lane] = np.int32(min(lost[lane], dies_step))
        is_lost[lane] = np.int32(lost[lane] < dies_step)
        holidays[lane] = np.int32(holiday[lane])
        walk_offsets[lane] = np.int32(walk_offset[lane])
        walk_rates[lane] = np.int32(walk_rate[lane])


@inlined
def begin(around: Any, block: Any) -> None:
    """What lanes are at 00:00 of the first Monday: what their time on the shelf has left."""
    wholes = around.wholes
    drawn, floats, of_lane = block.drawn, block.floats, block.wholes
    _begin_lanes(
        around.one,
        block.base[0],
        around.constants,
        around.units,
        wholes[W_AGES],
        wholes[W_PERIOD_S],
        block.keys,
        drawn[D_OFFSET],
        drawn[D_TURNOVER],
        drawn[D_AGEING],
        drawn[D_SHELF],
        drawn[D_LIFE],
        drawn[D_LOST],
        drawn[D_HOLIDAY],
        drawn[D_WALK_RATE],
        drawn[D_WALK_OFFSET],
        block.words[0],
        block.words[1],
        block.errors[START],
        block.errors[GAIN],
        floats[TURN],
        floats[SAGS],
        floats[FALL],
        of_lane[REST],
        of_lane[AGE],
        of_lane[END],
        of_lane[LOST],
        of_lane[HOLIDAY],
        of_lane[WALKS],
        of_lane[WALKS + 1],
    )
