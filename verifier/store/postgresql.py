"""The store in a PostgreSQL database: for several servers that decide together.

Each transaction begins with one lock of the database (`pg_advisory_xact_lock`), which it has until
its commit can be seen. So they take turns over all processes and machines, as they do in SQLite:
what a body reads cannot change before it writes, and there is no serialisation failure that would
ask it to run again, which no caller could do whose messages and random bytes are spent. The queue
for the lock is PostgreSQL's, first come first served; what waits in one process shares a commit.

A read is a journey to the server. A write that nothing can be in the way of waits in `Known` for
the commit: an update of columns on which nothing depends, a row whose key was looked for. So a body
that writes no more than that needs no savepoint, and what a group wrote is a few statements.

The statements are those of `postgresql_statements`; psycopg runs them, prepared once for each
connection. A connection that is lost is opened again by the next transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any, TypeVar

import psycopg
from psycopg import errors
from psycopg.types.numeric import Int8Dumper
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from mfalab.verifier.store.database import RESTORE, DatabaseStore, DatabaseTransaction, Row
from mfalab.verifier.store.known import Known, Place, Waiting
from mfalab.verifier.store.postgresql_statements import (
    SCHEMA,
    change_row,
    count_rows,
    creation,
    delete_row,
    escaped,
    insert_row,
    parents,
    select_rows,
    shape,
    unescaped,
    upsert_row,
    values_of,
    writes,
)
from mfalab.verifier.store.protocol import StoreUnusable
from mfalab.verifier.store.rows import SCHEMA_VERSION, Rows

A = TypeVar("A")

_LOCK = int.from_bytes(b"mfalab")
"""The key of the lock that every transaction has."""
_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
_TAKE_LOCK = f"SELECT pg_advisory_xact_lock({_LOCK})"
"""Each statement sees what was committed before it, so before the lock was had, too."""
_STATEMENTS = 512
"""How many statements a connection keeps prepared."""
_IDLE_S = 60
"""How long a process that stands still may keep all others waiting."""
_CONNECTION = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""So that a machine that is gone is noticed within seconds; libpq's names."""
_START = "Start the server, or look at its log; what was acknowledged is not lost"


class _Line:
    """A connection in pipeline mode: what needs no answer travels with the next thing that does.

    An error of such a statement shows at the next answer.
    """

    __slots__ = ("_connection", "_cursor", "_mode", "_pipeline", "is_due", "is_settled")

    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        self._connection = connection
        self.is_settled = True
        """Whether all that was put has run."""
        self.is_due = False
        """Whether a body's savepoint is to be set before the body writes."""
        self._cursor = connection.cursor()
        self._mode = ExitStack()
        self._pipeline = self._mode.enter_context(connection.pipeline())

    def put(self, statement: str, values: Sequence[Any] | None = None) -> None:
        """Run something whose answer is not wanted."""
        self.is_settled = False
        # A cursor of its own: what it brings must not stand before an answer.
        self._connection.cursor().execute(statement, values, prepare=values is not None)

    def ask(self, statement: str, values: Sequence[Any] | None = None) -> list[Row]:
        """Run something, and wait for its rows."""
        prepare = values is not None
        rows = self._cursor.execute(statement, values, prepare=prepare).fetchall()
        self.is_settled = True  # answers come in order, and an error before this one is raised here
        return rows

    def settle(self, statement: str) -> str | None:
        """Run something, and wait until all that was put has run; what the server says of it."""
        self._cursor.execute(statement, prepare=False)
        self.wait()
        return self._cursor.statusmessage

    def wait(self) -> None:
        """Wait until all that was put has run."""
        self._pipeline.sync()
        self.is_settled = True

    def close(self) -> None:
        """Let go of the server, whatever is under way."""
        self._connection.close()
        with suppress(psycopg.Error):
            self._mode.close()

    def undo(self, *statements: str) -> None:
        """Run these, after an error, too: what was put behind it is not run."""
        with suppress(psycopg.Error):
            self._pipeline.sync()
        for statement in statements:
            # At a ROLLBACK psycopg forgets what is prepared, and says so to the server behind the
            # next statement: that must not be one that is prepared. All that has no values is not.
            self._connection.cursor().execute(statement, prepare=False)
            self._pipeline.sync()
        self.is_settled = True


