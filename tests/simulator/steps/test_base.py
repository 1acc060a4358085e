"""What a step expects, held against what became of it."""

from typing import Any

import pytest
from pydantic import ValidationError

from mfalab.simulator.abilities import Ability
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.environment.outcome import ExpectationFailed, Outcome
from mfalab.simulator.language.setting import ProfileChanges
from mfalab.simulator.steps import VOCABULARY
from mfalab.simulator.steps.base import Expect, Step
from mfalab.simulator.steps.faults import ChangeVerifier
from mfalab.simulator.steps.lifecycle import Lose
from mfalab.simulator.steps.routines import Routine
from mfalab.simulator.steps.timing import Wait

REFUSED = Outcome("AccessDenied", "No.", 403, "wrong")
HOLE = Outcome("NoSecondPage", "the password alone was enough", got_in=True)


@pytest.mark.parametrize(
    ("expect", "outcome", "met"),
    [
        (Expect(), Outcome(), True),
        (Expect(), REFUSED, False),
        (Expect(refused="AccessDenied"), REFUSED, True),
        (Expect(refused="any"), REFUSED, True),
        (Expect(refused="any"), Outcome(), False),
        (Expect(refused="any"), HOLE, False),
        (Expect(refused="NoSecondPage"), HOLE, True),
        (Expect(refused="NoSuchEntity"), REFUSED, False),
        (Expect(refused="any", message="No."), REFUSED, True),
        (Expect(refused="any", message="Yes."), REFUSED, False),
        (Expect(refused="any", status=400), REFUSED, False),
        (Expect(refused="any", decision="wrong"), REFUSED, True),
        (Expect(refused="any", decision="replayed"), REFUSED, False),
    ],
)
def test_outcome_meets_an_expectation_in_all_that_it_names(
    expect: Expect, outcome: Outcome, met: bool
) -> None:
    if met:
        expect.check(outcome)
    else:
        with pytest.raises(ExpectationFailed) as caught:
            expect.check(outcome)
        assert caught.value.args == (str(expect), str(outcome))


def test_expectation_is_written_in_the_words_of_the_file() -> None:
    assert str(Expect()) == "accepted"
    full = Expect(refused="AccessDenied", status=403, message="No.", decision="wrong")
    assert str(full) == "refused: AccessDenied (403) 'No.' by decision: wrong"


@pytest.mark.parametrize("detail", [{"message": "No."}, {"status": 403}, {"decision": "wrong"}])
def test_details_of_a_refusal_need_a_refusal(detail: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="add refused: CODE"):
        Expect.model_validate(detail)


def test_word_accepted_is_the_only_expectation_that_is_a_text() -> None:
    assert Expect.model_validate("accepted") == Expect()
    with pytest.raises(ValidationError, match='"refused" is no expectation'):
        Expect.model_validate("refused")


def test_step_needs_nothing_unless_it_says_so() -> None:
    assert list(Lose(who="alice", device="fob").needs()) == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"times": "0"}, "greater than or equal to 1"),
        ({"times": "100001"}, "less than or equal to 100000"),
        ({"times": "2", "every": "0 s"}, "every must be longer than 0 s; leave it out"),
        ({"times": "2", "every": "-1 d"}, "'-1 d' is negative"),
        ({"every": "1 d"}, "every goes with times: NUMBER, of at least 2"),
        ({"times": "2", "jitter": "1 h"}, "jitter goes with every: DURATION"),
        ({"times": "2", "every": "1 h", "jitter": "2 h"}, "jitter must not be longer than every"),
    ],
)
def test_routine_that_cannot_be_is_refused(words: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        Lose.model_validate({"do": "lose", "who": "alice", "device": "fob", **words})


@pytest.mark.parametrize("model", VOCABULARY.values(), ids=VOCABULARY)
def test_every_step_repeats_in_the_same_words(model: type[Step]) -> None:
    """`times` of two steps once meant something else."""
    for word in ("times", "every", "jitter"):
        assert model.model_fields[word].description == Step.model_fields[word].description
        assert word not in model.__annotations__


@pytest.mark.parametrize("model", [each for each in VOCABULARY.values() if each is not Routine])
def test_routine_of_more_than_ten_minutes_is_a_long_wait_beside_all_else_that_it_needs(
    model: type[Step],
) -> None:
    """At a bench time is real."""
    given: dict[str, Any] = {
        name: "x" for name, field in model.model_fields.items() if field.is_required()
    }
    if model is Wait:
        given["for_"] = 0
    if model is ChangeVerifier:
        given["to"] = ProfileChanges()

    def needs(times: int) -> set[Ability]:
        step = model.model_construct(**given, times=times, every=60 * NS_PER_S)
        return {need.ability for need in step.needs()}

    assert Ability.LONG_WAIT not in needs(11)
    assert needs(12) == needs(11) | {Ability.LONG_WAIT}
