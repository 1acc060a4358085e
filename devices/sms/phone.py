"""A phone that receives codes by text message."""

import re
from dataclasses import dataclass, field
from typing import ClassVar

from mfalab.devices.errors import DeviceUnusable, NoCodeReceived, Unusable
from mfalab.devices.phone import Phone

_CODE = re.compile(r"(?<![0-9])[0-9]{6}(?![0-9])")


@dataclass(frozen=True, slots=True)
class SmsMessage:
    """One text in an inbox.

    Args:
        number: the number it was sent to.
        text: what it says; out of `repr`, because that may be a code.
        received_ns: when it arrived, as the phone believed.
    """

    number: str
    text: str = field(repr=False)
    received_ns: int

    @property
    def codes(self) -> tuple[str, ...]:
        """Every run of exactly six ASCII digits in the text."""
        return tuple(_CODE.findall(self.text))


class SmsPhone:
    """The texting side of a phone: a SIM and an inbox.

    The inbox stays with the phone when the number goes elsewhere. Which phone
    a number rings is the carrier's business (`Carrier.issue_sim`).

    Args:
        phone: the phone itself: clock, battery, switch, breakage.
    """

    no_sim_advice: ClassVar[str] = "Ask the carrier for a SIM."

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self._number: str | None = None
        self._inbox: list[SmsMessage] = []

    @property
    def name(self) -> str:
        """The phone's name."""
        return self.phone.name

    @property
    def number(self) -> str | None:
        """The number of the SIM in it, None when the SIM is dead or was never there."""
        return self._number

    @property
    def reachable(self) -> bool:
        """Whether a text would arrive now."""
        return self._number is not None and self.phone.usable

    @property
    def inbox(self) -> tuple[SmsMessage, ...]:
        """All texts, oldest arrival first. Raises DeviceUnusable on a dead phone."""
        self.phone.require_usable()
        return tuple(self._inbox)

    def codes(self) -> tuple[str, ...]:
        """Every code in the inbox, oldest arrival first; a duplicated text counts twice."""
        return tuple(code for message in self.inbox for code in message.codes)

    def newest_code(self) -> str:
        """The code that arrived last, which need not be the one sent last.

        Raises:
            NoCodeReceived: no text holds a code.
            DeviceUnusable: the phone does not work.
        """
        codes = self.codes()
        if not codes:
            raise NoCodeReceived(self.name, len(self._inbox))
        return codes[-1]

    def insert_sim(self, number: str | None) -> None:
        """Change the SIM, or with None take it out. Carriers do this; see `Carrier.issue_sim`."""
        self._number = number

    def receive(self, text: str) -> None:
        """A text arrives now.

        Raises:
            DeviceUnusable: the phone does not work or has no SIM.
        """
        self.phone.require_usable()
        if self._number is None:
            raise DeviceUnusable(self.name, Unusable.NO_SIM, self.no_sim_advice)
        self._inbox.append(SmsMessage(self._number, text, self.phone.clock.now_ns()))
