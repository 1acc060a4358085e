"""A simulated key as a fixture."""

import pytest
from fido2.ctap2.base import Ctap2

from mfalab.devices.ctap.ctaphid import BROADCAST, HidCommand, packets
from mfalab.devices.ctap.user import touching
from mfalab.devices.transports.memory import KeyUnplugged
from mfalab.simulator.abilities import Ability
from mfalab.simulator.keys.simulated import SimulatedFixture

S = 10**9


@pytest.fixture
def fixture() -> SimulatedFixture:
    return SimulatedFixture("ctap-2.1-pin")


def test_it_can_do_everything_and_may_be_changed(fixture: SimulatedFixture) -> None:
    assert fixture.can == frozenset(Ability)
    assert fixture.destructive
    assert fixture.name == "sim:ctap-2.1-pin"


def test_time_is_its_own_and_leaps(fixture: SimulatedFixture) -> None:
    began_ns = fixture.now_ns()
    fixture.wait(400 * 86_400 * S)
    assert fixture.now_ns() == began_ns + 400 * 86_400 * S


def test_client_is_answered_by_the_user_who_sits_there_now(fixture: SimulatedFixture) -> None:
    fixture.user = touching(2 * S)
    began_ns = fixture.now_ns()
    with fixture.connect() as device:
        Ctap2(device).selection()
    assert fixture.now_ns() - began_ns >= 2 * S


def test_silence_lasts_as_long_as_it_is_listened_to(fixture: SimulatedFixture) -> None:
    reports, began_ns = fixture.reports(), fixture.now_ns()
    assert reports.read(3 * S) is None
    assert fixture.now_ns() == began_ns + 3 * S


def test_report_is_answered_and_a_key_that_is_pulled_out_is_gone(fixture: SimulatedFixture) -> None:
    reports = fixture.reports()
    (request,) = packets(BROADCAST, HidCommand.INIT, bytes(8))
    reports.write(request)
    answer = reports.read(S)
    assert answer is not None
    assert answer[4] == 0x80 | HidCommand.INIT
    fixture.power(False)
    with pytest.raises(KeyUnplugged):
        reports.read(S)
    fixture.power(True)
    fixture.reports().close()


def test_same_seed_makes_the_same_key() -> None:
    def credential_id(seed: int) -> bytes:
        fixture = SimulatedFixture("ctap-2.1-pin", seed=seed)
        fixture.user = touching()
        algorithms = [{"type": "public-key", "alg": -7}]
        with fixture.connect() as device:
            made = Ctap2(device).make_credential(
                bytes(32), {"id": "a.example", "name": "a"}, {"id": b"1", "name": "b"}, algorithms
            )
        assert made.auth_data.credential_data is not None
        return made.auth_data.credential_data.credential_id

    assert credential_id(1) == credential_id(1)
    assert credential_id(1) != credential_id(2)
