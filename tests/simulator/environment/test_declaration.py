"""What declared rules say of a step: window, replay, drift memory."""

from dataclasses import replace

import pytest

from mfalab.simulator.environment.declaration import Declaration
from mfalab.verifier import AWS_OBSERVED, RFC6238, Profile


@pytest.mark.parametrize("profile", [AWS_OBSERVED, RFC6238], ids=lambda profile: profile.name)
def test_window_lies_around_the_verifiers_step(profile: Profile) -> None:
    declared = Declaration()
    back, ahead = profile.window_back, profile.window_ahead
    seen = [declared.verdict("fob", 100 + off, 100, profile) for off in range(-5, 6)]
    right = [-back <= off <= ahead for off in range(-5, 6)]
    assert [verdict == "accepted" for verdict in seen] == right
    assert set(seen) == {"accepted", "wrong"}


def test_used_steps_or_all_up_to_the_newest_are_replayed() -> None:
    for profile, older in ((AWS_OBSERVED, "accepted"), (RFC6238, "replayed")):
        declared = Declaration()
        declared.accepted("fob", 100, 100, profile)
        assert declared.verdict("fob", 100, 100, profile) == "replayed"
        assert declared.verdict("fob", 99, 100, profile) == older
        assert declared.verdict("other", 100, 100, profile) == "accepted"


def test_drift_memory_and_pairs_move_the_window() -> None:
    declared = Declaration()
    declared.accepted("fob", 101, 100, RFC6238)
    assert declared.verdict("fob", 202, 200, RFC6238) == "accepted"
    declared.accepted("app", 101, 100, replace(RFC6238, drift_memory=False))
    assert declared.verdict("app", 202, 200, RFC6238) == "wrong"
    declared.paired("app", 210, 200, RFC6238)
    assert declared.verdict("app", 311, 300, RFC6238) == "accepted"
