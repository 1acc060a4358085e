"""Traffic in words: one line for each message, secrets masked.

    for message in dissect(frames):
        print(message.line())

A `Dissector` does the same piece by piece, for listeners while it happens. Nothing is judged
here: what is malformed is shown as far as it goes, with what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from mfalab.devices.ctap.commands import Capability, KeepaliveStatus
from mfalab.devices.ctap.ctaphid import HidCommand, HidError
from mfalab.devices.ctap.iso7816 import AID
from mfalab.devices.transports.wire import Direction
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.eventlog import MASK
from mfalab.simulator.traces.assembly import Assembled, Assembler, command_data
from mfalab.simulator.traces.frames import Frame, FrameKind
from mfalab.simulator.traces.masking import authenticator_data, secret_items
from mfalab.simulator.traces.notation import (
    Item,
    ItemKind,
    hex_text,
    notation,
    quoted,
    read_cbor,
)
from mfalab.simulator.traces.vocabulary import (
    REQUESTS,
    RESPONSES,
    U2F,
    command_name,
    flags_text,
    is_known,
    shown_as,
    status_name,
    status_word_name,
    subcommand_member,
    subcommand_name,
)

_SELECT, _MSG, _GETRESPONSE, _CONTROL = 0x00A4, 0x8010, 0x8011, 0x8012
_CARD_COMMANDS: Final = {
    _SELECT: "SELECT",
    _MSG: "NFCCTAP_MSG",
    _GETRESPONSE: "NFCCTAP_GETRESPONSE",
    _CONTROL: "NFCCTAP_CONTROL",
}
_UPDATE: Final = 0x9100

Span = tuple[int, int]
"""A part of a payload or of a frame: start and end."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message, in words.

    Attributes:
        number: which message it is, counted from 1.
        ts_ns: when its first frame passed.
        until_ns: when its last frame passed.
        direction: which way it went.
        channel: its CTAPHID channel; None for APDUs and power.
        command: CTAPHID command or command APDU: `CBOR`, `INIT`, `SELECT`.
        operation: what it is about: `clientPIN getPinRetries`, `REGISTER`; empty for nothing.
        status: how it ended: `PIN_INVALID`, `CHANNEL_BUSY`, `6985 ...`; empty for a request.
        parameters: what it carries, in CBOR diagnostic notation, secrets masked; empty for nothing.
        defect: what is wrong with its form; empty for nothing.
        code: the CTAP2 command, or of a U2F message INS; None when it is neither.
        payload: what it carries as bytes, zeros for secrets.
        tree: its CBOR, which lies in `payload`; None when it carries none.
        secrets: the parts of the payload that are secret.
        assembled: its frames as they came, secrets included.
    """

    number: int
    ts_ns: int
    until_ns: int
    direction: Direction
    channel: int | None
    command: str
    operation: str = ""
    status: str = ""
    parameters: str = ""
    defect: str = ""
    code: int | None = None
    payload: bytes = b""
    tree: Item | None = field(default=None, repr=False)
    secrets: tuple[Span, ...] = ()
    assembled: Assembled | None = field(default=None, repr=False)

    @property
    def is_request(self) -> bool:
        """Whether a client sent it."""
        return self.direction is Direction.TO_KEY

    @property
    def inner(self) -> bool:
        """Whether it is only a step of another message of a card."""
        return self.assembled is not None and self.assembled.inner

    @property
    def summary(self) -> str:
        """Everything but time, direction and channel."""
        said = [self.command, self.operation, self.status, self.parameters]
        if self.defect:
            said.append(f"({self.defect})")
        return " ".join(each for each in said if each)

    def line(self, since_ns: int = 0) -> str:
        """It as one line.

        Args:
            since_ns: the time that is 0 in it, such as that of the first message.
        """
        way = "->" if self.is_request else "<-"
        where = "--------" if self.channel is None else f"{self.channel:08x}"
        after_ns = self.ts_ns - since_ns
        sign, after_ns = ("-", -after_ns) if after_ns < 0 else ("", after_ns)
        seconds = f"{sign}{after_ns // NS_PER_S}.{after_ns % NS_PER_S // 1000:06d}"
        return f"{seconds:>12} {way} {where} {self.summary}"

    def __str__(self) -> str:
        return self.line()

    def masked_frames(self) -> tuple[Frame, ...]:
        """Its frames with zeros where secrets are."""
        assert self.assembled is not None
        spans: dict[int, list[Span]] = {}
        for start, end in self.secrets:
            for index, low, high in self.assembled.spans(start, end):
                spans.setdefault(index, []).append((low, high))
        return tuple(
            frame.mask(tuple(spans.get(index, ())))
            for index, frame in enumerate(self.assembled.frames)
        )


@dataclass(slots=True)
class _Said:
    """What was found out about a message so far.

    `fields` are the parameters of a message that carries no CBOR, `tree` those of one that does.
    """

    command: str = ""
    operation: str = ""
    status: str = ""
    fields: dict[str, Span | str] = field(default_factory=dict)
    code: int | None = None
    tree: Item | None = None
    secrets: list[Span] = field(default_factory=list)


class Dissector:
    """Tells the messages of one key as its frames come.

    Besides the messages of a card that `dissect` yields come those that are only steps of others,
    with `inner`; every frame that is fed is in exactly one message.

    Args:
        reveal: show secrets as well.
        full: show long byte strings in full.
    """

    def __init__(self, *, reveal: bool = False, full: bool = False) -> None:
        self._reveal = reveal
        self._full = full
        self._assembler = Assembler()
        self._count = 0
        # What was last asked on each channel: the CTAP2 command, and in words.
        self._asked: dict[int, tuple[int | None, str]] = {}
        self._foreign = False

    def feed(self, frame: Frame) -> list[Message]:
        """Take the next frame; returns the messages that end with it."""
        return [self._message(each) for each in self._assembler.feed(frame)]

    def finish(self) -> list[Message]:
        """Tell what is not complete."""
        return [self._message(each) for each in self._assembler.finish()]

    def _message(self, whole: Assembled) -> Message:
        said = _Said()
        if whole.kind in {FrameKind.POWER_ON, FrameKind.POWER_OFF}:
            said.command = whole.kind.value
            self._asked.clear()
            self._foreign = False
        elif whole.kind is FrameKind.APDU:
            self._card(whole, said)
        else:
            self._hid(whole, said)
        was_masked = whole.payload_masked()
        hidden = set(was_masked) if self._reveal else {*said.secrets, *was_masked}
        payload = bytearray(whole.payload)
        for start, end in hidden:
            payload[start:end] = bytes(end - start)
        self._count += not whole.inner
        return Message(
            self._count,
            whole.frames[0].ts_ns,
            whole.frames[-1].ts_ns,
            whole.direction,
            whole.channel if whole.kind is FrameKind.REPORT else None,
            said.command,
            said.operation,
            said.status,
            self._parameters(whole, said, bytes(payload), hidden),
            whole.defect,
            said.code,
            bytes(payload),
            said.tree,
            () if self._reveal else tuple(sorted(said.secrets)),
            whole,
        )

    # CTAPHID.

    def _hid(self, whole: Assembled, said: _Said) -> None:
        known = {int(each): each for each in HidCommand}
        command = known.get(whole.command)
        size = len(whole.payload)
        request = whole.direction is Direction.TO_KEY
        said.command = command.name if command else f"command 0x{whole.command:02x}"
        if whole.command < 0:
            # A packet that belongs to nothing may be the rest of anything.
            said.command = "packet"
            said.secrets = [(0, size)]
        match command:
            case HidCommand.INIT:
                self._init(whole, said)
            case HidCommand.CBOR:
                self._cbor(whole, said)
            case HidCommand.MSG:
                self._msg(whole, said)
            case HidCommand.KEEPALIVE | HidCommand.ERROR:
                kind = KeepaliveStatus if command is HidCommand.KEEPALIVE else HidError
                names = {int(each): each.name for each in kind}
                code = whole.payload[0] if size else -1
                said.status = names.get(code, f"0x{code:02x}" if size else "")
            case HidCommand.LOCK if size == 1:
                said.fields["seconds"] = str(whole.payload[0])
            case HidCommand.PING:
                said.fields["data"] = 0, size
            case HidCommand.CANCEL | HidCommand.WINK:
                pass
            case _:
                said.secrets = [(0, size)]
        if size and not said.fields and command is not HidCommand.CBOR and not said.status:
            said.fields["data"] = 0, size
        if request and command is not HidCommand.CANCEL:
            self._asked[whole.channel] = said.code, said.operation

    @staticmethod
    def _init(whole: Assembled, said: _Said) -> None:
        payload = whole.payload
        if len(payload) == 17:
            flags = Capability(payload[16])
            able = " ".join(str(each.name) for each in Capability if each in flags)
            said.fields = {
                "nonce": (0, 8),
                "channel": f"0x{payload[8:12].hex()}",
                "version": str(payload[12]),
                "device": ".".join(map(str, payload[13:16])),
                "capabilities": f"0x{payload[16]:02x} /{able}/",
            }
        elif len(payload) == 8:
            said.fields["nonce"] = 0, 8

    # Cards.

    def _card(self, whole: Assembled, said: _Said) -> None:
        size = len(whole.payload)
        if whole.command < 0:
            said.command = "APDU"
            said.secrets = [(0, size)]
            said.fields = {"data": (0, size)}
            return
        kind = whole.command >> 16
        u2f = U2F.get(kind & 0xFF, "") if kind >> 8 == 0 else ""
        ins = _CARD_COMMANDS.get(kind, u2f or f"APDU {whole.command:08x}")
        said.command = ins
        if whole.status_word is not None:
            said.status = status_word_name(whole.status_word)
        if kind == _SELECT:
            if whole.direction is Direction.TO_KEY:
                self._foreign = whole.payload != AID
            said.fields = {"data": (0, size)} if size else {}
        elif self._foreign:
            # Another applet than FIDO's: one-time passwords have their keys there.
            said.secrets = [(0, size)]
            said.fields = {"data": (0, size)} if size else {}
        elif kind in {_MSG, _GETRESPONSE} and whole.status_word == _UPDATE:
            names = {int(each): each.name for each in KeepaliveStatus}
            if whole.payload:
                said.fields["status"] = names.get(whole.payload[0], f"0x{whole.payload[0]:02x}")
        elif kind in {_MSG, _GETRESPONSE} and size:
            self._cbor(whole, said)
        elif u2f:
            self._u2f(whole, said, kind & 0xFF, 0, size)
        elif size:
            said.secrets = [(0, size)]
            said.fields = {"data": (0, size)}
        if whole.direction is Direction.TO_KEY and kind != _GETRESPONSE and not whole.inner:
            self._asked[whole.channel] = said.code, said.operation

    # CTAP2.

    def _cbor(self, whole: Assembled, said: _Said) -> None:
        payload = whole.payload
        request = whole.direction is Direction.TO_KEY
        if not payload:
            return
        first = payload[0]
        if request:
            code: int | None = first
            said.operation = command_name(first)
        else:
            code, said.operation = self._asked.get(whole.channel, (None, ""))
            name = status_name(first)
            said.status = f"{said.status} {name}".strip()
        said.code = code
        if len(payload) == 1:
            return
        if code is None or not is_known(code):
            said.secrets = [(1, len(payload))]
            said.fields = {"data": (1, len(payload))}
            return
        said.tree = tree = read_cbor(payload, 1)
        secret = secret_items(code, tree, payload, request=request)
        said.secrets = sorted({(each.body, each.end) for each in secret})
        if request and (number := _subcommand(code, tree.first)) is not None:
            said.operation += " " + subcommand_name(code, number.value)

    # CTAP1/U2F.

    def _msg(self, whole: Assembled, said: _Said) -> None:
        size = len(whole.payload)
        if whole.direction is Direction.TO_KEY:
            if size < 4:
                return
            start, length = command_data(whole.payload)
            ins = whole.payload[1]
            said.operation = U2F.get(ins, f"INS {ins:02x}")
            self._u2f(whole, said, ins, start, start + length)
            return
        if size >= 2:
            said.status = status_word_name(int.from_bytes(whole.payload[-2:]))
            code, said.operation = self._asked.get(whole.channel, (None, ""))
            self._u2f(whole, said, -1 if code is None else code, 0, size - 2)

    def _u2f(self, whole: Assembled, said: _Said, ins: int, start: int, end: int) -> None:
        said.code = ins if ins >= 0 else None
        data = whole.payload[start:end]
        if ins not in U2F:
            said.secrets = [(start, end)] if data else []
        if not data:
            return
        said.fields = {"data": (start, end)}
        if whole.direction is Direction.TO_KEY and ins in {1, 2} and len(data) >= 64:
            said.fields = {
                "challenge": (start, start + 32),
                "application": (start + 32, start + 64),
            }
            if ins == 2 and len(data) > 65:
                p1 = whole.command >> 8 & 0xFF if whole.status_word is None else 0
                control = whole.payload[2] if whole.kind is FrameKind.REPORT else p1
                said.fields["control"] = f"0x{control:02x}"
                said.fields["keyHandle"] = start + 65, end
        elif whole.direction is Direction.TO_HOST and ins == 2 and len(data) > 5:
            said.fields = {
                "userPresence": f"0x{data[0]:02x}",
                "counter": str(int.from_bytes(data[1:5])),
                "signature": (start + 5, end),
            }
        elif whole.direction is Direction.TO_HOST and ins == 1 and len(data) > 67:
            handle = start + 67 + data[66]
            said.fields = {
                "publicKey": (start + 1, start + 66),
                "keyHandle": (start + 67, min(handle, end)),
                "certificateAndSignature": (min(handle, end), end),
            }
        elif ins == 3:
            said.fields = {"version": quoted(data.decode(errors="replace"))}

    # Words.

    def _parameters(self, whole: Assembled, said: _Said, payload: bytes, hidden: set[Span]) -> str:
        if said.tree is None:
            told = [
                f"{name}: {value if isinstance(value, str) else self._part(payload, value, hidden)}"
                for name, value in said.fields.items()
            ]
            return "{" + ", ".join(told) + "}" if told else ""
        assert said.code is not None
        request = whole.direction is Direction.TO_KEY

        def masked(item: Item) -> bool:
            return _covers(hidden, item.body, item.end)

        comment = _comments(said.code, said.tree, payload, masked, request=request)
        return notation(said.tree, payload, masked=masked, comment=comment, full=self._full)

    def _part(self, payload: bytes, span: Span, hidden: set[Span]) -> str:
        start, end = span
        if start < end and _covers(hidden, start, end):
            return f"h'{MASK}' /{end - start} bytes/"
        return hex_text(payload[start:end], full=self._full)


def _comments(
    code: int, tree: Item, payload: bytes, masked: Callable[[Item], bool], *, request: bool
) -> Callable[[Item], str]:
    """What is said before the items of a CTAP2 message."""
    names = (REQUESTS if request else RESPONSES).get(shown_as(code), {})
    top = tree.first
    said = {
        key.start: names[key.value]
        for key, _ in top.pairs
        if key.kind is ItemKind.INTEGER and key.value in names
    }
    if request and (number := _subcommand(code, top)) is not None:
        said[number.start] = subcommand_name(code, number.value)
    if not request and (found := authenticator_data(code, top, payload)) is not None:
        item, parts = found
        told = [flags_text(parts.flags), f"counter {parts.counter}"]
        if parts.aaguid:
            told.append(f"aaguid {parts.aaguid.hex()}")
            told.append(f"credential {hex_text(parts.credential_id)}")
        if parts.extensions is not None:
            told.append(notation(parts.extensions, payload, masked=masked))
        # Comments do not lie within each other.
        said[item.start] = "; ".join(told).replace("/", "")
    # A sequence begins where its first item does.
    return lambda item: "" if item.is_sequence else said.get(item.start, "")


def _subcommand(code: int, top: Item) -> Item | None:
    """The subcommand in a request, if it is a number."""
    member = subcommand_member(code)
    number = None if member is None else top.get(member)
    return number if number is not None and number.kind is ItemKind.INTEGER else None


def _covers(hidden: set[Span], start: int, end: int) -> bool:
    """Whether all of a part is hidden, by one span or by several side by side."""
    if start >= end:
        return False
    at = start
    for low, high in sorted(hidden):
        if low <= at < high:
            at = high
    return at >= end


def dissect(
    frames: Iterable[Frame], *, reveal: bool = False, full: bool = False
) -> Iterator[Message]:
    """The messages that frames make, in the order in which they end.

    Args:
        frames: all that passed, in order, both ways and all channels.
        reveal: show secrets as well.
        full: show long byte strings in full.
    """
    dissector = Dissector(reveal=reveal, full=full)
    for frame in frames:
        yield from (each for each in dissector.feed(frame) if not each.inner)
    yield from (each for each in dissector.finish() if not each.inner)
