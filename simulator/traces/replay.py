"""A recording answers: what the client sends is held against what was recorded, in order.

`Player` goes through the steps of a `Script`. It does no I/O; `ReplayFixture` has a clock and
delivers.

What a client cannot repeat is not asked of it: nonces and channel numbers are its own and are
rewritten, and what it draws at random, challenges and keys, need only have the same shape. A client
may also ask at any time what a key always answers in the same way, such as getInfo, or not ask it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mfalab.devices.ctap.ctaphid import BROADCAST, REPORT_SIZE, HidCommand
from mfalab.devices.errors import DeviceError
from mfalab.devices.transports.wire import Direction
from mfalab.simulator.traces.dissect import Dissector, Message
from mfalab.simulator.traces.frames import Frame, FrameKind
from mfalab.simulator.traces.likeness import Strictness, difference
from mfalab.simulator.traces.script import (
    NONCE_SIZE,
    Script,
    Step,
    is_optional,
    opens_channel,
)

_INIT: Final = 0x80 | HidCommand.INIT
_GET_RESPONSE: Final = b"\x00\xc0"
_HEADER: Final = 4


@dataclass(eq=False, repr=False)
class Departed(DeviceError):
    """A client does something else than was recorded.

    Args:
        recording: its name.
        number: the number of the message that was expected, as the recording is shown.
        expected: that message.
        got: what came instead.
        why: what makes the difference.
    """

    recording: str
    number: int
    expected: str
    got: str
    why: str
    sentence = (
        "the client departs from {recording} at message {number}: {why}. "
        "Recorded: {expected}. Sent: {got}. "
        "Record again, or replay it with less strictness."
    )


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
        if opens_channel(message):
            return self._open(message)
        assert message.channel is not None
        due = self._next()
        if message.command == HidCommand.CANCEL.name and (due is None or not due.is_cancel):
            return []
        try:
            index, in_turn = self._find(message)
        except Departed:
            if message.command == HidCommand.INIT.name and is_optional(message):
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
        return self._answers(step, message.channel.to_bytes(4), message.payload[:NONCE_SIZE])

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
        payload = message.payload[:NONCE_SIZE] + channel.to_bytes(4) + template[12:]
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
            if rest[0] == _INIT and len(nonce) == NONCE_SIZE:
                rest = rest[:3] + nonce + cid + rest[3 + NONCE_SIZE + 4 :]
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
        if is_optional(message) and self._strictness is not Strictness.BYTES:
            around = [*range(self.position - 1, -1, -1), *range(self.position, len(steps))]
            for index in around:
                step = steps[index]
                if step.whole and not difference(step.message, message, self._strictness):
                    return index, False
        raise self._depart(self.position, message, first or "the recording has ended")

    @staticmethod
    def _may_pass(step: Step) -> bool:
        return (
            is_optional(step.message) or step.message.inner or (step.is_cancel and not step.answers)
        )

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
