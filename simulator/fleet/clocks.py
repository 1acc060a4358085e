"""What tokens' clocks show: all that depends on no policy."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from mfalab.simulator.fleet.compiled import inlined, is_single, lanes, like
from mfalab.simulator.fleet.hashing import mix32
from mfalab.simulator.fleet.layout import (
    AGE,
    C_AGEING_PPM,
    C_AGEING_RATE,
    C_MEAN_C,
    C_PARABOLA,
    C_WANDER_PPM,
    DAY_S,
    END,
    FALL,
    GAIN,
    HOLIDAY,
    REST,
    SAGS,
    START,
    TICKS,
    TURN,
    W_ABSENT,
    W_AGES,
    W_ATTENDS,
    W_CELL_S,
    W_HOLIDAY,
    W_PERIOD_S,
    W_PHASE,
    WALKS,
    WEEK_S,
)
from mfalab.simulator.fleet.physics import (
    ageing,
    evaluate,
    walked_on,
    wandered,
    warmth,
)

_GOLDEN: Final = np.uint32(0x9E3779B1)


@inlined
def number_of(week: Any, slot: Any) -> Any:
    """The number of an event, as its chance takes it."""
    return np.uint32(np.uint32(week * 8 + slot) * _GOLDEN)


@inlined
def read_at(draw: Any, steps: Any, a_step: Any) -> Any:
    """When a code is read: so many whole time steps into a login's time, and ticks into that."""
    step = np.int32(np.uint32((draw >> np.uint32(16)) * np.uint32(steps)) >> np.uint32(16))
    phase = np.int32(np.uint32((draw & np.uint32(0xFFFF)) * np.uint32(a_step)) >> np.uint32(16))
    return step, phase


@inlined
def delay_of(draw: Any, delays: Any) -> Any:
    """How long it takes to type it, in ticks."""
    return delays[np.uint32(draw >> np.uint32(20))]


@inlined
def steps_later(one: Any, ticks: Any, per_step: Any) -> Any:
    """In which time step of the verifier a code arrives so many ticks after one began."""
    return np.int32((like(one, np.int32(ticks)) + like(one, 0.5)) * per_step)


@inlined
def cycle_of(week: Any, around: Any) -> Any:
    """The week of a habit's cycle: its row of the timetable."""
    return (week + around.wholes[W_PHASE]) % around.rota.shape[0]


