"""Delays that are drawn from streams of their own."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfalab.simulator.entropy import Entropy
from mfalab.verifier.delays import Delay, draw_ns

S = 10**9


def always(byte: bytes) -> Callable[[str], Callable[[int], bytes]]:
    return lambda name: lambda count: byte * count


def none(name: str) -> Callable[[int], bytes]:
    raise AssertionError(f"{name} was drawn")


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(), st.text())
def test_draw_lies_between_the_ends(least_s: int, more_s: int, seed: int, name: str) -> None:
    drawn = draw_ns(Delay(least_s, least_s + more_s), Entropy(seed).random_bytes, name)
    assert least_s * S <= drawn <= (least_s + more_s) * S


def test_both_ends_can_be_drawn() -> None:
    assert draw_ns(Delay(7, 9), always(b"\x00"), "") == 7 * S
    assert draw_ns(Delay(7, 9), always(b"\xff"), "") == 9 * S
    assert draw_ns(Delay(7, 9), always(b"\x80"), "") == pytest.approx(8 * S, rel=0.01)


def test_draw_is_finer_than_a_second_and_uses_the_whole_range() -> None:
    chance = Entropy(3).random_bytes
    drawn = [draw_ns(Delay(3, 13), chance, f"device-{index}") / S for index in range(400)]
    assert all(sum(int(each) == second for each in drawn) > 10 for second in range(3, 13))
    assert len(set(drawn)) == 400


def test_delay_without_a_choice_draws_nothing() -> None:
    assert draw_ns(Delay(8, 8), none, "") == 8 * S
    assert draw_ns(Delay(), none, "") == 0


def test_draw_belongs_to_its_name() -> None:
    chance, other = Entropy(3).random_bytes, Entropy(4).random_bytes
    delay = Delay(7, 9)
    assert draw_ns(delay, chance, "one") == draw_ns(delay, chance, "one")
    assert draw_ns(delay, chance, "one") != draw_ns(delay, chance, "two")
    assert draw_ns(delay, chance, "one") != draw_ns(delay, other, "one")


def test_delay_is_written_as_scenarios_have_it() -> None:
    assert str(Delay(8, 8)) == "8 s"
    assert str(Delay(7, 9)) == "7 s to 9 s"
