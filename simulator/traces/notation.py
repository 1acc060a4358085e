"""CBOR as it is, right or wrong, with the place of every part; and its diagnostic notation.

An authenticator refuses what is not canonical; a reader of traffic wants to see it. So this
reads all of RFC 8949, indefinite lengths and duplicate keys included, and where the bytes end or
make no sense it says so in an item of its own. The notation is that of RFC 8949 section 8, with
comments between slashes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, unique
from typing import Any, Final

from mfalab.simulator.eventlog import MASK

_DEEPEST: Final = 16
_BREAK: Final = 0xFF
_ARGUMENT_SIZES: Final = {24: 1, 25: 2, 26: 4, 27: 8}
_FLOATS: Final = {25: ">e", 26: ">f", 27: ">d"}
_SEQUENCE: Final = "sequence"
_SHOWN: Final = 32
"""How many bytes of a long byte string are shown."""


@unique
class ItemKind(Enum):
    """What an item is."""

    INTEGER = "integer"
    BYTES = "byte string"
    TEXT = "text"
    ARRAY = "array"
    MAP = "map"
    TAG = "tag"
    SIMPLE = "simple value"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Item:
    """One data item and where it lies.

    Attributes:
        kind: what it is; `BROKEN` runs to the end of what there is.
        start: where it begins.
        body: where its content begins, after the head.
        end: where the next one begins.
        value: an integer, bytes, text, simple value, tag number, or why it is broken.
        children: the items of an array, the keys and values of a map by turns, what is tagged.
    """

    kind: ItemKind
    start: int
    body: int
    end: int
    value: Any = None
    children: tuple[Item, ...] = ()

    @property
    def pairs(self) -> Iterator[tuple[Item, Item]]:
        """Keys and values of a map."""
        if self.kind is ItemKind.MAP:
            yield from zip(self.children[::2], self.children[1::2], strict=False)

    def get(self, key: int | str) -> Item | None:
        """The value of a key in a map; None when there is none or this is no map."""
        for each, value in self.pairs:
            if each.value == key and each.kind in {ItemKind.INTEGER, ItemKind.TEXT}:
                return value
        return None

    @property
    def is_sequence(self) -> bool:
        """Whether it is no item at all but an item and what follows it in error."""
        return self.kind is ItemKind.ARRAY and self.value == _SEQUENCE

    @property
    def first(self) -> Item:
        """The first item of a sequence, or the item itself."""
        return self.children[0] if self.is_sequence else self

    def walk(self) -> Iterator[Item]:
        """It and everything in it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def plain(self) -> Any:
        """It as Python values; a map with odd keys becomes a list of pairs."""
        if self.kind is ItemKind.ARRAY:
            return [child.plain() for child in self.children]
        if self.kind is ItemKind.MAP:
            pairs = [(key.plain(), value.plain()) for key, value in self.pairs]
            if all(isinstance(key, int | str | bytes) for key, _ in pairs):
                return dict(pairs)
            return pairs
        if self.kind is ItemKind.TAG:
            return self.children[0].plain()
        return self.value


def read_cbor(data: bytes, start: int = 0, *, whole: bool = True) -> Item:
    """The item that begins at `start`; it may be broken, or have something broken in it.

    Args:
        data: what it lies in.
        start: where it begins.
        whole: whether it has to reach to the end; what follows it is a broken item then, and the
            two come as an array.
    """
    item = _read(data, start, 0)
    if not whole or item.end == len(data):
        return item
    rest = Item(ItemKind.BROKEN, item.end, item.end, len(data), "more follows")
    return Item(ItemKind.ARRAY, start, start, len(data), _SEQUENCE, (item, rest))


def _broken(data: bytes, start: int, why: str) -> Item:
    return Item(ItemKind.BROKEN, start, start, len(data), why)


def _read(data: bytes, start: int, depth: int) -> Item:
    if start >= len(data):
        return _broken(data, start, "cut short")
    major, extra = data[start] >> 5, data[start] & 0x1F
    body = start + 1
    argument = extra
    if extra in _ARGUMENT_SIZES:
        size = _ARGUMENT_SIZES[extra]
        if body + size > len(data):
            return _broken(data, start, "cut short")
        argument = int.from_bytes(data[body : body + size])
        body += size
    elif extra == 31 and major in {2, 3, 4, 5}:
        argument = -1
    elif extra >= 28:
        return _broken(data, start, "no CBOR")
    if depth > _DEEPEST:
        return _broken(data, start, "too deep")
    if major in {0, 1}:
        value = argument if major == 0 else -1 - argument
        return Item(ItemKind.INTEGER, start, body, body, value)
    if major in {2, 3}:
        return _string(data, start, body, argument, major, depth)
    if major == 7:
        return _simple(data, start, body, extra, argument)
    return _group(data, start, body, argument, major, depth)


