"""What SQLite promises beyond the contract of stores."""

import os
import re
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from mfalab.verifier.records import (
    RECORD_TYPES,
    Account,
    Binding,
    Budget,
    CredentialReport,
    Device,
    UsedCode,
)
from mfalab.verifier.store.protocol import StoreUnusable
from mfalab.verifier.store.rows import SCHEMA_VERSION, schema, table_name
from mfalab.verifier.store.sqlite import SqliteStore, _write_ahead

# The schema


def columns_of(connection: sqlite3.Connection, table: str) -> list[tuple[str, str, bool, int]]:
    """Name, type, whether it may be null, and place in the primary key."""
    return [
        (name, kind, not notnull, place)
        for _, name, kind, notnull, _, place in connection.execute(f"PRAGMA table_info({table})")
    ]


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    path = tmp_path / "empty.db"
    SqliteStore(path).close()
    connection = sqlite3.connect(path)
    yield connection
    connection.close()


@pytest.mark.parametrize("record_type", RECORD_TYPES, ids=lambda each: each.__name__)
def test_columns_are_the_records_fields(empty: sqlite3.Connection, record_type: Any) -> None:
    columns = columns_of(empty, table_name(record_type))
    assert [name for name, *_ in columns] == [field.name for field in fields(record_type)]
    key = sorted((place, name) for name, *_, place in columns if place)
    assert tuple(name for _, name in key) == record_type.KEY
    for field, (_, kind, nullable, _) in zip(fields(record_type), columns, strict=True):
        assert nullable == ("None" in str(field.type))
        plain = str(field.type).removesuffix(" | None")
        storage = {"<class 'int'>": "INTEGER", "<class 'bool'>": "INTEGER"}
        storage |= {"int": "INTEGER", "bool": "INTEGER", "<class 'bytes'>": "BLOB"}
        assert kind == storage.get(plain, "TEXT")


@pytest.mark.parametrize("record_type", RECORD_TYPES, ids=lambda each: each.__name__)
def test_every_group_that_is_looked_up_has_an_index(
    empty: sqlite3.Connection, record_type: Any
) -> None:
    table = table_name(record_type)
    groups = [record_type.KEY]
    unique = []
    for _, name, is_unique, _, _ in empty.execute(f"PRAGMA index_list({table})").fetchall():
        group = tuple(row[2] for row in empty.execute(f"PRAGMA index_info({name})"))
        groups.append(group)
        if is_unique:
            unique.append(group)
    for wanted in record_type.INDEXES:
        assert any(group[: len(wanted)] == wanted for group in groups)
    for wanted in record_type.UNIQUE:
        assert wanted in unique


def test_there_are_no_other_tables(empty: sqlite3.Connection) -> None:
    names = {name for (name,) in empty.execute("SELECT name FROM sqlite_schema WHERE type='table'")}
    assert names == {table_name(record_type) for record_type in RECORD_TYPES}
    assert len(re.findall("CREATE TABLE", schema())) == len(names)


def test_reading_by_a_listed_group_scans_no_table(empty: sqlite3.Connection) -> None:
    for query in (
        "SELECT id FROM device WHERE serial IS ? ORDER BY id",
        "SELECT id FROM device WHERE owner_id IS ? ORDER BY id",
        "SELECT id FROM identity WHERE account_id IS ? ORDER BY id",
    ):
        plan = " ".join(row[3] for row in empty.execute(f"EXPLAIN QUERY PLAN {query}", ("x",)))
        assert "SEARCH" in plan
        assert "SCAN" not in plan


# Only SQLite


def test_records_are_there_when_the_file_is_opened_again(
    tmp_path: Path, one_of_each: list[Any]
) -> None:
    path = tmp_path / "verifier.db"
    with SqliteStore(path) as store, store.transaction() as tx:
        for record in one_of_each:
            tx.insert(record)
    with SqliteStore(str(path)) as store, store.transaction() as tx:
        for record in one_of_each:
            assert tx.find(type(record)) == [record]


def test_commits_reach_the_disk_through_a_write_ahead_log(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "verifier.db") as store:
        connection = store._connection
        assert connection is not None
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)


