"""What is wrong with a file, each mistake with its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something wrong at a place of a file; lines and columns count from 1."""

    path: str
    line: int
    column: int
    message: str
    source: str = field(default="", compare=False)

    def __str__(self) -> str:
        text = f"{self.path}:{self.line}:{self.column}: {self.message}"
        if not self.source:
            return text
        before = "".join("\t" if sign == "\t" else " " for sign in self.source[: self.column - 1])
        return f"{text}\n    {self.source}\n    {before}^"


class ProblemsFound(Exception):
    """A file, or several, that cannot be used; all that is wrong with them.

    Args: tuple of `Problem`.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        """What is wrong, in the order of the files."""
        super().__init__(self.problems)

    @classmethod
    def of_file(cls, path: str, message: str) -> Self:
        """What is wrong with a file as a whole."""
        return cls([Problem(path, 1, 1, message)])

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)
