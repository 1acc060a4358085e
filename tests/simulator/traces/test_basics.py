"""The basics ask every key the same, and leave it as it was unless they may change it."""

from __future__ import annotations

from mfalab.devices.ctap.user import touching
from mfalab.simulator.abilities import Ability
from mfalab.simulator.keys.simulated import SimulatedFixture
from mfalab.simulator.traces.basics import BASICS, perform, registration

PIN_KEY = "ctap-2.1-pin"


def test_what_is_not_destructive_leaves_the_key_as_it_was() -> None:
    with SimulatedFixture(PIN_KEY) as fixture:
        fixture.user = touching()
        before = fixture.key.state
        names = [passage.name for passage in perform(fixture)]
        after = fixture.key.state
    assert names == [each.name for each in BASICS if not each.destructive]
    assert (after.credentials, after.pin_is_set, after.pin_retries) == ((), False, 8)
    assert before.credentials == after.credentials


def test_what_takes_an_ability_that_is_not_used_is_not_asked() -> None:
    with SimulatedFixture(PIN_KEY) as fixture:
        found = perform(fixture, abilities=frozenset({Ability.REPORTS}))
    assert [passage.name for passage in found] == [
        basic.name for basic in BASICS if basic.needs <= {Ability.REPORTS}
    ]
    assert [passage.outcome for passage in found] == ["done"] * len(found)


def test_a_key_without_ctap2_is_asked_what_takes_none() -> None:
    with SimulatedFixture("u2f-2016") as fixture:
        fixture.user = touching()
        assert [passage.name for passage in perform(fixture)] == ["CTAPHID", "U2F"]


def test_a_member_that_is_none_is_left_out_of_a_registration() -> None:
    assert set(registration(rp=None)) == {1, 3, 4}
    assert registration(options={"rk": True})[7] == {"rk": True}
