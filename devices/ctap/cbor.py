"""CTAP2 canonical CBOR: the only encoding an authenticator speaks and accepts.

Shortest forms, definite lengths, map keys ordered by major type, then length, then bytes; no tags,
no duplicate keys, nesting of at most four maps and arrays. Source: CTAP 2.1 section 8 and RFC 8949.
"""

from dataclasses import dataclass
from typing import Any, final

from mfalab.devices.ctap.status import CtapError, CtapStatus

MAX_NESTING = 4
"""Levels of maps and arrays that a message may have."""

_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = range(8)
_ARGUMENT_SIZES = {24: 1, 25: 2, 26: 4, 27: 8}
_FLOAT_FORMS = (25, 26, 27)
_SIMPLES = {None: b"\xf6", True: b"\xf5", False: b"\xf4"}
_OCTETS = [bytes([octet]) for octet in range(256)]


@final
@dataclass(frozen=True, slots=True)
class Float:
    """A floating-point number as it was sent; CTAP has none, but an unknown member may be one."""

    encoded: bytes


def encode(value: Any) -> bytes:
    """One value in canonical form.

    Args:
        value: Integers of up to 64 bits, byte strings, texts, booleans, None, `Float` as it
            came in, and lists, tuples and dictionaries of those.

    Raises:
        TypeError: A value has another type.
    """
    kind = type(value)
    if kind is int:
        return _head(_UNSIGNED, value) if value >= 0 else _head(_NEGATIVE, -1 - value)
    if kind is bytes:
        return _head(_BYTES, len(value)) + bytes(value)
    if kind is str:
        raw: bytes = value.encode()
        return _head(_TEXT, len(raw)) + raw
    if kind is dict:
        # Shortest forms in the order of their bytes are in that of type, length and bytes.
        items = sorted([(encode(key), encode(item)) for key, item in value.items()])
        return _head(_MAP, len(items)) + b"".join([key + item for key, item in items])
    if kind is list or kind is tuple:
        return _head(_ARRAY, len(value)) + b"".join([encode(item) for item in value])
    if value is None or kind is bool:
        return _SIMPLES[value]
    if isinstance(value, Float):
        return value.encoded
    if isinstance(value, int):
        return encode(int(value))  # a member of an enumeration
    raise TypeError(f"CBOR has no form here for {type(value).__name__}: {value!r}.")


def decode(data: bytes) -> Any:
    """The one value that `data` holds, nothing before or after it.

    Raises:
        CtapError: INVALID_CBOR; the bytes are cut short, not canonical, nested too deeply, or use
            a part of CBOR that CTAP does not.
    """
    try:
        value, end = _decode(data, 0, 0)
    except IndexError as error:
        raise _invalid(f"it is cut short after {len(data)} bytes") from error
    if end != len(data):
        raise _invalid(f"{len(data) - end} bytes follow the value")
    return value


def _head(major: int, argument: int) -> bytes:
    if argument < 24:
        return _OCTETS[major << 5 | argument]
    for extra, size in _ARGUMENT_SIZES.items():
        if argument < 1 << 8 * size:
            return _OCTETS[major << 5 | extra] + argument.to_bytes(size, "big")
    raise TypeError(f"CBOR integers have 64 bits, {argument} has more.")


def _invalid(why: str) -> CtapError:
    return CtapError(CtapStatus.INVALID_CBOR, why)


def _taken(data: bytes, at: int, size: int) -> bytes:
    taken = data[at : at + size]
    if len(taken) != size:
        raise _invalid(f"{size} bytes should follow at {at}, there are {len(taken)}")
    return taken


def _decode(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    """The value that begins at a byte, and where it ends; IndexError where the bytes do."""
    initial = data[at]
    major, argument = initial >> 5, initial & 0x1F
    at += 1
    if major == _SIMPLE:
        return _decode_simple(data, at, argument)
    if argument >= 24:
        size = _ARGUMENT_SIZES.get(argument)
        if size is None:
            raise _invalid(f"indefinite length or reserved form at {at - 1}")
        argument = int.from_bytes(_taken(data, at, size), "big")
        if argument < (24 if size == 1 else 1 << 4 * size):
            raise _invalid(f"{argument} is not written in its shortest form at {at}")
        at += size
    if major == _TEXT:
        try:
            return _taken(data, at, argument).decode(), at + argument
        except UnicodeDecodeError as error:
            raise _invalid("a text is not UTF-8") from error
    if major == _BYTES:
        return _taken(data, at, argument), at + argument
    if major == _UNSIGNED:
        return argument, at
    if major == _NEGATIVE:
        return -1 - argument, at
    if major == _TAG:
        raise _invalid("tags are not used")
    if depth == MAX_NESTING:
        raise _invalid(f"more than {MAX_NESTING} levels of maps and arrays")
    if major == _MAP:
        return _decode_map(data, at, depth + 1, argument)
    items = []
    for _ in range(argument):
        item, at = _decode(data, at, depth + 1)
        items.append(item)
    return items, at


def _decode_map(data: bytes, at: int, depth: int, size: int) -> tuple[Any, int]:
    result: dict[Any, Any] = {}
    last = b""
    for _ in range(size):
        if data[at] >> 5 > _TEXT:
            raise _invalid("a map key is neither an integer nor a string")
        start = at
        key, at = _decode(data, at, depth)
        encoded = data[start:at]
        if encoded <= last:
            raise _invalid(f"map key {key!r} is out of order or comes twice")
        last = encoded
        result[key], at = _decode(data, at, depth)
    return result, at


def _decode_simple(data: bytes, at: int, extra: int) -> tuple[Any, int]:
    if extra in (20, 21):
        return extra == 21, at
    if extra == 22:
        return None, at
    if extra in _FLOAT_FORMS:
        size = 1 + _ARGUMENT_SIZES[extra]
        return Float(_taken(data, at - 1, size)), at - 1 + size
    raise _invalid(f"simple value or reserved form {extra} at {at - 1}")
