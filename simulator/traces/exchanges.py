"""Requests with their answers, whatever carried them: CTAPHID and a card tell the same story.

A request that a card was polled for, or that KEEPALIVE came before, is one exchange, and so is a
U2F request that comes again and again until the key is touched. Its times leave out what the
key waited for its user.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from mfalab.devices.ctap.commands import KeepaliveStatus
from mfalab.devices.ctap.ctaphid import HidCommand
from mfalab.simulator.traces.dissect import Message
from mfalab.simulator.traces.vocabulary import status_name

NO_ANSWER: Final = "no answer"
_CBOR: Final = {"CBOR", "NFCCTAP_MSG"}
_NO_TOUCH: Final = "6985"
_POLL: Final = "NFCCTAP_GETRESPONSE"
_ASIDE: Final = {HidCommand.CANCEL.name, "packet"}


@dataclass(slots=True)
class Exchange:
    """A request and its answer.

    Attributes:
        request: the request.
        answer: the answer; None when none came.
        keepalives: when the key said what state it was in, and which.
        polls: how often the same was asked before, for want of a touch.
    """

    request: Message
    answer: Message | None = None
    keepalives: list[tuple[int, int]] = field(default_factory=list)
    polls: int = 0

    @property
    def is_ctap2(self) -> bool:
        """Whether it is a CTAP2 command."""
        return self.request.command in _CBOR

    @property
    def label(self) -> str:
        """What was asked, without what carried it: `makeCredential`, `U2F REGISTER`, `PING`."""
        if self.is_ctap2:
            return self.request.operation or self.request.command
        if self.request.command == HidCommand.MSG.name:
            return f"U2F {self.request.operation}".rstrip()
        if self.request.command in {"REGISTER", "AUTHENTICATE", "VERSION"}:
            return f"U2F {self.request.command}"
        return self.request.command

    @property
    def status(self) -> str:
        """How it ended."""
        if self.answer is None:
            return NO_ANSWER
        if self.is_ctap2 and self.answer.code is not None and self.answer.payload:
            return status_name(self.answer.payload[0])
        if self.answer.command == HidCommand.ERROR.name:
            return f"CTAPHID_ERROR {self.answer.status}"
        return self.answer.status or "answered"

    @property
    def asked_user(self) -> bool:
        """Whether the key wanted its user."""
        blinks = any(status == KeepaliveStatus.UPNEEDED for _, status in self.keepalives)
        return blinks or self.polls > 0

    @property
    def wants_touch(self) -> bool:
        """Whether it is a U2F request that was refused for want of a touch."""
        return self.label.startswith("U2F ") and self.status.startswith(_NO_TOUCH)

    @property
    def busy_ns(self) -> int | None:
        """From the last packet of the request to the first of the answer, without its user."""
        if self.answer is None:
            return None
        ends = [*(ts_ns for ts_ns, _ in self.keepalives), self.answer.ts_ns]
        busy_ns = ends[0] - self.request.until_ns
        for (ts_ns, status), end_ns in zip(self.keepalives, ends[1:], strict=True):
            if status != KeepaliveStatus.UPNEEDED:
                busy_ns += end_ns - ts_ns
        return busy_ns

    @property
    def pauses_ns(self) -> list[int]:
        """The times between two KEEPALIVE of one status."""
        pairs = zip(self.keepalives, self.keepalives[1:], strict=False)
        return [after - before for (before, was), (after, now) in pairs if was == now]


def exchanges(messages: Iterable[Message]) -> list[Exchange]:
    """All exchanges, in the order of their requests."""
    found: list[Exchange] = []
    open_on: dict[int | None, Exchange] = {}
    for message in messages:
        here = open_on.get(message.channel)
        if message.is_request:
            if message.command in _ASIDE or message.inner or message.command.startswith("power"):
                continue
            if message.command == _POLL and here is not None:
                continue
            open_on[message.channel] = exchange = Exchange(message)
            if found and found[-1].wants_touch and _same(found[-1].request, message):
                exchange.polls = found.pop().polls + 1
            found.append(exchange)
        elif here is not None and not message.inner:
            state = _keepalive(message)
            if state is not None:
                here.keepalives.append((message.ts_ns, state))
            else:
                here.answer = message
                del open_on[message.channel]
    return found


def _same(one: Message, other: Message) -> bool:
    return (one.command, one.payload) == (other.command, other.payload)


def _keepalive(message: Message) -> int | None:
    """The state that a message tells, if it is no answer yet."""
    polled = message.command in {*_CBOR, _POLL} and message.status.startswith("9100")
    if message.command == HidCommand.KEEPALIVE.name or polled:
        return message.payload[0] if message.payload else 0
    return None
