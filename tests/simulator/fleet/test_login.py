"""The rules of a login that the kernel has of its own, beside those of the verifier."""

import numpy as np
import pytest

from mfalab.simulator.fleet import layout, login
from mfalab.simulator.fleet.policies import rows_of
from mfalab.verifier import PROFILES, throttle

HOUR = 3600 * layout.TICKS
DAY = 24 * HOUR


@pytest.mark.parametrize("name", ["rfc6238", "django-otp", "freeipa", "vault"])
def test_delay_after_failures_is_the_verifiers(name: str) -> None:
    profile = PROFILES[name]
    (row,) = rows_of([profile])
    for failures in range(40):
        expected = throttle.delay_ns(failures, profile) // 10**9
        assert login._delay_of_s(failures, row) == expected


@pytest.mark.parametrize(
    ("asked", "opens"),
    [
        (8 * HOUR, 9 * HOUR),
        (10 * HOUR, 10 * HOUR),
        (17 * HOUR, DAY + 9 * HOUR),
        (4 * DAY + 18 * HOUR, 7 * DAY + 9 * HOUR),
        (6 * DAY, 7 * DAY + 9 * HOUR),
    ],
    ids=["before it opens", "while it is there", "after it closed", "Friday night", "Sunday"],
)
def test_help_desk_is_there_on_working_days_from_nine_to_five(asked: int, opens: int) -> None:
    wholes = np.zeros(layout.WHOLES, np.int64)
    wholes[layout.W_DESK_DAYS] = 0b0011111
    wholes[layout.W_DESK_FROM_S], wholes[layout.W_DESK_TO_S] = 9 * 3600, 17 * 3600
    assert login._desk_opens(asked, wholes) == opens
