"""Whether a value that was read from a file is of the type that a field is declared with.

The declarations are those of our own records and models: plain types, enumerations, unions of
them, and tuples of one kind (`tuple[str, ...]`) or of fixed form (`tuple[str, int]`).
"""

from types import NoneType, UnionType
from typing import Any, get_args, get_origin

_WORDS = {int: "a number", bool: "true or false", str: "a text", bytes: "bytes"}


def fits(value: Any, hint: Any) -> bool:
    """Whether a value is of a declared type; a boolean is no number."""
    inner = get_args(hint)
    if isinstance(hint, UnionType):
        return any(fits(value, each) for each in inner)
    if get_origin(hint) is not tuple:
        return type(value) is hint
    if not isinstance(value, tuple):
        return False
    if inner[-1] is ...:
        return all(fits(each, inner[0]) for each in value)
    return len(value) == len(inner) and all(map(fits, value, inner))


def described(hint: Any) -> str:
    """What a field takes, such as `a list, each a number`; enumerations by their members."""
    inner = [each for each in get_args(hint) if each not in (NoneType, ...)]
    if isinstance(hint, UnionType):
        return " or ".join(map(described, inner))
    if get_origin(hint) is tuple:
        return f"a list, each {' and '.join(map(described, inner))}"
    return _WORDS.get(hint) or f"one of {', '.join(hint.__members__)}"
