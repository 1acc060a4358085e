"""Where two keys part: the same client asks both, and the answers are held side by side.

What differs by nature is compared by form only: keys, nonces, credential IDs, tokens and whatever
else is a byte string by length, signatures by whether they verify, the signature counter by whether
it moves. Everything else counts: statuses, which members an answer has and what they say, flags,
extensions, whether the key wants its user, and how long it takes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from enum import Enum, unique
from statistics import median
from typing import Any, Final

from mfalab.devices.ctap.ctaphid import HidCommand
from mfalab.simulator.clocks.durations import NS_PER_MS
from mfalab.simulator.traces.dissect import Message
from mfalab.simulator.traces.exchanges import Exchange, exchanges
from mfalab.simulator.traces.masking import AuthData, authenticator_data
from mfalab.simulator.traces.notation import Item, ItemKind, plain_text
from mfalab.simulator.traces.signatures import judge
from mfalab.simulator.traces.vocabulary import FLAGS, RESPONSES, shown_as

ABSENT: Final = "absent"
_CARRIERS: Final = {"INIT", "PING", "WINK", "LOCK", "SELECT", "NFCCTAP_CONTROL"}
_EXACT_BYTES: Final = {"aaguid", "authData.aaguid", "authData.rpIdHash"}
_SEALED: Final = {"encIdentifier", "encCredStoreState"}
"""Members of getInfo that are other bytes each time."""
_DER_SEQUENCE: Final = 0x30


@unique
class Part(Enum):
    """What differs."""

    OUTCOME = "outcome"
    FLOW = "flow"
    STATUS = "status"
    MEMBER = "member"
    FLAG = "flag"
    EXTENSION = "extension"
    COUNTER = "counter"
    SIGNATURE = "signature"
    USER = "user"
    TIMING = "timing"


@dataclass(frozen=True, slots=True)
class Passage:
    """What passed for one purpose, such as a test.

    Attributes:
        name: the purpose.
        messages: what passed.
        outcome: how it ended, for purposes that can fail; empty for those that cannot.
    """

    name: str
    messages: tuple[Message, ...]
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which two keys differ, told once however often it shows.

    Attributes:
        passages: where, each once.
        times: how often.
        request: the request that was answered differently; empty for the passage as a whole.
        part: what differs.
        what: more precisely, such as `options.rk`; empty where `part` says it all.
        first: what the first key does.
        second: what the second key does.
    """

    passages: tuple[str, ...]
    times: int
    request: str
    part: Part
    what: str
    first: str
    second: str


@dataclass(slots=True)
class _Side:
    """What is remembered of one key over the whole comparison."""

    counter: int | None = None
    public_keys: dict[bytes, Any] = field(default_factory=dict)
    busy_ns: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    pauses_ns: list[int] = field(default_factory=list)


def compare(
    first: Sequence[Passage],
    second: Sequence[Passage],
    *,
    tolerance_ns: int | None = 100 * NS_PER_MS,
) -> list[Difference]:
    """Where two keys part.

    Args:
        first: what passed between the client and the first key.
        second: the same for the second key; passages of one name are held side by side.
        tolerance_ns: by how much times may differ, in the median; None to leave times out.
    """
    sides = _Side(), _Side()
    others = {passage.name: passage for passage in second}
    carried = not _has_reports(first) or not _has_reports(second)
    found: list[Difference] = []
    for passage in first:
        other = others.pop(passage.name, None)
        if other is None:
            found.append(_once(passage.name, "", Part.FLOW, "", "done", "not done"))
        else:
            found += _passages(passage, other, sides, without_carriers=carried)
    found += [_once(name, "", Part.FLOW, "", "not done", "done") for name in others]
    if tolerance_ns is not None:
        found += _times(sides, tolerance_ns)
    return _together(found)


def _once(
    passage: str, request: str, part: Part, what: str, first: object, second: object
) -> Difference:
    return Difference((passage,), 1, request, part, what, str(first), str(second))


def _together(found: Iterable[Difference]) -> list[Difference]:
    """Each difference once, in the order of the first time."""
    groups: dict[tuple[object, ...], list[Difference]] = {}
    for each in found:
        said = (each.request, each.part, each.what, each.first, each.second)
        groups.setdefault(said, []).append(each)
    return [
        replace(
            group[0],
            passages=tuple(dict.fromkeys(name for each in group for name in each.passages)),
            times=len(group),
        )
        for group in groups.values()
    ]


def _has_reports(passages: Iterable[Passage]) -> bool:
    return any(message.channel is not None for each in passages for message in each.messages)


