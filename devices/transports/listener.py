"""A TCP port on the loopback interface for any number of connections, without a thread.

A `Listener` is one file number for a loop, whatever the number of its connections; see
`mfalab.devices.transports.sockets.Way`.
"""

from __future__ import annotations

import selectors
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final, Generic, TypeVar

LOOPBACK: Final = "127.0.0.1"
_LARGEST_PART: Final = 65536
_MOST_PARTS: Final = 128
"""Taken from one connection in one go; the kernel keeps less. linux net.ipv4.tcp_rmem."""


def file_number(ready: selectors.BaseSelector) -> int:
    """The file of a selector, which is readable when one of its files is; -1 for none."""
    return int(getattr(ready, "fileno", lambda: -1)())


class Messages:
    """Cuts a stream into messages that follow their length, two bytes big-endian.

    Args:
        size: the only length that a message may have; None for any.
    """

    def __init__(self, size: int | None = None) -> None:
        self._size = size
        self._received = b""

    def feed(self, part: bytes) -> list[bytes]:
        """The messages that are complete with this part.

        Raises:
            ValueError: a message has another length than it may have.
        """
        self._received += part
        messages: list[bytes] = []
        while len(self._received) >= 2:
            length = int.from_bytes(self._received[:2])
            if self._size not in (None, length):
                raise ValueError(f"a message of {length} bytes, and not of {self._size}")
            end = 2 + length
            if len(self._received) < end:
                break
            messages.append(self._received[2:end])
            self._received = self._received[end:]
        return messages

    @staticmethod
    def frame(message: bytes) -> bytes:
        """A message behind its length.

        Raises:
            OverflowError: it has more than 65535 bytes.
        """
        return len(message).to_bytes(2) + message


class Peer(ABC):
    """An accepted connection, which never blocks.

    Args:
        stream: the connection.
    """

    def __init__(self, stream: socket.socket) -> None:
        self.stream = stream
        self._unsent = bytearray()

    @abstractmethod
    def _take(self, part: bytes) -> bool:
        """Do what has come; whether the connection goes on."""

    @abstractmethod
    def _collect(self) -> bool:
        """Add what there is to say to `_unsent`; whether the connection goes on after that."""

    @property
    def events(self) -> int:
        """What the loop should look out for."""
        return selectors.EVENT_READ | (selectors.EVENT_WRITE if self._unsent else 0)

    def receive(self) -> bool:
        """Do all that has come; whether the connection goes on."""
        for _ in range(_MOST_PARTS):
            try:
                part = self.stream.recv(_LARGEST_PART)
            except BlockingIOError:
                break
            except OSError:
                return False
            if not part or not self._take(part):
                return False
            if len(part) < _LARGEST_PART:
                break
        return True

    def send(self) -> bool:
        """Send what there is; whether the connection goes on."""
        goes_on = self._collect()
        try:
            while self._unsent:
                del self._unsent[: self.stream.send(self._unsent)]
        except BlockingIOError:
            pass  # the rest goes when the other side has read some
        except OSError:
            return False
        return goes_on

    def close(self) -> None:
        """End the connection."""
        self.stream.close()


_P = TypeVar("_P", bound=Peer)


class Listener(Generic[_P]):
    """A port and the connections that it has accepted.

    Args:
        port: where to listen on the loopback interface; 0 takes a free one.
        accept: makes the peer of a new connection; None refuses it.

    Raises:
        OSError: the port cannot be opened.
    """

    def __init__(self, port: int, accept: Callable[[socket.socket], _P | None]) -> None:
        self._listener = socket.create_server((LOOPBACK, port))
        self._listener.setblocking(False)
        self._make_peer = accept
        self._peers: list[_P] = []
        self._ready = selectors.DefaultSelector()
        self._ready.register(self._listener, selectors.EVENT_READ)

    @property
    def port(self) -> int:
        """The port that it is reached by."""
        return int(self._listener.getsockname()[1])

    def fileno(self) -> int:
        """What becomes readable when a connection or something on one has come."""
        return file_number(self._ready)

    def receive(self) -> None:
        """Accept connections and do all that has come."""
        for ready, events in self._ready.select(0):
            if ready.fileobj is self._listener:
                self._accept()
            elif events & selectors.EVENT_READ and not ready.data.receive():
                self._end(ready.data)
        self.send()

    def send(self) -> None:
        """Send what there is on each connection."""
        for peer in tuple(self._peers):
            if not peer.send():
                self._end(peer)
            elif self._ready.get_key(peer.stream).events != peer.events:
                self._ready.modify(peer.stream, peer.events, peer)

    def close(self) -> None:
        """Close the port and the connections."""
        for peer in tuple(self._peers):
            self._end(peer)
        self._ready.close()
        self._listener.close()

    def _accept(self) -> None:
        try:
            stream, _ = self._listener.accept()
        except OSError:
            return
        peer = self._make_peer(stream)
        if peer is None:
            stream.close()
            return
        stream.setblocking(False)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._peers.append(peer)
        self._ready.register(stream, selectors.EVENT_READ, peer)

    def _end(self, peer: _P) -> None:
        if peer in self._peers:
            self._peers.remove(peer)
            self._ready.unregister(peer.stream)
            peer.close()
