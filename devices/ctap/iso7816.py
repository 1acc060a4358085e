"""The FIDO applet as a card shows it: command APDUs in, response APDUs out, no I/O.

Two kinds of waiting. A client that sets bit 0x80 of P1 in NFCCTAP_MSG hears `9100` with a status
byte while the authenticator works, and asks again with NFCCTAP_GETRESPONSE (`80 11`; P1 = 0x11
cancels). For any other client the response APDU itself is late: `exchange` returns None, and
`response` has it when it is there.

Long messages: a command comes in an extended APDU or chained (CLA bit 0x10); a response longer
than the client expects is cut, `61xx` says that there is more, and GET RESPONSE fetches it.

ISO/IEC 7816-4; CTAP 2.1 section 11.3, CTAP 2.2 section 11.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, unique
from typing import TYPE_CHECKING, Final

from mfalab.devices.ctap.commands import Capability, Transport
from mfalab.devices.ctap.ctaphid import MAX_MESSAGE, POLLED_NS

if TYPE_CHECKING:
    from mfalab.devices.ctap.authenticator import Authenticator
    from mfalab.devices.ctap.transaction import Transaction

AID: Final = bytes.fromhex("A0000006472F0001")
CARD_CHANNEL: Final = 0
"""The channel that a card's requests have; CTAPHID never hands it out."""
_CHAINING: Final = 0x10
_HAS_GETRESPONSE: Final = 0x80
_CANCEL: Final = 0x11
_END: Final = 0x01


@unique
class StatusWord(IntEnum):
    """SW1 and SW2 of a response APDU. ISO/IEC 7816-4 section 5.6."""

    OK = 0x9000
    UPDATE = 0x9100
    MORE = 0x6100
    WRONG_LENGTH = 0x6700
    CONDITIONS_NOT_SATISFIED = 0x6985
    NOT_SELECTED = 0x6986
    WRONG_DATA = 0x6A80
    NOT_FOUND = 0x6A82
    WRONG_P1_P2 = 0x6A86
    INS_NOT_SUPPORTED = 0x6D00
    CLA_NOT_SUPPORTED = 0x6E00


@unique
class _Instruction(IntEnum):
    NFCCTAP_MSG = 0x10
    NFCCTAP_GETRESPONSE = 0x11
    NFCCTAP_CONTROL = 0x12
    SELECT = 0xA4
    GET_RESPONSE = 0xC0


@dataclass(frozen=True, slots=True)
class _Command:
    """A command APDU; `expected` is the most data that the client takes, Ne."""

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes
    expected: int

    @property
    def head(self) -> bytes:
        return bytes((self.cla & ~_CHAINING, self.ins, self.p1, self.p2))

    def extended(self) -> bytes:
        """The same command as one extended APDU."""
        length = b"\0" + len(self.data).to_bytes(2) if self.data else b"\0"
        return self.head + length + self.data + b"\0\0"


def _parse(apdu: bytes) -> _Command | None:
    """A command in any of the forms of ISO/IEC 7816-4 section 5.2; None when it has none."""
    if len(apdu) < 4:
        return None
    body = apdu[4:]
    if len(body) <= 1:
        # With no Le at all the client takes what there is, as readers do.
        return _command(apdu, b"", (body[0] if body else 0) or 256)
    if body[0]:
        start, length, le, most = 1, body[0], 1, 256
    elif len(body) == 3:
        return _command(apdu, b"", int.from_bytes(body[1:]) or 65536)
    else:
        start, length, le, most = 3, int.from_bytes(body[1:3]), 2, 65536
    data, rest = body[start : start + length], body[start + length :]
    if not length or len(data) < length or len(rest) not in {0, le}:
        return None
    return _command(apdu, data, int.from_bytes(rest) or most)


def _command(head: bytes, data: bytes, expected: int) -> _Command:
    return _Command(head[0], head[1], head[2], head[3], data, expected)