def _passages(
    one: Passage, other: Passage, sides: tuple[_Side, _Side], *, without_carriers: bool
) -> Iterator[Difference]:
    def differs(request: str, part: Part, what: str, first: object, second: object) -> Difference:
        return _once(one.name, request, part, what, first, second)

    if one.outcome != other.outcome:
        yield differs("", Part.OUTCOME, "", one.outcome, other.outcome)
    asked = [
        [
            each
            for each in exchanges(passage.messages)
            if not (without_carriers and each.label in _CARRIERS)
        ]
        for passage in (one, other)
    ]
    labels = [[each.label for each in side] for side in asked]
    matcher = SequenceMatcher(None, labels[0], labels[1], autojunk=False)
    for tag, low, high, low2, high2 in matcher.get_opcodes():
        if tag != "equal":
            told = [", ".join(labels[0][low:high]), ", ".join(labels[1][low2:high2])]
            yield differs("", Part.FLOW, "", *(f"asked {each or 'nothing'}" for each in told))
            for side, rest in zip(sides, (asked[0][low:high], asked[1][low2:high2]), strict=True):
                for each in rest:
                    _form(each, side)
            continue
        for a, b in zip(asked[0][low:high], asked[1][low2:high2], strict=True):
            _clock(a, b, sides)
            forms = _form(a, sides[0]), _form(b, sides[1])
            yield from _forms(a.label, *forms, differs)


def _clock(one: Exchange, other: Exchange, sides: tuple[_Side, _Side]) -> None:
    """Remember the times of exchanges that ended in the same way."""
    for side, exchange in zip(sides, (one, other), strict=True):
        side.pauses_ns += exchange.pauses_ns
        if one.status == other.status and exchange.busy_ns is not None:
            # A refusal costs less than a signature.
            side.busy_ns[f"{exchange.label} {exchange.status}"].append(exchange.busy_ns)


_Key = tuple[Part, str]


def _forms(
    label: str,
    first: Mapping[_Key, str],
    second: Mapping[_Key, str],
    differs: Callable[[str, Part, str, object, object], Difference],
) -> Iterator[Difference]:
    status = Part.STATUS, ""
    if first[status] != second[status]:
        yield differs(label, *status, first[status], second[status])
    broken = Part.MEMBER, "CBOR"
    if first[status] != second[status] or broken in {*first, *second}:
        # The members of an answer are not compared with those of none.
        kept = {(Part.USER, ""), broken}
        first = {key: value for key, value in first.items() if key in kept}
        second = {key: value for key, value in second.items() if key in kept}
    absent: set[str] = set()
    for key in dict.fromkeys([*first, *second]):
        part, what = key
        was, now = first.get(key, ABSENT), second.get(key, ABSENT)
        if key == status or was == now:
            continue
        if key == broken:
            was, now = first.get(key, "good"), second.get(key, "good")
        # Where a whole group is absent its members need not be listed.
        if any(what.startswith(f"{each}.") for each in absent):
            continue
        if ABSENT in (was, now):
            absent.add(what)
        yield differs(label, part, what, was, now)


# The form of an answer.


def _form(exchange: Exchange, side: _Side) -> dict[_Key, str]:
    """What of an exchange is compared, in words."""
    form: dict[_Key, str] = {(Part.STATUS, ""): exchange.status}
    form[Part.USER, ""] = "asks" if exchange.asked_user else "does not ask"
    answer = exchange.answer
    if answer is None:
        return form
    if answer.defect:
        form[Part.MEMBER, "form"] = answer.defect
    if answer.tree is not None:
        _members(form, exchange, answer, side)
    elif exchange.label.startswith("U2F"):
        _u2f(form, exchange, answer, side)
    elif answer.command == HidCommand.INIT.name and len(answer.payload) == 17:
        payload = answer.payload
        form[Part.MEMBER, "version"] = str(payload[12])
        form[Part.MEMBER, "device version"] = ".".join(map(str, payload[13:16]))
        form[Part.MEMBER, "capabilities"] = f"0x{payload[16]:02x}"
    elif answer.command == HidCommand.PING.name:
        echo = answer.payload == exchange.request.payload
        form[Part.MEMBER, "data"] = "the same" if echo else "others"
    return form


def _members(form: dict[_Key, str], exchange: Exchange, answer: Message, side: _Side) -> None:
    tree, code = answer.tree, answer.code
    assert tree is not None
    if any(item.kind is ItemKind.BROKEN for item in tree.walk()):
        form[Part.MEMBER, "CBOR"] = "broken"
    top = tree.first
    if top.kind is not ItemKind.MAP:
        form[Part.MEMBER, "CBOR"] = f"{top.kind.value} instead of a map"
        return
    names = RESPONSES.get(shown_as(code), {}) if code is not None else {}
    for key, value in top.pairs:
        name = names.get(key.value, str(key.value)) if not isinstance(key.value, bool) else "?"
        found = authenticator_data(code, top, answer.payload) if code is not None else None
        if found is not None and value is found[0]:
            _auth_data(form, found[1], side)
            form[Part.SIGNATURE, ""] = judge(exchange, side.public_keys)
        elif name == "unsignedExtensionOutputs":
            _value(form, Part.EXTENSION, name, value)
        else:
            _value(form, Part.MEMBER, name, value)


