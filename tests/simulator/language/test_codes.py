"""Which code a person types."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from mfalab.simulator.language import codes
from mfalab.simulator.language.codes import CodeChoice, PairChoice

CODE: TypeAdapter[str] = TypeAdapter(CodeChoice)
PAIR: TypeAdapter[str | tuple[str, str]] = TypeAdapter(PairChoice)


@pytest.mark.parametrize(
    "choice", ["current", "wrong", "last", "mistyped", "-2 steps", "+1 step", "012345", "12345a"]
)
def test_words_steps_and_digits_are_codes(choice: str) -> None:
    assert CODE.validate_python(choice) == choice


@pytest.mark.parametrize(
    ("choice", "hint"),
    [
        ("curent", 'did you mean "current"?'),
        ("steps", "one of current, wrong, last, mistyped, N steps, digits"),
        ("", "is not a code"),
        (12345, "quote digits so that they stay text"),
        (None, "is not a code"),
    ],
)
def test_other_codes_are_refused_with_a_hint(choice: object, hint: str) -> None:
    with pytest.raises(ValidationError, match="is not a code") as caught:
        CODE.validate_python(choice)
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("choice", "pair"),
    [
        ("consecutive", "consecutive"),
        ("equal", "equal"),
        ("reversed", "reversed"),
        ("gapped", "gapped"),
        ("wrong", "wrong"),
        ("last", "last"),
        (["012345", "000000"], ("012345", "000000")),
        (["-1 steps", "current"], ("-1 steps", "current")),
    ],
)
def test_words_and_two_codes_are_pairs(choice: object, pair: object) -> None:
    assert PAIR.validate_python(choice) == pair


@pytest.mark.parametrize(
    ("choice", "why"),
    [
        (["012345"], "a pair has two codes, not 1"),
        (["1", "2", "3"], "a pair has two codes, not 3"),
        (["1", "curent"], 'did you mean "current"?'),
        ("consecutiv", 'did you mean "consecutive"?'),
        ("012345", "is not a pair of codes"),
        ("-2 steps", "is not a pair of codes"),
        (None, "is not a pair of codes"),
    ],
)
def test_other_pairs_are_refused(choice: object, why: str) -> None:
    with pytest.raises(ValidationError) as caught:
        PAIR.validate_python(choice)
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("choice", "steps"),
    [("-2 steps", -2), ("1 step", 1), ("+3 steps", 3), ("current", None), ("000002", None)],
)
def test_steps_of_a_choice(choice: str, steps: int | None) -> None:
    assert codes.steps_of(choice) == steps


@pytest.mark.parametrize(
    ("code", "typed"),
    [("123456", "123465"), ("123455", "123545"), ("122222", "212222"), ("111111", "111112")],
)
def test_mistyped_code_is_a_slip_of_two_neighbours(code: str, typed: str) -> None:
    assert codes.mistyped(code) == typed


@given(st.integers(0, 10**6 - 1))
def test_mistyped_code_is_never_the_code(number: int) -> None:
    code = f"{number:06d}"
    assert codes.mistyped(code) != code
    assert len(codes.mistyped(code)) == 6


@pytest.mark.parametrize(
    ("typed", "arrives"),
    [
        ("as shown", "012345"),
        ("with a space", "012 345"),
        ("without leading zeros", "12345"),
        ("full-width", "\uff10\uff11\uff12\uff13\uff14\uff15"),
    ],
)
def test_what_fingers_make_of_a_code(typed: codes.Typed, arrives: str) -> None:
    assert codes.as_typed("012345", typed) == arrives


def test_wrong_code_is_none_of_those_given() -> None:
    taken = {"000000", "000007", "000014"}
    assert codes.other_than(taken, "999993") == "000021"
    assert len(codes.other_than(set(), "12345678")) == 8
