"""What both stores promise, and what SQLite promises beyond that."""

import os
import re
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from mfalab.verifier.records import (
    RECORD_TYPES,
    AccessKey,
    Account,
    Binding,
    Budget,
    Ceremony,
    CredentialRecord,
    CredentialReport,
    Device,
    DeviceKind,
    Identity,
    MovingFactor,
    Recovery,
    RecoveryState,
    Role,
    Session,
    SessionKind,
    SignIn,
    SmsChallenge,
    UsedCode,
    WebAuthnChallenge,
)
from mfalab.verifier.store import (
    Conflict,
    MemoryStore,
    SqliteStore,
    Store,
    StoreUnusable,
    TransactionError,
)
from mfalab.verifier.store.sqlite import SCHEMA_VERSION, _write_ahead, schema, table_name

ACCOUNT = Account("1", "aws", None, "root@example.com", "+1", True, 5)
ALICE = Identity("AIDA1", "1", "Alice", "alice", "/", False, True, None, 7)
DEVICE = Device(
    "d1",
    DeviceKind.HARDWARE,
    "serial-1",
    "1",
    "n",
    "/",
    9,
    secret=bytes(range(40)),
    moving_factor=MovingFactor.EVENT,
    tags=(("team", "red"), ("é", "")),
    owner_id="AIDA1",
    enabled_ns=11,
    offset_steps=-3,
)
ONE_OF_EACH: list[Any] = [
    ACCOUNT,
    ALICE,
    AccessKey("AKIA1", "secret", "AIDA1", True, 13),
    Role("AROA1", "1", "Ops", "ops", "/", ("arn:a", "arn:b"), True, None, 3600, 17),
    DEVICE,
    UsedCode("d1", 2**40),
    Budget("serial-1", 4, 9, 2, 2**62),
    Binding("d1", 19, "serial-1", "AIDA1", None),
    Session("ASIA1", "s", "t", SessionKind.ROLE, "AIDA1", "AROA1", "name", 1, 2, None, None),
    SignIn("page", "AIDA1", 23, 1, DeviceKind.SMS, True),
    SmsChallenge("d1", "012345", 29, 1, False),
    CredentialRecord(
        "d1",
        b"\x00\xff",
        b"\xa1",
        2**32 - 1,
        bytes(16),
        ("nfc", "usb"),
        True,
        False,
        True,
        "packed",
        (("FIDO", "L1"),),
        cloned_ns=43,
    ),
    WebAuthnChallenge("AA_-", Ceremony.REGISTRATION, "AIDA1", "ASIA1", "key", 47, True),
    Recovery("r", "1", RecoveryState.CALLED, "mail", 31, "012345", 37, 1),
    CredentialReport("1", "user,arn\r\n", 41),
]


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
        return
    with SqliteStore(tmp_path / "verifier.db") as sqlite:
        yield sqlite


@pytest.fixture
def filled(store: Store) -> Store:
    with store.transaction() as tx:
        for record in ONE_OF_EACH:
            tx.insert(record)
    return store


def key_of(record: Any) -> tuple[object, ...]:
    return tuple(getattr(record, name) for name in record.KEY)


# Both stores


def test_list_of_records_here_has_one_of_each() -> None:
    assert tuple(type(record) for record in ONE_OF_EACH) == RECORD_TYPES


@pytest.mark.parametrize("record", ONE_OF_EACH, ids=lambda record: type(record).__name__)
def test_record_comes_back_as_it_went_in(filled: Store, record: Any) -> None:
    with filled.transaction() as tx:
        found = tx.get(type(record), *key_of(record))
        assert found == record
        for field in fields(record):
            assert type(getattr(found, field.name)) is type(getattr(record, field.name))
        assert tx.find(type(record)) == [record]
        everything = {field.name: getattr(record, field.name) for field in fields(record)}
        assert tx.find(type(record), **everything) == [record]