class PostgresqlTransaction(DatabaseTransaction):
    """Reads and writes of one body."""

    __slots__ = ("_line",)

    def __init__(self, line: _Line, place: str, known: Known) -> None:
        super().__init__(place, known)
        self._line = line

    def _select(self, rows: Rows, equal: dict[str, Any]) -> list[Row]:
        found = self._ask(select_rows(rows, *shape(equal)), values_of(equal))
        return [tuple(map(unescaped, row)) for row in found]

    def _count(self, rows: Rows, equal: dict[str, Any]) -> int:
        ((number,),) = self._ask(count_rows(rows, *shape(equal)), values_of(equal))
        return int(number)

    def _insert(self, rows: Rows, values: list[Any]) -> bool:
        return bool(self._ask(insert_row(rows), values))

    def _upsert(self, rows: Rows, values: list[Any]) -> bool:
        return self._written(upsert_row(rows), values, rows, rows.columns)

    def _change(
        self, rows: Rows, columns: tuple[str, ...], values: list[Any], key: list[Any]
    ) -> bool:
        return self._written(change_row(rows, columns), values + key, rows, columns)

    def _delete(self, rows: Rows, key: list[Any]) -> None:
        self._run(self._line.put, delete_row(rows), key)

    def _waits(self, rows: Rows, columns: tuple[str, ...], record: object) -> bool:
        if not rows.unique.isdisjoint(columns):
            return False
        return all(
            self._known.is_there(parent, value)
            for column, parent in parents(rows)
            if column in columns and (value := getattr(record, column)) is not None
        )

    def _write_waiting(self) -> None:
        line = self._line
        if line.is_due:
            self._put(self._known.take_older())
            # An error of a body before must not show as one of this body.
            self._run(line.put if line.is_settled else line.settle, "SAVEPOINT body")
            line.is_due = False
        self._put(self._known.take())

    def _put(self, waiting: dict[Place, Waiting]) -> None:
        for statement, values in writes(waiting):
            self._run(partial(self._line.put, values=values), statement)  # escaped already

    def _written(
        self, statement: str, values: list[Any], rows: Rows, columns: tuple[str, ...]
    ) -> bool:
        if rows.unique.isdisjoint(columns):
            self._run(self._line.put, statement, values)
            return True
        self._run(self._line.put, "SAVEPOINT write")  # an error would end the transaction
        try:
            self._run(self._line.put, statement, values)
            self._run(self._line.settle, "RELEASE write")
        except errors.UniqueViolation:
            self._line.undo("ROLLBACK TO write", "RELEASE write")
            return False
        return True

    def _ask(self, statement: str, values: list[Any]) -> list[Row]:
        return self._run(self._line.ask, statement, values)

    def _run(self, way: Callable[..., A], statement: str, values: list[Any] | None = None) -> A:
        try:
            return way(statement) if values is None else way(statement, [*map(escaped, values)])
        except errors.UniqueViolation:
            raise
        except psycopg.Error as error:
            # What was written before is undone by now, whatever the caller does.
            self.failure = _unusable(self._place, error)
            if isinstance(error, psycopg.IntegrityError):
                raise
            raise self.failure from error


