"""The store that forgets when the process ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import Any, TypeVar

from mfalab.verifier.records import RECORD_TYPES
from mfalab.verifier.store.protocol import Conflict

R = TypeVar("R")
Key = tuple[Any, ...]


def _getter(names: tuple[str, ...]) -> Callable[[object], Key]:
    """What reads several fields of a record as one tuple, also when there is one."""
    get = attrgetter(*names)
    return get if len(names) > 1 else lambda record: (get(record),)


class _Table:
    """Records of one type by key, and the indexes that the type names."""

    __slots__ = ("indexes", "key_of", "rows")

    def __init__(self, record_type: Any) -> None:
        self.rows: dict[Key, Any] = {}
        self.key_of = _getter(record_type.KEY)
        self.indexes: dict[tuple[str, ...], tuple[Callable[[object], Key], dict[Key, set[Key]]]] = {
            names: (_getter(names), {}) for names in record_type.INDEXES
        }

    def put(self, key: Key, record: object | None) -> None:
        """Set or, with None, remove a row, and keep the indexes true."""
        old = self.rows.pop(key, None)
        if record is not None:
            self.rows[key] = record
        for value_of, entries in self.indexes.values():
            if old is not None:
                entries[value_of(old)].discard(key)
            if record is not None:
                entries.setdefault(value_of(record), set()).add(key)

    def candidates(self, equal: dict[str, object]) -> list[Key]:
        for names, (_, entries) in self.indexes.items():
            if all(name in equal for name in names):
                return list(entries.get(tuple(equal[name] for name in names), ()))
        return list(self.rows)


class MemoryTransaction:
    """Writes at once and keeps what it replaced, to put it back when the transaction fails."""

    __slots__ = ("_tables", "_undo")

    def __init__(self, tables: dict[type, _Table]) -> None:
        self._tables = tables
        self._undo: list[tuple[_Table, Key, object | None]] = []

    def get(self, record_type: type[R], *key: object) -> R | None:
        """See `Transaction.get`."""
        found: R | None = self._tables[record_type].rows.get(key)
        return found

    def find(self, record_type: type[R], **equal: object) -> list[R]:
        """See `Transaction.find`."""
        table = self._tables[record_type]
        return [
            record
            for key in sorted(table.candidates(equal))
            for record in (table.rows[key],)
            if all(getattr(record, name) == value for name, value in equal.items())
        ]

    def insert(self, record: object) -> None:
        """See `Transaction.insert`."""
        table = self._tables[type(record)]
        key = table.key_of(record)
        if key in table.rows:
            raise Conflict(type(record).__name__, key)
        self._write(table, key, record)

    def update(self, record: object) -> None:
        """See `Transaction.update`."""
        table = self._tables[type(record)]
        self._write(table, table.key_of(record), record)

    def delete(self, record: object) -> None:
        """See `Transaction.delete`."""
        table = self._tables[type(record)]
        self._write(table, table.key_of(record), None)

    def _write(self, table: _Table, key: Key, record: object | None) -> None:
        self._undo.append((table, key, table.rows.get(key)))
        table.put(key, record)

    def undo(self) -> None:
        """Put back what this transaction replaced, newest first."""
        for table, key, old in reversed(self._undo):
            table.put(key, old)


class MemoryStore:
    """A `Store` in dictionaries; transactions take turns under one lock."""

    def __init__(self) -> None:
        self._tables = {record_type: _Table(record_type) for record_type in RECORD_TYPES}
        self._turn = threading.Lock()

    @contextmanager
    def transaction(self) -> Iterator[MemoryTransaction]:
        """See `Store.transaction`. A transaction inside a transaction would wait for itself."""
        with self._turn:
            transaction = MemoryTransaction(self._tables)
            try:
                yield transaction
            except BaseException:
                transaction.undo()
                raise
