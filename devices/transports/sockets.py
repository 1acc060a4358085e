"""Reports over sockets: a key for other processes, on the loopback interface.

UDP: a datagram is a report of 64 bytes. TCP: a report follows its length, two bytes big-endian. A
peer, that is an address or an accepted connection, has a connection to the key of its own and
hears its own channels only. Reports to a key that is not plugged in are lost over UDP; a TCP
connection ends when the key is pulled out, and one that comes before it is back is ended at once.

Nothing here waits: `serve` does, in one loop over the sockets, the key's deadlines and lines of
control from a person or a program.
"""

from __future__ import annotations

import os
import selectors
import socket
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from mfalab.devices.ctap.ctaphid import REPORT_SIZE
from mfalab.devices.durations import NS_PER_S
from mfalab.devices.schedule import WallTime
from mfalab.devices.transports.listener import LOOPBACK, Listener, Messages, Peer
from mfalab.devices.transports.memory import Connection, KeyUnplugged

_MOST_PEERS: Final = 64
_LARGEST_DATAGRAM: Final = 65535
_MOST_QUEUED: Final = 512
"""Datagrams taken in one go; the kernel keeps about 280 of them. linux net.core.rmem_default."""


class Way(Protocol):
    """How other processes reach a key, or something else that is served."""

    def fileno(self) -> int:
        """The file that becomes readable, for the loop; -1 when closed."""

    def receive(self) -> None:
        """Take what has come and pass it to the key."""

    def send(self) -> None:
        """Pass on what the key has to say."""

    def close(self) -> None:
        """End it."""


class UdpReports:
    """Reports as datagrams.

    Args:
        connect: opens a connection to the key.
        port: where to listen on the loopback interface; 0 takes a free one.

    Raises:
        OSError: the port cannot be opened.
    """

    def __init__(self, connect: Callable[[], Connection], port: int) -> None:
        self._connect = connect
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.bind((LOOPBACK, port))
        except OSError:
            self._socket.close()
            raise
        self._socket.setblocking(False)
        self._peers: dict[tuple[str, int], Connection] = {}

    @property
    def port(self) -> int:
        """The port that it is reached by."""
        return int(self._socket.getsockname()[1])

    def fileno(self) -> int:
        """The socket."""
        return self._socket.fileno()

    def receive(self) -> None:
        """Pass all datagrams that have come to the key."""
        for _ in range(_MOST_QUEUED):
            try:
                report, peer = self._socket.recvfrom(_LARGEST_DATAGRAM)
            except BlockingIOError:
                return
            except ConnectionError:
                continue  # a peer that is gone refused an earlier datagram of ours
            if len(report) != REPORT_SIZE:
                continue
            try:
                self._of(peer).write(report)
            except KeyUnplugged:
                continue
            self.send()

    def send(self) -> None:
        """Send what the key has for each peer."""
        for peer, connection in self._peers.items():
            while (report := connection.read_now()) is not None:
                try:
                    self._socket.sendto(report, peer)
                except OSError:
                    continue  # as on any wire, a report may be lost

    def close(self) -> None:
        """Close the socket and the connections."""
        for connection in self._peers.values():
            connection.close()
        self._socket.close()

    def _of(self, peer: tuple[str, int]) -> Connection:
        connection = self._peers.get(peer)
        if connection is None or not connection.is_open:
            connection = self._connect()
            if len(self._peers) >= _MOST_PEERS:
                self._peers.pop(next(iter(self._peers))).close()
            self._peers[peer] = connection
        return connection


class _Stream(Peer):
    """An accepted TCP connection, with a connection to the key."""

    def __init__(self, stream: socket.socket, connection: Connection) -> None:
        super().__init__(stream)
        self._connection = connection
        self._messages = Messages(REPORT_SIZE)

    def _take(self, part: bytes) -> bool:
        try:
            for report in self._messages.feed(part):
                self._connection.write(report)
        except (KeyUnplugged, ValueError):
            return False  # such as an HTTP request, whose body may hold what looks like reports
        return True

    def _collect(self) -> bool:
        while (report := self._connection.read_now()) is not None:
            self._unsent += Messages.frame(report)
        return self._connection.is_open

    def close(self) -> None:
        self._connection.close()
        super().close()


class TcpReports(Listener[_Stream]):
    """Reports behind their lengths, on any number of connections.

    Args:
        connect: opens a connection to the key.
        port: where to listen on the loopback interface; 0 takes a free one.

    Raises:
        OSError: the port cannot be opened.
    """

    def __init__(self, connect: Callable[[], Connection], port: int) -> None:
        super().__init__(port, self._stream)
        self._connect = connect

    def _stream(self, accepted: socket.socket) -> _Stream | None:
        try:
            return _Stream(accepted, self._connect())
        except KeyUnplugged:
            return None


def serve(
    ways: Sequence[Way],
    time: WallTime,
    *,
    control: int | None,
    on_line: Callable[[str], bool],
) -> None:
    """Serve keys until a line of control ends it.

    Nothing falls due before all that has come is read, however late this process comes to it. That
    holds as well for limits that a key only looks at when it is asked, as for a reset.

    Args:
        ways: where other processes reach them.
        time: the keys' scheduler.
        control: a file number to read lines from; its end leaves the key plugged in. None for no
            control.
        on_line: called with each line, without white space around it; false ends serving.
    """
    received = b""
    # poll, unlike epoll, takes any file for control: a pipe, a terminal, /dev/null.
    with selectors.PollSelector() as selector:
        for way in ways:
            selector.register(way, selectors.EVENT_READ, way)
        if control is not None:
            selector.register(control, selectors.EVENT_READ)

        def read(within_ns: int) -> bool:
            """Take what has come; false when a line of control ends it."""
            nonlocal received
            for ready, _ in selector.select(within_ns / NS_PER_S):
                if ready.data is not None:
                    ready.data.receive()
                    continue
                part = os.read(ready.fd, 4096)
                received += part
                *lines, received = received.split(b"\n")
                if not part:
                    selector.unregister(ready.fd)
                    lines, received = [received] if received else [], b""
                for line in lines:
                    if not on_line(line.decode(errors="replace").strip()):
                        return False
            return True

        goes_on = True
        while goes_on:
            look_by_ns = time.now_ns() + time.wait_ns()
            for way in ways:
                way.send()
            selector.select(time.wait_ns() / NS_PER_S)
            goes_on = time.settle_after(read, look_by_ns)