class PostgresqlStore(DatabaseStore[PostgresqlTransaction]):
    """A `Store` in a PostgreSQL database, shared by any number of processes and machines.

    Args: the URL, `postgresql://user@host/database` and what else libpq takes in one; how long to
    wait for another process. The tables are made if they are missing.

    Raises:
        StoreUnusable: there is no such database, it cannot be used, or is one of another version.
    """

    def __init__(self, url: str, *, busy_timeout_ms: int = 5000) -> None:
        self._busy_timeout_ms = busy_timeout_ms
        self._line: _Line | None = None
        self._closed = False
        try:
            parsed = make_url(url).set(drivername="postgresql+psycopg")
            _, options = parsed.get_dialect()().create_connect_args(parsed)
        except (ArgumentError, ValueError):
            raise StoreUnusable(
                "the database that was named",
                "its URL cannot be read",
                "Write it as postgresql://user@host:5432/database",
            ) from None
        self._options: dict[str, Any] = {**_CONNECTION, "application_name": "mfalab", **options}
        # Whoever reads an error need not know the password.
        shown = parsed.set(drivername="postgresql", password=None, query={})
        super().__init__(shown.render_as_string())
        with self._alone():
            self._connect()

    def _connect(self) -> None:
        """Connect, to a database that is one of ours."""
        if self._closed:
            raise StoreUnusable(self._place, "it was closed", "Open a new PostgresqlStore")
        try:
            connection = psycopg.connect(**self._options, autocommit=True)
        except (psycopg.Error, ValueError) as error:
            raise _unusable(self._place, error) from error
        try:
            connection.prepared_max = _STATEMENTS
            connection.adapters.register_dumper(int, Int8Dumper)  # one form of each statement
            _set_up(connection.cursor(), self._place, self._busy_timeout_ms)
            self._line = _Line(connection)
        except BaseException as error:
            connection.close()
            if isinstance(error, psycopg.Error):
                raise _unusable(self._place, error) from error
            raise

    def _let_go(self) -> None:
        self._drop()
        self._closed = True

    def _drop(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.close()

    def _begin(self) -> None:
        fresh = self._line is None
        if fresh:
            self._connect()
        try:
            self._open_line().is_due = False
            self._do(self._open_line().put, _BEGIN)
            self._do(self._open_line().ask, _TAKE_LOCK)
        except StoreUnusable:
            self._roll_back()
            if fresh or self._line is not None:
                raise
            self._begin()  # the server was started again in the meantime
        except BaseException:
            self._roll_back()
            raise

    def _begin_body(self) -> None:
        line = self._open_line()
        # Not before the body writes: what bodies before it let wait goes in front of it.
        line.is_due = True
        if not line.is_settled:
            # An error of the body before must not show as one of this body.
            try:
                line.wait()
            except psycopg.Error as error:
                raise _unusable(self._place, error) from error

    def _undo_body(self) -> None:
        line = self._open_line()
        if line.is_due:  # nothing of it has left this process
            return
        try:
            line.undo("ROLLBACK TO body", "RELEASE body")
        except psycopg.Error as error:
            raise _unusable(self._place, error) from error

    def _end_body(self) -> None:
        line = self._open_line()
        if not line.is_due:
            self._do(line.settle, "RELEASE body")

    def _write_waiting(self, known: Known) -> None:
        waiting, line = known.take(), self._open_line()
        if waiting:
            # Where the transaction is lost, each of these would be one of its own.
            self._do(line.put, "SAVEPOINT waiting")
            for statement, values in writes(waiting):
                self._do(partial(line.put, values=values), statement)

    def _commit(self) -> None:
        if self._do(self._open_line().settle, "COMMIT") != "COMMIT":
            raise StoreUnusable(self._place, "it undid what it was to commit", _START)

    def _roll_back(self) -> None:
        line = self._line
        if line is None:
            return
        try:
            line.undo("ROLLBACK")
        except psycopg.Error:
            self._drop()

    def _body(self, known: Known) -> PostgresqlTransaction:
        return PostgresqlTransaction(self._open_line(), self._place, known)

    def _open_line(self) -> _Line:
        assert self._line is not None, "it is there from BEGIN on"
        return self._line

    def _do(self, way: Callable[[str], A], statement: str) -> A:
        try:
            return way(statement)
        except psycopg.Error as error:
            raise _unusable(self._place, error) from error


def _set_up(cursor: psycopg.Cursor[Row], place: str, busy_timeout_ms: int) -> None:
    """Set a connection up, and make the tables in a new database."""
    for name, value in (
        ("lock_timeout", f"{busy_timeout_ms}ms"),
        ("idle_in_transaction_session_timeout", f"{_IDLE_S}s"),
    ):
        cursor.execute("SELECT set_config(%s, %s, false)", (name, value))
    cursor.execute(
        "SELECT set_config('synchronous_commit', 'on', false)"
        " WHERE current_setting('synchronous_commit') = 'off'"
    )
    cursor.execute("SELECT current_setting('server_encoding')")
    encoding = (cursor.fetchone() or ("",))[0]
    if encoding != "UTF8":
        raise StoreUnusable(
            place, f"its encoding is {encoding}", "Create the database with ENCODING 'UTF8'"
        )
    cursor.execute(_BEGIN)
    cursor.execute(_TAKE_LOCK)
    version = _version(cursor, place)
    if version is None:
        for statement in creation():
            cursor.execute(statement, prepare=False)
    elif version != SCHEMA_VERSION:
        raise StoreUnusable(
            place,
            f"its schema has version {version}, and this release knows version {SCHEMA_VERSION}",
            "Use the release that made it, or a new database",
        )
    cursor.execute("COMMIT", prepare=False)


def _version(cursor: psycopg.Cursor[Row], place: str) -> int | None:
    """The version of the tables that are there; None if there are none."""
    cursor.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY tablename", (SCHEMA,)
    )
    there = {name for (name,) in cursor.fetchall()}
    if not there:
        return None
    if "schema_version" not in there:
        raise StoreUnusable(
            place,
            f"its schema {SCHEMA} is something else's",
            "Name a database whose schema of this name is ours, or that has none",
        )
    cursor.execute(f"SELECT version FROM {SCHEMA}.schema_version")  # noqa: S608 - a constant
    found = cursor.fetchall()
    return int(found[0][0]) if found else 0


def _unusable(place: str, error: Exception) -> StoreUnusable:
    """What happened, by the server's words or libpq's; neither has the password in them."""
    words = str(error).strip().split("\n")[0]
    if isinstance(error, errors.LockNotAvailable):
        return StoreUnusable(
            place,
            "another process holds it for longer than the busy timeout",
            "End that process, or give a longer busy_timeout_ms",
        )
    if isinstance(error, (errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction)):
        return StoreUnusable(place, words, "Let its user make a schema there, and write")
    if isinstance(error, (errors.InvalidCatalogName, errors.InvalidPassword)):
        return StoreUnusable(place, words, "See that the database and its user are there")
    if isinstance(error, errors.DiskFull):
        return StoreUnusable(
            place, words, "Make room on the server's disk; what was acknowledged is not lost"
        )
    if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
        return StoreUnusable(place, words, _START)
    return StoreUnusable(place, words, RESTORE)
