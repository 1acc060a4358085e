"""What the stores in a database have in common: transactions of records, and shared commits.

A commit costs a write that reaches the disk, whatever the transaction did, so concurrent callers
share one. Bodies run one after another in one transaction of the database, each but the first
behind a savepoint, to which it goes back when it fails. Whoever leaves and finds others waiting
leaves the commit to them; the last one commits, and nobody gets an answer before that. A body may
have seen what its group wrote, so all of a group, the refused ones too, fail with its commit.
"""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from mfalab.verifier.store.known import UNKNOWN, Known
from mfalab.verifier.store.protocol import Conflict, StoreUnusable, TransactionError
from mfalab.verifier.store.rows import ROWS, Rows
from mfalab.verifier.store.turn import Turn

R = TypeVar("R")
Row = tuple[Any, ...]

RESTORE = "Name another database, or restore this one"
LARGEST_GROUP = 256
"""Bodies that share a commit at most: the first of them must not wait for ever."""


class DatabaseTransaction(ABC):
    """Reads and writes of one body."""

    __slots__ = ("_ended", "_known", "_place", "failure")

    def __init__(self, place: str, known: Known) -> None:
        self._place = place
        self._ended = False
        self._known = known
        self.failure: StoreUnusable | None = None

    @abstractmethod
    def _select(self, rows: Rows, equal: dict[str, Any]) -> list[Row]:
        """The rows with these values, ordered by key."""

    @abstractmethod
    def _count(self, rows: Rows, equal: dict[str, Any]) -> int:
        """How many rows have these values."""

    @abstractmethod
    def _insert(self, rows: Rows, values: list[Any]) -> bool:
        """Add a row; False where its key or a unique field is taken."""

    @abstractmethod
    def _upsert(self, rows: Rows, values: list[Any]) -> bool:
        """Write a row over the one with its key, or add it; False where a field is taken."""

    @abstractmethod
    def _change(
        self, rows: Rows, columns: tuple[str, ...], values: list[Any], key: list[Any]
    ) -> bool:
        """Write some columns of the row with this key; False where a unique field is taken."""

    @abstractmethod
    def _delete(self, rows: Rows, key: list[Any]) -> None:
        """Remove the row with this key."""

    def get(self, record_type: type[R], *key: object) -> R | None:
        """See `Transaction.get`."""
        self._check()
        found: R | None = self._known.get(record_type, key)
        if found is UNKNOWN:
            rows = ROWS[record_type]
            equal = dict(zip(rows.key, rows.key_values(key), strict=True))
            found = next(iter(self._records(rows, equal)), None)
            self._known.by_key[record_type, key] = found
        return found

    def find(self, record_type: type[R], **equal: object) -> list[R]:
        """See `Transaction.find`."""
        self._check()
        searches = self._known.found.setdefault(record_type, {})
        search = tuple(equal.items())
        found: list[R] | None = searches.get(search)
        if found is None:
            rows = ROWS[record_type]
            if self._known.is_touched(record_type, equal):
                self._write_waiting()
            read = self._records(rows, rows.encoded(equal))
            found = searches[search] = [
                self._known.read(record_type, rows.key_of(record), record) for record in read
            ]
        return list(found)

    def count(self, record_type: type, **equal: object) -> int:
        """See `Transaction.count`."""
        self._check()
        rows = ROWS[record_type]
        if self._known.is_touched(record_type, equal):
            self._write_waiting()
        return self._count(rows, rows.encoded(equal))

    def insert(self, record: object) -> None:
        """See `Transaction.insert`."""
        self._check()
        rows = ROWS[type(record)]
        key = rows.key_of(record)
        if self._known.get(type(record), key) is None and self._waits(rows, rows.columns, record):
            self._known.let_wait(type(record), key, record, rows.columns)
            return
        self._write_waiting()
        if not self._insert(rows, rows.row(record)):
            raise Conflict(rows.name, key)
        self._known.write(type(record), key, record)

    def update(self, record: object) -> None:
        """See `Transaction.update`."""
        self._check()
        rows = ROWS[type(record)]
        key = rows.key_of(record)
        old = self._known.get(type(record), key)
        there = old is not None and old is not UNKNOWN
        columns = rows.changed(old, record) if there else rows.columns
        if not columns:
            return
        if old is not UNKNOWN and self._waits(rows, columns, record):
            self._known.let_wait(type(record), key, record, columns)
            return
        self._write_waiting()
        if there:
            values = [rows.value(column, getattr(record, column)) for column in columns]
            written = self._change(rows, columns, values, rows.key_values(key))
        else:
            written = self._upsert(rows, rows.row(record))
        if not written:
            raise Conflict(rows.name, key)
        self._known.write(type(record), key, record)

    def delete(self, record: object) -> None:
        """See `Transaction.delete`."""
        self._check()
        rows = ROWS[type(record)]
        key = rows.key_of(record)
        self._write_waiting()
        self._delete(rows, rows.key_values(key))
        self._known.write(type(record), key, None)

    def _waits(self, rows: Rows, columns: tuple[str, ...], record: object) -> bool:
        """Whether a write of these columns waits for the commit: nothing can be in its way."""
        return False

    def _write_waiting(self) -> None:  # noqa: B027 # nothing waits where a statement is no journey
        """Write what waits."""

    def end(self) -> None:
        """Take no more reads and writes."""
        self._ended = True

    def _check(self) -> None:
        if self.failure is not None:
            raise self.failure
        if self._ended:
            raise TransactionError(
                "a transaction was used after its end", "read and write inside the `with` block"
            )

    def _records(self, rows: Rows, equal: dict[str, Any]) -> list[Any]:
        found = self._select(rows, equal)
        try:
            return [rows.record(row) for row in found]
        except (ValueError, LookupError) as error:
            self.failure = StoreUnusable(
                self._place,
                f"it has a row that is no {rows.name}",
                RESTORE,
            )
            raise self.failure from error


