"""A lab around a verifier that has its account already."""

import pytest

from mfalab.simulator.entropy import Entropy
from mfalab.simulator.environment.lab_clock import LabClock
from mfalab.verifier import CHEAP, MemoryStore, TrailEvent, Verifier
from mfalab.verifier.outbox import Silence
from mfalab.verifier.records import Account, Identity

from .conftest import START_NS, make_shelf


def test_account_is_taken_as_it_is() -> None:
    store = MemoryStore()
    first = make_shelf(store=store)
    again = make_shelf(store=store)
    with store.transaction() as tx:
        assert tx.count(Account) == 1
        assert tx.count(Identity) == 3
    assert first.lab.accounts == again.lab.accounts
    assert list(again.lab.people) == list(first.lab.people)


def test_decisions_are_told_and_the_log_does_not_grow() -> None:
    shelf = make_shelf()
    shelf.put({"fob": {"kind": "hardware_totp", "owner": "alice"}})
    verifier = shelf.lab.verifier
    alice = shelf.lab.people["alice"]
    keys = verifier.create_access_key(alice.identity_id or "")
    fob = shelf.lab.code_device("fob")
    verifier.iam(keys).enable_mfa_device(
        UserName="alice",
        SerialNumber=fob.known_serial(),
        AuthenticationCode1=fob.code_at(-1),
        AuthenticationCode2=fob.code_at(0),
    )
    assert shelf.lab.journal.window_s("fob") is not None
    assert shelf.lab.journal.log.events == []


@pytest.mark.parametrize("trail", [True, False])
def test_trail_is_told_where_it_is_wanted(trail: bool) -> None:
    told: list[object] = []
    verifier = Verifier(
        store=MemoryStore(),
        clock=LabClock(START_NS),
        random_bytes=Entropy(1).random_bytes("test"),
        password_cost=CHEAP,
        outbox=Silence(),
        observer=told.append,
        trail=trail,
    )
    verifier.create_account("123456789012", root_email="r@example.com", root_password="x")
    keys = verifier.create_access_key("123456789012")
    verifier.iam(keys).list_virtual_mfa_devices()
    assert [type(each) for each in told] == [TrailEvent] * trail
