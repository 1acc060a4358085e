"""What PostgreSQL promises beyond the contract of stores."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import fields, replace
from typing import Any

import psycopg
import pytest

from mfalab.verifier.records import (
    RECORD_TYPES,
    Account,
    Binding,
    Budget,
    Device,
    DeviceKind,
    UsedCode,
)
from mfalab.verifier.store.postgresql import PostgresqlStore, _Line
from mfalab.verifier.store.protocol import StoreUnusable
from mfalab.verifier.store.rows import SCHEMA_VERSION, table_name


@pytest.fixture
def url(postgresql: Any) -> str:
    """Of an empty database."""
    return str(postgresql.database("verifier"))


@pytest.fixture
def opened(url: str) -> Iterator[PostgresqlStore]:
    with PostgresqlStore(url) as store:
        yield store


def rows_of(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query)
        return cursor.fetchall() if cursor.description else []


def budgets(store: PostgresqlStore) -> list[str]:
    with store.transaction() as tx:
        return [budget.serial for budget in tx.find(Budget)]


# The schema


@pytest.mark.usefixtures("opened")
def test_tables_are_the_records(url: str) -> None:
    found: dict[str, list[tuple[str, str, str]]] = {}
    for table, *column in rows_of(
        url,
        "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns "
        "WHERE table_schema = 'mfalab' ORDER BY ordinal_position",
    ):
        found.setdefault(table, []).append((column[0], column[1], column[2]))
    assert found.pop("schema_version") == [("version", "bigint", "NO")]
    assert set(found) == {table_name(record_type) for record_type in RECORD_TYPES}
    kinds = {"int": "bigint", "bool": "bigint", "bytes": "bytea"}
    for record_type in RECORD_TYPES:
        columns = found[table_name(record_type)]
        assert [name for name, *_ in columns] == [field.name for field in fields(record_type)]
        for field, (_, kind, nullable) in zip(fields(record_type), columns, strict=True):
            words = re.findall(r"\w+", str(field.type).replace("<class", ""))
            assert kind == kinds.get(words[0], "text")
            assert nullable == ("YES" if "None" in words else "NO")


@pytest.mark.usefixtures("opened")
def test_every_group_that_is_looked_up_has_an_index(url: str) -> None:
    query = "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'mfalab'"
    groups: dict[str, list[tuple[str, ...]]] = {}
    unique: dict[str, list[tuple[str, ...]]] = {}
    for table, definition in rows_of(url, query):
        _, _, rest = definition.partition(" USING btree (")
        listed, _, where = rest.partition(")")
        group = tuple(name.strip('" ') for name in listed.split(","))
        groups.setdefault(table, []).append(group)
        if definition.startswith("CREATE UNIQUE"):
            unique.setdefault(table, []).append((*group, where.strip()))
    for record_type in RECORD_TYPES:
        table, live = table_name(record_type), record_type.LIVE_WHILE_NONE
        assert (*record_type.KEY, "") in unique[table]
        for wanted in record_type.INDEXES:
            assert any(group[: len(wanted)] == wanted for group in groups[table])
        for wanted in record_type.UNIQUE:
            assert (*wanted, f"WHERE ({live} IS NULL)" if live else "") in unique[table]


@pytest.mark.parametrize(
    "half_made",
    [
        lambda device: replace(device, enabled_ns=None),
        lambda device: replace(device, owner_id="AIDA9"),
        lambda device: replace(device, deleted_ns=99),
        lambda device: replace(device, algorithm="MD5"),
        lambda _: Binding("d9", 1, "serial-9", "AIDA1"),
        lambda _: UsedCode("d9", 1),
    ],
)
def test_half_made_device_is_refused_by_the_schema(
    opened: PostgresqlStore,
    one_of_each: list[Any],
    device: Device,
    half_made: Callable[[Device], object],
) -> None:
    with opened.transaction() as tx:
        for record in one_of_each:
            tx.insert(record)

    def go_on(name: str) -> None:
        with opened.transaction() as tx:
            tx.insert(Budget(name))
            with suppress(psycopg.IntegrityError, StoreUnusable):
                tx.update(half_made(device))

    with pytest.raises(StoreUnusable, match="constraint"):
        go_on("before")
    with opened.together():
        with opened.transaction() as tx:
            tx.insert(Budget("good"))
        with pytest.raises(StoreUnusable, match="constraint"):
            go_on("before, too")
    with opened.transaction() as tx:
        assert tx.get(Device, "d1") == device
        assert [budget.serial for budget in tx.find(Budget)] == ["good", "serial-1"]


# The place


def test_records_are_there_when_the_database_is_opened_again(
    url: str, one_of_each: list[Any]
) -> None:
    with PostgresqlStore(url) as store, store.transaction() as tx:
        for record in one_of_each:
            tx.insert(record)
    with PostgresqlStore(url) as store, store.transaction() as tx:
        for record in one_of_each:
            assert tx.find(type(record)) == [record]


def test_password_is_in_no_error(postgresql: Any) -> None:
    known = postgresql.url
    password = known.split(":")[2].partition("@")[0]
    wrong = known.replace("/postgres", "/missing")
    for each in (wrong, f"{wrong}?password={password}", known.replace(":", "+", 1) + "\0"):
        with pytest.raises(StoreUnusable) as caught:
            PostgresqlStore(each)
        assert password not in f"{caught.value} {caught.value.__cause__} {caught.value.args}"
    with pytest.raises(StoreUnusable, match="password authentication failed"):
        PostgresqlStore(known.replace(password, "wrong"))
    with PostgresqlStore(known) as store:
        store._closed = True
        store._drop()
        with pytest.raises(StoreUnusable) as caught, store.transaction():
            pass
        assert password not in str(caught.value)


@pytest.mark.parametrize(
    "place",
    [
        "postgresql://",
        "postgresql://[",
        "postgresql://h:port/x",
        "postgresql://h/x?colour=red",
        "postgresql://127.0.0.1:1/x",
        "postgresql:///x?host=/nowhere",
        "postgresql://h\0/x",
    ],
)
def test_place_that_is_none_is_one_error(place: str) -> None:
    with pytest.raises(StoreUnusable) as caught:
        PostgresqlStore(place)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, 0])
def test_database_of_another_version_is_refused_and_left_alone(url: str, version: int) -> None:
    PostgresqlStore(url).close()
    rows_of(url, f"UPDATE mfalab.schema_version SET version = {version}")
    with pytest.raises(StoreUnusable, match=f"version {version}.*version {SCHEMA_VERSION}"):
        PostgresqlStore(url)


def test_schema_of_something_else_is_refused_and_its_neighbours_are_left_alone(url: str) -> None:
    rows_of(url, "CREATE TABLE public.poem (line text); CREATE SCHEMA mfalab")
    PostgresqlStore(url).close()
    assert rows_of(url, "SELECT * FROM public.poem") == []
    rows_of(url, "DROP SCHEMA mfalab CASCADE; CREATE SCHEMA mfalab; CREATE TABLE mfalab.poem ()")
    with pytest.raises(StoreUnusable, match="something else"):
        PostgresqlStore(url)
    assert rows_of(url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'mfalab'") == [(1,)]


def test_database_whose_text_is_not_unicode_is_refused(postgresql: Any, url: str) -> None:
    rows_of(
        url,
        "DROP DATABASE IF EXISTS latin",
    )
    rows_of(url, "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    with pytest.raises(StoreUnusable, match="encoding is LATIN1"):
        PostgresqlStore(url.replace("/verifier?", "/latin?"))


def test_user_who_may_not_make_a_schema_is_told(postgresql: Any, url: str) -> None:
    rows_of(url, "DROP ROLE IF EXISTS guest")
    rows_of(url, "CREATE ROLE guest LOGIN")
    with pytest.raises(StoreUnusable, match=r"permission denied.*Let its user make a schema"):
        PostgresqlStore(url.replace("//mfalab@", "//guest@"))


def test_changed_tables_are_told_when_they_are_used(opened: PostgresqlStore, url: str) -> None:
    rows_of(url, "ALTER TABLE mfalab.budget DROP COLUMN attempts")
    rows_of(url, "UPDATE mfalab.schema_version SET version = version")
    for _ in range(2):
        with pytest.raises(StoreUnusable, match="attempts"):
            budgets(opened)
    with opened.transaction() as tx:
        assert tx.find(Device) == []


def test_row_that_is_no_record_is_told(opened: PostgresqlStore, device: Device, url: str) -> None:
    free = replace(device, owner_id=None, enabled_ns=None, account_id=None)
    with opened.transaction() as tx:
        tx.insert(free)
    rows_of(url, "UPDATE mfalab.device SET kind = 'laser'")
    with pytest.raises(StoreUnusable, match="a row that is no Device"), opened.transaction() as tx:
        tx.get(Device, "d1")


def test_commits_wait_for_the_disk_whatever_the_database_says(url: str) -> None:
    for said, wanted in (("off", "on"), ("local", "local")):
        rows_of(url, f"ALTER DATABASE verifier SET synchronous_commit = {said}")
        with PostgresqlStore(url) as store, store.transaction():
            assert store._line is not None
            assert store._line.ask("SHOW synchronous_commit") == [(wanted,)]


# Others, and the server's end


def test_database_held_by_another_for_too_long_is_an_error_and_then_usable(url: str) -> None:
    with PostgresqlStore(url, busy_timeout_ms=1) as store, PostgresqlStore(url) as other:
        with (
            other.transaction(),
            pytest.raises(StoreUnusable, match="another process"),
            store.transaction(),
        ):
            pass
        with store.transaction() as tx:
            tx.insert(Budget("s"))
        assert budgets(other) == ["s"]


def test_lost_connection_fails_what_is_under_way_and_the_next_one_connects(
    opened: PostgresqlStore, url: str
) -> None:
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mfalab'"

    def cut_short() -> None:
        with opened.transaction() as tx:
            tx.insert(Budget("lost"))
            rows_of(url, end)
            tx.insert(Budget("lost, too"))

    def cut_before_commit() -> None:
        with opened.transaction() as tx:
            tx.insert(Budget("lost"))
            rows_of(url, end)

    with opened.transaction() as tx:
        tx.insert(Budget("acknowledged"))
    for cut in (cut_short, cut_before_commit):
        with pytest.raises(StoreUnusable, match="what was acknowledged is not lost"):
            cut()
        assert budgets(opened) == ["acknowledged"]
    rows_of(url, end)  # while no transaction is open
    assert budgets(opened) == ["acknowledged"]


@pytest.mark.parametrize("word", ["stop", "kill"])
def test_server_that_is_gone_is_told_and_comes_back_with_all_that_was_acknowledged(
    postgresql: Any, opened: PostgresqlStore, word: str
) -> None:
    with opened.transaction() as tx:
        tx.insert(Budget("acknowledged"))

    def go_on() -> None:
        with opened.transaction() as tx:
            tx.insert(Budget("lost"))
            postgresql.do(word)

    try:
        with pytest.raises(StoreUnusable, match="Start the server"):
            go_on()
        for _ in range(2):
            with pytest.raises(StoreUnusable, match="Start the server"):
                budgets(opened)
    finally:
        postgresql.do("start")
    assert budgets(opened) == ["acknowledged"]


def test_decision_waits_for_what_it_reads_and_not_for_what_it_writes(
    opened: PostgresqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three journeys to the server for each, and a few statements for the writes of all."""
    said: Counter[str] = Counter()

    def counted(name: str) -> Callable[..., Any]:
        act = getattr(_Line, name)

        def counting(*given: Any, **named: Any) -> Any:
            said[name] += 1
            return act(*given, **named)

        return counting

    with opened.transaction() as tx:
        tx.insert(Account("1", "aws", None, "root@example.com", None, True, 0))
        for number in range(256):
            name = f"d{number}"
            tx.insert(Device(name, DeviceKind.VIRTUAL, name, "1", name, "/", 0, b"seed"))

    for name in ("put", "ask", "settle"):
        monkeypatch.setattr(_Line, name, counted(name))
    for step, callers in enumerate((8, 64, 256)):
        said.clear()
        with opened.together():
            for number in range(callers):
                with opened.transaction() as tx:
                    device = tx.get(Device, f"d{number}")
                    assert device is not None
                    budget = tx.get(Budget, device.serial) or Budget(device.serial)
                    assert tx.get(UsedCode, device.id, step) is None
                    tx.update(replace(budget, attempts=budget.attempts + 1))
                    tx.insert(UsedCode(device.id, step))
                    tx.update(replace(device, high_water_step=step))
        assert said["ask"] == 3 * callers + 1  # and the lock
        assert said["settle"] == 1
        assert said["put"] <= 6
        with opened.transaction() as tx:
            assert (
                tx.count(UsedCode, step=step) == tx.count(Device, high_water_step=step) == callers
            )


