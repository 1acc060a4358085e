"""What python-fido2 wants to hold in its hands: a HID connection and a card connection.

Imported only when a key is asked for them; nothing else in this package knows python-fido2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fido2.hid.base import CtapHidConnection, HidDescriptor

from mfalab.devices.ctap.ctaphid import REPORT_SIZE
from mfalab.devices.transports.hid_device import HidDevice
from mfalab.devices.transports.memory import Connection

_ATR = bytes.fromhex("3B80800101")
"""A contactless card without historical bytes. PC/SC part 3 section 3.1.3.2.3."""


class HidConnection(CtapHidConnection):
    """A connection to a key as `fido2.hid.CtapHidDevice` wants it.

    Args:
        connection: the way to the key.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def read_packet(self) -> bytes:
        """Wait for the next report.

        Raises:
            KeyUnplugged: an `OSError`; the key was pulled out or the connection closed.
        """
        return self._connection.read()

    def write_packet(self, data: bytes) -> None:
        """Send a 64-byte report.

        Raises:
            KeyUnplugged: an `OSError`; the key was pulled out or the connection closed.
        """
        self._connection.write(data)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


def descriptor(path: str, about: HidDevice) -> HidDescriptor:
    """What an operating system would say of the key's HID interface."""
    return HidDescriptor(
        path,
        about.vendor_id,
        about.product_id,
        REPORT_SIZE,
        REPORT_SIZE,
        about.product,
        about.serial_number,
    )


class CardConnection:
    """A card in a reader's field as `fido2.pcsc.CtapPcscDevice` wants it.

    Args:
        enter: called when the card comes into the field.
        leave: called when it is taken away.
        transmit: takes a command APDU and waits for the response APDU.
    """

    def __init__(
        self,
        enter: Callable[[], object],
        leave: Callable[[], object],
        transmit: Callable[[bytes], bytes],
    ) -> None:
        self._enter = enter
        self._leave = leave
        self._transmit = transmit

    def connect(self) -> None:
        """Bring the card into the field; a tap."""
        self._enter()

    def disconnect(self) -> None:
        """Take the card away."""
        self._leave()

    def transmit(
        self, data: Sequence[int], protocol: int | None = None
    ) -> tuple[list[int], int, int]:
        """Send a command APDU; returns data, SW1 and SW2."""
        response = self._transmit(bytes(data))
        return list(response[:-2]), response[-2], response[-1]

    def getATR(self) -> list[int]:  # noqa: N802 - pyscard's name
        """The answer to reset that a reader makes up for the card."""
        return list(_ATR)

    def control(self, code: int, data: Sequence[int] = ()) -> list[int]:
        """Ask the reader for something of its own; there is nothing."""
        return []
