"""What a store must do.

Everything the verifier decides happens inside one transaction: it sees all that was committed
before it, nothing of concurrent transactions, and leaves all of its writes or none. A transaction
that ends without an exception is durable when `transaction()` returns, as far as the store
is durable at all.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, Self, TypeVar

R = TypeVar("R")


class Conflict(Exception):
    """A record was written whose key, or whose unique fields, another record has.

    Args: record type's name, key.
    """

    def __init__(self, record: str, key: tuple[object, ...]) -> None:
        super().__init__(record, key)

    def __str__(self) -> str:
        record, key = self.args
        return f"{record} {key}: its key or a unique field is taken by another record"


class TransactionError(Exception):
    """A transaction was used in a way that cannot work.

    Args: what was done, what to do instead.
    """

    def __init__(self, what: str, advice: str) -> None:
        super().__init__(what, advice)

    def __str__(self) -> str:
        what, advice = self.args
        return f"{what}; {advice}"


class StoreUnusable(Exception):
    """The place where records should live cannot be used, or no longer.

    Args: place, reason, what to do.
    """

    def __init__(self, place: str, reason: str, advice: str) -> None:
        super().__init__(place, reason, advice)

    def __str__(self) -> str:
        place, reason, advice = self.args
        reason = " ".join(reason.split())  # a database's own words may be of several lines
        return f"the verifier cannot keep its records in {place}: {reason}. {advice}."


def unreadable_record(what: str, error: Exception) -> StoreUnusable:
    """A record that was written whole and is not what was written any more."""
    return StoreUnusable("its store", f"{what} is damaged: {error}", "Restore the store")


class Transaction(Protocol):
    """Reads and writes that happen together or not at all."""

    def get(self, record_type: type[R], *key: object) -> R | None:
        """The record with this key (the values of `KEY`, in order), or None."""
        ...

    def find(self, record_type: type[R], **equal: object) -> list[R]:
        """All records whose fields equal the given values, ordered by key."""
        ...

    def count(self, record_type: type, **equal: object) -> int:
        """How many records `find` would return, without reading them."""
        ...

    def insert(self, record: object) -> None:
        """Add a record.

        Raises:
            Conflict: another record has this key, or the same unique fields.
        """
        ...

    def update(self, record: object) -> None:
        """Write a record over the one with the same key, or add it.

        Raises:
            Conflict: another record has the same unique fields.
        """
        ...

    def delete(self, record: object) -> None:
        """Remove the record with the same key, if there is one."""
        ...


class Store(Protocol):
    """Keeps records; hands out transactions one at a time."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Begin a transaction: commit on normal exit, undo on an exception.

        A `Conflict` that is caught inside leaves the transaction as it was before that write.

        Raises:
            TransactionError: this thread is inside a transaction of this store.
        """
        ...

    def together(self) -> AbstractContextManager[None]:
        """Let this thread's transactions inside share one commit, at the end of the block.

        Each is undone alone if it fails; if the commit fails, nothing of any of them is left.
        Others wait for the end. Nothing that a transaction inside returned may be told to anyone
        before it.

        Raises:
            StoreUnusable: at the end, the commit failed.
            TransactionError: this thread is inside a transaction of this store.
        """
        ...

    def when_durable(self, action: Callable[[], None]) -> None:
        """Do something once this thread's transactions are durable: now, or after `together`.

        It is not done if their commit fails.
        """
        ...

    def close(self) -> None:
        """Wait for running transactions and let go of the place. Closing again does nothing."""
        ...

    def __enter__(self) -> Self:
        """Itself, to be closed at the end of the block."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        """Close it."""
        ...
