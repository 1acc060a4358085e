"""A login that is not plainly accepted, one token at a time.

Retries, throttling in time, and resynchronisation by two real codes at the help desk; the rules are
those of `verifier.code_rules` and `verifier.throttle`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mfalab.simulator.fleet.clocks import error_at, event_of, shown_at_event
from mfalab.simulator.fleet.compiled import inlined
from mfalab.simulator.fleet.hashing import mix64
from mfalab.simulator.fleet.layout import (
    AHEAD,
    ATTEMPTS,
    BACK,
    BACKOFF,
    BLOCKED,
    BUDGET,
    CODE,
    CONSUMES,
    COUNTED_IN,
    DAY_S,
    DELAY_LIMIT_S,
    DELAY_S,
    FAILED,
    FAILURES,
    FAILURES_LIMIT,
    FALLEN,
    FIRST,
    FIXED_WINDOW,
    FORGIVES,
    FORGOTTEN_S,
    GROWTH_S,
    HIGH_WATER,
    LATER,
    LOCKED,
    LOGINS,
    MEMORY,
    MEMORY_LIMIT,
    NO_STEP,
    OUT,
    PAIR,
    PAIR_AHEAD,
    PAIR_BACK,
    PAIR_COUNTS,
    PAIRS,
    PLAIN,
    RECENT,
    REFUSED,
    REFUSED_ONCE,
    RESYNCS,
    RESYNCS_REFUSED,
    SLIDING_WINDOW,
    SPECIAL,
    T_ACCEPTED,
    T_THROTTLED,
    T_WRONG,
    THROTTLE,
    THROTTLED_CODES,
    TICKS,
    W_BASE_S,
    W_DESK_DAYS,
    W_DESK_FROM_S,
    W_DESK_TO_S,
    W_PERIOD_S,
    W_TRIES,
    WAIT,
    WAITED_MINUTES,
    WAITING,
    WINDOW_S,
    WRONG_CODES,
)


@inlined
def record(tally: Any, policy: Any, lane: Any, kind: Any, tick: Any, delay: Any, told: Any) -> None:
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
def pair(
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
    record(tally, policy, lane, kind, tick, delay, T_ACCEPTED if good else T_WRONG)
    return good


@inlined
def login(
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
    tick, delay = event_of(lane, week, slot, around, block)
    counts = tally.counts[policy, around.months[tick // (DAY_S * TICKS)]]
    if tick < state[WAIT, lane]:
        counts[WAITING] += 1
        return
    counts[LOGINS] += 1
    key = np.uint64(block.keys[lane] ^ np.uint64((week * 8 + slot) * 64 + 1))
    accepted, throttled = False, False
    shown = shown_at_event(lane, tick, delay, around, block)
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
            record(tally, policy, lane, CODE, tick, delay, T_THROTTLED)
        else:
            server = typed // a_step
            found = (tick * a_tick + shown) // whole_step - server
            offset = block.offsets[policy, lane]
            accepted = _in_window(row, state, lane, server, offset, found - offset)
            _count(row, state, lane, typed, base_s, accepted)
            record(tally, policy, lane, CODE, tick, delay, T_ACCEPTED if accepted else T_WRONG)
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
            record(tally, policy, lane, PAIR, tick, delay, T_THROTTLED)
            _count_unseen(row, state, lane, handed_in)
            tick = handed_in
            if row[THROTTLE] == BACKOFF:
                tick = max(tick, state[BLOCKED, lane])
            else:
                tick += row[WINDOW_S] * TICKS
            continue
        helped = pair(policy, row, lane, tick, delay, week, PAIR, around, block, tally)
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
