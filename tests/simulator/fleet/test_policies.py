"""A policy is a profile with changes, and a row that the kernel reads."""

from mfalab.simulator.fleet import kernel
from mfalab.simulator.fleet.policies import rows_of
from mfalab.simulator.fleet.study import Policy
from mfalab.verifier import PROFILES


def test_a_row_says_what_the_profile_says():
    rows = rows_of(Policy(name=name, profile=name).figures for name in PROFILES)
    assert rows.shape == (len(PROFILES), kernel.POLICY_COLUMNS)
    row = rows[list(PROFILES).index("rfc6238")].tolist()
    assert row[kernel.BACK] == row[kernel.AHEAD] == 1
    assert row[kernel.MEMORY] == row[kernel.PAIR_COUNTS] == 1
    assert row[kernel.THROTTLE] == kernel.BACKOFF
    assert row[kernel.FAILURES_LIMIT] == -1
