"""Taking turns: one transaction at a time, and none inside another."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from mfalab.verifier.store.protocol import TransactionError


class Turn:
    """A lock that knows its holder: a thread that would wait for itself gets an error."""

    __slots__ = ("_holder", "_lock")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holder: int | None = None

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for the turn and hold it.

        Raises:
            TransactionError: this thread holds it already.
        """
        thread = threading.get_ident()
        if self._holder == thread:
            raise TransactionError(
                "a transaction was begun inside another one of the same thread",
                "pass the first one's `tx` on instead",
            )
        with self._lock:
            self._holder = thread
            try:
                yield
            finally:
                self._holder = None
