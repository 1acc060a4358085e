"""Text patterns of the policy language: wildcards, policy variables, and ARNs by their fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from mfalab.verifier import refusals

Context = Mapping[str, str | tuple[str, ...]]
"""Condition keys of a request, in lower case, and their values; an absent key is not there."""

Matcher = Callable[[str], bool]


class Wild(Enum):
    """What stands for any text, and for any one character."""

    MANY = "*"
    ONE = "?"


class Variable(NamedTuple):
    """`${name}` or `${name, 'default'}`; the key is the name in lower case."""

    key: str
    default: str | None
    name: str


Token = str | Wild | Variable

_PLAIN = re.compile(r"([*?])")
_WITH_VARIABLES = re.compile(r"(\$\{[^}]*\}|[*?])")
_VARIABLE = re.compile(r"([A-Za-z0-9._-]+:[^,'{}]*[^,'{}\s])\s*(?:,\s*'([^']*)'\s*)?")
_ESCAPED = {"${*}": "*", "${?}": "?", "${$}": "$"}


def tokens(text: str, *, wildcards: bool = True, variables: bool = True) -> tuple[Token, ...]:
    """What a text of a policy consists of. `${*}`, `${?}` and `${$}` are the plain characters.

    Args:
        text: as written in the policy.
        wildcards: whether `*` and `?` stand for other text.
        variables: whether `${...}` does (Version 2012-10-17).

    Raises:
        ServiceError: MalformedPolicyDocument: a `${...}` that is no policy variable.
    """
    found: list[Token] = []
    for piece in (_WITH_VARIABLES if variables else _PLAIN).split(text):
        if variables and piece.startswith("${"):
            found.append(_ESCAPED.get(piece) or _variable(piece))
        elif wildcards and piece in {"*", "?"}:
            found.append(Wild(piece))
        elif piece:
            if variables and "${" in piece:
                opened = piece[piece.index("${") :]
                raise refusals.malformed_policy(f"Policy variable {opened} is not closed.")
            found.append(piece)
    return _joined(found)


def _variable(piece: str) -> Variable:
    parts = _VARIABLE.fullmatch(piece[2:-1].strip())
    if parts is None:
        raise refusals.malformed_policy(f"Policy variable {piece} is not valid.")
    return Variable(parts[1].lower(), parts[2], parts[1])


def _joined(found: Iterable[Token]) -> tuple[Token, ...]:
    """Neighbouring texts as one, and neighbouring `*` as one."""
    joined: list[Token] = []
    for token in found:
        last = joined[-1] if joined else None
        if isinstance(token, str) and isinstance(last, str):
            joined[-1] = last + token
        elif not (token is Wild.MANY and last is Wild.MANY):
            joined.append(token)
    return tuple(joined)


def resolved(pattern: tuple[Token, ...], context: Context) -> tuple[Token, ...] | None:
    """A pattern with its variables replaced, by text that is taken as it is.

    Returns:
        None if a key is absent or has not exactly one value, and there is no default.
    """
    found: list[Token] = []
    for token in pattern:
        if isinstance(token, Variable):
            value = context.get(token.key)
            if isinstance(value, tuple):
                value = value[0] if len(value) == 1 else None
            value = token.default if value is None else value
            if value is None:
                return None
            found.append(value)
        else:
            found.append(token)
    return _joined(found)


class _Segment:
    """Text between two `*`: of one length, with `?` at some places."""

    __slots__ = ("_chars", "_masks", "_others", "_text", "length")

    def __init__(self, parts: list[Token]) -> None:
        texts = [part for part in parts if isinstance(part, str)]
        self._text = "".join(texts) if len(texts) == len(parts) else None
        if self._text is not None:
            self.length = len(self._text)
            return
        self._chars: list[str | None] = []
        for part in parts:
            self._chars.extend(part if isinstance(part, str) else [None])
        self.length = len(self._chars)
        # Bit n of a character's mask: it fits at place n (the shift-and algorithm).
        self._others = sum(1 << n for n, char in enumerate(self._chars) if char is None)
        self._masks: dict[str, int] = {}
        for n, char in enumerate(self._chars):
            if char is not None:
                self._masks[char] = self._masks.get(char, self._others) | 1 << n

    def at(self, text: str, start: int) -> bool:
        """Whether it stands at this place of a text."""
        if self._text is not None:
            return text.startswith(self._text, start)
        return len(text) - start >= self.length and all(
            char is None or char == text[start + n] for n, char in enumerate(self._chars)
        )

    def find(self, text: str, start: int, end: int) -> int:
        """The first place between two of a text where it stands, or -1."""
        if self._text is not None:
            return text.find(self._text, start, end)
        state, whole = 0, 1 << (self.length - 1)
        for place in range(start, end):
            state = (state << 1 | 1) & self._masks.get(text[place], self._others)
            if state & whole:
                return place - self.length + 1
        return -1


class _Glob:
    """Matches a whole text, and looks at each of its characters a bounded number of times.

    The first place where a segment fits is as good as any other, because a `*` follows; so nothing
    is ever tried twice.
    """

    def __init__(self, pattern: tuple[Token, ...]) -> None:
        segments: list[list[Token]] = [[]]
        for token in pattern:
            if token is Wild.MANY:
                segments.append([])
            else:
                segments[-1].append(token)
        self._segments = [_Segment(segment) for segment in segments]
        self._shortest = sum(segment.length for segment in self._segments)

    def __call__(self, text: str) -> bool:
        first, last = self._segments[0], self._segments[-1]
        if len(text) < self._shortest or not first.at(text, 0):
            return False
        if first is last:
            return len(text) == first.length
        start, end = first.length, len(text) - last.length
        for segment in self._segments[1:-1]:
            found = segment.find(text, start, end)
            if found < 0:
                return False
            start = found + segment.length
        return last.at(text, end)


def _always(text: str) -> bool:
    return True


def matcher(pattern: tuple[Token, ...]) -> Matcher:
    """What tells whether a text fits a pattern without variables."""
    if pattern == (Wild.MANY,):
        return _always
    if all(isinstance(token, str) for token in pattern):
        return "".join(map(str, pattern)).__eq__
    return _Glob(pattern)


def matches(pattern: tuple[Token, ...], text: str) -> bool:
    """Whether a text fits a pattern whose variables were replaced for this request."""
    if len(pattern) == 1 and isinstance(pattern[0], str):
        return text == pattern[0]
    return (_kept_matcher if len(pattern) <= _KEPT_TOKENS else matcher)(pattern)(text)


_KEPT_TOKENS = 16
_kept_matcher = lru_cache(maxsize=1024)(matcher)


def has_variables(pattern: Iterable[Token]) -> bool:
    """Whether a pattern depends on the request."""
    return any(isinstance(token, Variable) for token in pattern)


def keys(pattern: Iterable[Token]) -> frozenset[str]:
    """The condition keys that its variables name, as written."""
    return frozenset(token.name for token in pattern if isinstance(token, Variable))


ARN_FIELDS = 6


class ArnPattern:
    """An ARN with wildcards and variables: each of its six fields is matched on its own.

    So a `*` reaches to the next colon, and in the last field to the end. Fields that are left
    out match everything.
    """

    def __init__(self, pattern: tuple[Token, ...]) -> None:
        self.keys = keys(pattern)
        fields = [_joined(field) for field in _fields(pattern)]
        fields += [(Wild.MANY,)] * (ARN_FIELDS - len(fields))
        # The last fields tell most ARNs apart.
        self._fields = [
            (n, field, None if has_variables(field) else matcher(field))
            for n, field in reversed(list(enumerate(fields)))
            if field != (Wild.MANY,)
        ]

    def matches(self, fields: list[str], context: Context) -> bool | None:
        """Whether an ARN, split into its fields, fits.

        Returns:
            None if the pattern depends on a variable that the request does not have.
        """
        if len(fields) < ARN_FIELDS:
            return False
        unknown = False
        for n, pattern, fixed in self._fields:
            if fixed is not None:
                if not fixed(fields[n]):
                    return False
                continue
            whole = resolved(pattern, context)
            if whole is None:
                unknown = True
            elif not matches(whole, fields[n]):
                return False
        return None if unknown else True


def _fields(pattern: tuple[Token, ...]) -> list[list[Token]]:
    """A pattern of an ARN, split at its first five colons."""
    fields: list[list[Token]] = [[]]
    for token in pattern:
        if not isinstance(token, str):
            fields[-1].append(token)
            continue
        first, *others = token.split(":", ARN_FIELDS - len(fields))
        fields[-1].append(first)
        fields.extend([other] for other in others)
    return [[token for token in field if token != ""] for field in fields]


def arn_fields(arn: str) -> list[str]:
    """An ARN's six fields; fewer if the text is none."""
    return arn.split(":", ARN_FIELDS - 1)
