"""What a step expects, held against what became of it."""

import pytest
from pydantic import ValidationError

from mfalab.simulator.environment.outcome import ExpectationFailed, Outcome
from mfalab.simulator.steps.base import Expect
from mfalab.simulator.steps.lifecycle import Lose

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
