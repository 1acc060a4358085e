"""Types of arguments, by annotation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pytest

from mfalab.verifier.arguments import typed, violations


class Colour(Enum):
    RED = "red"


@dataclass
class Pair:
    one: str
    two: int | None


BAD = Pair(5, "b")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("hint", "value", "found"),
    [
        (str, "text", []),
        (str, 5, [("x", "be a string, not int")]),
        (str, None, [("x", "be a string, not NoneType")]),
        (str, "half \ud800", [("x", "be Unicode text")]),
        (str | None, None, []),
        (str | None, b"", [("x", "be a string, not bytes")]),
        (int, 5, []),
        (int, True, [("x", "be an integer, not bool")]),
        (int, 5.0, [("x", "be an integer, not float")]),
        (int, 1 << 63, [("x", "be an integer of 64 bits")]),
        (int, -(1 << 63), []),
        (bool, 1, [("x", "be a boolean, not int")]),
        (bytes, "", [("x", "be a bytes, not str")]),
        (Colour, Colour.RED, []),
        (Colour, "red", [("x", "be a Colour, not str")]),
        (Iterable[str], ["a", "b"], []),
        (Iterable[str], iter([1]), []),
        (Iterable[str], "ab", [("x", "be a list, not str")]),
        (Iterable[str], 5, [("x", "be a list, not int")]),
        (Iterable[str], ("a", 5), [("x.2", "be a string, not int")]),
        (Pair, Pair("a", None), []),
        (Pair, BAD, [("x.one", "be a string, not int"), ("x.two", "be an integer, not str")]),
        (Pair, None, [("x", "be a Pair, not NoneType")]),
        (object, 5, []),
        (Any, 5, []),
        (Mapping[str, tuple[str, ...]], {"a": ("b",)}, []),
        (Mapping[str, str], ["a"], [("x", "be a mapping, not list")]),
        (Mapping[str, str], {5: "a"}, [("x key", "be a string, not int")]),
        (Mapping[str, str], {"a": 5}, [("x['a']", "be a string, not int")]),
        (Mapping[str, tuple[str, ...]], {"a": "b"}, [("x['a']", "be a tuple, not str")]),
        (Mapping[str, tuple[str, ...]], {"a": (5,)}, [("x['a']", "be a string, not int")]),
        (dict[str, int], 5, []),
    ],
)
def test_value_against_its_annotation(hint: Any, value: Any, found: list[Any]) -> None:
    assert list(violations("x", hint, value)) == found


def test_password_may_be_typed_that_cannot_be_encoded() -> None:
    assert not list(violations("root_password", str, "\ud800"))
    assert list(violations("root_password", str, 5))


def test_methods_of_a_class_refuse_all_at_once_and_before_they_run() -> None:
    ran = []

    @typed(lambda found: TypeError(dict(found)))
    class Door:
        def enter(self, name: str, *, age: int = 3) -> int:
            ran.append(name)
            return self._count(age)

        def _count(self, age: int) -> int:
            return len(ran) + age

    assert Door().enter("a", age=5) == 6
    with pytest.raises(TypeError) as caught:
        Door().enter(5, age="b")  # type: ignore[arg-type]
    assert caught.value.args == ({"name": "be a string, not int", "age": "be an integer, not str"},)
    with pytest.raises(TypeError, match="unexpected keyword"):
        Door().enter("a", colour=5)  # type: ignore[call-arg]
    assert ran == ["a"]