FILL = """
CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file: No space left' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON mfalab.{table} EXECUTE FUNCTION fill()
"""


@pytest.mark.parametrize("looked_for", [False, True], ids=["at once", "at the commit"])
def test_full_disk_undoes_all_and_says_what_to_do(
    opened: PostgresqlStore, url: str, looked_for: bool
) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in FILL.format(table="budget").split(";\n"):
            connection.execute(statement.encode())

    def write() -> None:
        with opened.transaction() as tx:
            if looked_for:
                assert tx.get(Budget, "s") is None
            tx.insert(Budget("s"))

    with pytest.raises(StoreUnusable, match="Make room on the server's disk"):
        write()
    rows_of(url, "DROP TRIGGER full_disk ON mfalab.budget")
    assert budgets(opened) == []
    write()
    assert budgets(opened) == ["s"]


OPENER = """
import sys
from mfalab.verifier.records import Budget
from mfalab.verifier.store.postgresql import PostgresqlStore

print("ready", flush=True)
sys.stdin.readline()
with PostgresqlStore(sys.argv[1]) as store:
    for _ in range(25):
        with store.transaction() as tx:
            budget = tx.get(Budget, "s") or Budget("s")
            tx.update(Budget("s", attempts=budget.attempts + 1))
"""


@pytest.mark.slow
@pytest.mark.parametrize("isolation", ["read committed", "serializable"])
def test_several_processes_make_the_tables_once_and_lose_nothing(url: str, isolation: str) -> None:
    """Whatever isolation the database has by default, none fails for the others' writes."""
    rows_of(url, f"ALTER DATABASE verifier SET default_transaction_isolation = '{isolation}'")
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", OPENER, url],
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
    with PostgresqlStore(url) as store, store.transaction() as tx:
        assert tx.get(Budget, "s") == Budget("s", attempts=100)
