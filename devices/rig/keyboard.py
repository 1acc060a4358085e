"""The person at this process's keyboard, told on standard error and asked on standard input."""

from __future__ import annotations

import sys
from typing import TextIO


class Keyboard:
    """A person at a terminal, or a program at the other ends of two pipes.

    On a terminal a countdown stays on its line; elsewhere it is told once.

    Args:
        told: where they read; None for standard error.
        answers: where they write; None for standard input.
    """

    def __init__(self, told: TextIO | None = None, answers: TextIO | None = None) -> None:
        self._told = told
        self._answers = answers
        self._counting = ""

    def tell(self, text: str, left_s: int | None) -> None:
        """See `mfalab.devices.rig.opening.Person.tell`."""
        told = sys.stderr if self._told is None else self._told
        again = self._counting == text
        self._counting = text if left_s else ""
        if left_s is None:
            told.write(f"{text}\n")
        elif told.isatty():
            told.write(f"\r{text} {left_s:3} s" + ("" if left_s else "\n"))
        elif not again:
            told.write(f"{text} ({left_s} s)\n")
        told.flush()

    def ask(self, text: str) -> str:
        """See `mfalab.devices.rig.opening.Person.ask`."""
        told = sys.stderr if self._told is None else self._told
        told.write(f"{text} ")
        told.flush()
        line = (sys.stdin if self._answers is None else self._answers).readline()
        if not line:
            raise EOFError
        return line.rstrip("\n")
