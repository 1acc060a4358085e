"""A recording as steps: something that the host did, and what the key said after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mfalab.devices.ctap.commands import Command
from mfalab.devices.ctap.ctaphid import BROADCAST, HidCommand
from mfalab.devices.transports.wire import Direction
from mfalab.simulator.traces.dissect import Dissector, Message
from mfalab.simulator.traces.frames import Frame, FrameKind

NONCE_SIZE: Final = 8


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
            del self.steps[0]  # it was powered before the recording began

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
                opening = at[number] if opens_channel(at[number].message) else None
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


def opens_channel(message: Message) -> bool:
    """Whether it is a CTAPHID_INIT that asks for a channel."""
    init = message.command == HidCommand.INIT.name and message.channel == BROADCAST
    return init and len(message.payload) == NONCE_SIZE and not message.defect


def is_optional(message: Message) -> bool:
    """Whether it is a question that may come at any time: the answer is always the same."""
    if message.defect:
        return False
    if message.command in {"SELECT", "VERSION", "WINK"}:
        return True
    if message.command == HidCommand.INIT.name:
        return len(message.payload) == NONCE_SIZE
    if message.command in {"CBOR", "NFCCTAP_MSG"}:
        return message.code == Command.GET_INFO and len(message.payload) == 1
    return message.command == "MSG" and message.operation == "VERSION"
