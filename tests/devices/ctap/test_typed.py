"""Values against the types that fields are declared with."""

import pytest

from mfalab.devices.ctap.cose import Algorithm
from mfalab.devices.ctap.typed import described, fits


@pytest.mark.parametrize(
    ("hint", "good", "bad"),
    [
        (int, [0, -1], [True, "1", None, 1.0]),
        (bool, [True], [1, None]),
        (int | None, [None, 3], [False, ""]),
        (Algorithm, [Algorithm.ES256], [-7]),
        (tuple[str, ...], [(), ("a", "b")], [("a", 1), ["a"], "ab"]),
        (tuple[tuple[str, bytes | str], ...], [(("a", b""),)], [(("a",),), ((b"", ""),)]),
    ],
)  # fmt: skip
def test_a_value_is_of_its_type_or_not(hint, good, bad):
    assert all(fits(value, hint) for value in good)
    assert not any(fits(value, hint) for value in bad)


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (bool | None, "true or false"),
        (tuple[int, ...], "a list, each a number"),
        (tuple[tuple[str, int], ...], "a list, each a list, each a text and a number"),
    ],
)
def test_what_a_field_takes_is_said_in_words(hint, words):
    assert described(hint) == words


def test_an_enumeration_is_said_by_its_members():
    assert described(tuple[Algorithm, ...]).startswith("a list, each one of ES256, EDDSA")
