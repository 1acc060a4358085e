"""A policy is a profile with changes, and a row that the kernel reads."""

from mfalab.simulator.fleet import kernel
from mfalab.simulator.fleet.policies import profile_of, rows_of
from mfalab.simulator.fleet.study import Policy
from mfalab.verifier.profile import PROFILES, RFC6238


def test_a_policy_is_its_profile_with_its_changes():
    policy = Policy(name="own", profile="rfc6238", window_back=3, drift_memory=False)
    profile = profile_of(policy)
    assert (profile.name, profile.window_back, profile.window_ahead) == ("own", 3, 1)
    assert not profile.drift_memory
    assert profile.pair_back == RFC6238.pair_back


def test_a_row_says_what_the_profile_says():
    rows = rows_of(profile_of(Policy(name=name, profile=name)) for name in PROFILES)
    assert rows.shape == (len(PROFILES), kernel.POLICY_COLUMNS)
    row = rows[list(PROFILES).index("rfc6238")].tolist()
    assert row[kernel.BACK] == row[kernel.AHEAD] == 1
    assert row[kernel.MEMORY] == row[kernel.PAIR_COUNTS] == 1
    assert row[kernel.THROTTLE] == kernel.BACKOFF
    assert row[kernel.FAILURES_LIMIT] == -1
