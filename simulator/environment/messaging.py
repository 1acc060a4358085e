"""The world around the lab: what carries the verifier's messages to people.

Short messages go through a carrier that takes its time; mail and telephone calls arrive at once
and wait to be looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mfalab.devices.sms.carrier import Carrier

Note = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Mail:
    """A message in a mailbox; `token` is what its link carries, or empty."""

    address: str
    subject: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A telephone that rings."""

    number: str
    call_id: str


@dataclass(slots=True)
class Messaging:
    """Carrier, mailboxes and telephones; the verifier's `Outbox`."""

    carrier: Carrier
    note: Note
    mails: list[Mail] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    def send_sms(self, number: str, text: str) -> None:
        """Hand a short message to the carrier."""
        self.note("takes a short message", number=number)
        self.carrier.send(number, text)

    def send_mail(self, address: str, subject: str, text: str, token: str) -> None:
        """Put a mail into the mailbox of an address."""
        self.note("delivers mail", address=address, subject=subject)
        self.mails.append(Mail(address, subject, token))

    def place_call(self, number: str, call_id: str) -> None:
        """Let a telephone ring."""
        self.note("rings the telephone", number=number)
        self.calls.append(Call(number, call_id))
