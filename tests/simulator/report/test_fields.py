"""A field of a wrong type is told by its name."""

import pytest

from mfalab.simulator.report import fields
from mfalab.simulator.report.fields import EventError


@pytest.mark.parametrize(
    ("read", "event", "told"),
    [
        (fields.text, {"kind": "note"}, 'note has no field "x"'),
        (fields.integer, {"x": True}, '"x" is True, but must be an integer'),
        (fields.integer, {"x": 1.5}, '"x" is 1.5, but must be an integer'),
        (fields.number_or_none, {"x": "1"}, "\"x\" is '1', but must be a number or null"),
        (fields.list_of, {"x": {}}, '"x" is {}, but must be a list'),
        (lambda *given: list(fields.objects(*given)), {"x": [1]}, '"x" holds 1, but must hold'),
    ],
)
def test_wrong_types_are_told(read, event, told):
    with pytest.raises(EventError) as error:
        read(event, "x")
    assert str(error.value).startswith(told)


def test_what_is_no_number_counts_as_none():
    assert fields.number_or_none({"x": float("inf")}, "x") is None
    assert fields.number_or_none({"x": 2}, "x") == 2.0


@pytest.mark.parametrize(("value", "text"), [(None, ""), ("a", "a"), ({"b": 1}, '{"b": 1}')])
def test_values_as_texts(value, text):
    assert fields.as_text(value) == text
    assert fields.text({"x": value}, "x") == text