T = TypeVar("T", bound=DatabaseTransaction)


class _Group:
    """Bodies that share a commit."""

    __slots__ = ("_failure", "_gate", "known", "members")

    def __init__(self) -> None:
        self.members = 0
        self.known = Known()
        self._failure: StoreUnusable | None = None
        self._gate = threading.Lock()
        self._gate.acquire()

    def end(self, failure: StoreUnusable | None) -> None:
        """Committed, or failed."""
        self._failure = failure
        self._gate.release()

    def wait(self) -> None:
        """Wait for the end; raises StoreUnusable where the group failed."""
        with self._gate:  # from one to the next
            pass
        if self._failure is not None:
            raise StoreUnusable(*self._failure.args) from self._failure


class DatabaseStore(ABC, Generic[T]):
    """A `Store` over a database's transactions; threads share its one connection, and commits."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._process = os.getpid()
        self._turn = Turn()
        self._group: _Group | None = None
        self._inside = False
        # Inside of `together`: what to do after its commit, and why there will be none.
        self._later: list[Callable[[], None]] | None = None
        self._lost: StoreUnusable | None = None

    # What a database does. Only `_roll_back` may not fail; a failure is a StoreUnusable.

    @abstractmethod
    def _begin(self) -> None:
        """Begin a transaction, with the one right to write."""

    @abstractmethod
    def _begin_body(self) -> None:
        """Set a savepoint."""

    @abstractmethod
    def _undo_body(self) -> None:
        """Go back to the savepoint, and forget it; raises where there is no way back."""

    @abstractmethod
    def _end_body(self) -> None:
        """Forget the savepoint."""

    @abstractmethod
    def _commit(self) -> None:
        """Commit; durable when it returns."""

    def _write_waiting(self, known: Known) -> None:  # see `DatabaseTransaction`
        """Write what waits for the commit."""

    @abstractmethod
    def _roll_back(self) -> None:
        """Undo the whole transaction, if there still is one."""

    @abstractmethod
    def _let_go(self) -> None:
        """Close the connection, if it is open."""

    @abstractmethod
    def _body(self, known: Known) -> T:
        """What a body reads and writes with."""

    def _explained(self, error: BaseException) -> StoreUnusable | None:
        """What is wrong with the database where a body ended with this error."""
        return None

    @contextmanager
    def transaction(self) -> Iterator[T]:
        """See `Store.transaction`.

        Raises:
            StoreUnusable: the database is not there, refuses, or is held by another for too long.
        """
        shares = self._later is not None and self._turn.is_mine and not self._inside
        if not shares:
            self._enter()
        elif self._lost is not None:
            raise StoreUnusable(*self._lost.args) from self._lost
        group: _Group | None = None
        try:
            group = self._joined()
            self._inside = True
            group.known.begin_body()
            tx = self._body(group.known)
            try:
                yield tx
                tx.end()
                if tx.failure is not None:
                    raise tx.failure
                if group.members:
                    self._end_body()
                group.members += 1
            except BaseException as error:
                tx.end()
                self._undo(group)
                explained = self._explained(error)
                if explained is not None:
                    raise explained from error
                raise
        finally:
            self._inside = False
            if not shares:
                self._leave()
                if group is not None:
                    group.wait()

    @contextmanager
    def together(self) -> Iterator[None]:
        """See `Store.together`."""
        self._enter()
        self._later, self._lost = [], None
        try:
            yield
        finally:
            later, self._later = self._later, None
            lost, self._lost = self._lost, None
            group = self._group
            self._leave()
            if lost is not None:
                raise lost
            if group is not None:
                group.wait()
            for action in later:
                action()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The turn, with no transaction open."""
        self._enter()
        try:
            if self._group is not None:
                self._finish(self._group)
            yield
        finally:
            self._leave()

    def close(self) -> None:
        """Wait for running transactions and let go of the database. Closing again does nothing."""
        with self._alone():
            self._let_go()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def when_durable(self, action: Callable[[], None]) -> None:
        """See `Store.when_durable`."""
        if self._later is not None and self._turn.is_mine:
            self._later.append(action)
        else:
            action()

    def _enter(self) -> None:
        if os.getpid() != self._process:
            raise StoreUnusable(
                self._place,
                "its connection does not survive a fork",
                "Open a new store in each process",
            )
        try:
            self._turn.take()
        except TransactionError:
            raise
        except BaseException:
            # Interrupted: others may have left their commit to this thread.
            self._turn.take()
            self._leave()
            raise

    def _joined(self) -> _Group:
        group = self._group
        if group is None:
            self._begin()
            group = self._group = _Group()
        elif group.members:
            try:
                self._begin_body()
            except StoreUnusable as failure:
                self._fail(group, failure)
                raise
        return group

    def _undo(self, group: _Group) -> None:
        """Undo a body; where it cannot be undone alone, all of its group."""
        if not group.members:
            self._fail(group, None)
            return
        group.known.undo_body()
        try:
            self._undo_body()
        except StoreUnusable as failure:
            self._fail(group, failure)

    def _leave(self) -> None:
        """Leave the turn, and the commit to whoever waits for it."""
        group = self._group
        try:
            if group is not None and (not self._turn.is_awaited or group.members >= LARGEST_GROUP):
                self._finish(group)
        finally:
            self._turn.leave()

    def _finish(self, group: _Group) -> None:
        try:
            self._write_waiting(group.known)
            self._commit()
        except StoreUnusable as failure:
            self._fail(group, failure)
        except BaseException:
            self._fail(group, StoreUnusable("its store", "the commit was interrupted", "Try again"))
            raise
        else:
            self._group = None
            group.end(None)

    def _fail(self, group: _Group, failure: StoreUnusable | None) -> None:
        self._group = None
        if group.members and self._later is not None:
            self._lost = failure  # bodies before this one in `together` are undone, too
        try:
            self._roll_back()
        finally:
            group.end(failure)