@inlined
def event_of(lane: Any, week: Any, slot: Any, around: Any, block: Any) -> Any:
    """One token's login: its instant, and the delay until the code is typed, in ticks."""
    period_s = around.wholes[W_PERIOD_S]
    a_step = TICKS * period_s
    login = around.rota[cycle_of(week, around), slot]
    event = number_of(week, slot)
    step, phase = read_at(mix32(np.uint32(block.words[0, lane] ^ event)), login[2], a_step)
    delay = delay_of(mix32(np.uint32(block.words[1, lane] ^ event)), around.delays)
    begins = week * np.int64(WEEK_S // period_s) + login[1]
    return (begins + np.int64(step)) * a_step + np.int64(phase), np.int64(delay)


@inlined
def shown_at_event(lane: Any, tick: Any, delay: Any, around: Any, block: Any) -> Any:
    """A token's clock error at the present event, in units, as `see` found it."""
    a_step = TICKS * around.wholes[W_PERIOD_S]
    a_tick = np.int64(around.units // TICKS)
    phase = tick % a_step
    late = (phase + delay) // a_step
    return np.int64(block.base[lane]) - (phase - late * a_step) * a_tick


@inlined
def _walk_bits(word: Any, week: Any) -> Any:
    """A week's daily steps, up or down: bits that the chance of its first login leaves over."""
    return np.uint32(mix32(np.uint32(word ^ number_of(week, 0))) & np.uint32(127))


@inlined
def error_at(lane: Any, tick: Any, week: Any, around: Any, block: Any) -> Any:
    """A token's clock error at an instant not before `week`, in units.

    What `see` computes for all lanes and the events of `week`, for one token and any later
    instant, in double precision.
    """
    constants, walk, units = around.constants, around.walk, around.units
    floats, wholes = block.floats, block.wholes
    later = tick // (WEEK_S * TICKS)
    into_s = (tick - later * (WEEK_S * TICKS)) / TICKS
    cell_s = around.wholes[W_CELL_S]
    cell = np.int64(into_s / cell_s)
    row = later % around.climate.shape[0]
    first, second = warmth(
        1.0,
        np.float64(around.climate[row, 0, cell]),
        np.float64(around.climate[row, 1, cell]),
        np.float64(around.climate[row, 2, cell]),
        np.float64(around.climate[row, 3, cell]),
        into_s - cell * cell_s,
    )
    now_s = later * np.float64(WEEK_S) + into_s
    first += around.sums[later, 0] - constants[C_MEAN_C] * now_s
    second += around.sums[later, 1]
    rest = np.int64(wholes[REST, lane])
    gain = np.int64(block.errors[GAIN, lane])
    whole = np.int64(block.errors[START, lane]) + later * gain + ((later * rest) >> 16)
    part = (gain + rest / 65536) * (into_s / WEEK_S)
    part += np.float64(floats[TURN, lane]) * first + constants[C_PARABOLA] * units * second
    shelf_weeks = np.int64(wholes[AGE, lane])
    aged_s_a_day = np.abs(constants[C_AGEING_PPM]) * 0.0864
    if shelf_weeks >= around.wholes[W_AGES]:
        shelf_weeks -= around.wholes[W_AGES]
        aged_s_a_day = -aged_s_a_day
    part += aged_s_a_day * units * ageing(constants[C_AGEING_RATE], 7 * shelf_weeks + now_s / DAY_S)
    place = WALKS + 2 * (week & 1)
    offset, rate = wholes[place, lane], wholes[place + 1, lane]
    for each in range(week, later):
        offset, rate = walked_on(offset, rate, walk[0, _walk_bits(block.words[1, lane], each)])
    day = np.int64(into_s / DAY_S)
    packed = walk[day, _walk_bits(block.words[1, lane], later)]
    wander = wandered(1.0, offset, rate, packed, np.int32(day), into_s / DAY_S - day)
    part += constants[C_WANDER_PPM] * 0.0864 * units * wander
    sagging = max(0.0, now_s / DAY_S - np.float64(floats[SAGS, lane]))
    lag = np.float64(floats[FALL, lane]) * sagging * sagging
    return whole + np.int64(np.floor(part + 0.5)) - np.int64(np.floor(lag * units + 0.5))


@inlined
def _see_lane(
    one: Any,
    week: Any,
    into: Any,
    phase: Any,
    delay: Any,
    packed: Any,
    day: Any,
    scale: Any,
    week_part: Any,
    week_half: Any,
    day_part: Any,
    day_half: Any,
    wander: Any,
    per_step: Any,
    a_step: Any,
    a_tick: Any,
    turned: Any,
    at_first: Any,
    at_second: Any,
    aged: Any,
    paces: Any,
    pace_change: Any,
    pace_fades: Any,
    start: Any,
    gain: Any,
    rest: Any,
    turn: Any,
    age: Any,
    offset: Any,
    rate: Any,
) -> Any:
    """Where a code lies, in units, against the verifier's time step when it has been typed."""
    x = like(one, np.int32(np.int32(into * a_step) + phase)) * scale - one
    part = turn * evaluate(one, at_first, x) + evaluate(one, at_second, x)
    # The mask tells the compiler that a place fits in 32 bits, in which it is looked up faster.
    older = np.uint32(np.uint32(age + week) & np.uint32(0xFFFFF))
    pace = paces[older]
    part = part + x * pace
    if not is_single(one):
        # What the logarithm changes within a login's time is less than single precision sees.
        fades = pace_fades[older] * x
        fades = one - fades * like(one, 1 / 3) + fades * fades * like(one, 1 / 6)
        part = part + pace_change[older] * x * x * fades
    walked = wandered(one, offset, rate, packed, day, day_part + x * day_half)
    part = part + wander * walked + like(one, gain) * (week_part + x * week_half)
    gone = np.int32(np.int32(np.int32(week) * rest) >> np.int32(16))
    whole = like(start, start + like(start, gain * like(start, week)))
    whole = like(start, like(start, whole + aged[older]) + like(start, gone + turned))
    clock = like(start, whole + like(start, np.floor(part + like(one, 0.5))))
    late = steps_later(one, np.int32(phase + delay), per_step)
    behind = np.int32(phase - np.int32(late * a_step))
    return like(start, clock + like(start, behind * a_tick))


@lanes
def _see_lanes(
    one: Any,
    week: Any,
    slot: Any,
    day: Any,
    steps: Any,
    scale: Any,
    week_part: Any,
    week_half: Any,
    day_part: Any,
    day_half: Any,
    wander: Any,
    per_step: Any,
    a_step: Any,
    a_tick: Any,
    turned: Any,
    at_first: Any,
    at_second: Any,
    aged: Any,
    paces: Any,
    pace_change: Any,
    pace_fades: Any,
    today: Any,
    delays: Any,
    word1: Any,
    word2: Any,
    starts: Any,
    gains: Any,
    rests: Any,
    turns: Any,
    ages: Any,
    offsets: Any,
    rates: Any,
    base: Any,
) -> None:
    """See `see`."""
    event = number_of(week, slot)
    for lane in range(base.size):
        into, phase = read_at(mix32(np.uint32(word1[lane] ^ event)), steps, a_step)
        delay = delay_of(mix32(np.uint32(word2[lane] ^ event)), delays)
        base[lane] = _see_lane(
            one,
            week,
            into,
            phase,
            delay,
            today[_walk_bits(word2[lane], week)],
            day,
            scale,
            week_part,
            week_half,
            day_part,
            day_half,
            wander,
            per_step,
            a_step,
            a_tick,
            turned,
            at_first,
            at_second,
            aged,
            paces,
            pace_change,
            pace_fades,
            starts[lane],
            gains[lane],
            rests[lane],
            turns[lane],
            ages[lane],
            offsets[lane],
            rates[lane],
        )


@lanes
def _see_and_walk_lanes(
    one: Any,
    week: Any,
    slot: Any,
    day: Any,
    steps: Any,
    scale: Any,
    week_part: Any,
    week_half: Any,
    day_part: Any,
    day_half: Any,
    wander: Any,
    per_step: Any,
    a_step: Any,
    a_tick: Any,
    turned: Any,
    at_first: Any,
    at_second: Any,
    aged: Any,
    paces: Any,
    pace_change: Any,
    pace_fades: Any,
    today: Any,
    delays: Any,
    word1: Any,
    word2: Any,
    starts: Any,
    gains: Any,
    rests: Any,
    turns: Any,
    ages: Any,
    offsets: Any,
    rates: Any,
    base: Any,
    next_offsets: Any,
    next_rates: Any,
) -> None:
    """See `see`; the walk goes on to the next week in the same pass."""
    event = number_of(week, slot)
    for lane in range(base.size):
        into, phase = read_at(mix32(np.uint32(word1[lane] ^ event)), steps, a_step)
        draw = mix32(np.uint32(word2[lane] ^ event))
        packed = today[np.uint32(draw & np.uint32(127))]
        offset, rate = offsets[lane], rates[lane]
        base[lane] = _see_lane(
            one,
            week,
            into,
            phase,
            delay_of(draw, delays),
            packed,
            day,
            scale,
            week_part,
            week_half,
            day_part,
            day_half,
            wander,
            per_step,
            a_step,
            a_tick,
            turned,
            at_first,
            at_second,
            aged,
            paces,
            pace_change,
            pace_fades,
            starts[lane],
            gains[lane],
            rests[lane],
            turns[lane],
            ages[lane],
            offset,
            rate,
        )
        next_offsets[lane], next_rates[lane] = walked_on(offset, rate, packed)


@inlined
def see(week: Any, slot: Any, alone: Any, around: Any, block: Any) -> None:
    """Compute one login of all lanes: what their clocks show, and where the codes lie.

    Args:
        week: of the study.
        slot: the number of the login in its week.
        alone: whether it is the week's only one; then the walk goes on to the next week, too.
        around: what the tokens share.
        block: the lanes.
    """
    one, wholes, units = around.one, around.wholes, around.units
    period_s = wholes[W_PERIOD_S]
    a_step = np.int32(TICKS * period_s)
    cycle = cycle_of(week, around)
    login = around.rota[cycle, slot]
    day, steps = np.int32(login[0]), np.uint32(login[2])
    half_s = login[2] * period_s / 2
    middle_s = login[1] * period_s + half_s
    window, paces = around.windows[week, slot], around.paces[cycle, slot]
    of_lane, now = block.wholes, WALKS + 2 * (week & 1)
    then = WALKS + 2 - 2 * (week & 1)
    scale = like(one, 1 / (half_s * TICKS))
    week_part, week_half = like(one, middle_s / WEEK_S), like(one, half_s / WEEK_S)
    day_part, day_half = like(one, middle_s / DAY_S - day), like(one, half_s / DAY_S)
    wander = like(one, around.constants[C_WANDER_PPM] * 0.0864 * units)
    per_step = like(one, 1 / (TICKS * period_s))
    a_tick = like(block.base[0], units // TICKS)
    turned = like(block.base[0], around.turned[week, slot])
    if alone:
        _see_and_walk_lanes(
            one,
            np.int32(week),
            np.int32(slot),
            day,
            steps,
            scale,
            week_part,
            week_half,
            day_part,
            day_half,
            wander,
            per_step,
            a_step,
            a_tick,
            turned,
            window[0],
            window[1],
            around.aged[cycle, slot],
            paces[0],
            paces[1],
            paces[2],
            around.walk[day],
            around.delays,
            block.words[0],
            block.words[1],
            block.errors[START],
            block.errors[GAIN],
            of_lane[REST],
            block.floats[TURN],
            of_lane[AGE],
            of_lane[now],
            of_lane[now + 1],
            block.base,
            of_lane[then],
            of_lane[then + 1],
        )
    else:
        _see_lanes(
            one,
            np.int32(week),
            np.int32(slot),
            day,
            steps,
            scale,
            week_part,
            week_half,
            day_part,
            day_half,
            wander,
            per_step,
            a_step,
            a_tick,
            turned,
            window[0],
            window[1],
            around.aged[cycle, slot],
            paces[0],
            paces[1],
            paces[2],
            around.walk[day],
            around.delays,
            block.words[0],
            block.words[1],
            block.errors[START],
            block.errors[GAIN],
            of_lane[REST],
            block.floats[TURN],
            of_lane[AGE],
            of_lane[now],
            of_lane[now + 1],
            block.base,
        )


@lanes
def _walk_lanes(
    week: Any,
    any_day: Any,
    word2: Any,
    offsets: Any,
    rates: Any,
    next_offsets: Any,
    next_rates: Any,
) -> None:
    """See `walk`."""
    for lane in range(offsets.size):
        packed = any_day[_walk_bits(word2[lane], week)]
        next_offsets[lane], next_rates[lane] = walked_on(offsets[lane], rates[lane], packed)


@inlined
def walk(week: Any, around: Any, block: Any) -> None:
    """Let the walk of all lanes go on to the next week."""
    of_lane, now, then = block.wholes, WALKS + 2 * (week & 1), WALKS + 2 - 2 * (week & 1)
    _walk_lanes(
        np.int32(week),
        around.walk[0],
        block.words[1],
        of_lane[now],
        of_lane[now + 1],
        of_lane[then],
        of_lane[then + 1],
    )


@lanes
def _sag_lanes(
    one: Any,
    units: Any,
    begins_days: Any,
    event: Any,
    steps: Any,
    a_step: Any,
    word1: Any,
    sags: Any,
    falls: Any,
    base: Any,
) -> None:
    """See `sag`."""
    per_day = like(one, 1 / (DAY_S * TICKS))
    for lane in range(base.size):
        into, phase = read_at(mix32(np.uint32(word1[lane] ^ event)), steps, a_step)
        ticks = like(one, np.int32(np.int32(into * a_step) + phase))
        sagging = max((begins_days - sags[lane]) + ticks * per_day, one - one)
        lag = np.floor(falls[lane] * sagging * sagging * units + like(one, 0.5))
        base[lane] = like(base[lane], base[lane] - like(base[lane], lag))


@inlined
def sag(week: Any, slot: Any, around: Any, block: Any) -> None:
    """What a supply that falls takes from the clocks of one login of all lanes."""
    period_s = around.wholes[W_PERIOD_S]
    login = around.rota[cycle_of(week, around), slot]
    _sag_lanes(
        around.one,
        like(around.one, around.units),
        like(around.one, 7 * week + login[1] * period_s / DAY_S),
        number_of(week, slot),
        np.uint32(login[2]),
        np.int32(TICKS * period_s),
        block.words[0],
        block.floats[SAGS],
        block.floats[FALL],
        block.base,
    )


@lanes
def _attend_lanes(
    absent: Any,
    of_year: Any,
    free: Any,
    attends: Any,
    begins: Any,
    event: Any,
    steps: Any,
    a_step: Any,
    word1: Any,
    word2: Any,
    ends: Any,
    holidays: Any,
    base: Any,
) -> Any:
    """See `attend`."""
    ended = np.int32(0)
    for lane in range(base.size):
        into, _ = read_at(mix32(np.uint32(word1[lane] ^ event)), steps, a_step)
        draw = mix32(np.uint32(word2[lane] ^ event))
        reached = np.int32(np.int32(begins + into) >= ends[lane])
        away = np.int32(of_year - holidays[lane])
        away = np.int32(away + np.int32(52) if away < 0 else away)
        comes = np.int32(away >= free) & np.int32(
            np.uint32((draw >> np.uint32(8)) & np.uint32(0xFFF)) < attends
        )
        comes = np.int32(comes & np.int32(1 - reached))
        base[lane] = base[lane] if comes else absent
        ended = np.int32(ended + reached)
    return ended


@inlined
def attend(week: Any, slot: Any, around: Any, block: Any) -> Any:
    """Mark the lanes that have no login: lost or dead, on holiday, or not there.

    Returns:
        How many have reached their end.
    """
    wholes, of_lane = around.wholes, block.wholes
    period_s = wholes[W_PERIOD_S]
    login = around.rota[cycle_of(week, around), slot]
    return _attend_lanes(
        like(block.base[0], wholes[W_ABSENT]),
        np.int32(week % 52),
        np.int32(wholes[W_HOLIDAY]),
        np.uint32(wholes[W_ATTENDS]),
        np.int32(week * (WEEK_S // period_s) + login[1]),
        number_of(week, slot),
        np.uint32(login[2]),
        np.int32(TICKS * period_s),
        block.words[0],
        block.words[1],
        of_lane[END],
        of_lane[HOLIDAY],
        block.base,
    )
