"""The store on disk: SQLite, durable for each transaction.

Write-ahead log with `synchronous=FULL`: a commit has reached the disk when `transaction()` returns.
Every transaction begins `IMMEDIATE`, so it holds the one right to write from its first read on, and
what it reads cannot change before it writes. Threads of one process take turns before they
ask SQLite, which would make them poll; processes poll until the busy timeout.

The schema is `schema.sql`; columns are the record's fields, in order. Text, integers and bytes are
themselves, booleans are 0 and 1, enumerations their values, tuples JSON.

A file is looked through when it is opened (`PRAGMA integrity_check`, as long as the file is). What
is damaged later is `StoreUnusable` wherever it shows: in SQLite, in a row that is no record, or in
an operation that fails on what is left of its records. A row that still reads as a record is taken
for one: SQLite has no checksums.
"""

import json
import os
import sqlite3
import types
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import fields
from enum import Enum
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from mfalab.verifier.records import RECORD_TYPES
from mfalab.verifier.store.protocol import Conflict, StoreUnusable, TransactionError
from mfalab.verifier.store.turn import Turn

SCHEMA_VERSION = 4
"""`PRAGMA user_version` of the files this release reads and writes."""

R = TypeVar("R")
_Convert = Callable[[Any], Any]

_JOURNAL_TRIES = 100
_RESTORE = "Name another file, or restore this one"
_HINDERED = tuple(
    f"SQLITE_{hindrance}"
    for hindrance in ("READONLY", "CANTOPEN", "PERM", "AUTH", "IOERR", "FULL", "PROTOCOL", "NOMEM")
)
_FAILURES = (sqlite3.Error, UnicodeDecodeError)
"""What `sqlite3` raises for a file; its own messages may quote what is no text."""
_SUSPICIOUS = (
    Conflict,
    AssertionError,
    AttributeError,
    ArithmeticError,
    LookupError,
    TypeError,
    ValueError,
    sqlite3.Error,
)
"""What an operation raises that did not find the records that it needs, among other mistakes."""
_UNIQUE_ERRORS = {"SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_UNIQUE"}


def schema() -> str:
    """The SQL that makes an empty store."""
    return resources.files("mfalab.verifier.store").joinpath("schema.sql").read_text("utf-8")


def table_name(record_type: type) -> str:
    """The table of a record type: `used_code` for `UsedCode`."""
    return "".join(
        "_" + letter.lower() if letter.isupper() else letter for letter in record_type.__name__
    ).lstrip("_")


