"""Decoding of the CBOR that authenticators send (RFC 8949, in the form of CTAP 2.1 section 8).

Integers, byte and text strings, arrays, maps, false, true and null, all of definite length. What is
cut short, repeated in a map, tagged, or nested deeper than eight levels is an error. Whether
lengths have their shortest form is the authenticator's conformance, not the relying party's
concern.
"""

from typing import Any

_DEEPEST = 8
_SIMPLE = {20: False, 21: True, 22: None}


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


def decode_at(data: bytes, at: int, depth: int = 0) -> tuple[Any, int]:
    """The item that begins at a byte, and where it ends.

    Raises:
        CborError: there is none.
    """
    if at >= len(data):
        raise CborError("an item is missing", at)
    if depth > _DEEPEST:
        raise CborError("nested too deeply", at)
    start, major, low = at, data[at] >> 5, data[at] & 31
    at += 1
    if low < 24:
        number = low
    elif low < 28:
        length = 1 << low - 24
        if at + length > len(data):
            raise CborError("a number is cut short", start)
        number = int.from_bytes(data[at : at + length], "big")
        at += length
    else:
        raise CborError("a length is indefinite or reserved", start)
    if major == 0:
        return number, at
    if major == 1:
        return -1 - number, at
    if major in {2, 3}:
        end = at + number
        if end > len(data):
            raise CborError("a string is cut short", start)
        return (data[at:end] if major == 2 else _text(data[at:end], start)), end
    if major == 4:
        items = []
        for _ in range(number):
            item, at = decode_at(data, at, depth + 1)
            items.append(item)
        return items, at
    if major == 5:
        entries: dict[Any, Any] = {}
        for _ in range(number):
            key_at = at
            key, at = decode_at(data, at, depth + 1)
            # True and False would be the same keys as 1 and 0.
            if isinstance(key, bool) or not isinstance(key, (int, str, bytes)):
                raise CborError("a key is neither number nor string", key_at)
            if key in entries:
                raise CborError("a key is repeated", key_at)
            entries[key], at = decode_at(data, at, depth + 1)
        return entries, at
    if major == 7 and low in _SIMPLE:
        return _SIMPLE[low], at
    raise CborError("a tag, a float or an unassigned value", start)


def _text(data: bytes, at: int) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise CborError("a text is not UTF-8", at) from None
