"""The codes and decisions that a scenario can expect."""

import pytest

from mfalab.simulator.runner import run_case
from mfalab.simulator.scenario_files.loader import Case
from mfalab.simulator.steps.refusals import codes, decisions, known_code, known_decision


@pytest.mark.slow
def test_every_outcome_of_the_shipped_suites_is_listed(shipped_cases: list[Case]) -> None:
    for case in shipped_cases:
        for event in run_case(case, 7):
            if event["kind"] == "step_finished" and event["outcome"] != "accepted":
                assert event["outcome"] in codes()
            if event["kind"] == "decision" and event["outcome"] != "accepted":
                assert event["outcome"] in decisions()


@pytest.mark.parametrize(
    ("word", "right"),
    [
        ("InvalidAuthenticationCodes", "InvalidAuthenticationCode"),
        ("accessdenied", "AccessDenied"),
        ("NotHold", "NotHeld"),
        ("PIN_INVALD", "PIN_INVALID"),
        ("ServiceFailed", "ServiceFailure"),
        ("DeviceUnuseable", "DeviceUnusable"),
    ],
)
def test_misspelt_code_is_refused_with_the_nearest(word: str, right: str) -> None:
    assert known_code(right) == right
    with pytest.raises(ValueError, match=f'"{word}" is no refusal; did you mean "{right}"'):
        known_code(word)


@pytest.mark.parametrize(
    ("word", "right"),
    [("replaid", "replayed"), ("Wrong", "wrong"), ("counter_regressed", "counter-regressed")],
)
def test_misspelt_decision_is_refused_with_the_nearest(word: str, right: str) -> None:
    assert known_decision(right) == right
    with pytest.raises(ValueError, match=f'did you mean "{right}"'):
        known_decision(word)
