"""How a test ends, and what ends it before its last line."""

from __future__ import annotations

from enum import Enum, unique


@unique
class Verdict(Enum):
    """How a test ended."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"


class Failure(Exception):
    """The key does not do what the standard asks.

    Args:
        expected: what it asks.
        got: what the key did.
    """

    def __init__(self, expected: str, got: str) -> None:
        super().__init__(expected, got)
        self.expected = expected
        self.got = got

    def __str__(self) -> str:
        return f"expected {self.expected}, got {self.got}"


class KeySilent(Failure):
    """The key owes an answer and says nothing; fields are those of `Failure`."""


class KeyGone(Failure):
    """The key has gone in the middle: it lost its power or was pulled out; as `Failure`."""


class NotTested(Exception):
    """A test does not apply to this key, or cannot be done on this subject.

    Args:
        why: the reason, a sentence without its full stop.
    """


def expect(holds: object, expected: str, got: object) -> None:
    """Fail unless something holds.

    Raises:
        Failure: it does not.
    """
    if not holds:
        raise Failure(expected, str(got))


def differ(what: str, one: object, other: object) -> None:
    """Fail if two things that must differ are the same, such as `keys`.

    Raises:
        Failure: they are.
    """
    expect(one != other, f"two {what}", "the same one twice")
