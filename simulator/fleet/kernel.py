"""The kernel: blocks of tokens as lanes, week after week, every policy on the same clocks.

All logins of one slot of the timetable are computed for a whole block: first what the clocks show
and how long typing takes, which depends on no policy, then for each policy which codes lie in the
window. What is not plainly accepted goes to `login`, one token at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mfalab.simulator.fleet.clocks import begin, see, walk_bits
from mfalab.simulator.fleet.compiled import inlined, jit, lanes, like
from mfalab.simulator.fleet.layout import (
    AHEAD,
    BACK,
    BINS,
    BITS,
    CODE,
    DAY_S,
    END,
    ENROLMENT,
    FALLEN,
    FIRST,
    FIRST_SUM,
    GONE,
    GROWTH_S,
    HIGH_WATER,
    HOLIDAY,
    LAST,
    LOGINS,
    LOST,
    MEMORY,
    MEMORY_LIMIT,
    NEVER,
    NO_STEP,
    NOT_ENROLLED,
    PLAIN,
    SAMPLED,
    SECOND_SUM,
    SPECIAL,
    STATES,
    T_ACCEPTED,
    TICKS,
    W_PERIOD_S,
    W_PHASE,
    W_WEEKS,
    WALK_OFFSET,
    WALK_RATE,
    WEEK_S,
)
from mfalab.simulator.fleet.login import login, pair, record


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
    begin(around, tokens, block)
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
            if not pair(
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
            present, ended = see(week, slot, around, block)
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
                            login(policy, rule, lane, week, slot, around, block, tally)
        if not seen:
            for lane in range(size):
                block.wholes[BITS, lane] = walk_bits(block.words[1, lane], week)
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
            record(tally, policy, lane, CODE, tick, block.delay[lane], T_ACCEPTED)
