"""The simulated mail, telephones and short messages of the people who use the console."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import final

from mfalab.verifier.clock import Clock
from mfalab.verifier.outbox import Outbox, Silence

MOST_MESSAGES = 100
"""Older messages are dropped."""


class Medium(StrEnum):
    """How a message comes."""

    MAIL = "mail"
    SMS = "sms"
    CALL = "call"


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it arrived."""

    number: int
    """Counts all messages from 1 on."""
    medium: Medium
    to: str
    """A mail address or a telephone number."""
    sent_ns: int
    subject: str = ""
    text: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    """What the link of a mail carries, empty without a link; the id of a call."""


@final
class Mailbox:
    """An outbox that keeps the newest messages, for the page that shows them.

    Args: the verifier's clock; another outbox, which gets all messages, too.
    """

    def __init__(self, clock: Clock, then: Outbox | None = None) -> None:
        self._clock = clock
        self._then = then or Silence()
        self._count = 0
        self._messages: deque[Message] = deque(maxlen=MOST_MESSAGES)

    @property
    def messages(self) -> list[Message]:
        """All that are kept, the newest first."""
        return list(reversed(self._messages))

    def send_sms(self, number: str, text: str) -> None:
        """See `Outbox.send_sms`."""
        self._keep(Medium.SMS, number, text=text)
        self._then.send_sms(number, text)

    def send_mail(self, address: str, subject: str, text: str, token: str) -> None:
        """See `Outbox.send_mail`. A token of digits is a code, which the text has already."""
        link = "" if token.isdigit() else token
        self._keep(Medium.MAIL, address, subject, text, link)
        self._then.send_mail(address, subject, text, token)

    def place_call(self, number: str, call_id: str) -> None:
        """See `Outbox.place_call`."""
        self._keep(Medium.CALL, number, token=call_id)
        self._then.place_call(number, call_id)

    def _keep(
        self, medium: Medium, to: str, subject: str = "", text: str = "", token: str = ""
    ) -> None:
        self._count += 1
        now_ns = self._clock.now_ns()
        self._messages.append(Message(self._count, medium, to, now_ns, subject, text, token))
