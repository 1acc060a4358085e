"""What became of a step."""

import pickle

import pytest

from mfalab.simulator.environment.outcome import (
    ExpectationFailed,
    Outcome,
    Prevented,
    ScenarioError,
)


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        (Outcome(), "accepted"),
        (Outcome(data=[1]), "accepted"),
        (Outcome("NotHeld", "it is lost"), "refused: NotHeld: 'it is lost'"),
        (
            Outcome("AccessDenied", "No.", 403, "replayed"),
            "refused: AccessDenied (403): 'No.', decision: replayed",
        ),
        (
            Outcome("AccessDenied", "No.", 403, "wrong", why="fob showed step +9"),
            "refused: AccessDenied (403): 'No.', decision: wrong (fob showed step +9)",
        ),
    ],
)
def test_outcome_is_told_with_what_is_known_of_it(outcome: Outcome, text: str) -> None:
    assert str(outcome) == text
    assert outcome.accepted == (text == "accepted")


def test_failed_expectation_says_what_was_expected_and_got() -> None:
    failure = ExpectationFailed("accepted", "refused: any")
    assert str(failure) == "expected accepted, got refused: any"
    assert (failure.expected, failure.got) == ("accepted", "refused: any")


@pytest.mark.parametrize(
    "error",
    [ExpectationFailed("a", "b"), Prevented("NotHeld", "it is lost"), ScenarioError("no person")],
)
def test_errors_survive_the_way_between_processes(error: Exception) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.args, str(again)) == (type(error), error.args, str(error))
