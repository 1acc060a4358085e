"""What is known of a database inside one transaction, where nothing else writes in between.

So no row is read twice, also by the bodies that share a commit, and an update writes what has
changed. Where a statement is a journey to a server, writes that nothing can be in the way of wait
for the commit: they are in memory until then, a body that fails undoes its own there, and what many
bodies wrote travels together, each row once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Place = tuple[type, tuple[object, ...]]
"""A record type and a key."""
UNKNOWN: Any = object()


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row that is to be written.

    Attributes:
        base: the record as the database has it, or None.
        record: what it is to be.
    """

    base: Any
    record: Any


class Known:
    """What was read or written, and what is to be written."""

    __slots__ = ("_before", "_touched", "_waiting", "by_key", "found")

    def __init__(self) -> None:
        self.by_key: dict[Place, Any] = {}
        self.found: dict[type, dict[tuple[tuple[str, object], ...], list[Any]]] = {}
        self._waiting: dict[Place, Waiting] = {}
        self._before: dict[Place, Waiting | None] = {}
        """What waited before this body, for each row that this body has let wait."""
        self._touched: dict[type, set[str]] = {}
        """The columns that are to be written; `""` stands for the row itself."""

    def get(self, record_type: type, key: tuple[object, ...]) -> Any:
        """A record, None if there is none, or UNKNOWN."""
        return self.by_key.get((record_type, key), UNKNOWN)

    def write(self, record_type: type, key: tuple[object, ...], record: object | None) -> None:
        """A record is now this, or none."""
        self.by_key[record_type, key] = record
        self.found.pop(record_type, None)

    def read(self, record_type: type, key: tuple[object, ...], record: Any) -> Any:
        """A row was read; returns the record that it is, or is to be."""
        waiting = self._waiting.get((record_type, key))
        if waiting is not None:
            return waiting.record
        self.by_key[record_type, key] = record
        return record

    def begin_body(self) -> None:
        """What is let wait from now on is one body's."""
        self._before.clear()

    def is_there(self, record_type: type, *key: object) -> bool:
        """Whether there is such a record, as far as is known."""
        found = self.by_key.get((record_type, key))
        return found is not None

    def let_wait(
        self, record_type: type, key: tuple[object, ...], record: object, columns: tuple[str, ...]
    ) -> None:
        """A record that is known, or known not to be there, is to be this.

        Args: the record's type, key and values; the columns that change.
        """
        place = record_type, key
        before = self._waiting.get(place)
        self._before.setdefault(place, before)
        base = self.by_key[place] if before is None else before.base
        self._waiting[place] = Waiting(base, record)
        touched = self._touched.setdefault(record_type, set())
        touched.update(columns if base is not None else ("", *columns))
        self.write(record_type, key, record)

    def is_touched(self, record_type: type, columns: Iterable[str]) -> bool:
        """Whether what waits may change which rows have these columns' values."""
        touched = self._touched.get(record_type)
        return touched is not None and not touched.isdisjoint(("", *columns))

    def undo_body(self) -> None:
        """A body was undone, and what it wrote with it."""
        for place, before in self._before.items():
            if before is None:
                del self._waiting[place]
            else:
                self._waiting[place] = before
        self._before.clear()
        self.found.clear()
        self.by_key = {place: each.record for place, each in self._waiting.items()}

    def take(self) -> dict[Place, Waiting]:
        """All that is to be written, which waits no more."""
        waiting, self._waiting = self._waiting, {}
        self._before.clear()
        self._touched.clear()
        return waiting

    def take_older(self) -> dict[Place, Waiting]:
        """What bodies before this one have let wait; what this body has waits on."""
        older = {place: each for place, each in self._waiting.items() if place not in self._before}
        own: dict[Place, Waiting] = {}
        for place, before in self._before.items():
            each = self._waiting[place]
            if before is not None:
                older[place] = before
                each = Waiting(before.record, each.record)
            own[place] = each
        self._waiting, self._before = own, dict.fromkeys(own)
        return older
