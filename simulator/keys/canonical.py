"""What a key's CBOR says, and whether it is written as CTAP2 asks.

A reader of its own, apart from the one of the simulated key: it goes on where it can when something
is wrong, and tells what is. CTAP 2.1 section 8, RFC 8949 section 3.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Final

MAX_NESTING: Final = 4
"""Levels of maps and arrays that CTAP2 allows."""
_DEEPEST: Final = 32
"""Where reading stops, so that hostile bytes do not end this program."""
_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = range(8)
_INDEFINITE: Final = 31
_BREAK: Final = 0xFF
_SIZES: Final = {24: 1, 25: 2, 26: 4, 27: 8}
_FLOATS: Final = {25: ">e", 26: ">f", 27: ">d"}
_CONSTANTS: Final = {20: False, 21: True, 22: None}


@dataclass(frozen=True, slots=True)
class Reading:
    """CBOR that was read.

    Attributes:
        value: what it says: dict, list, bytes, str, int, float, bool or None.
        problems: why it is not CTAP2 canonical CBOR, each with its place; empty when it is.
        readable: whether there is a value at all.
    """

    value: Any
    problems: tuple[str, ...]
    readable: bool = True


class _CutShort(Exception):
    """The bytes end in the middle of an item."""


def read(data: bytes) -> Reading:
    """Read one CBOR item that should be all of `data`."""
    reading, rest = read_first(data)
    if not rest or not reading.readable:
        return reading
    more = f"at byte {len(data) - len(rest)}: {len(rest)} bytes follow the item"
    return Reading(reading.value, (*reading.problems, more))


def read_first(data: bytes) -> tuple[Reading, bytes]:
    """Read the CBOR item with which `data` begins; also returns what follows it."""
    reader = _Reader(data)
    try:
        value = reader.item(0)
    except _CutShort:
        problems = (*reader.problems, f"it ends after {len(data)} bytes in the middle of an item")
        return Reading(None, problems, readable=False), b""
    except RecursionError:
        problems = (*reader.problems, "it is nested without end")
        return Reading(None, problems, readable=False), b""
    return Reading(value, tuple(reader.problems)), data[reader.at :]


class _Reader:
    """A place in bytes, and what was wrong so far."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.problems: list[str] = []

    def problem(self, text: str) -> None:
        self.problems.append(f"at byte {self.at}: {text}")

    def take(self, size: int) -> bytes:
        if len(self.data) - self.at < size:
            raise _CutShort
        self.at += size
        return self.data[self.at - size : self.at]

    def item(self, depth: int) -> Any:
        start = self.at
        initial = self.take(1)[0]
        major, extra = initial >> 5, initial & 0x1F
        if major == _SIMPLE:
            return self.simple(extra)
        argument = self.argument(extra, start)
        if major in (_UNSIGNED, _NEGATIVE):
            number = argument or 0
            return number if major == _UNSIGNED else -1 - number
        if major in (_BYTES, _TEXT):
            raw = self.take(argument) if argument is not None else self.pieces(depth)
            return raw if major == _BYTES else self.text(raw)
        if major == _TAG:
            self.problem(f"tag {argument} is used")
            return self.item(depth)
        if depth == MAX_NESTING:
            self.problem(f"more than {MAX_NESTING} levels of maps and arrays")
        if depth > _DEEPEST:
            raise RecursionError
        return (self.array if major == _ARRAY else self.map)(argument, depth + 1)

    def argument(self, extra: int, start: int) -> int | None:
        """The argument of an item's head; None for an indefinite length."""
        if extra < 24:
            return extra
        if extra == _INDEFINITE:
            self.problem("an indefinite length")
            return None
        if extra not in _SIZES:
            self.problem(f"the reserved form {extra}")
            raise _CutShort
        size = _SIZES[extra]
        number = int.from_bytes(self.take(size))
        if number < (24 if size == 1 else 1 << 4 * size):
            self.problems.append(f"at byte {start}: {number} is not in its shortest form")
        return number

    def ended(self, left: int | None) -> bool:
        """Whether a container has no further item; takes the break of an indefinite one."""
        if left is not None:
            return left == 0
        if self.at >= len(self.data):
            raise _CutShort
        if self.data[self.at] == _BREAK:
            self.at += 1
            return True
        return False

    def pieces(self, depth: int) -> bytes:
        parts = []
        while not self.ended(None):
            part = self.item(depth)
            if isinstance(part, str):
                parts.append(part.encode())
            elif isinstance(part, bytes):
                parts.append(part)
            else:
                self.problem("a piece of a string that is none")
        return b"".join(parts)

    def text(self, raw: bytes) -> str:
        try:
            return raw.decode()
        except UnicodeDecodeError:
            self.problem("a text that is not UTF-8")
            return raw.decode(errors="replace")

    def array(self, left: int | None, depth: int) -> list[Any]:
        items: list[Any] = []
        while not self.ended(left):
            items.append(self.item(depth))
            left = None if left is None else left - 1
        return items

    def map(self, left: int | None, depth: int) -> dict[Any, Any]:
        items: dict[Any, Any] = {}
        last: tuple[int, int, bytes] | None = None
        while not self.ended(left):
            start = self.at
            key = self.item(depth)
            raw = self.data[start : self.at]
            order = raw[0] >> 5, len(raw), raw
            if not isinstance(key, int | str | bytes) or isinstance(key, bool):
                self.problem("a map key that is neither an integer nor a string")
                key = str(key)
            elif last is not None and order <= last:
                what = "comes twice" if order == last else "is out of order"
                self.problems.append(f"at byte {start}: map key {key!r} {what}")
            last = order
            items[key] = self.item(depth)
            left = None if left is None else left - 1
        return items

    def simple(self, extra: int) -> Any:
        if extra in _CONSTANTS:
            return _CONSTANTS[extra]
        if extra in _FLOATS:
            return struct.unpack(_FLOATS[extra], self.take(_SIZES[extra]))[0]
        self.problem(f"simple value or reserved form {extra}")
        if extra == 24:
            return self.take(1)[0]
        return None
