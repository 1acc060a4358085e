"""The account of a server."""

from pathlib import Path

import pytest

from mfalab.simulator.entropy import SystemEntropy
from mfalab.simulator.serving.accounts import ServedAccount, furnish
from mfalab.verifier import CHEAP, MemoryStore, ServiceError, SqliteStore, Store, Verifier
from mfalab.verifier.outbox import Silence
from mfalab.verifier.records import AccessKey


class Clock:
    def now_ns(self) -> int:
        return 1_772_442_000 * 10**9


def served(
    store: Store, users: dict[str, bool], *, new_passwords: bool = False
) -> tuple[Verifier, ServedAccount]:
    random_bytes = SystemEntropy().random_bytes("test")
    verifier = Verifier(
        store=store, clock=Clock(), random_bytes=random_bytes, password_cost=CHEAP, outbox=Silence()
    )
    return verifier, furnish(verifier, users, random_bytes, new_passwords=new_passwords)


def test_everybody_has_keys_and_they_stay(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "db") as store:
        verifier, account = served(store, {"alice": False, "ada": True})
        for name, keys in account.users.items():
            arn = verifier.sts(keys).get_caller_identity()["Arn"]
            assert arn == f"arn:aws:iam::{account.id}:user/{name}"
        assert verifier.sts(account.root).get_caller_identity()["UserId"] == account.id
        verifier.iam(account.users["ada"]).get_account_summary()
        with pytest.raises(ServiceError, match="not authorized"):
            verifier.iam(account.users["alice"]).get_account_summary()
    with SqliteStore(tmp_path / "db") as store:
        verifier, again = served(store, {"Alice": False, "bob": False})
        assert (again.id, again.root) == (account.id, account.root)
        assert again.users["Alice"] == account.users["alice"]
        assert set(again.users) == {"Alice", "bob"}


def test_passwords_are_told_when_they_are_set_and_open_the_console(tmp_path: Path) -> None:
    """The store has hashes only: what was told stays good, and another one is set when asked."""
    with SqliteStore(tmp_path / "db") as store:
        verifier, first = served(store, {"alice": False})
        verifier.console.sign_in_root(first.root_email, first.passwords[""])
        _, again = served(store, {"alice": False, "bob": False})
        assert set(again.passwords) == {"bob"}
        verifier.console.sign_in(first.id, "alice", first.passwords["alice"])
        _, new = served(store, {"alice": False}, new_passwords=True)
        assert set(new.passwords) == {"", "alice"}
        verifier.console.sign_in(first.id, "alice", new.passwords["alice"])
        verifier.console.sign_in_root(first.root_email, new.passwords[""])
        with pytest.raises(ServiceError, match="Failed authentication"):
            verifier.console.sign_in(first.id, "alice", first.passwords["alice"])


def test_user_without_a_password_gets_one(tmp_path: Path) -> None:
    """As in a file that an earlier release wrote."""
    with SqliteStore(tmp_path / "db") as store:
        verifier, account = served(store, {})
        verifier.create_user(account.id, "alice")
        _, again = served(store, {"alice": False})
        verifier.console.sign_in(account.id, "alice", again.passwords["alice"])


def test_key_that_is_inactive_is_not_shown(tmp_path: Path) -> None:
    from dataclasses import replace

    with SqliteStore(tmp_path / "db") as store:
        _, account = served(store, {"alice": False})
        with store.transaction() as tx:
            key = tx.get(AccessKey, account.users["alice"].access_key_id)
            assert key is not None
            tx.update(replace(key, active=False))
        _, again = served(store, {"alice": False})
        assert again.users["alice"].access_key_id != key.id


def test_name_that_is_none(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "db") as store, pytest.raises(ServiceError, match="at 'userName'"):
        served(store, {"a b": False})


def test_user_without_a_name_is_not_root() -> None:
    """Root is found by an empty name: its keys would be told as those of a user."""
    store = MemoryStore()
    with pytest.raises(ServiceError, match="userName"):
        served(store, {"": False}, new_passwords=True)
    verifier, account = served(store, {"root": False})
    arn = verifier.sts(account.users["root"]).get_caller_identity()["Arn"]
    assert arn == f"arn:aws:iam::{account.id}:user/root"
