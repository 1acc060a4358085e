"""A limit on how long a whole answer may take."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def within(patience_s: float, work: Callable[[], T]) -> T:
    """What work gives. The time limit of a socket begins anew with each byte, so a thread works.

    Raises:
        TimeoutError: it takes longer; what it gives later is dropped.
    """
    given: Future[T] = Future()

    def run() -> None:
        try:
            given.set_result(work())
        except BaseException as error:
            given.set_exception(error)

    Thread(target=run, daemon=True).start()
    try:
        return given.result(patience_s)
    except TimeoutError:
        raise TimeoutError(f"no whole answer within {patience_s:g} s") from None
