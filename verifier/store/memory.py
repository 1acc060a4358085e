"""The store in memory, which ends with its process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

from mfalab.verifier.records import RECORD_TYPES
from mfalab.verifier.store.protocol import Conflict, TransactionError
from mfalab.verifier.store.rows import getter
from mfalab.verifier.store.turn import Turn

R = TypeVar("R")
Key = tuple[Any, ...]


class _Table:
    """Records of one type by key, and the indexes that the type names."""

    __slots__ = (
        "fields",
        "indexes",
        "key_of",
        "live_while_none",
        "plans",
        "rows",
        "taken",
        "watched",
    )

    def __init__(self, record_type: Any) -> None:
        self.rows: dict[Key, Any] = {}
        self.fields = frozenset(record_type.__dataclass_fields__)
        self.key_of = getter(record_type.KEY)
        self.live_while_none: str | None = record_type.LIVE_WHILE_NONE
        self.indexes: dict[tuple[str, ...], tuple[Callable[[object], Key], dict[Key, set[Key]]]] = {
            names: (getter(names), {}) for names in record_type.INDEXES
        }
        # By the fields that are looked for: the indexes that help.
        self.plans: dict[tuple[str, ...], list[tuple[tuple[str, ...], dict[Key, set[Key]]]]] = {}
        # Which live record has the unique fields; of dead ones there may be any number.
        self.taken: list[tuple[Callable[[object], Key], dict[Key, Key]]] = [
            (getter(names), {}) for names in record_type.UNIQUE
        ]
        watched = {*record_type.KEY, *sum(record_type.INDEXES + record_type.UNIQUE, ())}
        if self.live_while_none is not None:
            watched.add(self.live_while_none)
        # All that is looked for: most writes change none of it.
        self.watched = getter(tuple(watched))

    def put(self, key: Key, record: object | None) -> object | None:
        """Set or, with None, remove a row, and keep the indexes true; give what it replaced.

        Raises:
            Conflict: another live record has its unique fields; nothing is changed.
        """
        old: object | None = self.rows.get(key)
        if old is not None and record is not None and self.watched(old) == self.watched(record):
            self.rows[key] = record
            return old
        before, after = self._is_live(old), self._is_live(record)
        moved: list[tuple[dict[Key, Key], Key | None, Key | None]] = []
        for value_of, owners in self.taken:
            had, has = value_of(old) if before else None, value_of(record) if after else None
            if had != has:
                if has is not None and has in owners:
                    raise Conflict(type(record).__name__, key)
                moved.append((owners, had, has))
        for owners, had, has in moved:
            if had is not None:
                del owners[had]
            if has is not None:
                owners[has] = key
        for value_of, entries in self.indexes.values():
            had = None if old is None else value_of(old)
            has = None if record is None else value_of(record)
            if had == has:
                continue
            if had is not None:
                entries[had].discard(key)
                if not entries[had]:
                    del entries[had]
            if has is not None:
                entries.setdefault(has, set()).add(key)
        if record is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = record
        return old

    def candidates(self, equal: dict[str, object]) -> Iterable[Key]:
        """The keys that the most telling index leaves.

        Raises:
            AttributeError: the records do not have all of these fields.
        """
        looked_for = tuple(equal)
        plan = self.plans.get(looked_for)
        if plan is None:
            if not self.fields.issuperset(looked_for):
                raise AttributeError(f"the records do not have all of {sorted(equal)}")
            plan = self.plans[looked_for] = [
                (names, entries)
                for names, (_, entries) in self.indexes.items()
                if equal.keys() >= set(names)
            ]
        found: Iterable[Key] = self.rows
        fewest = len(self.rows)
        for names, entries in plan:
            keys = entries.get(tuple([equal[name] for name in names]), ())
            if len(keys) <= fewest:
                found, fewest = keys, len(keys)
        return found

    def _is_live(self, record: object | None) -> bool:
        return record is not None and (
            self.live_while_none is None or getattr(record, self.live_while_none) is None
        )


class MemoryTransaction:
    """Writes at once and keeps what it replaced, to put it back when the transaction fails."""

    __slots__ = ("_ended", "_tables", "_turn", "_undo")

    def __init__(self, tables: dict[type, _Table], turn: Turn) -> None:
        self._tables = tables
        self._turn = turn
        self._undo: list[tuple[_Table, Key, object | None]] = []
        self._ended = True

    def __enter__(self) -> Self:
        """Wait for the turn."""
        self._turn.take()
        self._ended = False
        return self

    def get(self, record_type: type[R], *key: object) -> R | None:
        """See `Transaction.get`."""
        found: R | None = self._table(record_type).rows.get(key)
        return found

    def find(self, record_type: type[R], **equal: object) -> list[R]:
        """See `Transaction.find`."""
        table = self._table(record_type)
        found = [table.rows[key] for key in sorted(table.candidates(equal))]
        for name, value in equal.items():
            found = [record for record in found if getattr(record, name) == value]
        return found

    def count(self, record_type: type, **equal: object) -> int:
        """See `Transaction.count`."""
        table = self._table(record_type)
        for names, (_, entries) in table.indexes.items():
            if set(names) == set(equal):
                return len(entries.get(tuple(equal[name] for name in names), ()))
        return len(self.find(record_type, **equal))

    def insert(self, record: object) -> None:
        """See `Transaction.insert`."""
        table = self._table(type(record))
        key = table.key_of(record)
        if key in table.rows:
            raise Conflict(type(record).__name__, key)
        self._write(table, key, record)

    def update(self, record: object) -> None:
        """See `Transaction.update`."""
        table = self._table(type(record))
        self._write(table, table.key_of(record), record)

    def delete(self, record: object) -> None:
        """See `Transaction.delete`."""
        table = self._table(type(record))
        self._write(table, table.key_of(record), None)

    def _table(self, record_type: type) -> _Table:
        if self._ended:
            raise TransactionError(
                "a transaction was used after its end", "read and write inside the `with` block"
            )
        return self._tables[record_type]

    def _write(self, table: _Table, key: Key, record: object | None) -> None:
        self._undo.append((table, key, table.put(key, record)))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Take no more reads and writes; after an error, put back what was replaced."""
        self._ended = True
        if kind is not None:
            for table, key, old in reversed(self._undo):
                table.put(key, old)
        self._turn.leave()


class MemoryStore:
    """A `Store` in dictionaries; transactions take turns."""

    def __init__(self) -> None:
        self._tables = {record_type: _Table(record_type) for record_type in RECORD_TYPES}
        self._turn = Turn()

    def transaction(self) -> MemoryTransaction:
        """See `Store.transaction`."""
        return MemoryTransaction(self._tables, self._turn)

    @contextmanager
    def together(self) -> Iterator[None]:
        """See `Store.together`; nothing here waits for a disk."""
        with self._turn.taken():
            pass
        yield

    def when_durable(self, action: Callable[[], None]) -> None:
        """See `Store.when_durable`."""
        action()

    def close(self) -> None:
        """See `Store.close`; there is nothing to let go of."""

    def __enter__(self) -> Self:
        """See `Store`."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """See `Store`."""