def _tuples(value: Any) -> Any:
    """JSON's lists as the tuples they were."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _converters(hint: Any) -> tuple[_Convert | None, _Convert | None, frozenset[type]]:
    """How a field of this type goes into SQLite and comes back, and what it is there.

    None where it goes as it is.
    """
    if get_origin(hint) in {Union, types.UnionType}:
        (plain,) = (part for part in get_args(hint) if part is not type(None))
        encode, decode, kinds = _converters(plain)
        return encode, decode, kinds | {type(None)}
    if hint is bool:
        return int, (False, True).__getitem__, frozenset({int})
    if hint in {str, int, bytes}:
        return None, None, frozenset({hint})
    if get_origin(hint) is tuple:
        return json.dumps, lambda text: _tuples(json.loads(text)), frozenset({str})
    if isinstance(hint, type) and issubclass(hint, Enum):
        return lambda member: member.value, hint, frozenset({str})
    raise TypeError(f"a field of type {hint} has no form in SQLite; give it one in _converters")


class _Mapping:
    """One record type and its table."""

    def __init__(self, record_type: Any) -> None:
        hints = get_type_hints(record_type)
        self.record_type = record_type
        self.name: str = record_type.__name__
        self.columns = tuple(field.name for field in fields(record_type))
        ways = [_converters(hints[column]) for column in self.columns]
        self._encode = {
            column: encode
            for column, (encode, _, _) in zip(self.columns, ways, strict=True)
            if encode
        }
        self._decode = [(index, decode) for index, (_, decode, _) in enumerate(ways) if decode]
        self._kinds = [kinds for _, _, kinds in ways]
        self._sound: set[tuple[type, ...]] = set()
        table, key = table_name(record_type), record_type.KEY
        listed = ", ".join(self.columns)
        marks = ", ".join("?" * len(self.columns))
        by_key = " AND ".join(f"{column} = ?" for column in key)
        changes = ", ".join(f"{c} = excluded.{c}" for c in self.columns if c not in key)
        # Only names of record types and their fields are put into SQL; values are bound.
        self.select = f"SELECT {listed} FROM {table}"  # noqa: S608 - see above
        self.count = f"SELECT count(*) FROM {table}"  # noqa: S608 - see above
        self.get = f"{self.select} WHERE {by_key}"
        self.order = f" ORDER BY {', '.join(key)}"
        self.insert = f"INSERT INTO {table} ({listed}) VALUES ({marks})"  # noqa: S608 - see above
        action = f"UPDATE SET {changes}" if changes else "NOTHING"
        self.upsert = f"{self.insert} ON CONFLICT ({', '.join(key)}) DO {action}"
        self.delete = f"DELETE FROM {table} WHERE {by_key}"  # noqa: S608 - see above

    def row(self, record: object) -> list[object]:
        return [self.value(column, getattr(record, column)) for column in self.columns]

    def key(self, record: object) -> tuple[object, ...]:
        return tuple(getattr(record, column) for column in self.record_type.KEY)

    def key_values(self, key: tuple[object, ...]) -> list[object]:
        return [
            self.value(column, value)
            for column, value in zip(self.record_type.KEY, key, strict=True)
        ]

    def value(self, column: str, value: Any) -> object:
        encode = self._encode.get(column)
        return value if encode is None or value is None else encode(value)

    def record(self, row: tuple[Any, ...]) -> Any:
        """Raises ValueError or LookupError where the row is none of this type."""
        kinds = tuple(map(type, row))
        if kinds not in self._sound:
            if not all(map(frozenset.__contains__, self._kinds, kinds)):
                raise ValueError(f"a row of {kinds}")
            self._sound.add(kinds)
        values = list(row)
        for index, decode in self._decode:
            if values[index] is not None:
                values[index] = decode(values[index])
        return self.record_type(*values)


_MAPPINGS = {record_type: _Mapping(record_type) for record_type in RECORD_TYPES}


class SqliteTransaction:
    """Reads and writes of one `BEGIN IMMEDIATE`."""

    __slots__ = ("_connection", "_ended", "_place", "failure")

    def __init__(self, connection: sqlite3.Connection, place: str) -> None:
        self._connection = connection
        self._place = place
        self._ended = False
        self.failure: StoreUnusable | None = None

    def get(self, record_type: type[R], *key: object) -> R | None:
        """See `Transaction.get`."""
        mapping = _MAPPINGS[record_type]
        found: list[R] = self._records(mapping, mapping.get, mapping.key_values(key))
        return found[0] if found else None

    def find(self, record_type: type[R], **equal: object) -> list[R]:
        """See `Transaction.find`."""
        mapping = _MAPPINGS[record_type]
        return self._records(mapping, *_where(mapping, mapping.select, mapping.order, equal))

    def count(self, record_type: type, **equal: object) -> int:
        """See `Transaction.count`."""
        mapping = _MAPPINGS[record_type]
        ((number,),) = self._run(*_where(mapping, mapping.count, "", equal))
        return int(number)

    def insert(self, record: object) -> None:
        """See `Transaction.insert`."""
        self._write(_MAPPINGS[type(record)], _MAPPINGS[type(record)].insert, record)

    def update(self, record: object) -> None:
        """See `Transaction.update`."""
        self._write(_MAPPINGS[type(record)], _MAPPINGS[type(record)].upsert, record)

    def delete(self, record: object) -> None:
        """See `Transaction.delete`."""
        mapping = _MAPPINGS[type(record)]
        self._run(mapping.delete, mapping.key_values(mapping.key(record)))

    def end(self) -> None:
        """Take no more reads and writes."""
        self._ended = True

    def _records(self, mapping: _Mapping, query: str, values: list[object]) -> list[Any]:
        rows = self._run(query, values)
        try:
            return [mapping.record(row) for row in rows]
        except (ValueError, LookupError) as error:
            self.failure = StoreUnusable(
                self._place, f"it has a row that is no {mapping.name}", _RESTORE
            )
            raise self.failure from error

    def _write(self, mapping: _Mapping, statement: str, record: object) -> None:
        try:
            self._run(statement, mapping.row(record))
        except sqlite3.IntegrityError as error:
            if error.sqlite_errorname in _UNIQUE_ERRORS:
                raise Conflict(mapping.name, mapping.key(record)) from None
            raise

    def _run(self, statement: str, values: list[object]) -> list[tuple[Any, ...]]:
        if self.failure is not None:
            raise self.failure
        if self._ended:
            raise TransactionError(
                "a transaction was used after its end", "read and write inside the `with` block"
            )
        try:
            return self._connection.execute(statement, values).fetchall()
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise
        except _FAILURES as error:
            # SQLite may have rolled back by itself; another write would then stand alone.
            self.failure = _unusable(self._place, error)
            raise self.failure from error


def _where(
    mapping: _Mapping, query: str, order: str, equal: dict[str, object]
) -> tuple[str, list[object]]:
    if not set(equal) <= set(mapping.columns):
        raise AttributeError(f"{mapping.name} does not have all of {sorted(equal)}")
    where = " AND ".join(f"{column} IS ?" for column in equal)
    values = [mapping.value(column, value) for column, value in equal.items()]
    return query + (f" WHERE {where}" if where else "") + order, values


class SqliteStore:
    """A `Store` in one SQLite file, shared by any number of threads and processes.

    Args: the file, made if it is missing; how long to wait for another process.

    Raises:
        StoreUnusable: the file cannot be opened, is no store, or one of another version.
    """

    def __init__(self, path: str | Path, *, busy_timeout_ms: int = 5000) -> None:
        self._place = str(path)
        self._turn = Turn()
        self._process = os.getpid()
        self._connection: sqlite3.Connection | None = None
        try:
            # Only the owner may read seeds and hashes; SQLite's own files get the same mode.
            Path(path).touch(mode=0o600)
        except (OSError, ValueError) as error:
            raise StoreUnusable(
                self._place,
                getattr(error, "strerror", None) or str(error),
                "Name a file in a folder that exists and may be written to",
            ) from error
        try:
            connection = sqlite3.connect(
                path, timeout=busy_timeout_ms / 1000, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise _unusable(self._place, error) from error
        try:
            _prepare(connection, self._place)
        except BaseException as error:
            connection.close()
            if isinstance(error, _FAILURES):
                raise _unusable(self._place, error) from error
            raise
        self._connection = connection

    @contextmanager
    def transaction(self) -> Iterator[SqliteTransaction]:
        """See `Store.transaction`.

        Raises:
            StoreUnusable: another process holds the file for too long, the store is closed, or this
                is a fork of the process that opened it; the disk refuses.
        """
        if os.getpid() != self._process:
            raise StoreUnusable(
                self._place,
                "SQLite's connection does not survive a fork",
                "Open a new SqliteStore in each process",
            )
        with self._turn.taken():
            connection = self._open_connection()
            try:
                connection.execute("BEGIN IMMEDIATE")
            except _FAILURES as error:
                raise _unusable(self._place, error) from error
            transaction = SqliteTransaction(connection, self._place)
            try:
                yield transaction
            except BaseException as error:
                transaction.end()
                _roll_back(connection)
                damage = _damage(connection) if isinstance(error, _SUSPICIOUS) else None
                if damage is not None:
                    raise StoreUnusable(self._place, damage, _RESTORE) from error
                raise
            transaction.end()
            if transaction.failure is not None:
                _roll_back(connection)
                raise transaction.failure
            try:
                connection.execute("COMMIT")
            except _FAILURES as error:
                _roll_back(connection)
                raise _unusable(self._place, error) from error

    def close(self) -> None:
        """Wait for a running transaction and let go of the file. Closing again does nothing."""
        with self._turn.taken():
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def __enter__(self) -> "SqliteStore":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreUnusable(self._place, "it was closed", "Open a new SqliteStore")
        return self._connection


def _prepare(connection: sqlite3.Connection, place: str) -> None:
    """Set the connection up, and make the tables in a new file."""
    _is_new(connection, place)  # before anything is changed
    connection.execute("PRAGMA foreign_keys = ON")
    if _write_ahead(connection) != "wal":
        raise StoreUnusable(
            place, "there is no write-ahead log here", "Name a file on a local file system"
        )
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("BEGIN IMMEDIATE")
    if _is_new(connection, place):
        for statement in _statements(schema()):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("COMMIT")
    damage = _damage(connection)
    if damage is not None:
        raise StoreUnusable(place, damage, _RESTORE)


def _is_new(connection: sqlite3.Connection, place: str) -> bool:
    """Whether the file is empty; raises if it is anything but that or a store of this version."""
    # One statement, so that another process cannot make the tables between two looks.
    version, tables = connection.execute(
        "SELECT user_version, (SELECT count(*) FROM sqlite_schema) FROM pragma_user_version"
    ).fetchone()
    if version == 0 and tables != 0:
        raise StoreUnusable(
            place, "it is a database of something else", "Name a file of its own for the store"
        )
    if version not in {0, SCHEMA_VERSION}:
        raise StoreUnusable(
            place,
            f"its schema has version {version}, and this release knows version {SCHEMA_VERSION}",
            "Use the release that made it, or begin a new file",
        )
    return bool(version == 0)


def _changed_schema(connection: sqlite3.Connection) -> str | None:
    """Which table or index is not as this release makes it."""
    query = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL"
    found, wanted = dict(connection.execute(query).fetchall()), _schema_objects()
    changed = sorted(str(name) for name, _ in found.items() ^ wanted.items())
    return f"{changed[0]} is not as this release makes it" if changed else None


@lru_cache(maxsize=1)
def _schema_objects() -> dict[str, str]:
    """The SQL of each table and index, as SQLite keeps it."""
    with closing(sqlite3.connect(":memory:")) as empty:
        empty.executescript(schema())
        return dict(empty.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL"))


def _damage(connection: sqlite3.Connection) -> str | None:
    """What is wrong with the file, looking at all of it; None if it is sound."""
    try:
        changed = _changed_schema(connection)
        if changed is not None:
            return changed
        ((found,),) = connection.execute("PRAGMA integrity_check(1)").fetchall()
        lost = connection.execute("PRAGMA foreign_key_check").fetchone()
    except _FAILURES as error:
        return str(error)
    if found != "ok":
        return str(found)
    return None if lost is None else f"a {lost[0]} belongs to a {lost[2]} that is not there"


def _write_ahead(connection: sqlite3.Connection) -> str:
    """Ask for the write-ahead log; returns the journal that there is.

    Changing the journal needs the file alone, and SQLite does not wait for that. When several
    processes meet at a new file, each failure means that another got further.
    """
    for _ in range(_JOURNAL_TRIES):
        try:
            (journal,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith("SQLITE_BUSY"):
                raise
            # This does wait.
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        else:
            return str(journal)
    raise sqlite3.OperationalError(f"the journal was in use {_JOURNAL_TRIES} times")


def _statements(script: str) -> Iterator[str]:
    """The statements of a script; `executescript` would commit between them."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _roll_back(connection: sqlite3.Connection) -> None:
    # The first error is the one to report, not one of the roll-back.
    with suppress(*_FAILURES):
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _unusable(place: str, error: Exception) -> StoreUnusable:
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith(_HINDERED):
        return StoreUnusable(
            place, str(error), "See that the file and its folder may be written to"
        )
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreUnusable(
            place,
            "another process holds it for longer than the busy timeout",
            "End that process, or give a longer busy_timeout_ms",
        )
    return StoreUnusable(place, str(error), _RESTORE)
