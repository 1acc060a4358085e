"""Policies as the kernel reads them, and what they let an attacker do.

The rules are those of `verifier.code_rules` and `verifier.throttle`. A field of a profile that
changes the fate of a code and that the kernel does not know is refused by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mfalab.simulator.fleet import layout
from mfalab.verifier.profile import Profile, ThrottleRule

_THROTTLES: Final = {
    ThrottleRule.NONE: layout.NO_THROTTLE,
    ThrottleRule.FIXED_WINDOW: layout.FIXED_WINDOW,
    ThrottleRule.BACKOFF: layout.BACKOFF,
    ThrottleRule.SLIDING_WINDOW: layout.SLIDING_WINDOW,
}
_ANYWHERE: Final = 1 << 20
"""More steps than any clock is wrong by."""


def rows_of(profiles: Iterable[Profile]) -> NDArray[np.int64]:
    """A row for each policy; see `layout.POLICY_COLUMNS`."""
    rows = []
    for profile in profiles:
        row = np.zeros(layout.POLICY_COLUMNS, np.int64)
        limit = profile.throttle_failures_limit
        row[layout.BACK], row[layout.AHEAD] = profile.window_back, profile.window_ahead
        row[layout.MEMORY] = profile.drift_memory
        memory = profile.drift_memory_limit_steps
        row[layout.MEMORY_LIMIT] = _ANYWHERE if memory is None else memory
        row[layout.PAIRS] = profile.pair_sets_offset
        row[layout.PAIR_BACK], row[layout.PAIR_AHEAD] = profile.pair_back, profile.pair_ahead
        row[layout.PAIR_COUNTS] = profile.pair_counts_as_attempt
        row[layout.THROTTLE] = _THROTTLES[profile.throttle]
        row[layout.BUDGET] = profile.throttle_budget
        row[layout.WINDOW_S] = profile.throttle_window_s
        row[layout.FAILURES] = profile.throttle_failures
        row[layout.DELAY_S] = profile.throttle_delay_s
        row[layout.DELAY_LIMIT_S] = profile.throttle_delay_limit_s
        row[layout.FAILURES_LIMIT] = -1 if limit is None else limit
        forgotten_s = profile.throttle_failures_forgotten_s
        row[layout.FORGOTTEN_S] = -1 if forgotten_s is None else forgotten_s
        row[layout.FORGIVES] = profile.pair_forgives_failures
        row[layout.GROWTH_S] = profile.window_growth_s_per_day
        row[layout.CONSUMES] = profile.pair_consumes_codes
        rows.append(row)
    return np.array(rows)
