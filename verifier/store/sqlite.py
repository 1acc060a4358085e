"""The store on disk: SQLite, durable for each transaction.

Write-ahead log with `synchronous=FULL`: a commit has reached the disk when `transaction()` returns.
Every transaction begins `IMMEDIATE`, so it holds the one right to write from its first read on, and
what it reads cannot change before it writes. Threads of one process take turns before they
ask SQLite, which would make them poll; processes poll until the busy timeout, every other
millisecond: SQLite's own pauses grow to a tenth of a second, in which a busy neighbour has had
the file many times.

A file is looked through when it is opened (`PRAGMA integrity_check`, as long as the file is). What
is damaged later is `StoreUnusable` wherever it shows: in SQLite, in a row that is no record, or in
an operation that fails on what is left of its records. A row that still reads as a record is taken
for one: SQLite has no checksums.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from mfalab.verifier.store.database import (
    RESTORE,
    DatabaseStore,
    DatabaseTransaction,
    Row,
)
from mfalab.verifier.store.known import Known
from mfalab.verifier.store.protocol import Conflict, StoreUnusable
from mfalab.verifier.store.rows import SCHEMA_VERSION, Rows, schema

_JOURNAL_TRIES = 100
_POLL_MS = 3
"""Of each try for the right to write; SQLite looks at once, after 1 ms and after 2 more."""
_STATEMENTS = 512
"""How many statements stay prepared; there are fewer."""
_HINDERED = tuple(
    f"SQLITE_{hindrance}"
    for hindrance in ("READONLY", "CANTOPEN", "PERM", "AUTH", "IOERR", "FULL", "PROTOCOL", "NOMEM")
)
_PUT_BACK = "Put the file back, with those beside it, or start again with what is there"
_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")
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


class SqliteTransaction(DatabaseTransaction):
    """Reads and writes of one body."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection, place: str, known: Known) -> None:
        super().__init__(place, known)
        self._connection = connection

    def _select(self, rows: Rows, equal: dict[str, Any]) -> list[Row]:
        return self._run(_select(rows, tuple(equal)), [*equal.values()])

    def _count(self, rows: Rows, equal: dict[str, Any]) -> int:
        ((number,),) = self._run(_count(rows, tuple(equal)), [*equal.values()])
        return int(number)

    def _insert(self, rows: Rows, values: list[Any]) -> bool:
        return self._written(_insert(rows), values)

    def _upsert(self, rows: Rows, values: list[Any]) -> bool:
        return self._written(_upsert(rows), values)

    def _change(
        self, rows: Rows, columns: tuple[str, ...], values: list[Any], key: list[Any]
    ) -> bool:
        return self._written(_change(rows, columns), values + key)

    def _delete(self, rows: Rows, key: list[Any]) -> None:
        self._run(_delete(rows), key)

    def _written(self, statement: str, values: list[Any]) -> bool:
        try:
            self._run(statement, values)
        except sqlite3.IntegrityError as error:
            if error.sqlite_errorname in _UNIQUE_ERRORS:
                return False
            raise
        return True

    def _run(self, statement: str, values: list[Any]) -> list[Row]:
        try:
            return self._connection.execute(statement, values).fetchall()
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise
        except _FAILURES as error:
            # SQLite may have rolled back by itself; another write would then stand alone.
            self.failure = _unusable(self._place, error)
            raise self.failure from error


# Only names of record types and their fields are put into SQL; values are bound.


@cache
def _select(rows: Rows, names: tuple[str, ...]) -> str:
    order = ", ".join(rows.key)
    return f"SELECT {', '.join(rows.columns)} FROM {rows.table}{_where(names)} ORDER BY {order}"  # noqa: S608 - see above


@cache
def _count(rows: Rows, names: tuple[str, ...]) -> str:
    return f"SELECT count(*) FROM {rows.table}{_where(names)}"  # noqa: S608 - see above


@cache
def _insert(rows: Rows) -> str:
    marks = ", ".join("?" * len(rows.columns))
    return f"INSERT INTO {rows.table} ({', '.join(rows.columns)}) VALUES ({marks})"  # noqa: S608 - see above


@cache
def _upsert(rows: Rows) -> str:
    changes = ", ".join(f"{c} = excluded.{c}" for c in rows.columns if c not in rows.key)
    action = f"UPDATE SET {changes}" if changes else "NOTHING"
    return f"{_insert(rows)} ON CONFLICT ({', '.join(rows.key)}) DO {action}"


@cache
def _change(rows: Rows, columns: tuple[str, ...]) -> str:
    changes = ", ".join(f"{column} = ?" for column in columns)
    return f"UPDATE {rows.table} SET {changes}{_where(rows.key)}"  # noqa: S608 - see above


