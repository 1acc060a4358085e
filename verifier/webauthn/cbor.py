"""Decoding of the CBOR that authenticators send (RFC 8949, in the form of CTAP 2.1 section 8).

Integers, byte and text strings, arrays, maps, false, true and null, all of definite length. What is
cut short, repeated in a map, tagged, or nested deeper than eight levels is an error. Whether
lengths have their shortest form is the authenticator's conformance, not the relying party's
concern.
"""

from typing import Any

_DEEPEST = 8
_SIMPLE = {0xF4: False, 0xF5: True, 0xF6: None}


class CborError(Exception):
    """Bytes that are not the CBOR of an authenticator.

    Args: what is wrong, at which byte.
    """

    def __init__(self, what: str, at: int) -> None:
        super().__init__(what, at)

    def __str__(self) -> str:
        what, at = self.args
        return f"{what} at byte {at}"


def decode(data: bytes) -> Any:
    """The one item that fills all of the bytes.

    Raises:
        CborError: something else is there, or more.
    """
    item, end = decode_at(data, 0)
    if end != len(data):
        raise CborError("bytes follow the item", end)
    return item


def decode_at(data: bytes, at: int) -> tuple[Any, int]:
    """The item that begins at a byte, and where it ends.

    Raises:
        CborError: there is none.
    """
    try:
        return _item(data, at, 0)
    except IndexError:
        raise CborError("an item is missing", len(data)) from None


def _item(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    """As `decode_at`; IndexError where the bytes end before the item begins."""
    initial = data[at]
    start, major, number = at, initial >> 5, initial & 31
    if depth > _DEEPEST:
        raise CborError("nested too deeply", at)
    at += 1
    if number >= 24:
        if number >= 28:
            raise CborError("a length is indefinite or reserved", start)
        end = at + (1 << number - 24)
        if end > len(data):
            raise CborError("a number is cut short", start)
        number, at = int.from_bytes(data[at:end], "big"), end
    if major in {2, 3}:
        end = at + number
        content = data[at:end]
        if len(content) != number:
            raise CborError("a string is cut short", start)
        return (content if major == 2 else _text(content, start)), end
    if major == 0:
        return number, at
    if major == 1:
        return -1 - number, at
    depth += 1
    if major == 5:
        entries: dict[Any, Any] = {}
        for _ in range(number):
            key_at = at
            # Numbers and strings; True and False would be the same keys as 1 and 0.
            if data[at] >= 4 << 5:
                raise CborError("a key is neither number nor string", key_at)
            key, at = _item(data, at, depth)
            if key in entries:
                raise CborError("a key is repeated", key_at)
            entries[key], at = _item(data, at, depth)
        return entries, at
    if major == 4:
        items = []
        for _ in range(number):
            item, at = _item(data, at, depth)
            items.append(item)
        return items, at
    if major == 7 and initial in _SIMPLE:
        return _SIMPLE[initial], at
    raise CborError("a tag, a float or an unassigned value", start)


def _text(data: bytes, at: int) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise CborError("a text is not UTF-8", at) from None