def test_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "verifier.db"
    with SqliteStore(path) as store, store.transaction() as tx:
        tx.insert(Budget("s"))
        modes = {stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()}
    assert modes == {0o600}


@pytest.mark.parametrize(
    "half_made",
    [
        lambda device: replace(device, enabled_ns=None),
        lambda device: replace(device, owner_id=None),
        lambda device: replace(device, owner_id="AIDA9"),
        lambda device: replace(device, deleted_ns=99),
        lambda _: Binding("d9", 1, "serial-9", "AIDA1"),
        lambda _: UsedCode("d9", 1),
    ],
    ids=[
        "owned, not enabled",
        "enabled, not owned",
        "owner unknown",
        "deleted, still owned",
        "binding without a device",
        "code without a device",
    ],
)
def test_half_made_device_is_refused_by_the_schema(
    tmp_path: Path,
    one_of_each: list[Any],
    device: Device,
    half_made: Callable[[Device], object],
) -> None:
    with SqliteStore(tmp_path / "verifier.db") as store:
        with store.transaction() as tx:
            for record in one_of_each:
                tx.insert(record)
        with pytest.raises(sqlite3.IntegrityError), store.transaction() as tx:
            tx.update(half_made(device))
        with store.transaction() as tx:
            assert tx.get(Device, "d1") == device


def test_file_of_something_else_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.db"
    text.write_text("not a database, but long enough to have its header" * 9)
    with pytest.raises(StoreUnusable, match="not a database"):
        SqliteStore(text)
    foreign = tmp_path / "foreign.db"
    connection = sqlite3.connect(foreign)
    connection.execute("CREATE TABLE poem (line TEXT)")
    connection.close()
    before = foreign.read_bytes()
    with pytest.raises(StoreUnusable, match="something else"):
        SqliteStore(foreign)
    assert foreign.read_bytes() == before


@pytest.mark.parametrize("place", ["missing/verifier.db", "."])
def test_place_where_no_file_can_be_is_refused(tmp_path: Path, place: str) -> None:
    with pytest.raises(StoreUnusable, match=re.escape(str(tmp_path))):
        SqliteStore(tmp_path / place)


@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, 999])
def test_file_of_another_version_is_refused_and_left_alone(tmp_path: Path, version: int) -> None:
    path = tmp_path / "verifier.db"
    SqliteStore(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    with pytest.raises(StoreUnusable, match=f"version {version}.*version {SCHEMA_VERSION}"):
        SqliteStore(path)


def test_nothing_is_acknowledged_in_a_file_that_has_lost_its_name(tmp_path: Path) -> None:
    """SQLite would write on, and nothing of it could be found again."""
    path, away = tmp_path / "verifier.db", tmp_path / "away.db"

    def budgets() -> list[str]:
        with store.transaction() as tx:
            return [budget.serial for budget in tx.find(Budget)]

    with SqliteStore(path) as store:
        with store.transaction() as tx:
            tx.insert(Budget("s"))
        path.rename(away)
        with pytest.raises(StoreUnusable, match="there no more: No such file"):
            budgets()
        path.touch()
        with pytest.raises(StoreUnusable, match="another file has its name"):
            budgets()
        away.rename(path)
        assert budgets() == ["s"]


def test_name_that_looks_like_a_url_is_a_file_for_its_owner_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    SqliteStore("file:verifier.db?mode=rwc").close()
    (made,) = tmp_path.iterdir()
    assert made.name == "file:verifier.db?mode=rwc"
    assert made.stat().st_mode & 0o777 == 0o600
    assert made.stat().st_size > 0


def test_file_held_by_another_for_too_long_is_an_error_and_then_usable(tmp_path: Path) -> None:
    path = tmp_path / "verifier.db"
    with SqliteStore(path, busy_timeout_ms=1) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnusable, match="another process"), store.transaction():
            pass
        other.execute("ROLLBACK")
        other.close()
        with store.transaction() as tx:
            tx.insert(Budget("s"))


