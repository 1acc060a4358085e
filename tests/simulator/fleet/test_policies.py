"""A policy is a profile with changes, and a row that the kernel reads."""

from mfalab.simulator.fleet import layout
from mfalab.simulator.fleet.policies import rows_of
from mfalab.simulator.fleet.study import Policy
from mfalab.verifier import PROFILES


def test_a_row_says_what_the_profile_says():
    rows = rows_of(Policy(name=name, profile=name).figures for name in PROFILES)
    assert rows.shape == (len(PROFILES), layout.POLICY_COLUMNS)
    row = rows[list(PROFILES).index("rfc6238")].tolist()
    assert row[layout.BACK] == row[layout.AHEAD] == 1
    assert row[layout.MEMORY] == row[layout.PAIR_COUNTS] == 1
    assert row[layout.THROTTLE] == layout.BACKOFF
    assert row[layout.FAILURES_LIMIT] == -1
