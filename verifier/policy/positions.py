"""Where the statements of a policy document stand in its text, as the policy simulator says it."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


class Position(NamedTuple):
    """A line and a column, both from 1."""

    line: int
    column: int


class Span(NamedTuple):
    """Where a statement begins, and the place after its end."""

    start: Position
    end: Position


def spans(text: str) -> list[Span]:
    """The places of the statements of a sound document, in its order.

    The service's reader says where it stands, not where the statement does: a statement begins
    after the `[` or after the statement before it, and one without a list after its own `{`
    (captures of 2019, 2020, 2025 and 2026 agree).
    """
    at = _skip(text, _skip(text, 0) + 1)
    while True:
        name, at = _DECODER.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)  # the colon
        if name == "Statement":
            return [Span(_position(text, a), _position(text, b)) for a, b in _places(text, at)]
        _, at = _DECODER.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)  # the comma


def _places(text: str, at: int) -> list[tuple[int, int]]:
    if text[at] == "{":
        return [(at + 1, _DECODER.raw_decode(text, at)[1])]
    places: list[tuple[int, int]] = []
    before = at + 1
    at = _skip(text, before)
    while text[at] != "]":
        _, end = _DECODER.raw_decode(text, at)
        places.append((before, end))
        before = end
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return places


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    assert found is not None
    return found.end()


def _position(text: str, at: int) -> Position:
    return Position(text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))
