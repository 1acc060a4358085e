"""From frames to messages: CTAPHID packets and chained APDUs put together, nothing judged.

It stands between the two and hears both, so unlike either it knows when a message was given up: an
initialization packet on the same channel ends whatever was not complete there, also when it comes
from the other side, except CANCEL and KEEPALIVE, which say nothing about a message under way.
CTAP 2.1 section 11.2.4; ISO/IEC 7816-4 section 5.3 for chains of APDUs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from mfalab.devices.ctap.ctaphid import REPORT_SIZE, HidCommand
from mfalab.devices.transports.wire import Direction
from mfalab.simulator.traces.frames import Frame, FrameKind

CARD: Final = 0
"""The channel number of messages that were APDUs; CTAPHID reserves it."""
_INIT_PACKET: Final = 0x80
_CHAINING: Final = 0x10
_GET_RESPONSE: Final = 0xC0
_MORE: Final = 0x61
_OK: Final = b"\x90\x00"
_ASIDE: Final = {HidCommand.CANCEL, HidCommand.KEEPALIVE}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part of a payload lies: `size` bytes from `start` of the frame with that index."""

    frame: int
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Assembled:
    """One message, or what there is of it.

    Attributes:
        frames: its frames in order.
        numbers: the numbers of its frames among all that were fed, counted from 0.
        channel: its channel; `CARD` for APDUs.
        command: CTAPHID command without the packet bit, or CLA, INS, P1 and P2 as one number,
            without the chaining bit; a response APDU has that of its command. -1 for a stray frame.
        payload: what it carries: data of the command, or of the response without its status word.
        places: where the payload lies in the frames, in order.
        status_word: SW1 and SW2 of a response APDU; None for everything else.
        defect: what is wrong with it, in a few words; empty for a whole message.
        inner: whether it is only a step of another message: an answer within a chain, or the
            GET RESPONSE between two parts of an answer.
    """

    frames: tuple[Frame, ...]
    numbers: tuple[int, ...]
    channel: int
    command: int
    payload: bytes
    places: tuple[Place, ...]
    status_word: int | None = None
    defect: str = ""
    inner: bool = False

    @property
    def direction(self) -> Direction:
        """Which way it went."""
        return self.frames[0].direction

    @property
    def kind(self) -> FrameKind:
        """What its frames are."""
        return self.frames[0].kind

    def spans(self, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Where a part of the payload lies, as (index of the frame, start, end)."""
        at = 0
        for place in self.places:
            low, high = max(start, at), min(end, at + place.size)
            if low < high:
                yield place.frame, place.start + low - at, place.start + high - at
            at += place.size

    def payload_masked(self) -> tuple[tuple[int, int], ...]:
        """Which parts of the payload were masked when it was recorded."""
        found, at = [], 0
        for place in self.places:
            for start, end in self.frames[place.frame].masked:
                low, high = max(start, place.start), min(end, place.start + place.size)
                if low < high:
                    found.append((at + low - place.start, at + high - place.start))
            at += place.size
        return tuple(found)


@dataclass(slots=True)
class _Open:
    """A message that is not complete."""

    channel: int
    command: int
    announced: int
    frames: list[Frame] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    payload: bytearray = field(default_factory=bytearray)
    places: list[Place] = field(default_factory=list)
    status_word: int | None = None

    def add(self, number: int, frame: Frame, start: int, size: int) -> None:
        part = frame.data[start : start + size]
        if part:
            self.places.append(Place(len(self.frames), start, len(part)))
        self.payload += part
        self.frames.append(frame)
        self.numbers.append(number)

    def close(self, defect: str = "", *, inner: bool = False) -> Assembled:
        return Assembled(
            tuple(self.frames),
            tuple(self.numbers),
            self.channel,
            self.command,
            bytes(self.payload),
            tuple(self.places),
            self.status_word,
            defect,
            inner,
        )

    def cut(self) -> Assembled:
        if self.announced < 0:
            return self.close("the rest of a chain is missing")
        return self.close(f"{len(self.payload)} of {self.announced} bytes")


class Assembler:
    """Puts the messages of one key together.

    Frames are fed in the order in which they passed. A message comes out when it is complete or
    given up; every frame comes out in exactly one of them.
    """

    def __init__(self) -> None:
        self._open: dict[tuple[Direction, int], _Open] = {}
        self._fed = 0
        self._apdu = -1
        """What the last command APDU asked for; its response says nothing of that."""
        self._inner = False

    def feed(self, frame: Frame) -> list[Assembled]:
        """Take the next frame; returns the messages that end with it."""
        number, self._fed = self._fed, self._fed + 1
        if frame.kind is FrameKind.REPORT:
            return self._report(number, frame)
        if frame.kind is FrameKind.APDU:
            take = self._command if frame.direction is Direction.TO_KEY else self._response
            return take(number, frame)
        ended = self.finish()
        return [*ended, _alone(number, frame, CARD, -1, 0, 0)]

    def finish(self) -> list[Assembled]:
        """Give up what is not complete: the recording has ended, or power was cut."""
        ended = [each.cut() for each in self._open.values()]
        self._open.clear()
        return sorted(ended, key=lambda each: each.numbers)

    # CTAPHID.

    def _report(self, number: int, frame: Frame) -> list[Assembled]:
        data = frame.data
        if len(data) != REPORT_SIZE:
            return [_alone(number, frame, CARD, -1, 0, len(data), f"{len(data)} bytes, not 64")]
        channel = int.from_bytes(data[:4])
        way = frame.direction, channel
        if not data[4] & _INIT_PACKET:
            return self._continuation(number, frame, way)
        command = data[4] & ~_INIT_PACKET
        announced = int.from_bytes(data[5:7])
        ended = []
        if command not in _ASIDE:
            open_here = [self._open.pop((each, channel), None) for each in Direction]
            ended = [each.cut() for each in open_here if each is not None]
        message = _Open(channel, command, announced)
        message.add(number, frame, 7, min(announced, REPORT_SIZE - 7))
        if len(message.payload) < announced and command not in _ASIDE:
            self._open[way] = message
        else:
            ended.append(message.close())
        return ended

    def _continuation(
        self, number: int, frame: Frame, way: tuple[Direction, int]
    ) -> list[Assembled]:
        message = self._open.get(way)
        sequence = frame.data[4]
        if message is None:
            return [_stray(number, frame, "a continuation packet out of nowhere")]
        due = len(message.frames) - 1
        if sequence != due:
            del self._open[way]
            why = f"continuation packet {sequence} where {due} is due"
            return [message.cut(), _stray(number, frame, why)]
        left = message.announced - len(message.payload)
        message.add(number, frame, 5, min(left, REPORT_SIZE - 5))
        if len(message.payload) < message.announced:
            return []
        del self._open[way]
        return [message.close()]

    # Cards.

    def _command(self, number: int, frame: Frame) -> list[Assembled]:
        asks, answers = (Direction.TO_KEY, CARD), (Direction.TO_HOST, CARD)
        apdu = frame.data
        self._inner = False
        if len(apdu) < 4:
            self._apdu = -1
            why = f"{len(apdu)} bytes, too short for an APDU"
            return [*self.finish(), _alone(number, frame, CARD, -1, 0, len(apdu), why)]
        if apdu[1] == _GET_RESPONSE and apdu[0] == 0 and answers in self._open:
            head = self._open[answers].command
            return [_alone(number, frame, CARD, head, 0, 0, inner=True)]
        ended = []
        if (unread := self._open.pop(answers, None)) is not None:
            ended.append(unread.cut())
        head = int.from_bytes(apdu[:4]) & ~(_CHAINING << 24)
        chain = self._open.pop(asks, None)
        if chain is not None and chain.command != head:
            ended.append(chain.cut())
            chain = None
        message = chain or _Open(CARD, head, -1)
        start, size = command_data(apdu)
        message.add(number, frame, start, size)
        self._apdu = head
        if apdu[0] & _CHAINING:
            self._open[asks] = message
            self._inner = True
        else:
            ended.append(message.close())
        return ended

    def _response(self, number: int, frame: Frame) -> list[Assembled]:
        way = Direction.TO_HOST, CARD
        data, word = frame.data[:-2], frame.data[-2:]
        if len(word) < 2:
            why = "no status word"
            return [_alone(number, frame, CARD, self._apdu, 0, len(frame.data), why)]
        if self._inner and word == _OK and not data:
            return [_alone(number, frame, CARD, self._apdu, 0, 0, inner=True)]
        ended = []
        if self._inner and (chain := self._open.pop((Direction.TO_KEY, CARD), None)) is not None:
            ended.append(chain.cut())
        message = self._open.pop(way, None) or _Open(CARD, self._apdu, -1)
        message.add(number, frame, 0, len(data))
        message.status_word = int.from_bytes(word)
        if word[0] == _MORE:
            self._open[way] = message
            return ended
        return [*ended, message.close()]


def command_data(apdu: bytes) -> tuple[int, int]:
    """Where the data of a command APDU are, as (start, size). ISO/IEC 7816-4 section 5.2."""
    if len(apdu) <= 5:
        return len(apdu), 0
    if apdu[4]:
        return 5, min(apdu[4], len(apdu) - 5)
    if len(apdu) == 7:
        return 7, 0
    return 7, min(int.from_bytes(apdu[5:7]), max(0, len(apdu) - 7))


def _alone(
    number: int,
    frame: Frame,
    channel: int,
    command: int,
    start: int,
    size: int,
    defect: str = "",
    *,
    inner: bool = False,
) -> Assembled:
    message = _Open(channel, command, size)
    message.add(number, frame, start, size)
    if frame.kind is FrameKind.APDU and frame.direction is Direction.TO_HOST:
        message.status_word = int.from_bytes(frame.data[-2:])
    return message.close(defect, inner=inner)


def _stray(number: int, frame: Frame, defect: str) -> Assembled:
    channel = int.from_bytes(frame.data[:4])
    return _alone(number, frame, channel, -1, 5, len(frame.data) - 5, defect)