class FidoApplet:
    """The applet of one authenticator, from power-up to power-down.

    Args:
        authenticator: what does the commands.
        transport: NFC, where the tap is the presence, or SMART_CARD.
    """

    def __init__(
        self, authenticator: Authenticator, *, transport: Transport = Transport.NFC
    ) -> None:
        self._authenticator = authenticator
        self._transport = transport
        self._selected = False
        self._chain: tuple[bytes, bytes] | None = None
        self._rest = b""
        self._work: Transaction | None = None
        self._polled: tuple[Transaction, int] | None = None
        self._late: _Command | None = None
        self._response: bytes | None = None

    @property
    def transaction(self) -> Transaction | None:
        """The request that people can do something about; see `CtapHid.transaction`."""
        if self._work is not None:
            return self._work
        return self._polled[0] if self._polled else None

    @property
    def response(self) -> bytes | None:
        """The response APDU of the last exchange; None while it is not there yet."""
        return self._response

    @property
    def deadline_ns(self) -> int | None:
        """When `advance` is due."""
        if self._work is not None:
            return self._work.deadline_ns
        return self._polled[1] if self._polled else None

    def exchange(self, apdu: bytes, now_ns: int) -> bytes | None:
        """Take a command APDU; return the response APDU, or None when it will be late."""
        self.advance(now_ns)
        self._late = None
        self._response = self._do(apdu, now_ns)
        return self._response

    def advance(self, now_ns: int) -> None:
        """Let it be `now_ns`, or look what a gesture has changed."""
        if self._polled is not None and now_ns >= self._polled[1]:
            self._polled = None
        work = self._work
        if work is None:
            return
        if work.response is None:
            work.advance()
        if work.response is not None and self._late is not None:
            expected, self._work, self._late = self._late.expected, None, None
            self._response = self._cut(work.response, expected)

    def _do(self, apdu: bytes, now_ns: int) -> bytes | None:
        command = _parse(apdu)
        if command is None:
            return _only(StatusWord.WRONG_LENGTH)
        if command.cla & ~_CHAINING not in {0x00, 0x80}:
            return _only(StatusWord.CLA_NOT_SUPPORTED)
        if command.ins == _Instruction.GET_RESPONSE:
            if not self._rest:
                return _only(StatusWord.CONDITIONS_NOT_SATISFIED)
            rest, self._rest = self._rest, b""
            return self._cut(rest, command.expected)
        self._rest = b""
        if command.cla & _CHAINING:
            return self._gather(command)
        if self._chain is not None:
            (head, before), self._chain = self._chain, None
            if head == command.head:
                command = _command(head, before + command.data, command.expected)
        if len(command.data) > MAX_MESSAGE:
            return _only(StatusWord.WRONG_LENGTH)
        if command.ins == _Instruction.SELECT and command.cla == 0:
            return self._select(command)
        if not self._selected:
            return _only(StatusWord.NOT_SELECTED)
        if command.cla == 0:
            return self._u2f(command, now_ns)
        if not self._authenticator.capabilities & Capability.CBOR:
            return _only(StatusWord.INS_NOT_SUPPORTED)
        if command.ins == _Instruction.NFCCTAP_MSG:
            return self._msg(command, now_ns)
        if command.ins == _Instruction.NFCCTAP_GETRESPONSE:
            return self._poll(command, now_ns)
        if command.ins == _Instruction.NFCCTAP_CONTROL:
            return self._control(command)
        return _only(StatusWord.INS_NOT_SUPPORTED)

    def _gather(self, command: _Command) -> bytes:
        before = b""
        if self._chain is not None and self._chain[0] == command.head:
            before = self._chain[1]
        if len(before) + len(command.data) > MAX_MESSAGE:
            self._chain = None
            return _only(StatusWord.WRONG_LENGTH)
        self._chain = command.head, before + command.data
        return _only(StatusWord.OK)

    def _select(self, command: _Command) -> bytes:
        if command.p1 != 0x04:
            return _only(StatusWord.WRONG_P1_P2)
        if command.data != AID:
            return _only(StatusWord.NOT_FOUND)
        self._drop()
        self._selected = True
        u2f = not self._authenticator.capabilities & Capability.NMSG
        return self._cut(b"U2F_V2" if u2f else b"FIDO_2_0", command.expected)

    def _u2f(self, command: _Command, now_ns: int) -> bytes:
        if self._authenticator.capabilities & Capability.NMSG:
            return _only(StatusWord.INS_NOT_SUPPORTED)
        self._drop()
        work = self._authenticator.begin_u2f(CARD_CHANNEL, command.extended(), self._transport)
        # On a reader the tap is the touch; one that was used up does not come back by a finger.
        if work.wants and self._transport is not Transport.NFC:
            self._polled = work, now_ns + POLLED_NS
        answer = work.response or _only(StatusWord.CONDITIONS_NOT_SATISFIED)
        return self._cut(answer[:-2], command.expected, answer[-2:])

    def _msg(self, command: _Command, now_ns: int) -> bytes | None:
        if not command.data:
            return _only(StatusWord.WRONG_LENGTH)
        self._drop()
        self._work = self._authenticator.begin_cbor(CARD_CHANNEL, command.data, self._transport)
        return self._result(command, now_ns, polls=bool(command.p1 & _HAS_GETRESPONSE))

    def _poll(self, command: _Command, now_ns: int) -> bytes | None:
        if self._work is None:
            return _only(StatusWord.CONDITIONS_NOT_SATISFIED)
        if command.p1 not in {0, _CANCEL}:
            return _only(StatusWord.WRONG_P1_P2)
        if command.p1 == _CANCEL and self._work.response is None:
            self._work.cancel()
        return self._result(command, now_ns, polls=True)

    def _result(self, command: _Command, now_ns: int, *, polls: bool) -> bytes | None:
        self.advance(now_ns)
        work = self._work
        assert work is not None
        if work.response is not None:
            self._work = None
            return self._cut(work.response, command.expected)
        if polls:
            return bytes((int(work.status),)) + _only(StatusWord.UPDATE)
        self._late = command
        return None

    def _control(self, command: _Command) -> bytes:
        if command.p1 != _END:
            return _only(StatusWord.WRONG_P1_P2)
        self._drop()
        self._selected = False
        self._authenticator.end_channel(CARD_CHANNEL)
        return _only(StatusWord.OK)

    def _drop(self) -> None:
        """Give up the request that no command asks about any more."""
        if self._work is not None and self._work.response is None:
            self._work.cancel()
        self._work = self._polled = None

    def _cut(self, data: bytes, expected: int, end: bytes | None = None) -> bytes:
        """As much as the client takes; the rest waits for GET RESPONSE."""
        if len(data) <= expected:
            return data + (end or _only(StatusWord.OK))
        self._rest = data[expected:]
        left = len(self._rest)
        return data[:expected] + (StatusWord.MORE | (left if left < 256 else 0)).to_bytes(2)


def _only(word: StatusWord) -> bytes:
    return word.to_bytes(2)