def _string(data: bytes, start: int, body: int, size: int, major: int, depth: int) -> Item:
    kind = ItemKind.BYTES if major == 2 else ItemKind.TEXT
    if size < 0:
        parts, at = _children(data, body, -1, depth)
        raw = b"".join(data[part.body : part.end] for part in parts)
        if parts and parts[-1].kind is ItemKind.BROKEN:
            return Item(ItemKind.ARRAY, start, body, at, "indefinite", parts)
    else:
        at = body + size
        if at > len(data):
            return _broken(data, start, f"{size} bytes are announced and {len(data) - body} come")
        raw = data[body:at]
    value: bytes | str = raw
    if major == 3:
        value = raw.decode(errors="replace")
    return Item(kind, start, body, at, value)


def _group(data: bytes, start: int, body: int, count: int, major: int, depth: int) -> Item:
    kind = {4: ItemKind.ARRAY, 5: ItemKind.MAP, 6: ItemKind.TAG}[major]
    wanted = {4: count, 5: 2 * count, 6: 1}[major]
    children, end = _children(data, body, -1 if count < 0 else wanted, depth)
    return Item(kind, start, body, end, count if kind is ItemKind.TAG else None, children)


def _children(data: bytes, at: int, count: int, depth: int) -> tuple[tuple[Item, ...], int]:
    found: list[Item] = []
    while count < 0 or len(found) < count:
        if count < 0 and at < len(data) and data[at] == _BREAK:
            return tuple(found), at + 1
        found.append(_read(data, at, depth + 1))
        at = found[-1].end
        if any(each.kind is ItemKind.BROKEN for each in found[-1].walk()):
            break
    return tuple(found), at


def _simple(data: bytes, start: int, body: int, extra: int, argument: int) -> Item:
    value: Any = {20: False, 21: True, 22: None}.get(extra, f"simple({argument})")
    if extra in _FLOATS:
        value = struct.unpack(_FLOATS[extra], data[start + 1 : body])[0]
    if extra == 31:
        return _broken(data, start, "no CBOR")
    return Item(ItemKind.SIMPLE, start, body, body, value)


def hex_text(data: bytes, *, full: bool = False) -> str:
    """Bytes in diagnostic notation; of long ones the beginning and the length."""
    if full or len(data) <= _SHOWN:
        return f"h'{data.hex()}'"
    return f"h'{data[: _SHOWN // 2].hex()}...' /{len(data)} bytes/"


def notation(
    item: Item,
    data: bytes,
    *,
    masked: Callable[[Item], bool] = lambda item: False,
    comment: Callable[[Item], str] = lambda item: "",
    full: bool = False,
) -> str:
    """An item in diagnostic notation.

    Args:
        item: what `read_cbor` found.
        data: where it found it.
        masked: whether an item is a secret and only its length is shown.
        comment: what to say before an item; empty for nothing.
        full: show long byte strings in full.
    """

    def write(each: Item) -> str:
        said = comment(each)
        before = f"/{said}/ " if said else ""
        return before + bare(each)

    def bare(each: Item) -> str:
        if masked(each):
            return f"h'{MASK}' /{each.end - each.body} bytes/"
        match each.kind:
            case ItemKind.BYTES:
                # What lies there now, which is zeros where an inner part has been masked.
                there = data[each.body : each.end]
                whole = len(there) == len(each.value)
                return hex_text(there if whole else each.value, full=full)
            case ItemKind.TEXT:
                return quoted(each.value)
            case ItemKind.ARRAY if each.is_sequence:
                return ", ".join(map(write, each.children))
            case ItemKind.ARRAY:
                return f"[{', '.join(map(write, each.children))}]"
            case ItemKind.MAP:
                members = [f"{write(key)}: {write(value)}" for key, value in each.pairs]
                if len(each.children) % 2:
                    members.append(write(each.children[-1]))
                return "{" + ", ".join(members) + "}"
            case ItemKind.TAG:
                return f"{each.value}({', '.join(map(write, each.children))})"
            case ItemKind.BROKEN:
                rest = data[each.start : each.end]
                return f"/{each.value}/" + (f" {hex_text(rest, full=full)}" if rest else "")
        return plain_text(each.value)

    return write(item)


def plain_text(value: object) -> str:
    """A number or a simple value."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return str(value)


def quoted(text: str) -> str:
    """A text in quotes that no terminal takes for orders."""
    shown = "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in text)
    return '"' + shown.replace('"', '\\"') + '"'
