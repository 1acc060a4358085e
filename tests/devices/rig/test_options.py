"""Options of drivers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mfalab.devices.rig.errors import OptionWrong
from mfalab.devices.rig.options import Options


def options(**given: str) -> Options:
    return Options("bench", given)


def test_what_is_not_given_has_its_default() -> None:
    read = options()
    assert read.text("board", "ykush") == "ykush"
    assert read.number("relays", 8, 1, 32) == 8
    assert read.numbers("touch", "1,2", 8) == (1, 2)
    read.end()


def test_what_is_given_is_read() -> None:
    read = options(board="ykush3", relays="16", touch=" 3, 1 ", power="")
    assert read.text("board", "ykush", "ykush", "ykush3") == "ykush3"
    assert read.number("relays", 8, 1, 32) == 16
    assert read.numbers("touch", "", 8) == (3, 1)
    assert read.numbers("power", "1", 8) == ()
    read.end()


@pytest.mark.parametrize(
    ("read", "sentence"),
    [
        (lambda o: o.text("x", "a", "a", "b"), "is none of a, b"),
        (lambda o: o.number("x", 1, 1, 8), "is no number from 1 to 8"),
        (lambda o: o.numbers("x", "", 8), "is no number from 1 to 8"),
    ],
)
@pytest.mark.parametrize("given", ["9", "-1", "0", "\u0661"])
def test_what_is_wrong_is_told(
    read: Callable[[Options], object], given: str, sentence: str
) -> None:
    with pytest.raises(OptionWrong, match=sentence):
        read(options(x=given))


def test_a_number_twice_is_wrong() -> None:
    with pytest.raises(OptionWrong, match="'1,2,1' has a number twice"):
        options(touch="1,2,1").numbers("touch", "", 8)


def test_an_option_that_the_driver_does_not_read_is_wrong() -> None:
    read = options(tuoch="1")
    read.numbers("touch", "1", 8)
    with pytest.raises(OptionWrong, match=r'"tuoch": .*it has: touch'):
        read.end()