def _auth_data(form: dict[_Key, str], parts: AuthData, side: _Side) -> None:
    form[Part.MEMBER, "authData.rpIdHash"] = parts.rp_id_hash.hex()
    for flag, name in FLAGS.items():
        form[Part.FLAG, name] = "set" if parts.flags & flag else "not set"
    if parts.flags & ~sum(FLAGS):
        form[Part.FLAG, "reserved"] = f"0x{parts.flags & ~sum(FLAGS):02x}"
    form[Part.COUNTER, ""] = _moves(parts.counter, side)
    if parts.aaguid:
        form[Part.MEMBER, "authData.aaguid"] = parts.aaguid.hex()
        form[Part.MEMBER, "authData.credentialId"] = f"{len(parts.credential_id)} bytes"
    if parts.public_key is not None:
        _value(form, Part.MEMBER, "authData.publicKey", parts.public_key)
    if parts.extensions is not None:
        for key, value in parts.extensions.pairs:
            _value(form, Part.EXTENSION, str(key.value), value)
    if parts.rest is not None:
        form[Part.MEMBER, "authData.rest"] = f"{parts.rest.end - parts.rest.start} bytes"


def _moves(counter: int, side: _Side) -> str:
    before, side.counter = side.counter, counter
    if not counter:
        return "zero"
    if before is None or counter > before:
        return "moves"
    return "stands still" if counter == before else "goes back"


def _value(form: dict[_Key, str], part: Part, path: str, item: Item) -> None:
    """The form of a value and of all that is in it."""
    name = path.rpartition(".")[2]
    if item.kind is ItemKind.MAP:
        form[part, path] = "there"
        for key, value in item.pairs:
            _value(form, part, f"{path}.{key.value}", value)
    elif item.kind is ItemKind.ARRAY and name == "x5c":
        form[part, path] = f"{len(item.children)} certificates"
    elif item.kind is ItemKind.ARRAY and not any(each.children for each in item.children):
        form[part, path] = "[" + ", ".join(_said(path, each) for each in item.children) + "]"
    elif item.kind is ItemKind.ARRAY:
        plain = all(each.kind is not ItemKind.BYTES for each in item.walk())
        form[part, path] = _compact(item.plain()) if plain else f"{len(item.children)} items"
        if not plain:
            for number, each in enumerate(item.children):
                _value(form, part, f"{path}.{number}", each)
    else:
        form[part, path] = _said(path, item)


def _said(path: str, item: Item) -> str:
    if item.kind is not ItemKind.BYTES:
        return plain_text(item.value)
    name = path.rpartition(".")[2]
    if path in _EXACT_BYTES or path == "user.id":
        return str(item.value.hex())
    if name in {"sig", "signature"} and item.value[:1] == bytes((_DER_SEQUENCE,)):
        return "an ECDSA signature"
    return f"{len(item.value)} bytes" + (", sealed" if name in _SEALED else "")


def _compact(value: Any) -> str:
    """A list of maps, such as algorithms, in one line."""
    if isinstance(value, list):
        return "[" + ", ".join(map(_compact, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_compact(each)}" for key, each in value.items()) + "}"
    return str(value)


def _u2f(form: dict[_Key, str], exchange: Exchange, answer: Message, side: _Side) -> None:
    data = answer.payload
    if answer.channel is not None:
        data = data[:-2]  # the status word
    if not data:
        return
    if exchange.label == "U2F REGISTER" and len(data) > 67:
        form[Part.MEMBER, "reserved byte"] = f"0x{data[0]:02x}"
        form[Part.MEMBER, "key handle"] = f"{data[66]} bytes"
    elif exchange.label == "U2F AUTHENTICATE" and len(data) > 5:
        form[Part.FLAG, "UP"] = "set" if data[0] & 1 else "not set"
        form[Part.COUNTER, ""] = _moves(int.from_bytes(data[1:5]), side)
    elif exchange.label == "U2F VERSION":
        form[Part.MEMBER, "version"] = data.decode(errors="replace")


# Times.


def _times(sides: tuple[_Side, _Side], tolerance_ns: int) -> Iterator[Difference]:
    for label in dict.fromkeys([*sides[0].busy_ns, *sides[1].busy_ns]):
        was, now = (side.busy_ns.get(label, []) for side in sides)
        if was and now and abs(median(was) - median(now)) > tolerance_ns:
            yield _late(label, "until it answers", was, now)
    was, now = sides[0].pauses_ns, sides[1].pauses_ns
    if was and now and abs(median(was) - median(now)) > tolerance_ns:
        yield _late(HidCommand.KEEPALIVE.name, "between two", was, now)


def _late(label: str, what: str, was: list[int], now: list[int]) -> Difference:
    told = [f"{median(each) / NS_PER_MS:.1f} ms (median of {len(each)})" for each in (was, now)]
    return _once("times", label, Part.TIMING, what, *told)
