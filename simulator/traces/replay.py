"""A recording answers: what the client sends is held against what was recorded, in order.

`Script` is the recording as steps: something that the host did, and what the key said after it with
how long it took. `Player` goes through it. Neither does I/O; whoever has a clock delivers.

What a client cannot repeat is not asked of it: nonces and channel numbers are its own and are
rewritten, and what it draws anew, challenges and keys, need only have the same shape. A client may
also ask at any time what a key always answers in the same way, such as getInfo, or leave that out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, unique
from typing import Final

from mfalab.devices.ctap.commands import Command
from mfalab.devices.ctap.ctaphid import BROADCAST, REPORT_SIZE, HidCommand
from mfalab.devices.errors import DeviceError
from mfalab.simulator.traces.dissect import Dissector, Message
from mfalab.simulator.traces.frames import Direction, Frame, FrameKind
from mfalab.simulator.traces.notation import Item, ItemKind

__all__ = ["Departed", "Player", "Script", "Step", "Strictness"]

_NONCE: Final = 8
_INIT: Final = 0x80 | HidCommand.INIT
_GET_RESPONSE: Final = b"\x00\xc0"
_HEADER: Final = 4


@unique
class Strictness(Enum):
    """How much of a request has to be as it was recorded."""

    COMMANDS = "commands"
    """The commands and subcommands, in their order."""
    SHAPE = "shape"
    """Everything but the content of byte strings, whose lengths count."""
    BYTES = "bytes"
    """Every byte but nonces, channel numbers and what is masked in the recording."""


class Departed(DeviceError):
    """A client does something else than was recorded.

    Args:
        recording: its name.
        number: the number of the message that was expected, as the recording is shown.
        expected: that message.
        got: what came instead.
        why: what makes the difference.
    """

    def __init__(self, recording: str, number: int, expected: str, got: str, why: str) -> None:
        super().__init__(recording, number, expected, got, why)
        self.recording = recording
        self.number = number
        self.expected = expected
        self.got = got
        self.why = why

    def __str__(self) -> str:
        return (
            f"the client departs from {self.recording} at message {self.number}: {self.why}. "
            f"Recorded: {self.expected}. Sent: {self.got}. "
            "Record anew, or replay it with less strictness."
        )


@dataclass(slots=True)
class Step:
    """Something that the host did, and what followed.

    Attributes:
        message: what it did: a message, or power.
        frames: its frames; of a part of a chain of APDUs, that one only.
        answers: what the key said until the host did the next thing, each with how many
            nanoseconds after the step.
        whole: whether the message ends with this step; parts of a chain go before.
    """

    message: Message
    frames: tuple[Frame, ...]
    answers: list[tuple[int, Frame]]
    whole: bool = True

    @property
    def is_cancel(self) -> bool:
        """Whether it is CTAPHID_CANCEL."""
        return self.message.command == HidCommand.CANCEL.name

    @property
    def is_optional(self) -> bool:
        """Whether it is a question that may come at any time: the answer is always the same."""
        return _is_optional(self.message)


class Script:
    """A recording as steps.

    Args:
        frames: the recording.

    Attributes:
        steps: what the host did, but for opening channels.
        init: the payload of the answer to the first CTAPHID_INIT, and how long it took; None
            without one.
        channels: the channels that were handed out, in order.
        kind: what passed: reports or APDUs; None for nothing.
        statuses: all statuses that the key gave, in words.
    """

    def __init__(self, frames: Sequence[Frame]) -> None:
        kinds = {frame.kind for frame in frames}
        self.kind = next((k for k in (FrameKind.REPORT, FrameKind.APDU) if k in kinds), None)
        self.frames = [f for f in frames if f.kind in {self.kind, *_POWER}]
        self.init: tuple[int, bytes] | None = None
        self.channels: list[int] = []
        self.steps: list[Step] = []
        self.statuses: set[str] = set()
        dissector = Dissector()
        told = [each for frame in self.frames for each in dissector.feed(frame)]
        told += dissector.finish()
        at: dict[int, Step] = {}
        for message in told:
            if message.is_request:
                at |= _steps_of(message)
            else:
                self.statuses.add(message.status)
        self._fill(at)
        self._fold_cancels()
        if self.steps and self.steps[0].message.command == FrameKind.POWER_ON.value:
            del self.steps[0]  # it was powered before anybody looked

    @property
    def asked_user(self) -> bool:
        """Whether the key ever asked for its user."""
        asks = {"UPNEEDED", "CONDITIONS_NOT_SATISFIED"}
        return any(word in asks for status in self.statuses for word in status.split())

    def _fill(self, at: dict[int, Step]) -> None:
        """Give each step what followed it."""
        opening: Step | None = None
        for number, frame in enumerate(self.frames):
            if number in at:
                opening = at[number] if _opens_channel(at[number].message) else None
                if opening is None:
                    self.steps.append(at[number])
            elif frame.direction is Direction.TO_HOST:
                if opening is not None and self._take_init(opening, frame):
                    opening = None
                elif self.steps:
                    since_ns = self.steps[-1].frames[-1].ts_ns
                    self.steps[-1].answers.append((frame.ts_ns - since_ns, frame))

    def _take_init(self, opening: Step, frame: Frame) -> bool:
        if int.from_bytes(frame.data[:4]) != BROADCAST:
            return False
        payload = frame.data[7:24]
        self.channels.append(int.from_bytes(payload[8:12]))
        if self.init is None:
            self.init = frame.ts_ns - opening.frames[-1].ts_ns, payload
        return True

    def _fold_cancels(self) -> None:
        """Of several CANCEL in a row one counts: clients repeat it, and keys ignore that."""
        folded: list[Step] = []
        for step in self.steps:
            before = folded[-1] if folded else None
            if before and before.is_cancel and step.is_cancel and not before.answers:
                folded[-1] = step
            else:
                folded.append(step)
        self.steps = folded


_POWER: Final = {FrameKind.POWER_ON, FrameKind.POWER_OFF}


def _steps_of(message: Message) -> dict[int, Step]:
    """The steps of a message by the number of their last frame: of APDUs, each is one."""
    assert message.assembled is not None
    frames, numbers = message.assembled.frames, message.assembled.numbers
    if message.assembled.kind is FrameKind.APDU:
        last = numbers[-1]
        return {
            number: Step(message, (frame,), [], whole=number == last)
            for number, frame in zip(numbers, frames, strict=True)
        }
    return {numbers[-1]: Step(message, frames, [])}


def _opens_channel(message: Message) -> bool:
    init = message.command == HidCommand.INIT.name and message.channel == BROADCAST
    return init and len(message.payload) == _NONCE and not message.defect


def _is_optional(message: Message) -> bool:
    if message.defect:
        return False
    if message.command in {"SELECT", "VERSION", "WINK"}:
        return True
    if message.command == HidCommand.INIT.name:
        return len(message.payload) == _NONCE
    if message.command in {"CBOR", "NFCCTAP_MSG"}:
        return message.code == Command.GET_INFO and len(message.payload) == 1
    return message.command == "MSG" and message.operation == "VERSION"


class Player:
    """Goes through a script as a client asks.

    Args:
        script: the recording.
        name: what to call it in errors.
        strictness: how much has to be as it was.

    Attributes:
        position: how many steps have been done.
    """

    def __init__(
        self, script: Script, name: str, strictness: Strictness = Strictness.SHAPE
    ) -> None:
        self._script = script
        self._name = name
        self._strictness = strictness
        self._dissector = Dissector()
        self._partial: dict[bytes, list[Frame]] = {}
        """What has come of messages that are not complete, by channel."""
        self._short: set[bytes] = set()
        """Channels with a message that stopped short in the recording and has been answered."""
        self._departed: Departed | None = None
        self._recorded: dict[int, int] = {}
        """The recorded channel that each channel of the client goes for."""
        self._opened = 0
        self._detour: int | None = None
        self.position = 0

    @property
    def finished(self) -> bool:
        """Whether everything has been repeated that is not optional."""
        return all(self._may_pass(step) for step in self._script.steps[self.position :])

    def report(self, frame: Frame) -> list[tuple[int, Frame]]:
        """Take a report of a client; returns the answers, each with how long it takes.

        Raises:
            Departed: the client does something else than was recorded.
        """
        channel = frame.data[:4]
        partial = self._partial.setdefault(channel, [])
        partial.append(frame)
        answers: list[tuple[int, Frame]] = []
        told = self._dissector.feed(frame)
        for message in told:
            self._partial.pop(channel, None)
            if message.defect and channel in self._short:
                self._short.discard(channel)
                continue
            answers += self._message(message)
        if not told and (due := self._next()) is not None and due.message.defect:
            # The recorded message stopped short; if this one is as long, it has come to its end.
            ours, theirs = partial[0].data[4:7], due.frames[0].data[4:7]
            if len(partial) == len(due.frames) and ours == theirs:
                self._short.add(channel)
                answers += self._answers(self._do(self.position), channel, b"")
        for _, answer in answers:
            # What the key says may end what the client has begun.
            for message in self._dissector.feed(answer):
                if message.is_request and message.channel is not None:
                    self._short.discard(message.channel.to_bytes(4))
        return answers

    def apdu(self, frame: Frame) -> tuple[int, bytes] | None:
        """Take a command APDU; returns how long the answer takes, and the response APDU.

        Raises:
            Departed: the client does something else than was recorded.
        """
        told = [each for each in self._dissector.feed(frame) if not each.inner and each.is_request]
        step = self._apdu_step(frame, told[-1] if told else None)
        if not step.answers:
            return None
        gap_ns, answer = step.answers[-1]
        self._dissector.feed(answer)
        return gap_ns, answer.data

    def power(self, kind: FrameKind) -> None:
        """Power comes or goes.

        Raises:
            Departed: it did not, in the recording.
        """
        self._dissector = Dissector()
        self._partial.clear()
        self._short.clear()
        self._recorded.clear()
        self._detour = None
        frame = Frame(0, Direction.TO_KEY, b"", kind)
        index, _ = self._find(self._dissector.feed(frame)[-1])
        self._do(index)

    # Reports.

    def _message(self, message: Message) -> list[tuple[int, Frame]]:
        if _opens_channel(message):
            return self._open(message)
        assert message.channel is not None
        due = self._next()
        if message.command == HidCommand.CANCEL.name and (due is None or not due.is_cancel):
            return []
        try:
            index, in_turn = self._find(message)
        except Departed:
            if message.command == HidCommand.INIT.name and _is_optional(message):
                self._departed = None
                return self._open(message)
            raise
        step = self._do(index) if in_turn else self._script.steps[index]
        last = step is self._script.steps[-1]
        if last and not (step.answers or step.is_cancel or step.message.defect):
            raise self._depart(index + 1, message, "the recording ends before the answer")
        recorded = step.message.channel
        if in_turn and recorded is not None:
            before = self._recorded.get(message.channel, recorded)
            if before != recorded and self._strictness is Strictness.BYTES:
                raise self._depart(index, message, "it comes on another channel")
            self._recorded[message.channel] = recorded
        return self._answers(step, message.channel.to_bytes(4), message.payload[:_NONCE])

    def _open(self, message: Message) -> list[tuple[int, Frame]]:
        """Answer CTAPHID_INIT."""
        assert message.channel is not None
        channel = message.channel
        if self._script.init is None:
            raise self._depart(self.position, message, "no channel was opened in the recording")
        gap_ns, template = self._script.init
        if channel == BROADCAST:
            known = self._script.channels
            opened, self._opened = self._opened, self._opened + 1
            channel = known[opened] if opened < len(known) else max(known) + opened
        payload = message.payload[:_NONCE] + channel.to_bytes(4) + template[12:]
        head = message.channel.to_bytes(4) + bytes((_INIT, 0, len(payload)))
        report = (head + payload).ljust(REPORT_SIZE, b"\0")
        return [(gap_ns, Frame(message.until_ns, Direction.TO_HOST, report))]

    def _answers(self, step: Step, channel: bytes, nonce: bytes) -> list[tuple[int, Frame]]:
        """What followed a step, on the client's channels and with its nonce."""
        ours = {recorded.to_bytes(4): mine.to_bytes(4) for mine, recorded in self._recorded.items()}
        if step.message.channel is not None:
            ours[step.message.channel.to_bytes(4)] = channel
        answers = []
        for gap_ns, frame in step.answers:
            cid, rest = ours.get(frame.data[:4], frame.data[:4]), frame.data[4:]
            if rest[0] == _INIT and len(nonce) == _NONCE:
                rest = rest[:3] + nonce + cid + rest[3 + _NONCE + 4 :]
            answers.append((gap_ns, Frame(frame.ts_ns, frame.direction, cid + rest)))
        return answers

    # Steps.

    def _next(self) -> Step | None:
        steps = self._script.steps
        return steps[self.position] if self.position < len(steps) else None

    def _find(self, message: Message) -> tuple[int, bool]:
        """The index of the step that a message repeats, and whether it comes in its turn.

        Raises:
            Departed: there is none.
        """
        if self._departed is not None:
            raise self._departed
        steps = self._script.steps
        first = ""
        for index in range(self.position, len(steps)):
            step = steps[index]
            why = difference(step.message, message, self._strictness)
            if not why:
                return index, True
            first = first or why
            if self._strictness is Strictness.BYTES or not self._may_pass(step):
                break
        if _is_optional(message) and self._strictness is not Strictness.BYTES:
            around = [*range(self.position - 1, -1, -1), *range(self.position, len(steps))]
            for index in around:
                step = steps[index]
                if step.whole and not difference(step.message, message, self._strictness):
                    return index, False
        raise self._depart(self.position, message, first or "the recording has ended")

    @staticmethod
    def _may_pass(step: Step) -> bool:
        return step.is_optional or step.message.inner or (step.is_cancel and not step.answers)

    def _do(self, index: int) -> Step:
        self.position = index + 1
        return self._script.steps[index]

    def _depart(self, index: int, got: Message, why: str) -> Departed:
        steps = self._script.steps
        if index < len(steps):
            number, expected = steps[index].message.number, steps[index].message.summary
        else:
            last = steps[-1].message.number if steps else 0
            number, expected = last + 1, "nothing more"
        self._departed = Departed(self._name, number, expected, got.summary, why)
        return self._departed

    # APDUs.

    def _apdu_step(self, frame: Frame, message: Message | None) -> Step:
        if self._departed is not None:
            raise self._departed
        steps = self._script.steps
        rest = frame.data.startswith(_GET_RESPONSE)
        if rest and self._detour is not None and self._detour < len(steps):
            step, self._detour = steps[self._detour], self._detour + 1
            return step
        self._detour = None
        if message is not None:
            index, in_turn = self._find(message)
            if in_turn:
                return self._do(index)
            self._detour = index + 1
            return steps[index]
        due = self._next()
        got = f"APDU {frame.data[:_HEADER].hex()} with {len(frame.data)} bytes"
        if due is None or due.frames[0].data[:_HEADER] != frame.data[:_HEADER]:
            number = due.message.number if due else 0
            expected = due.message.summary if due else "nothing more"
            why = "another APDU was recorded"
            self._departed = Departed(self._name, number, expected, got, why)
            raise self._departed
        return self._do(self.position)


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
