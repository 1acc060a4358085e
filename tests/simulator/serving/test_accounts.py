"""The account of a server."""

from pathlib import Path

import pytest

from mfalab.simulator.entropy import Entropy
from mfalab.simulator.serving.accounts import ServedAccount, furnish
from mfalab.verifier import CHEAP, ServiceError, SqliteStore, Store, Verifier
from mfalab.verifier.outbox import Silence
from mfalab.verifier.records import AccessKey


class Clock:
    def now_ns(self) -> int:
        return 1_772_442_000 * 10**9


def served(store: Store, users: dict[str, bool]) -> tuple[Verifier, ServedAccount]:
    random_bytes = Entropy(1).random_bytes("test")
    verifier = Verifier(
        store=store, clock=Clock(), random_bytes=random_bytes, password_cost=CHEAP, outbox=Silence()
    )
    return verifier, furnish(verifier, users, random_bytes)


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
