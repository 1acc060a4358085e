"""What all fixtures of keys have in common."""

import pytest

from mfalab.devices.ctap.user import absent
from mfalab.simulator.abilities import Ability
from mfalab.simulator.keys.fixture import CannotDo
from mfalab.simulator.keys.simulated import SimulatedFixture


def test_ability_that_is_missing_is_an_error_with_advice() -> None:
    fixture = SimulatedFixture("u2f-2016")
    fixture.can = frozenset({Ability.TOUCH})
    fixture.require(Ability.TOUCH, "Touch it.")
    with pytest.raises(CannotDo) as caught:
        fixture.require(Ability.POWER, "Give it a channel.")
    assert str(caught.value) == "sim:u2f-2016 cannot have its power cut. Give it a channel."
    assert str(CannotDo("it", Ability.U2F)) == "it cannot speak U2F."


def test_power_cycle_is_off_and_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    fixture = SimulatedFixture("u2f-2016")
    seen: list[bool] = []
    monkeypatch.setattr(fixture, "power", seen.append)
    fixture.power_cycle()
    assert seen == [False, True]


def test_fixture_is_closed_at_the_end_of_its_block() -> None:
    with SimulatedFixture("u2f-2016") as fixture:
        assert fixture.user is absent
        assert fixture.key.plugged
    assert not fixture.key.plugged
