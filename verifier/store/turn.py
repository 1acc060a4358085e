"""Taking turns: one transaction at a time, and none inside another."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from mfalab.verifier.store.protocol import TransactionError


class Turn:
    """A lock that knows its holder: a thread that would wait for itself gets an error.

    Who holds it can ask whether others wait.
    """

    __slots__ = ("_holder", "_lock", "_waiting")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holder: int | None = None
        self._waiting: deque[None] = deque()  # its appends and pops are atomic, a sum is not

    def take(self) -> None:
        """Wait for the turn.

        Raises:
            TransactionError: this thread holds it already.
        """
        thread = threading.get_ident()
        if self._holder == thread:
            raise TransactionError(
                "a transaction was begun inside another one of the same thread",
                "pass the first one's `tx` on instead",
            )
        if not self._lock.acquire(blocking=False):
            self._waiting.append(None)
            try:
                self._lock.acquire()
            finally:
                self._waiting.pop()
        self._holder = thread

    def leave(self) -> None:
        """Let the next thread have it."""
        self._holder = None
        self._lock.release()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for the turn and hold it.

        Raises:
            TransactionError: this thread holds it already.
        """
        self.take()
        try:
            yield
        finally:
            self.leave()

    @property
    def is_mine(self) -> bool:
        """Whether this thread holds it."""
        return self._holder == threading.get_ident()

    @property
    def is_awaited(self) -> bool:
        """Whether other threads wait for it."""
        return bool(self._waiting)
