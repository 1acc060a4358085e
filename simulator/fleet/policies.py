"""Policies as the kernel reads them, and what they let an attacker do.

The rules are those of `verifier.code_rules` and `verifier.throttle`. A field of a profile that
changes the fate of a code and that the kernel does not know is refused by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mfalab.simulator.fleet import kernel
from mfalab.verifier.profile import Profile, ThrottleRule

_THROTTLES: Final = {
    ThrottleRule.NONE: kernel.NO_THROTTLE,
    ThrottleRule.FIXED_WINDOW: kernel.FIXED_WINDOW,
    ThrottleRule.BACKOFF: kernel.BACKOFF,
    ThrottleRule.SLIDING_WINDOW: kernel.SLIDING_WINDOW,
}
_ANYWHERE: Final = 1 << 20
"""More steps than any clock is wrong by."""


def rows_of(profiles: Iterable[Profile]) -> NDArray[np.int64]:
    """A row for each policy; see `kernel.POLICY_COLUMNS`."""
    rows = []
    for profile in profiles:
        row = np.zeros(kernel.POLICY_COLUMNS, np.int64)
        limit = profile.throttle_failures_limit
        row[kernel.BACK], row[kernel.AHEAD] = profile.window_back, profile.window_ahead
        row[kernel.MEMORY] = profile.drift_memory
        memory = profile.drift_memory_limit_steps
        row[kernel.MEMORY_LIMIT] = _ANYWHERE if memory is None else memory
        row[kernel.PAIRS] = profile.pair_sets_offset
        row[kernel.PAIR_BACK], row[kernel.PAIR_AHEAD] = profile.pair_back, profile.pair_ahead
        row[kernel.PAIR_COUNTS] = profile.pair_counts_as_attempt
        row[kernel.THROTTLE] = _THROTTLES[profile.throttle]
        row[kernel.BUDGET] = profile.throttle_budget
        row[kernel.WINDOW_S] = profile.throttle_window_s
        row[kernel.FAILURES] = profile.throttle_failures
        row[kernel.DELAY_S] = profile.throttle_delay_s
        row[kernel.DELAY_LIMIT_S] = profile.throttle_delay_limit_s
        row[kernel.FAILURES_LIMIT] = -1 if limit is None else limit
        forgotten_s = profile.throttle_failures_forgotten_s
        row[kernel.FORGOTTEN_S] = -1 if forgotten_s is None else forgotten_s
        row[kernel.FORGIVES] = profile.pair_forgives_failures
        row[kernel.GROWTH_S] = profile.window_growth_s_per_day
        row[kernel.CONSUMES] = profile.pair_consumes_codes
        rows.append(row)
    return np.array(rows)
