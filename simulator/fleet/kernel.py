"""The kernel: blocks of tokens as lanes, week after week, every policy on the same clocks.

All logins of one slot of the timetable are computed for a whole block: first what the clocks show
and how long typing takes, which depends on no policy, then for each policy which codes lie in the
window. What is not plainly accepted goes to `login`, one token at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mfalab.simulator.fleet.clocks import (
    attend,
    cycle_of,
    event_of,
    sag,
    see,
    shown_at_event,
    walk,
)
from mfalab.simulator.fleet.compiled import inlined, jit, lanes, like
from mfalab.simulator.fleet.layout import (
    AHEAD,
    BACK,
    BINS,
    CODE,
    D_ENROLLED,
    DAY_S,
    END,
    ENROLMENT,
    FALLEN,
    FIRST,
    GONE,
    GROWTH_S,
    HIGH_WATER,
    HOLIDAY,
    LOGINS,
    LOST,
    MEMORY,
    MEMORY_LIMIT,
    NEVER,
    NO_STEP,
    NOT_ENROLLED,
    PLAIN,
    SAGS,
    SAMPLED,
    SPECIAL,
    STATES,
    T_ACCEPTED,
    TICKS,
    W_ABSENT,
    W_ATTENDS,
    W_HOLIDAY,
    W_PERIOD_S,
    W_WEEKS,
    WEEK_S,
)
from mfalab.simulator.fleet.login import login, pair, record
from mfalab.simulator.fleet.tokens import begin, draw_block


@lanes
def _decide_lanes(
    low: Any,
    high: Any,
    a_step: Any,
    absent: Any,
    base: Any,
    offsets: Any,
    standing: Any,
    missed: Any,
) -> Any:
    """See `_decide`, for policies that remember no drift."""
    accepted, wrong = np.int32(0), np.int32(0)
    for lane in range(base.size):
        at = like(a_step, base[lane] - offsets[lane] * a_step)
        stands = np.int32(standing[lane])
        here = np.int32(base[lane] != absent)
        plain = np.int32(here & np.int32(stands == PLAIN))
        good = np.int32(np.int32(np.int32(at >= low) & np.int32(at < high)) & plain)
        bad = np.int32(np.int32(here & np.int32(stands != FALLEN)) - good)
        missed[lane] = np.uint8(bad)
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
    absent: Any,
    base: Any,
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
        here = np.int32(base[lane] != absent)
        plain = np.int32(here & np.int32(stands == PLAIN))
        good = np.int32(np.int32(np.int32(at >= low) & np.int32(at < high)) & plain)
        bad = np.int32(np.int32(here & np.int32(stands != FALLEN)) - good)
        # Division in floating point may be one off at the edges.
        moved = np.int32(np.floor(like(per_step, at) * per_step))
        beyond = like(a_step, at - moved * a_step)
        moved = np.int32(np.int32(moved + np.int32(beyond >= a_step)) - np.int32(beyond < 0))
        learnt = np.int32(offsets[lane] + moved)
        learnt = max(learnt, np.int32(anchors[lane] - limit))
        learnt = min(learnt, np.int32(anchors[lane] + limit))
        offsets[lane] = learnt if good else offsets[lane]
        missed[lane] = np.uint8(bad)
        accepted = np.int32(accepted + good)
        wrong = np.int32(wrong + bad)
    return accepted, wrong


@inlined
def _decide(policy: Any, row: Any, around: Any, block: Any) -> Any:
    """Which lanes' codes a policy plainly accepts; marks the others that have a login.

    Returns:
        How many it accepts, and how many are marked.
    """
    zero = block.base[0]
    whole_step = np.int64(around.units * around.wholes[W_PERIOD_S])
    a_step, absent = like(zero, whole_step), like(zero, around.wholes[W_ABSENT])
    low, high = like(zero, -row[BACK] * whole_step), like(zero, (row[AHEAD] + 1) * whole_step)
    offsets, standing = block.offsets[policy], block.standing[policy]
    if not row[MEMORY]:
        return _decide_lanes(low, high, a_step, absent, block.base, offsets, standing, block.missed)
    return _follow_lanes(
        low,
        high,
        a_step,
        like(around.one, 1 / whole_step),
        np.int32(row[MEMORY_LIMIT]),
        absent,
        block.base,
        offsets,
        block.anchors[policy],
        standing,
        block.missed,
    )


@inlined
def _bury(week: Any, slot: Any, around: Any, block: Any, tally: Any) -> None:
    """Count the tokens that have reached their end since the last login, once."""
    wholes = block.wholes
    period_s = around.wholes[W_PERIOD_S]
    a_step = TICKS * period_s
    for lane in range(block.base.size):
        end = np.int64(wholes[END, lane])
        if end == NEVER or end > (week + 1) * (WEEK_S // period_s):
            continue
        tick, _ = event_of(lane, week, slot, around, block)
        if tick // a_step >= end:
            month = around.months[max(0, end) * period_s // DAY_S]
            tally.gone[month, wholes[LOST, lane]] += 1
            wholes[END, lane] = NEVER
            wholes[HOLIDAY, lane] = GONE


@inlined
def _sample(
    week: Any, slot: Any, first: Any, month: Any, around: Any, block: Any, tally: Any
) -> None:
    """Count how wrong the clocks of a sample are at this login."""
    whole_step = np.int64(around.units * around.wholes[W_PERIOD_S])
    for lane in range((-first) % SAMPLED, block.base.size, SAMPLED):
        if block.wholes[HOLIDAY, lane] != GONE:
            tick, delay = event_of(lane, week, slot, around, block)
            shown = shown_at_event(lane, tick, delay, around, block)
            place = min(max(2 * shown // whole_step + BINS // 2, 0), BINS - 1)
            tally.clocks[month, place] += 1


@inlined
def _enrol(policy: Any, row: Any, around: Any, block: Any, tally: Any) -> None:
    """Let a policy take the lanes in, each by two codes."""
    for lane in range(block.base.size):
        block.offsets[policy, lane] = 0
        block.anchors[policy, lane] = 0
        # A window that grows is another one for each token: none is plain.
        block.standing[policy, lane] = SPECIAL if row[GROWTH_S] else PLAIN
        for each in range(STATES):
            block.states[policy, each, lane] = 0
        block.states[policy, HIGH_WATER, lane] = NO_STEP
        tick = np.int64(block.drawn[D_ENROLLED, lane])
        delay = np.int64(around.delays[np.int64(block.keys[lane] & np.uint64(4095))])
        if not pair(policy, row, lane, tick, delay, 0, ENROLMENT, around, block, tally):
            block.standing[policy, lane] = FALLEN
            tally.counts[policy, 0, NOT_ENROLLED] += 1


@inlined
def _least(row: Any) -> Any:
    """The least of some numbers; numpy's would make an array."""
    found = row[0]
    for lane in range(row.size):
        found = min(found, row[lane])
    return found


