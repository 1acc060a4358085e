"""What the kernel's arrays hold: their columns and rows, and what a block of tokens needs.

Time is whole ticks of 1/512 s, counted from 00:00 UTC on the Monday on which the study begins. A
clock's error is a whole number of units: 2**-16 s in 32 bits, or 1 ns in 64 bits; the type of
`errors` chooses. Everything that is counted is counted in integers.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

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

BINS: Final = 512
"""Half time steps of clock error that a histogram tells apart: 128 steps in each direction."""
SAMPLED: Final = 16
"""Of so many tokens the clock of one goes into the histogram."""


# A cohort's constants and its whole numbers.
C_AGEING_PPM: Final = 0
C_AGEING_RATE: Final = 1
C_PARABOLA: Final = 2
C_WANDER_PPM: Final = 3
C_SHELF_C: Final = 4
C_EXCESS_PPM: Final = 5
C_PUSHING_PPM: Final = 6
C_LOSS: Final = 7
C_MEAN_C: Final = 8
CONSTANTS: Final = 9
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
W_ABSENT: Final = 13
W_AGES: Final = 14
WHOLES: Final = 15

# What is drawn for a token, a row each.
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

D_OFFSET: Final = 0
D_TURNOVER: Final = 1
D_AGEING: Final = 2
D_SHELF: Final = 3
D_LIFE: Final = 4
D_LOST: Final = 5
D_HOLIDAY: Final = 6
D_WALK_RATE: Final = 7
D_WALK_OFFSET: Final = 8
D_ENROLLED: Final = 9

# The rows of lanes: of clock errors, numbers, and whole numbers.
START: Final = 0
GAIN: Final = 1
ERRORS: Final = 2
TURN: Final = 0
SAGS: Final = 1
FALL: Final = 2
FLOATS: Final = 3
REST: Final = 0
AGE: Final = 1
END: Final = 2
LOST: Final = 3
HOLIDAY: Final = 4
WALKS: Final = 5
"""Of an even week, and of an odd one: what the walk gathered until it began, and its rate then."""
WHOLE_LANES: Final = 9

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


class Surroundings(NamedTuple):
    """What all tokens of a cohort share.

    Attributes:
        one: 1 in the precision to compute in.
        units: units of clock error in a second.
        constants: see `CONSTANTS`.
        wholes: see `WHOLES`.
        climate: for each week that differs, for each cell of it: both integrals of the temperature
            until the cell begins, the temperature then, and its slope.
        sums: for each week, both integrals from the beginning of the study to that of the week.
        windows: for each week and each of its logins, both integrals in the time in which it may
            be, as polynomials; see `tables.window_table`.
        turned: for each of these, what the second polynomial leaves out.
        aged: for each week of the cycle, login and age, what ageing gained, in units.
        paces: how that goes on, see `tables.ageing_table`.
        walk: `wander_table`.
        delays: typing delays, equally likely, in ticks: 4,096 of them.
        rota: for each week of the cycle and each of its logins the day, the first time step, and
            the number of steps in which it may begin; 0 if there is no such login.
        months: the month of each day.
        quantiles: of offset (ppm), turnover (degC), life of the battery (days) and of the standard
            normal distribution, a row each.
    """

    one: Any
    units: Any
    constants: Any
    wholes: Any
    climate: Any
    sums: Any
    windows: Any
    turned: Any
    aged: Any
    paces: Any
    walk: Any
    delays: Any
    rota: Any
    months: Any
    quantiles: Any


class Block(NamedTuple):
    """Tokens as lanes.

    The clock error at the beginning of week n is START + n (GAIN + REST / 2**16), apart from what
    the temperature's changes, ageing, the walk and the supply do.

    Attributes:
        drawn: see `TOKEN`.
        errors: in units of clock error; see `ERRORS`.
        floats: see `FLOATS`.
        wholes: see `WHOLE_LANES`.
        words: two words of 32 bits for the chance of events.
        keys: the 64 bits of each token.
        states: for each policy, see `STATES`.
        offsets: for each policy, in time steps, what the verifier remembers.
        anchors: for each policy, the offset of the last pair.
        standing: for each policy `PLAIN`, `SPECIAL` or `FALLEN`.
        base: where the code of the present event lies, in units, against the verifier's time step;
            `W_ABSENT` where there is no login.
        missed: whether a policy does not plainly accept it, an octet each.
        eights: the same octets, eight at a time.
    """

    drawn: Any
    errors: Any
    floats: Any
    wholes: Any
    words: Any
    keys: Any
    states: Any
    offsets: Any
    anchors: Any
    standing: Any
    base: Any
    missed: Any
    eights: Any


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
