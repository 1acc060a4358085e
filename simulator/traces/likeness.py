"""Whether a client says again what was recorded, and what differs if it does not."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, unique

from mfalab.simulator.traces.dissect import Message
from mfalab.simulator.traces.notation import Item, ItemKind


@unique
class Strictness(Enum):
    """How much of a request has to be as it was recorded."""

    COMMANDS = "commands"
    """The commands and subcommands, in their order."""
    SHAPE = "shape"
    """Everything but the content of byte strings, whose lengths count."""
    BYTES = "bytes"
    """Every byte but nonces, channel numbers and what is masked in the recording."""


def difference(recorded: Message, sent: Message, strictness: Strictness) -> str:
    """What makes a message another one than was recorded, in a few words; empty for nothing."""
    names = [f"{each.command} {each.operation}".strip() for each in (recorded, sent)]
    if names[0] != names[1]:
        return f"{names[1]} instead of {names[0]}"
    if recorded.defect != sent.defect:
        return f"its form is {sent.defect or 'good'} instead of {recorded.defect or 'good'}"
    if strictness is Strictness.COMMANDS:
        return ""
    assert recorded.assembled is not None
    assert sent.assembled is not None
    hidden = recorded.assembled.payload_masked()
    was, now = recorded.assembled.payload, sent.assembled.payload
    if strictness is Strictness.BYTES:
        if len(was) != len(now):
            return f"it has {len(now)} bytes instead of {len(was)}"
        same = all(
            a == b or any(low <= at < high for low, high in hidden)
            for at, (a, b) in enumerate(zip(was, now, strict=True))
        )
        return "" if same else "its bytes are others"
    if recorded.tree is not None and sent.tree is not None:
        return _shape(recorded.tree, sent.tree, hidden, "the parameters")
    return "" if len(was) == len(now) else f"it has {len(now)} bytes instead of {len(was)}"


def _shape(was: Item, now: Item, hidden: Iterable[tuple[int, int]], where: str) -> str:
    """Where the shape of an item is another one, and how; empty for nowhere."""
    if was.kind is not now.kind:
        return f"{where}: {now.kind.value} instead of {was.kind.value}"
    size_was, size_now = was.end - was.body, now.end - now.body
    masked = any(low <= was.body and was.end <= high for low, high in hidden)
    if was.kind is ItemKind.BYTES or masked:
        if size_was != size_now:
            return f"{where}: {size_now} bytes instead of {size_was}"
        return ""
    if was.kind in {ItemKind.MAP, ItemKind.ARRAY, ItemKind.TAG}:
        return _shape_within(was, now, hidden, where)
    if was.value != now.value:
        return f"{where}: {now.value!r} instead of {was.value!r}"
    return ""


def _shape_within(was: Item, now: Item, hidden: Iterable[tuple[int, int]], where: str) -> str:
    if was.kind is ItemKind.MAP:
        keys_was, keys_now = ([key.value for key, _ in each.pairs] for each in (was, now))
        if keys_was != keys_now:
            return f"{where}: members {keys_now} instead of {keys_was}"
        for (key, before), (_, after) in zip(was.pairs, now.pairs, strict=True):
            if why := _shape(before, after, hidden, f"member {key.value!r} of {where}"):
                return why
        return ""
    if len(was.children) != len(now.children):
        return f"{where}: {len(now.children)} items instead of {len(was.children)}"
    for number, (before, after) in enumerate(zip(was.children, now.children, strict=True)):
        if why := _shape(before, after, hidden, f"item {number} of {where}"):
            return why
    return ""
