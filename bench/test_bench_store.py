"""What a durable decision costs beside the one thing it cannot do without: a commit on the disk."""

import itertools
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mfalab.verifier import otp
from mfalab.verifier.decision import Outcome
from mfalab.verifier.profile import AWS_OBSERVED
from mfalab.verifier.records import Account, Device, DeviceKind, UsedCode
from mfalab.verifier.store import SqliteStore
from mfalab.verifier.verification import verify_code

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
    benchmark.extra_info["base"] = True
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
def test_durable_decision(benchmark: Any, store: SqliteStore) -> None:
    """An accepted code: reads the device and its budget, writes budget, used code and device."""
    steps = itertools.count(FIRST_STEP)

    def prepare() -> tuple[tuple[str, int], dict[str, object]]:
        step = next(steps)
        return (otp.hotp(SEED, step), step * 30 * 10**9), {}

    def attempt(code: str, now_ns: int) -> Outcome:
        with store.transaction() as tx:
            device = tx.get(Device, "d")
            assert device is not None
            return verify_code(
                tx, device, code, now_ns=now_ns, profile=AWS_OBSERVED, operation="Bench"
            ).outcome

    outcome = benchmark.pedantic(attempt, setup=prepare, rounds=ROUNDS, warmup_rounds=10)
    assert outcome is Outcome.ACCEPTED