def test_file_is_looked_at_again_within_milliseconds(tmp_path: Path) -> None:
    """A neighbour that is busy leaves it for moments only; SQLite's own pauses miss them."""
    path = tmp_path / "verifier.db"
    tries: list[str] = []
    with SqliteStore(path, busy_timeout_ms=60_000) as store:
        assert store._connection is not None
        assert store._connection.execute("PRAGMA busy_timeout").fetchone() == (3,)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")

            def let_go(statement: str) -> None:
                tries.append(statement)
                if len(tries) == 4:
                    other.execute("ROLLBACK")

            store._connection.set_trace_callback(let_go)
            with store.transaction() as tx:
                tx.insert(Budget("s"))
    assert tries[:4] == ["BEGIN IMMEDIATE"] * 4


@pytest.fixture
def full(tmp_path: Path) -> Iterator[SqliteStore]:
    """A store on a disk that has room for small records only."""
    with SqliteStore(tmp_path / "verifier.db") as store:
        with store.transaction() as tx:
            tx.insert(Account("1", "aws", None, "root@example.com", None, True, 5))
        assert store._connection is not None
        (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
        store._connection.execute(f"PRAGMA max_page_count = {pages}")
        yield store


LONG_REPORT = CredentialReport("1", "x" * 1_000_000, 0, 0)


def test_full_disk_undoes_the_transaction_and_says_so(full: SqliteStore) -> None:
    def write() -> None:
        with full.transaction() as tx:
            tx.insert(Budget("before"))
            tx.insert(LONG_REPORT)

    with pytest.raises(StoreUnusable, match="full"):
        write()
    with full.transaction() as tx:
        assert tx.find(Budget) == []


def test_caught_failure_of_the_disk_still_fails_the_transaction(full: SqliteStore) -> None:
    """SQLite may roll back by itself; what is written after that would be half a transaction."""

    def write() -> None:
        with full.transaction() as tx:
            tx.insert(Budget("before"))
            with pytest.raises(StoreUnusable):
                tx.insert(LONG_REPORT)
            with pytest.raises(StoreUnusable):
                tx.insert(Budget("after"))

    with pytest.raises(StoreUnusable, match="full"):
        write()
    with full.transaction() as tx:
        assert tx.find(Budget) == []


def test_store_does_not_survive_a_fork(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with SqliteStore(tmp_path / "verifier.db") as store:
        with monkeypatch.context() as child:
            child.setattr(os, "getpid", lambda: -1)
            with pytest.raises(StoreUnusable, match="fork"), store.transaction():
                pass
        with store.transaction() as tx:
            tx.insert(Budget("s"))


OPENER = """
import sys
from mfalab.verifier.records import Budget
from mfalab.verifier.store.sqlite import SqliteStore

print("ready", flush=True)
sys.stdin.readline()
with SqliteStore(sys.argv[1]) as store, store.transaction() as tx:
    budget = tx.get(Budget, "s") or Budget("s")
    tx.update(Budget("s", attempts=budget.attempts + 1))
"""


def test_opening_waits_though_sqlite_does_not_when_the_journal_is_changed(
    tmp_path: Path,
) -> None:
    """Of six processes that met at a new file, one in fifty times one was told it was locked."""

    class Crowd(sqlite3.Connection):
        failures = 0

        def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
            if "journal_mode = WAL" in statement and self.failures < 3:
                self.failures += 1
                error = sqlite3.OperationalError("database is locked")
                error.sqlite_errorname = "SQLITE_BUSY"
                raise error
            return super().execute(statement, *values)

    connection = sqlite3.connect(tmp_path / "new.db", isolation_level=None, factory=Crowd)
    assert _write_ahead(connection) == "wal"
    assert not connection.in_transaction
    connection.close()


@pytest.mark.slow
def test_new_file_may_be_opened_by_several_processes_at_once(tmp_path: Path) -> None:
    path = tmp_path / "verifier.db"
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", OPENER, str(path)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            )
            for _ in range(4)
        ]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.close()
    assert [process.returncode for process in processes] == [0] * 4
    with SqliteStore(path) as store, store.transaction() as tx:
        assert tx.get(Budget, "s") == Budget("s", attempts=4)
