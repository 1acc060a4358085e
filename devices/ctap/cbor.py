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
    if value is None:
        return b"\xf6"
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return _head(_UNSIGNED, value) if value >= 0 else _head(_NEGATIVE, -1 - value)
    if isinstance(value, (bytes, bytearray)):
        return _head(_BYTES, len(value)) + bytes(value)
    if isinstance(value, str):
        raw = value.encode()
        return _head(_TEXT, len(raw)) + raw
    if isinstance(value, (list, tuple)):
        return _head(_ARRAY, len(value)) + b"".join(map(encode, value))
    if isinstance(value, dict):
        items = sorted((_key_order(key := encode(k)), key, encode(v)) for k, v in value.items())
        return _head(_MAP, len(items)) + b"".join(key + item for _, key, item in items)
    if isinstance(value, Float):
        return value.encoded
    raise TypeError(f"CBOR has no form here for {type(value).__name__}: {value!r}.")


def decode(data: bytes) -> Any:
    """The one value that `data` holds, nothing before or after it.

    Raises:
        CtapError: INVALID_CBOR; the bytes are cut short, not canonical, nested too deeply, or use
            a part of CBOR that CTAP does not.
    """
    value, end = _decode(data, 0, 0)
    if end != len(data):
        raise _invalid(f"{len(data) - end} bytes follow the value")
    return value


def _head(major: int, argument: int) -> bytes:
    if argument < 24:
        return bytes([major << 5 | argument])
    for extra, size in _ARGUMENT_SIZES.items():
        if argument < 1 << 8 * size:
            return bytes([major << 5 | extra]) + argument.to_bytes(size, "big")
    raise TypeError(f"CBOR integers have 64 bits, {argument} has more.")


def _key_order(encoded: bytes) -> tuple[int, int, bytes]:
    return encoded[0] >> 5, len(encoded), encoded


def _invalid(why: str) -> CtapError:
    return CtapError(CtapStatus.INVALID_CBOR, why)


def _take(data: bytes, at: int, size: int) -> bytes:
    if len(data) - at < size:
        raise _invalid(f"{size} bytes should follow at {at}, there are {len(data) - at}")
    return data[at : at + size]


def _decode(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    initial = _take(data, at, 1)[0]
    major, extra = initial >> 5, initial & 0x1F
    at += 1
    if major == _SIMPLE:
        return _decode_simple(data, at, extra)
    argument = extra
    if extra >= 24:
        size = _ARGUMENT_SIZES.get(extra)
        if size is None:
            raise _invalid(f"indefinite length or reserved form at {at - 1}")
        argument = int.from_bytes(_take(data, at, size), "big")
        at += size
        if argument < (24 if size == 1 else 1 << 4 * size):
            raise _invalid(f"{argument} is not written in its shortest form at {at - size}")
    if major == _UNSIGNED:
        return argument, at
    if major == _NEGATIVE:
        return -1 - argument, at
    if major == _BYTES:
        return _take(data, at, argument), at + argument
    if major == _TEXT:
        try:
            return _take(data, at, argument).decode(), at + argument
        except UnicodeDecodeError as error:
            raise _invalid("a text is not UTF-8") from error
    if major == _TAG:
        raise _invalid("tags are not used")
    if depth == MAX_NESTING:
        raise _invalid(f"more than {MAX_NESTING} levels of maps and arrays")
    if major == _ARRAY:
        items = []
        for _ in range(argument):
            item, at = _decode(data, at, depth + 1)
            items.append(item)
        return items, at
    return _decode_map(data, at, depth + 1, argument)


def _decode_map(data: bytes, at: int, depth: int, size: int) -> tuple[Any, int]:
    result: dict[Any, Any] = {}
    last: tuple[int, int, bytes] | None = None
    for _ in range(size):
        start = at
        key, at = _decode(data, at, depth)
        if isinstance(key, bool) or not isinstance(key, (int, bytes, str)):
            raise _invalid("a map key is neither an integer nor a string")
        order = _key_order(data[start:at])
        if last is not None and order <= last:
            raise _invalid(f"map key {key!r} is out of order or comes twice")
        last = order
        result[key], at = _decode(data, at, depth)
    return result, at


def _decode_simple(data: bytes, at: int, extra: int) -> tuple[Any, int]:
    if extra in (20, 21):
        return extra == 21, at
    if extra == 22:
        return None, at
    if extra in _FLOAT_FORMS:
        size = _ARGUMENT_SIZES[extra]
        return Float(data[at - 1 : at] + _take(data, at, size)), at + size
    raise _invalid(f"simple value or reserved form {extra} at {at - 1}")
