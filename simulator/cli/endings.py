"""How signals end a command: with everything written that is to be, whatever was under way."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

_ended_by: list[int] = []
"""The signals that asked this command to end."""


@contextmanager
def ended_cleanly() -> Iterator[list[int]]:
    """Let SIGTERM and SIGHUP end us as Ctrl-C does, with everything written that is to be.

    A second one ends us at once. What is ignored stays so: `nohup` asks for it.

    Yields:
        The number of the signal, once there was one.
    """

    def end(number: int, frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        _interrupt(number, frame)

    _ended_by.clear()
    ours = [
        each for each in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) is signal.SIG_DFL
    ]
    for each in ours:
        signal.signal(each, end)
    try:
        yield _ended_by
    finally:
        for each in ours:
            signal.signal(each, signal.SIG_DFL)


def heeding(steps: Iterable[T]) -> Iterator[T]:
    """The steps of a long work, until a signal asked to end, even if what it raised was lost.

    Python drops an exception that is raised while an object is finalised, such as a future of a
    cluster that has just been read, and prints where; that is not told here.

    Raises:
        KeyboardInterrupt: at the latest before the next step.
    """
    here = threading.current_thread() is threading.main_thread()
    ours = here and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if ours:
        signal.signal(signal.SIGINT, _interrupt)
    tell = sys.unraisablehook

    def tell_others(lost: sys.UnraisableHookArgs) -> None:
        if not (_ended_by and lost.exc_type is KeyboardInterrupt):
            tell(lost)

    sys.unraisablehook = tell_others
    try:
        for step in steps:
            if _ended_by:
                raise KeyboardInterrupt
            yield step
    finally:
        sys.unraisablehook = tell
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _interrupt(number: int, frame: object) -> None:
    _ended_by.append(number)
    raise KeyboardInterrupt
