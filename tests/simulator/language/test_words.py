"""The words of the scenario language, and those that are written twice."""

import pytest
from pydantic import TypeAdapter, ValidationError

from mfalab.simulator.language.words import Pin, Strict, choice, nearest


class Fob(Strict):
    colour: str = "red"
    """What one sees."""


def test_nearest_word_is_offered_and_none_where_none_is_near() -> None:
    assert nearest("sign_on", ["enable", "sign_in"]) == '; did you mean "sign_in"?'
    assert nearest("xyzzy", ["enable", "sign_in"]) == ""
    assert nearest("enable", []) == ""


def test_model_takes_no_unknown_key_and_does_not_change() -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Fob.model_validate({"color": "green"})
    with pytest.raises(ValidationError, match="frozen"):
        Fob().colour = "green"  # type: ignore[misc]


def test_docstring_of_a_field_is_its_description() -> None:
    assert Fob.model_fields["colour"].description == "What one sees."


@pytest.mark.parametrize("typed", ["fa\u00e7ade", "fac\u0327ade"])
def test_pin_is_one_pin_on_all_keyboards(typed: str) -> None:
    assert TypeAdapter(Pin).validate_python(typed) == "fa\u00e7ade"


def test_known_words_are_listed_as_long_as_they_are_few() -> None:
    assert choice(["a", "b"]) == "; known: a, b"
    assert choice(str(number) for number in range(20)).endswith(", 18, 19")
    many = [str(number) for number in range(21)]
    assert choice(many) == "; known: 0, 1, 2, 3, 4 and 16 more"
    assert choice(many, "mfalab steps") == "; mfalab steps lists all"
