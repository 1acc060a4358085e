"""A key as people work with it: simulated on the timeline, or on the bench."""

from collections.abc import Callable

import pytest
from fido2.ctap import CtapDevice
from fido2.ctap2.base import Ctap2
from fido2.ctap2.pin import ClientPin

from mfalab.devices.ctap.faults import Faults
from mfalab.devices.ctap.user import absent, touching
from mfalab.devices.security_key import SecurityKey
from mfalab.simulator.abilities import Ability
from mfalab.simulator.clocks.blocking import BlockingClients
from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.entropy import Entropy
from mfalab.simulator.environment.key_access import BenchKey, KeyAccess, KeyFacts, SimulatedKey
from mfalab.simulator.environment.outcome import ScenarioError
from mfalab.simulator.keys.simulated import SimulatedFixture

S = 10**9


def simulated(timeline: Timeline, model: str = "ctap-2.1-pin") -> SimulatedKey:
    clients = BlockingClients(timeline)
    key = SecurityKey(
        model, random_bytes=Entropy(1).random_bytes("key"), scheduler=clients, name="key"
    )
    key.plug()
    return SimulatedKey(key, clients, timeline)


def on_bench(timeline: Timeline, model: str = "ctap-2.1-pin") -> BenchKey:
    return BenchKey(SimulatedFixture(model), timeline)


BOTH = pytest.mark.parametrize("make", [simulated, on_bench])
Make = Callable[..., KeyAccess]


def touch(device: CtapDevice) -> None:
    Ctap2(device).selection()


def set_pin(device: CtapDevice) -> None:
    ClientPin(Ctap2(device)).set_pin("2468")


@BOTH
def test_timeline_follows_what_a_client_takes(make: Make) -> None:
    timeline = Timeline(0)
    make(timeline).work(touch, touching(4 * S))
    assert timeline.now_ns() == pytest.approx(4 * S, rel=0.05)


@BOTH
def test_person_who_types_takes_time_too(make: Make) -> None:
    timeline = Timeline(0)
    access = make(timeline)

    def think(device: CtapDevice) -> None:
        access.pause(5 * S)

    access.work(think, absent)
    assert timeline.now_ns() == pytest.approx(5 * S, rel=0.05)


@BOTH
def test_facts_are_the_same_from_inside_and_from_outside(make: Make) -> None:
    access = make(Timeline(0))
    new = access.facts(None, counting=True)
    assert (new.pin_is_set, new.powered) == (False, True)
    access.work(set_pin, absent)
    facts = access.facts("2468", counting=True)
    assert (facts.pin_is_set, facts.pin_retries, facts.discoverable) == (True, 8, 0)
    access.power("off")
    assert access.facts("2468", counting=False).powered is False
    access.power("on")
    access.power("cycle")
    assert access.facts("2468", counting=False).powered is True


def test_key_of_u2f_on_the_bench_tells_nothing() -> None:
    access = on_bench(Timeline(0), "u2f-2016")
    assert access.facts(None, counting=True) == KeyFacts(powered=True)


def test_credentials_of_a_real_key_are_counted_with_its_pin_only() -> None:
    access = on_bench(Timeline(0))
    access.work(set_pin, absent)
    assert access.facts(None, counting=True).discoverable is None


def test_simulated_key_is_pulled_out_while_it_works() -> None:
    timeline = Timeline(0)
    access = simulated(timeline)
    with pytest.raises(OSError, match="key"):
        access.work(touch, touching(4 * S), pulled_out_after_ns=2 * S)
    assert timeline.now_ns() == 2 * S
    assert not access.simulated.plugged


def test_only_a_simulated_key_is_broken_and_made_faulty() -> None:
    key, real = simulated(Timeline(0)), on_bench(Timeline(0))
    assert key.answers_well
    key.simulated.faults = Faults(malformed_cbor=True)
    assert not key.answers_well
    key.break_()
    assert not key.usable
    assert real.usable
    assert real.answers_well
    with pytest.raises(ScenarioError, match="is a real key and is not broken for a test"):
        real.break_()
    with pytest.raises(ScenarioError, match="is a real key: it cannot be copied or made faulty"):
        _ = real.simulated


def test_key_on_the_bench_is_named_by_its_address() -> None:
    access = on_bench(Timeline(0))
    assert access.label == "sim:ctap-2.1-pin"
    assert simulated(Timeline(0)).label == ""
    assert Ability.POWER in access.fixture.can


def test_user_is_gone_when_the_client_is_done() -> None:
    access = on_bench(Timeline(0))
    access.work(touch, touching(0))
    assert access.fixture.user is absent
