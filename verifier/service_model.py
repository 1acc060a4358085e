r"""AWS's service models of IAM (2010-05-08) and STS (2011-06-15), as far as they are needed here.

The files in `service_models` hold, in our form, what the models say of each operation: the members
of its input and its answer with their types and constraints, and its errors. They are written by
`tests/verifier/write_service_models.py` and held against the botocore of the tests, so that nothing
here needs botocore. A file is read when its first operation is called.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

Kind = Literal["structure", "list", "map", "string", "integer", "boolean", "timestamp", "blob"]


@dataclass(frozen=True, slots=True)
class Shape:
    """A type of the model with its constraints.

    `least` and `most` bound the length of a text or a list, or the value of a number.
    """

    name: str
    kind: Kind
    members: Mapping[str, Shape] = field(default_factory=dict)
    """Of a structure, in the order of the model."""
    required: frozenset[str] = frozenset()
    element: Shape | None = None
    """Of a list; of a map, its values."""
    key: Shape | None = None
    """Of a map."""
    least: int | None = None
    most: int | None = None
    pattern: str | None = None
    words: tuple[str, ...] = ()
    sensitive: bool = False

    def matches(self, text: str) -> bool:
        """Whether a text is of the pattern."""
        return self.pattern is None or _compiled(self.pattern).fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Operation:
    """What an operation takes, answers and raises."""

    name: str
    input: Shape
    output: Shape | None
    """None: the answer has no result, only a request id."""
    wrapper: str | None
    """The element of the answer that holds the output, such as `GetUserResult`."""
    errors: Mapping[str, int]
    """The codes of its errors, each with its HTTP status."""


class ServiceModel:
    """The operations of one service.

    Args: the content of its file.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.version: str = content["version"]
        """Such as `2010-05-08`."""
        self.namespace: str = content["namespace"]
        """Of the XML of its answers."""
        self._rows: Mapping[str, Any] = content["operations"]
        self._shape_rows: Mapping[str, Any] = content["shapes"]
        self._shapes: dict[str, Shape] = {}
        self._operations: dict[str, Operation] = {}

    @property
    def names(self) -> frozenset[str]:
        """The names of all its operations."""
        return frozenset(self._rows)

    def operation(self, name: str) -> Operation:
        """One operation.

        Raises:
            KeyError: there is none of this name.
        """
        made = self._operations.get(name)
        if made is None:
            row = self._rows[name]
            errors = [self._shape_rows[error] for error in row["errors"]]
            made = self._operations[name] = Operation(
                name,
                self.shape(row["input"]) if "input" in row else Shape(name, "structure"),
                self.shape(row["output"]) if "output" in row else None,
                row.get("wrapper"),
                {error["code"]: error["status"] for error in errors},
            )
        return made

    def shape(self, name: str) -> Shape:
        """One shape, by the name that the model has for it.

        Raises:
            KeyError: there is none of this name.
        """
        made = self._shapes.get(name)
        if made is None:
            row = self._shape_rows[name]
            element = row.get("member") or row.get("value")
            made = self._shapes[name] = Shape(
                name,
                row["type"],
                {member: self.shape(shape) for member, shape in row.get("members", {}).items()},
                frozenset(row.get("required", ())),
                self.shape(element) if element else None,
                self.shape(row["key"]) if "key" in row else None,
                row.get("min"),
                row.get("max"),
                row.get("pattern"),
                tuple(row.get("enum", ())),
                row.get("sensitive", False),
            )
        return made


@cache
def service_model(service: str) -> ServiceModel:
    """The model of `iam` or `sts`: about a millisecond at the first call."""
    path = Path(__file__).parent / "service_models" / f"{service}.json"
    return ServiceModel(json.loads(path.read_bytes()))


# What \p{L}\p{Z}\p{N} are: letters and numbers of every script, and the separators of Unicode.
_SEPARATORS = "\x20\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_LETTERS = re.compile(r"\[\\p\{L\}\\p\{Z\}\\p\{N\}(.*?)\]")


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern of the models as `re` writes it; classes such as `\\w` are of ASCII, as in Java."""
    pattern = _LETTERS.sub(rf"(?u:[^\\W_]|[{_SEPARATORS}\1])", pattern)
    pattern = re.sub(r"\\u10000-\\u10FFFF", r"\\U00010000-\\U0010FFFF", pattern)
    return re.compile(pattern, re.ASCII)
