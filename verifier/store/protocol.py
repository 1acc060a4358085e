"""What a store must do.

Everything the verifier decides happens inside one transaction: it sees all that was committed
before it, nothing of what runs beside it, and leaves all of its writes or none. A transaction
that ends without an exception is durable when `transaction()` returns, as far as the store
is durable at all.
"""

from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

R = TypeVar("R")


class Conflict(Exception):
    """A record was inserted whose key is taken.

    Args: record type's name, key.
    """

    def __init__(self, record: str, key: tuple[object, ...]) -> None:
        super().__init__(record, key)

    def __str__(self) -> str:
        record, key = self.args
        return f"{record} {key} is already in the store"


class Transaction(Protocol):
    """Reads and writes that happen together or not at all."""

    def get(self, record_type: type[R], *key: object) -> R | None:
        """The record with this key (the values of `KEY`, in order), or None."""
        ...

    def find(self, record_type: type[R], **equal: object) -> list[R]:
        """All records whose fields equal the given values, ordered by key."""
        ...

    def insert(self, record: object) -> None:
        """Add a record.

        Raises:
            Conflict: a record with this key exists.
        """
        ...

    def update(self, record: object) -> None:
        """Write a record over the one with the same key, or add it."""
        ...

    def delete(self, record: object) -> None:
        """Remove the record with the same key, if there is one."""
        ...


class Store(Protocol):
    """Keeps records; hands out transactions one at a time."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Begin a transaction: commit on normal exit, undo on an exception."""
        ...
