"""Policies as the kernel reads them, and what they let an attacker do.

The rules are those of `verifier.code_rules` and `verifier.throttle`. A field of a profile that
changes the fate of a code and that the kernel does not know is refused by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mfalab.simulator.fleet import kernel
from mfalab.simulator.fleet.study import Policy
from mfalab.verifier.profile import PROFILES, Profile, ThrottleRule

_THROTTLES: Final = {
    ThrottleRule.NONE: kernel.NO_THROTTLE,
    ThrottleRule.FIXED_WINDOW: kernel.FIXED_WINDOW,
    ThrottleRule.BACKOFF: kernel.BACKOFF,
}


def profile_of(policy: Policy) -> Profile:
    """The profile that a policy means, for hardware tokens."""
    changed = {
        name: value
        for name, value in policy.model_dump(exclude={"name", "profile"}).items()
        if value is not None
    }
    profile = replace(PROFILES[policy.profile], name=policy.name)
    for word in ("window_back", "window_ahead", "pair_back", "pair_ahead"):
        figure = getattr(profile, f"hardware_{word}")
        if figure is not None:
            profile = replace(profile, **{word: figure, f"hardware_{word}": None})
    return replace(profile, **changed)


def rows_of(profiles: Iterable[Profile]) -> NDArray[np.int64]:
    """A row for each policy; see `kernel.POLICY_COLUMNS`."""
    rows = []
    for profile in profiles:
        row = np.zeros(kernel.POLICY_COLUMNS, np.int64)
        limit = profile.throttle_failures_limit
        row[kernel.BACK], row[kernel.AHEAD] = profile.window_back, profile.window_ahead
        row[kernel.MEMORY] = profile.drift_memory
        row[kernel.MEMORY_LIMIT] = profile.drift_memory_limit_steps
        row[kernel.PAIRS] = 1
        row[kernel.PAIR_BACK], row[kernel.PAIR_AHEAD] = profile.pair_back, profile.pair_ahead
        row[kernel.PAIR_COUNTS] = profile.pair_counts_as_attempt
        row[kernel.THROTTLE] = _THROTTLES[profile.throttle]
        row[kernel.BUDGET] = profile.throttle_budget
        row[kernel.WINDOW_S] = profile.throttle_window_s
        row[kernel.FAILURES] = profile.throttle_failures
        row[kernel.DELAY_S] = profile.throttle_delay_s
        row[kernel.DELAY_LIMIT_S] = profile.throttle_delay_limit_s
        row[kernel.FAILURES_LIMIT] = -1 if limit is None else limit
        rows.append(row)
    return np.array(rows)