@pytest.mark.parametrize("record", ONE_OF_EACH, ids=lambda record: type(record).__name__)
def test_second_record_with_a_key_is_a_conflict(filled: Store, record: Any) -> None:
    with filled.transaction() as tx:
        with pytest.raises(Conflict) as caught:
            tx.insert(record)
        assert caught.value.args == (type(record).__name__, key_of(record))
        tx.update(record)
        assert tx.find(type(record)) == [record]


def test_update_writes_over_or_adds_and_delete_removes_or_does_nothing(store: Store) -> None:
    with store.transaction() as tx:
        tx.update(Budget("s", 1))
        tx.update(Budget("s", 2))
        assert tx.get(Budget, "s") == Budget("s", 2)
        tx.delete(Budget("s"))
        tx.delete(Budget("s"))
        assert tx.get(Budget, "s") is None


def test_find_compares_none_and_enumerations_and_orders_by_key(filled: Store) -> None:
    others = [replace(DEVICE, id=f"d{n}", serial=f"s{n}") for n in (30, 2, 10)]
    free = replace(DEVICE, id="d0", serial="s0", owner_id=None, enabled_ns=None)
    with filled.transaction() as tx:
        for device in (*others, free):
            tx.insert(device)
        owned = tx.find(Device, owner_id="AIDA1", kind=DeviceKind.HARDWARE)
        assert [device.id for device in owned] == ["d1", "d10", "d2", "d30"]
        assert tx.find(Device, owner_id=None) == [free]
        assert tx.find(Device, kind=DeviceKind.FIDO) == []


def test_find_by_an_unknown_field_is_an_error(store: Store) -> None:
    with store.transaction() as tx, pytest.raises(AttributeError, match="owner"):
        tx.find(Device, owner="AIDA1")


def test_two_live_devices_with_one_serial_are_a_conflict(filled: Store) -> None:
    second = replace(DEVICE, id="d2", owner_id=None, enabled_ns=None)
    with filled.transaction() as tx:
        with pytest.raises(Conflict):
            tx.insert(second)
        with pytest.raises(Conflict):
            tx.update(second)
        assert tx.get(Device, "d2") is None
        tx.update(replace(DEVICE, owner_id=None, enabled_ns=None, deleted_ns=50))
        tx.insert(second)
        third = replace(second, id="d3")
        tx.insert(replace(third, deleted_ns=60))
        with pytest.raises(Conflict):
            tx.update(third)
        found = tx.find(Device, serial="serial-1")
    assert [(device.id, device.deleted_ns) for device in found] == [
        ("d1", 50),
        ("d2", None),
        ("d3", 60),
    ]


def test_two_users_or_roles_of_one_name_are_a_conflict(filled: Store) -> None:
    with filled.transaction() as tx:
        with pytest.raises(Conflict):
            tx.insert(replace(ALICE, id="AIDA2"))
        tx.insert(replace(ALICE, id="AIDA3", name_key="other"))


def test_failed_transaction_leaves_nothing(filled: Store) -> None:
    def fail() -> None:
        with filled.transaction() as tx:
            tx.update(Budget("serial-1", 99))
            tx.update(Budget("serial-1", 100))
            tx.delete(UsedCode("d1", 2**40))
            tx.insert(UsedCode("d1", 7))
            tx.insert(Budget("another"))
            raise KeyError("half way")

    with pytest.raises(KeyError):
        fail()
    with filled.transaction() as tx:
        assert tx.find(UsedCode) == [UsedCode("d1", 2**40)]
        assert tx.find(Budget) == [Budget("serial-1", 4, 9, 2, 2**62)]
        assert tx.find(Device, serial="serial-1") == [DEVICE]


def test_caught_conflict_keeps_what_was_written_before(filled: Store) -> None:
    with filled.transaction() as tx:
        tx.insert(UsedCode("d1", 1))
        with pytest.raises(Conflict):
            tx.insert(UsedCode("d1", 1))
        tx.insert(UsedCode("d1", 2))
    with filled.transaction() as tx:
        assert len(tx.find(UsedCode)) == 3


