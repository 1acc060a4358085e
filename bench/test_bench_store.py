"""What a durable decision costs beside the one thing it cannot do without: a commit on the disk."""

import itertools
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mfalab.verifier.decision import Outcome
from mfalab.verifier.records import Account, Device, DeviceKind, UsedCode
from mfalab.verifier.store.sqlite import SqliteStore

SEED = b"12345678901234567890"
FIRST_STEP = 50_000_000
ROUNDS = 1000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(tmp_path / "verifier.db") as store:
        with store.transaction() as tx:
            tx.insert(Account("1", "aws", None, "root@example.com", None, True, 0))
            tx.insert(Device("d", DeviceKind.VIRTUAL, "serial", "1", "n", "/", 0, SEED))
        yield store


@pytest.mark.benchmark(group="durable")
def test_bare_transaction(benchmark: Any, tmp_path: Path) -> None:
    benchmark.extra_info["role"] = "limit"
    connection = sqlite3.connect(tmp_path / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE used (step INTEGER PRIMARY KEY)")
    steps = itertools.count()

    def insert() -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO used VALUES (?)", (next(steps),))
        connection.execute("COMMIT")

    benchmark.pedantic(insert, rounds=ROUNDS, warmup_rounds=10)
    connection.close()


@pytest.mark.benchmark(group="durable")
def test_transaction_with_one_record(benchmark: Any, store: SqliteStore) -> None:
    steps = itertools.count()

    def insert() -> None:
        with store.transaction() as tx:
            tx.insert(UsedCode("d", next(steps)))

    benchmark.pedantic(insert, rounds=ROUNDS, warmup_rounds=10)


@pytest.mark.benchmark(group="durable")
def test_durable_decision(decide_codes: Any, store: SqliteStore) -> None:
    """An accepted code: reads the device and its budget, writes budget, used code and device."""
    outcome = decide_codes(store, SEED, FIRST_STEP, rounds=ROUNDS, warmup_rounds=10)
    assert outcome is Outcome.ACCEPTED