@cache
def _delete(rows: Rows) -> str:
    return f"DELETE FROM {rows.table}{_where(rows.key)}"  # noqa: S608 - see above


def _where(names: tuple[str, ...]) -> str:
    return f" WHERE {' AND '.join(f'{name} IS ?' for name in names)}" if names else ""


class SqliteStore(DatabaseStore[SqliteTransaction]):
    """A `Store` in one SQLite file, shared by any number of threads and processes.

    Args: the file, made if it is missing; how long to wait for another process.

    Raises:
        StoreUnusable: the file cannot be opened, is no store, or one of another version.
    """

    def __init__(self, path: str | Path, *, busy_timeout_ms: int = 5000) -> None:
        super().__init__(str(path))
        # Absolute, because the folder may change, and SQLite takes `file:` for a URL.
        self._path = Path(path).absolute()
        self._tries = max(1, busy_timeout_ms // _POLL_MS)
        self._connection: sqlite3.Connection | None = None
        try:
            # Only the owner may read seeds and hashes; SQLite's own files get the same mode.
            self._path.touch(mode=0o600)
        except (OSError, ValueError) as error:
            raise StoreUnusable(
                self._place,
                getattr(error, "strerror", None) or str(error),
                "Name a file in a folder that exists and may be written to",
            ) from error
        try:
            connection = sqlite3.connect(
                self._path,
                timeout=busy_timeout_ms / 1000,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=_STATEMENTS,
            )
        except sqlite3.Error as error:
            raise _unusable(self._place, error) from error
        try:
            _prepare(connection, self._place)
            connection.execute(f"PRAGMA busy_timeout = {_POLL_MS}")
            self._file = self._identity()
        except BaseException as error:
            connection.close()
            if isinstance(error, _FAILURES):
                raise _unusable(self._place, error) from error
            raise
        self._connection = connection

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreUnusable(self._place, "it was closed", "Open a new SqliteStore")
        return self._connection

    def _identity(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except OSError as error:
            raise StoreUnusable(
                self._place, f"the file is there no more: {error.strerror}", _PUT_BACK
            ) from error
        return found.st_dev, found.st_ino

    def _begin(self) -> None:
        connection = self._open_connection()
        if self._identity() != self._file:
            # What is written to a file without a name is lost, though SQLite says nothing of it.
            raise StoreUnusable(self._place, "another file has its name now", _PUT_BACK)
        for left in reversed(range(self._tries)):
            try:
                connection.execute("BEGIN IMMEDIATE")
            except _FAILURES as error:
                if not left or not _is_busy(error):
                    raise _unusable(self._place, error) from error
            else:
                return

    def _begin_body(self) -> None:
        if not self._open_connection().in_transaction:
            # A savepoint would be a transaction of its own, whose release is a commit.
            raise StoreUnusable(self._place, "it undid what it was to commit", RESTORE)
        self._execute("SAVEPOINT body")

    def _undo_body(self) -> None:
        self._execute("ROLLBACK TO body")  # fails where SQLite has rolled back by itself
        self._end_body()

    def _end_body(self) -> None:
        self._execute("RELEASE body")

    def _commit(self) -> None:
        self._execute("COMMIT")

    def _roll_back(self) -> None:
        if self._connection is not None:
            _roll_back(self._connection)

    def _body(self, known: Known) -> SqliteTransaction:
        return SqliteTransaction(self._open_connection(), self._place, known)

    def _explained(self, error: BaseException) -> StoreUnusable | None:
        if self._connection is None or not isinstance(error, _SUSPICIOUS):
            return None
        damage = _damage(self._connection)
        return None if damage is None else StoreUnusable(self._place, damage, RESTORE)

    def _execute(self, statement: str) -> None:
        try:
            self._open_connection().execute(statement)
        except _FAILURES as error:
            raise _unusable(self._place, error) from error


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
        raise StoreUnusable(place, damage, RESTORE)


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
            if not _is_busy(error):
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


def _is_busy(error: Exception) -> bool:
    return (getattr(error, "sqlite_errorname", "") or "").startswith(_BUSY)


def _unusable(place: str, error: Exception) -> StoreUnusable:
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith(_HINDERED):
        return StoreUnusable(
            place, str(error), "See that the file and its folder may be written to"
        )
    if _is_busy(error):
        return StoreUnusable(
            place,
            "another process holds it for longer than the busy timeout",
            "End that process, or give a longer busy_timeout_ms",
        )
    return StoreUnusable(place, str(error), RESTORE)