@inlined
def _live_block(
    key: Any, first: Any, row: Any, around: Any, policies: Any, block: Any, tally: Any
) -> None:
    """See `live`, for the tokens of one block."""
    wholes = around.wholes
    week_steps = WEEK_S // wholes[W_PERIOD_S]
    size = block.base.size
    tally.traced[2] = row
    draw_block(key, first, around, block.keys, block.drawn)
    begin(around, block)
    for policy in range(policies.shape[0]):
        _enrol(policy, policies[policy], around, block, tally)
    always = wholes[W_HOLIDAY] == 0 and wholes[W_ATTENDS] == 4096
    earliest_end, earliest_sag = _least(block.wholes[END]), _least(block.floats[SAGS])
    gone = False
    sampled_month = -1
    walk(0, around, block)
    # The first week is that of the enrolment.
    for week in range(1, wholes[W_WEEKS] + 1):
        logins = around.rota[cycle_of(week, around)]
        slots = 0
        for slot in range(logins.shape[0]):
            slots += logins[slot, 2] != 0
        for slot in range(slots):
            see(week, slot, slots == 1, around, block)
            tally.traced[1] += size
            if earliest_sag <= 7 * (week + 1):
                sag(week, slot, around, block)
            month = around.months[week * 7 + logins[slot, 0]]
            if month != sampled_month:
                sampled_month = month
                _sample(week, slot, first, month, around, block, tally)
            some_absent = gone or not always or earliest_end <= (week + 1) * week_steps
            if some_absent and attend(week, slot, around, block):
                _bury(week, slot, around, block, tally)
                gone = True
                earliest_end = _least(block.wholes[END])
            for policy in range(policies.shape[0]):
                rule = policies[policy]
                accepted, wrong = _decide(policy, rule, around, block)
                tally.counts[policy, month, FIRST] += accepted
                tally.counts[policy, month, LOGINS] += accepted
                if tally.trace.shape[0]:
                    _record_accepted(policy, week, slot, around, block, tally)
                if wrong:
                    for eight in range(block.eights.size):
                        if block.eights[eight]:
                            for lane in range(8 * eight, 8 * eight + 8):
                                if block.missed[lane]:
                                    login(policy, rule, lane, week, slot, around, block, tally)
        if slots != 1:
            walk(week, around, block)


@jit
def live(
    key: Any, first: Any, tokens: Any, row: Any, around: Any, policies: Any, block: Any, tally: Any
) -> None:
    """The whole study of some tokens.

    Args:
        key: of their cohort, 64 bits.
        first: the number of the first of them.
        tokens: how many they are, a multiple of the block's size.
        row: what to call the first in a trace.
        around: what they share.
        policies: a row for each; see `POLICY_COLUMNS`.
        block: room for the lanes.
        tally: where all is counted.
    """
    for done in range(0, tokens, block.base.size):
        _live_block(key, first + done, row + done, around, policies, block, tally)


@inlined
def _record_accepted(
    policy: Any, week: Any, slot: Any, around: Any, block: Any, tally: Any
) -> None:
    """Add the plainly accepted codes of one login to the trace."""
    absent = around.wholes[W_ABSENT]
    for lane in range(block.base.size):
        here = block.base[lane] != absent and block.standing[policy, lane] != FALLEN
        if here and not block.missed[lane]:
            tick, delay = event_of(lane, week, slot, around, block)
            record(tally, policy, lane, CODE, tick, delay, T_ACCEPTED)
