"""How a person uses a security key, and what the key must be able to for it."""

from typing import Any

import pytest

from mfalab.simulator.abilities import Ability, Need
from mfalab.simulator.language.key_use import KeyUse, is_near

S = 10**9


@pytest.mark.parametrize(
    ("use", "needed"),
    [
        ({}, {Ability.TOUCH}),
        ({"touch": "not asked for"}, set()),
        ({"touch": "never"}, {Ability.LATE_TOUCH}),
        ({"touch": "late"}, {Ability.LATE_TOUCH, Ability.TOUCH}),
        ({"touch": "declined"}, {Ability.LATE_TOUCH, Ability.TOUCH, Ability.DECLINE}),
        ({"touch": "10 s"}, {Ability.LATE_TOUCH, Ability.TOUCH}),
        ({"touch": "29 s"}, {Ability.LATE_TOUCH, Ability.TOUCH, Ability.TOUCH_DEADLINE}),
        ({"finger": "thumb"}, {Ability.TOUCH, Ability.FINGER}),
        ({"pin": "none"}, {Ability.TOUCH}),
        ({"pin": "wrong"}, {Ability.TOUCH, Ability.PIN}),
        ({"pin": "1234"}, {Ability.TOUCH, Ability.PIN}),
        ({"pulled_out_after": "1 s"}, {Ability.TOUCH, Ability.UNPLUG}),
        ({"origin": "https://evil.example", "client": "careless"}, {Ability.TOUCH}),
    ],
)
def test_use_needs_what_is_done_with_the_key(use: dict[str, Any], needed: set[Ability]) -> None:
    needs = list(KeyUse.model_validate(use).needs("key"))
    assert {need.ability for need in needs} == needed
    assert len(needs) == len(needed)
    assert {need.device for need in needs} <= {"key"}


def test_use_of_whichever_key_needs_it_of_each() -> None:
    assert list(KeyUse().needs(None)) == [Need(Ability.TOUCH, None)]


@pytest.mark.parametrize(
    ("duration_ns", "near"),
    [(None, False), (7 * S, False), (7 * S + 1, True), (10 * S, True), (10 * S + 1, False)],
)
def test_near_is_the_last_three_seconds_before_a_deadline(
    duration_ns: int | None, near: bool
) -> None:
    assert is_near(duration_ns, 10 * S) == near
