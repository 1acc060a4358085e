"""A key in the field of a reader as a fixture, through PC/SC.

Over NFC a touch is a tap: the key counts its user as present when it comes into the field, for one
ceremony (CTAP 2.1 section 11.3). So each way to the key that is opened for a user who touches it
is a tap, made by cutting the card's power through the reader, unless a rig or a person moves the
card. For an absent user, the card stays where it is and keeps its power.
"""

from __future__ import annotations

from dataclasses import dataclass
from errno import ENODEV, EPROTO
from typing import Any, Final, Unpack

from fido2.ctap import CtapDevice, CtapError

from mfalab.devices.ctap.user import absent
from mfalab.devices.errors import DeviceError
from mfalab.simulator.abilities import Ability
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.keys.channel import UNREADABLE
from mfalab.simulator.keys.fixture import CannotDo, Reports
from mfalab.simulator.keys.hands import PromptWatch
from mfalab.simulator.keys.real import Handling, NotOne, RealFixture

_DETECTION_NS: Final = 3 * NS_PER_S
"""How long a reader may take to see a card; pcscd asks most of them every 0.4 s."""
_LOOK_AGAIN_NS: Final = 50_000_000


class ReaderNotFound(NotOne):
    """No reader is plugged in that an address means, or several."""

    def __str__(self) -> str:
        there = "; ".join(self.found) or "none"
        return (
            f"nfc:{self.wanted} is not one reader. Readers: {there}. "
            "Name a part of a reader's name that no other has."
        )


@dataclass(eq=False, repr=False)
class ReaderSilent(DeviceError):
    """Readers cannot be asked at all.

    Args:
        why: what is missing.
    """

    why: str
    sentence = "no reader can be reached: {why}"


def readers() -> tuple[str, ...]:
    """The names of all readers.

    Raises:
        ReaderSilent: pyscard or the PC/SC daemon is missing.
    """
    try:
        from smartcard.pcsc.PCSCExceptions import EstablishContextException
        from smartcard.System import readers as listed
    except ImportError:
        raise ReaderSilent("pyscard is not installed. Run: pip install 'mfalab[nfc]'") from None
    try:
        return tuple(str(each) for each in listed())
    except EstablishContextException:
        raise ReaderSilent("the PC/SC daemon does not run. Install and start pcscd.") from None


class NfcFixture(RealFixture):
    """A key in a reader's field.

    Args:
        wanted: a part of the reader's name; empty for the only one.
        handling: see `RealFixture`; `touch` is for where a tap is not enough, and `power` moves
            the card; the reader cuts its power when there is none.

    Raises:
        ReaderNotFound: there is no such reader.
        ReaderSilent: no reader can be asked.
        InUse: another run has it.
    """

    def __init__(self, wanted: str, **handling: Unpack[Handling]) -> None:
        found = readers()
        meant = [each for each in found if wanted in each]
        if len(meant) != 1:
            raise ReaderNotFound(wanted, found)
        self.reader = meant[0]
        super().__init__(f"nfc:{wanted or self.reader}", frozenset({Ability.POWER}), **handling)
        self._in_field = True
        self.hold("nfc", self.reader)

    def connect(self) -> CtapDevice:
        """See `Fixture.connect`; it is a tap."""
        from smartcard.Exceptions import CardConnectionException, NoCardException

        from mfalab.simulator.keys.tapped_card import TappedCard

        if not self._in_field:
            raise OSError(ENODEV, f"{self.name} lies on no reader")
        if self.user is not absent:
            self._cut_power()
        until_ns = self.now_ns() + _DETECTION_NS
        while True:
            watch = PromptWatch(self.asked, self.settled)
            try:
                return TappedCard(self._connection(), self.reader, watch)
            except (*UNREADABLE, CtapError) as error:
                # A card without the applet, or with one that answers neither CTAP2 nor U2F.
                why = f"the card in {self.reader} is no FIDO key: {error}"
                raise OSError(EPROTO, why) from None
            except (NoCardException, CardConnectionException) as error:
                if self.now_ns() > until_ns:
                    raise OSError(ENODEV, f"no card answers in {self.reader}: {error}") from None
            self.wait(_LOOK_AGAIN_NS)

    def _connection(self) -> Any:
        from smartcard.System import readers as listed

        reader = next((each for each in listed() if str(each) == self.reader), None)
        if reader is None:
            raise OSError(ENODEV, f"the reader {self.reader} is gone")
        return reader.createConnection()

    def _cut_power(self) -> None:
        """Let the reader cut the card's power: a connection that ends does, unless told not to."""
        from smartcard.Exceptions import CardConnectionException, NoCardException

        connection = self._connection()
        try:
            connection.connect()
            connection.disconnect()
        except (NoCardException, CardConnectionException):
            return  # there is no card whose power could be cut

    def reports(self) -> Reports:
        """See `Fixture.reports`.

        Raises:
            CannotDo: always; a card takes APDUs.
        """
        raise CannotDo(self.name, Ability.REPORTS, "Plug it into a USB port for that.")

    def power(self, on: bool) -> None:
        """See `Fixture.power`."""
        if self._power is not None:
            self._power.rig.present(self._power.number, on)
        elif not on:
            self._cut_power()
        self._in_field = on
