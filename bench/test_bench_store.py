"""What a durable decision costs beside the one thing it cannot do without: a commit on the disk.

On SQLite and on PostgreSQL, whose server is started here with its default settings; a bare
transaction of one row stands beside each, on the same disk in the same run. Concurrent callers are
threads that decide on devices of their own; they share commits.
"""

import itertools
import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from mfalab.verifier import AWS_IMMEDIATE, Store, open_store, otp
from mfalab.verifier.code_rules import verify_code
from mfalab.verifier.decision import Outcome
from mfalab.verifier.records import Account, Device, DeviceKind, UsedCode

SEED = b"12345678901234567890"
FIRST_STEP = 50_000_000
ROUNDS = 1000
CALLERS = 64
EACH = 8
"""Decisions of each of the concurrent callers in a round."""
SERVER = Path(__file__).parents[1] / "tests" / "postgresql_server.py"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a PostgreSQL server."""
    with subprocess.Popen(
        [sys.executable, str(SERVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "PostgreSQL could not be started; apt-get install postgresql brings it"
        yield json.loads(line)["socket_url"]
        process.stdin.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, benchmark: Any, tmp_path: Path) -> str:
    """Where records are kept."""
    kind: str = request.param
    benchmark.group = f"durable, {kind}"
    if kind == "sqlite":
        return str(tmp_path / "verifier.db")
    url: str = request.getfixturevalue("server")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS mfalab CASCADE")
        connection.execute("DROP TABLE IF EXISTS used")
    return url


@pytest.fixture
def store(place: str) -> Iterator[Store]:
    with open_store(place) as store:
        with store.transaction() as tx:
            tx.insert(Account("1", "aws", None, "root@example.com", None, True, 0))
            tx.insert(Device("d", DeviceKind.VIRTUAL, "serial", "1", "n", "/", 0, SEED))
        yield store


@pytest.fixture
def bare(place: str) -> Iterator[Callable[[], None]]:
    """A transaction that writes one integer, durably, by the driver alone."""
    steps = itertools.count()
    create = "CREATE TABLE used (step INTEGER PRIMARY KEY)"
    if "://" in place:
        with psycopg.connect(place, autocommit=True) as server:
            server.execute(create)

            def insert() -> None:
                server.execute("BEGIN")
                server.execute("INSERT INTO used VALUES (%s)", (next(steps),))
                server.execute("COMMIT")

            yield insert
        return
    with closing(sqlite3.connect(place, isolation_level=None)) as file:
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("PRAGMA synchronous = FULL")
        file.execute(create)

        def write() -> None:
            file.execute("BEGIN IMMEDIATE")
            file.execute("INSERT INTO used VALUES (?)", (next(steps),))
            file.execute("COMMIT")

        yield write


def test_bare_transaction(benchmark: Any, bare: Callable[[], None]) -> None:
    benchmark.extra_info["role"] = "limit"
    benchmark.pedantic(bare, rounds=ROUNDS, warmup_rounds=10)


def test_bare_transactions_one_after_another(
    benchmark: Any, bare: Callable[[], None], place: str
) -> None:
    """As many as there are decisions of 64 callers."""
    benchmark.group += f", {CALLERS * EACH} at a time"
    benchmark.extra_info["role"] = "limit"

    def all_of_them() -> None:
        for _ in range(CALLERS * EACH):
            bare()

    benchmark.pedantic(all_of_them, rounds=5, warmup_rounds=1)


def test_transaction_with_one_record(benchmark: Any, store: Store) -> None:
    steps = itertools.count()

    def insert() -> None:
        with store.transaction() as tx:
            tx.insert(UsedCode("d", next(steps)))

    benchmark.pedantic(insert, rounds=ROUNDS, warmup_rounds=10)


def test_durable_decision(decide_codes: Any, store: Store) -> None:
    """An accepted code: reads the device and its budget, writes budget, used code and device."""
    outcome = decide_codes(store, SEED, FIRST_STEP, rounds=ROUNDS, warmup_rounds=10)
    assert outcome is Outcome.ACCEPTED


def test_64_callers(benchmark: Any, store: Store) -> None:
    """Each decides on codes of a device of its own; a round is the decisions of all."""
    benchmark.group += f", {CALLERS * EACH} at a time"
    with store.transaction() as tx:
        for number in range(CALLERS):
            name = f"{number:02}"
            device = Device(name, DeviceKind.VIRTUAL, name, "1", name, "/", 0, SEED)
            tx.insert(device)
    steps = itertools.count(FIRST_STEP, EACH)
    refused: list[Outcome] = []

    def call(name: str, first: int, codes: list[str]) -> None:
        for step, code in enumerate(codes, first):
            now_ns = step * 30 * 10**9
            with store.transaction() as tx:
                device = tx.get(Device, name)
                assert device is not None
                outcome = verify_code(
                    tx, device, code, now_ns=now_ns, profile=AWS_IMMEDIATE, operation="Bench"
                ).outcome
            if outcome is not Outcome.ACCEPTED:
                refused.append(outcome)

    def prepare() -> tuple[tuple[list[threading.Thread]], dict[str, object]]:
        first = next(steps)
        codes = [otp.hotp(SEED, first + number) for number in range(EACH)]
        names = [f"{number:02}" for number in range(CALLERS)]
        return ([threading.Thread(target=call, args=(name, first, codes)) for name in names],), {}

    def meet(threads: list[threading.Thread]) -> None:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    benchmark.pedantic(meet, setup=prepare, rounds=10, warmup_rounds=1)
    assert refused == []
    rate = CALLERS * EACH / benchmark.stats.stats.median
    benchmark.extra_info["figures"] = {"decisions per second": round(rate)}