def test_transaction_inside_a_transaction_is_an_error_and_no_deadlock(store: Store) -> None:
    def nest() -> None:
        with store.transaction() as tx:
            tx.insert(Budget("s"))
            with store.transaction():
                pass

    with pytest.raises(TransactionError, match="inside another"):
        nest()
    with store.transaction() as tx:
        assert tx.find(Budget) == []


def test_transaction_is_not_usable_after_its_end(store: Store) -> None:
    with store.transaction() as tx:
        tx.insert(Budget("s"))
    with pytest.raises(TransactionError, match="after its end"):
        tx.insert(Budget("t"))
    with pytest.raises(TransactionError, match="after its end"):
        tx.get(Budget, "s")


def test_increments_by_threads_are_not_lost(store: Store) -> None:
    def add() -> None:
        for _ in range(25):
            with store.transaction() as tx:
                budget = tx.get(Budget, "s") or Budget("s")
                tx.update(replace(budget, attempts=budget.attempts + 1))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.transaction() as tx:
        assert tx.get(Budget, "s") == Budget("s", attempts=100)


@pytest.mark.parametrize(
    "error",
    [
        Conflict("Device", ("d1",)),
        TransactionError("this was done", "do that"),
        StoreUnusable("a.db", "it is full", "Make room"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_can_be_made_again_from_their_arguments(error: Exception) -> None:
    again = type(error)(*error.args)
    assert str(again) == str(error)
    assert len(str(error)) > 15


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
    for wanted in getattr(record_type, "UNIQUE", ()):
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


def test_records_are_there_when_the_file_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "verifier.db"
    with SqliteStore(path) as store, store.transaction() as tx:
        for record in ONE_OF_EACH:
            tx.insert(record)
    with SqliteStore(str(path)) as store, store.transaction() as tx:
        for record in ONE_OF_EACH:
            assert tx.get(type(record), *key_of(record)) == record


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
        replace(DEVICE, enabled_ns=None),
        replace(DEVICE, owner_id=None),
        replace(DEVICE, owner_id="AIDA9"),
        replace(DEVICE, deleted_ns=99),
        Binding("d9", 1, "serial-9", "AIDA1"),
        UsedCode("d9", 1),
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
def test_half_made_device_is_refused_by_the_schema(tmp_path: Path, half_made: object) -> None:
    with SqliteStore(tmp_path / "verifier.db") as store:
        with store.transaction() as tx:
            for record in ONE_OF_EACH:
                tx.insert(record)
        with pytest.raises(sqlite3.IntegrityError), store.transaction() as tx:
            tx.update(half_made)
        with store.transaction() as tx:
            assert tx.get(Device, "d1") == DEVICE


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


@pytest.fixture
def full(tmp_path: Path) -> Iterator[SqliteStore]:
    """A store on a disk that has room for small records only."""
    with SqliteStore(tmp_path / "verifier.db") as store:
        with store.transaction() as tx:
            tx.insert(ACCOUNT)
        assert store._connection is not None
        (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
        store._connection.execute(f"PRAGMA max_page_count = {pages}")
        yield store


LONG_REPORT = CredentialReport("1", "x" * 1_000_000, 0)


def test_full_disk_undoes_the_transaction_and_says_so(full: SqliteStore) -> None:
    def write() -> None:
        with full.transaction() as tx:
            tx.insert(Budget("before"))
            tx.insert(LONG_REPORT)

    with pytest.raises(StoreUnusable, match="full"):
        write()
    with full.transaction() as tx:
        assert tx.find(Budget) == []


def test_caught_failure_of_the_disk_fails_the_transaction_all_the_same(full: SqliteStore) -> None:
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


def test_closed_store_says_so_and_may_be_closed_again(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "verifier.db")
    store.close()
    store.close()
    with pytest.raises(StoreUnusable, match="closed"), store.transaction():
        pass


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
from mfalab.verifier.store import SqliteStore

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
