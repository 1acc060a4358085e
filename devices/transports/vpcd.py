"""A key as a card in vpcd, the virtual reader of vsmartcard, which pcscd takes for a real one.

The reader listens on a TCP port; a card that is in its field is a connection to it. Either side
sends messages behind their length, two bytes big-endian. Those of the reader with one byte switch
its field or ask for the answer to reset; all others are command APDUs, and each has one answer.

`VpcdCard` is a way like those of `sockets`: `tap` lays the key on the reader, `lift` takes it away.
What the reader calls power and reset is its field: the key starts again, and the tap counts again.
"""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, unique
from typing import Final, Protocol

from mfalab.devices.errors import DeviceError
from mfalab.devices.transports.listener import LOOPBACK, Messages, file_number
from mfalab.devices.transports.memory import KeyUnplugged

VPCD_PORT: Final = 35963
"""Of the reader's first slot; the second has the next."""
CONTACTLESS_ATR: Final = bytes.fromhex("3B80800101")
"""A contactless card without historical bytes. PC/SC part 3 section 3.1.3.2.3."""
_NO_POWER: Final = bytes.fromhex("6F00")
_PATIENCE_S: Final = 10
"""A reader that takes no answer for so long is dead."""


@unique
class Reader(IntEnum):
    """What the reader says in a message of one byte."""

    OFF = 0
    ON = 1
    RESET = 2
    ATR = 4


@dataclass(eq=False, repr=False)
class ReaderMissing(DeviceError):
    """No virtual reader listens.

    Args:
        port: where it should.
        why: what the operating system says.
    """

    port: int
    why: str
    sentence = (
        f"no virtual reader listens on {LOOPBACK}:{{port}} ({{why}}). Install pcscd and "
        "vsmartcard-vpcd and start pcscd; the ports are in /etc/reader.conf.d/vpcd."
    )


class ContactlessKey(Protocol):
    """A security key that can be laid on a reader, such as `SecurityKey`."""

    def tap(self) -> None:
        """Put it on the reader, again if it lies there."""

    def lift(self) -> None:
        """Take it off the reader."""

    def begin_apdu(self, apdu: bytes) -> Callable[[], bytes | None]:
        """Send a command APDU; the result is asked for the response APDU.

        Raises:
            KeyUnplugged: it lies on no reader; the result raises it, too.
        """


class VpcdCard:
    """A key that can be laid on a virtual reader.

    Args:
        key: the key.
        port: of the reader's slot.
        lost: called when the reader has taken the connection away, as when pcscd ends.
    """

    def __init__(
        self, key: ContactlessKey, port: int = VPCD_PORT, lost: Callable[[], object] = lambda: None
    ) -> None:
        self.port = port
        self._key = key
        self._lost = lost
        self._stream: socket.socket | None = None
        self._messages = Messages()
        self._response: Callable[[], bytes | None] | None = None
        # One file number for the loop, whether there is a connection or not.
        self._ready = selectors.DefaultSelector()

    @property
    def tapped(self) -> bool:
        """Whether it lies on the reader."""
        return self._stream is not None

    def tap(self) -> None:
        """Lay it on the reader, again if it lies there.

        Raises:
            ReaderMissing: there is no reader.
            NotOffered: it has no antenna, or it is in a USB port.
            DeviceUnusable: it is broken.
        """
        self.lift()
        self._key.tap()
        try:
            stream = socket.create_connection((LOOPBACK, self.port), _PATIENCE_S)
        except OSError as error:
            self._key.lift()
            raise ReaderMissing(self.port, error.strerror or str(error)) from None
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._stream, self._messages = stream, Messages()
        self._ready.register(stream, selectors.EVENT_READ)

    def lift(self) -> None:
        """Take it away; nothing happens when it lies on no reader."""
        if self._stream is None:
            return
        self._ready.unregister(self._stream)
        self._stream.close()
        self._stream = self._response = None
        self._key.lift()

    def fileno(self) -> int:
        """What becomes readable when the reader has said something."""
        return file_number(self._ready)

    def receive(self) -> None:
        """Do what the reader says."""
        if self._stream is None:
            return
        try:
            part = self._stream.recv(65536)
            _acknowledge(self._stream)
        except OSError:
            part = b""
        for message in self._messages.feed(part):
            self._obey(message)
        self.send()
        if not part and self._stream is not None:
            self.lift()
            self._lost()

    def send(self) -> None:
        """Send the answer to the last command if it is there by now."""
        if self._response is None:
            return
        try:
            answer = self._response()
        except KeyUnplugged:
            answer = _NO_POWER
        if answer is not None:
            self._response = None
            self._answer(answer)

    def close(self) -> None:
        """Take it away for good."""
        self.lift()
        self._ready.close()

    def _obey(self, message: bytes) -> None:
        if message == bytes((Reader.OFF,)):
            self._key.lift()
        elif message in {bytes((Reader.ON,)), bytes((Reader.RESET,))}:
            self._key.tap()
        elif message == bytes((Reader.ATR,)):
            self._answer(CONTACTLESS_ATR)
        elif len(message) > 1:
            try:
                self._response = self._key.begin_apdu(message)
            except KeyUnplugged:
                self._answer(_NO_POWER)

    def _answer(self, message: bytes) -> None:
        if self._stream is None:
            return
        try:
            self._stream.sendall(Messages.frame(message))
        except OSError:
            return  # the end of the connection will be heard


def _acknowledge(stream: socket.socket) -> None:
    """Acknowledge what was received at once, where the system can be told to.

    The reader sends a message's length and the rest in two writes without TCP_NODELAY, so the rest
    waits for this: 40 ms each on Linux, for ever on a network stack that was seen to forget it.
    """
    at_once = getattr(socket, "TCP_QUICKACK", None)
    if at_once is not None:
        stream.setsockopt(socket.IPPROTO_TCP, at_once, 1)
