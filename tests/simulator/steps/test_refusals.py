"""The codes and decisions that a scenario can expect."""

import pytest

from mfalab.simulator.abilities import Ability
from mfalab.simulator.runner import run_case
from mfalab.simulator.scenario_files.loader import Case
from mfalab.simulator.steps import VOCABULARY
from mfalab.simulator.steps.refusals import (
    codes,
    decided_on,
    decisions,
    known_code,
    known_decision,
    met_by,
)
from mfalab.verifier.service_model import service_model


@pytest.mark.slow
def test_every_outcome_of_the_shipped_suites_is_declared_by_its_step(
    shipped_cases: list[Case],
) -> None:
    undeclared = set()
    for case in shipped_cases:
        verb = ""
        for event in run_case(case, 7):
            verb = str(event["do"]) if event["kind"] == "step_started" else verb
            outcome = event.get("outcome", "accepted")
            if outcome == "accepted":
                continue
            step = VOCABULARY[verb]
            known = met_by(step) if event["kind"] == "step_finished" else decided_on(step)
            if outcome not in known:
                undeclared.add((verb, outcome))
    assert undeclared == set()


def test_what_shipped_scenarios_expect_is_declared_by_their_steps(
    shipped_cases: list[Case],
) -> None:
    undeclared = {
        (step.do, word)
        for case in shipped_cases
        for step in case.scenario.steps
        for word, known in (
            (step.expect.refused, met_by(type(step)) | {"any"}),
            (step.expect.decision, decided_on(type(step))),
        )
        if word is not None and word not in known
    }
    assert undeclared == set()


def test_steps_declare_what_there_is() -> None:
    for verb, step in VOCABULARY.items():
        assert met_by(step) <= set(codes()), verb
        assert decided_on(step) <= set(decisions()), verb
        for call in step.calls:
            assert call in service_model("iam").names | service_model("sts").names, verb


def test_step_that_asks_aws_declares_what_it_calls_or_meets() -> None:
    asking = {Ability.API, Ability.CONSOLE}
    silent = {
        verb
        for verb, step in VOCABULARY.items()
        if asking & set(step.requires) and not step.calls and not step.meets
    }
    assert silent == {"sign_out"}  # it leaves, and asks nothing


OF_THE_WIRE = {
    "DryRunOperation",
    "IncompleteSignature",
    "InternalFailure",
    "InvalidAction",
    "InvalidInstanceID.NotFound",
    "MalformedQueryString",
    "MissingAction",
    "MissingAuthenticationToken",
    "NotImplemented",
    "ServiceUnavailable",
    "XAmzContentSHA256Mismatch",
}
"""What is said of requests that no step can make."""


def test_every_decision_and_every_code_but_those_of_the_wire_has_a_step() -> None:
    assert set(decisions()) == set().union(*map(decided_on, VOCABULARY.values()))
    met = set().union(*map(met_by, VOCABULARY.values()))
    assert set(codes()) - met == OF_THE_WIRE


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
