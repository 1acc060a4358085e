"""A lab around a verifier that has its account already."""

from mfalab.verifier import MemoryStore
from mfalab.verifier.records import Account, Identity

from .conftest import make_shelf


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
