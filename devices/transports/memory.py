"""The port of a key inside this process: connections, each with the reports that are its own.

A report of the key goes to the connection that last wrote on that channel, and an answer on the
broadcast channel to the one whose nonce it carries. So several clients can use one key without
hearing each other, as with a broker. A connection that hears `everything` is what a hidraw node
gives: all reports of all channels, whoever they are for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from errno import ENODEV

from mfalab.devices.ctap.ctaphid import BROADCAST
from mfalab.devices.errors import DeviceError
from mfalab.devices.schedule import Scheduler

__all__ = ["Connection", "KeyUnplugged", "Port"]


class KeyUnplugged(DeviceError, OSError):
    """A connection to a key that has been pulled out, or was never plugged in.

    It is an `OSError` with `ENODEV`, which is what an operating system raises.

    Args:
        key: the key's name.
    """

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.errno = ENODEV
        self.key = key

    def __str__(self) -> str:
        return f"{self.key} is not plugged in. Plug it in and open another connection."


class Connection:
    """One way to a key; made by `Port.connect`."""

    __slots__ = ("_everything", "_inbox", "_open", "_port")

    def __init__(self, port: Port, everything: bool) -> None:
        self._port = port
        self._everything = everything
        self._inbox: deque[bytes] = deque()
        self._open = True

    @property
    def is_open(self) -> bool:
        """Whether the key is still plugged in and nobody closed it."""
        return self._open

    @property
    def hears_everything(self) -> bool:
        """Whether it hears other connections' channels too."""
        return self._everything

    def write(self, report: bytes) -> None:
        """Send a 64-byte report to the key.

        Raises:
            KeyUnplugged: the connection has ended.
        """
        self._port.take_from(self, report)

    def read(self) -> bytes:
        """Wait for the next report from the key.

        Raises:
            KeyUnplugged: the connection has ended, and so it will when the key is pulled out
                meanwhile.
            NothingWillHappen: nothing could come, ever.
        """
        scheduler = self._port.scheduler
        with scheduler.guard:
            scheduler.wait_until(lambda: bool(self._inbox) or not self._open, self._port)
            if not self._inbox:
                raise KeyUnplugged(self._port.name)
            return self._inbox.popleft()

    def read_now(self) -> bytes | None:
        """The next report from the key if one is there; does not wait."""
        with self._port.scheduler.guard:
            return self._inbox.popleft() if self._inbox else None

    def close(self) -> None:
        """End the connection; the key is told nothing. Closing twice does no harm."""
        self._port.disconnect(self)

    def deliver(self, report: bytes) -> None:
        """Put a report into the inbox; the port does that."""
        self._inbox.append(report)

    def end(self) -> None:
        """Make it unusable; the port does that."""
        self._open = False


class Port:
    """Where the connections of one key meet.

    Args:
        name: the key's name, for errors.
        scheduler: lets time pass for those who read.
        feed: takes a report for the key.
    """

    __slots__ = ("_asked", "_connections", "_feed", "_talking", "name", "scheduler")

    def __init__(self, name: str, scheduler: Scheduler, feed: Callable[[bytes], None]) -> None:
        self.name = name
        self.scheduler = scheduler
        self._feed = feed
        self._connections: list[Connection] = []
        self._talking: dict[int, Connection] = {}
        # Nonces of INIT requests that have had no answer yet.
        self._asked: dict[bytes, Connection] = {}

    def connect(self, *, everything: bool = False) -> Connection:
        """Another connection."""
        connection = Connection(self, everything)
        self._connections.append(connection)
        return connection

    def disconnect(self, connection: Connection) -> None:
        """Forget a connection."""
        with self.scheduler.guard:
            connection.end()
            if connection in self._connections:
                self._connections.remove(connection)
            self._talking = {k: c for k, c in self._talking.items() if c is not connection}
            self._asked = {k: c for k, c in self._asked.items() if c is not connection}
            self.scheduler.wake(self)

    def disconnect_all(self) -> None:
        """End every connection: the key was pulled out."""
        for connection in tuple(self._connections):
            self.disconnect(connection)

    def take_from(self, connection: Connection, report: bytes) -> None:
        """Pass a report from a connection on to the key.

        Raises:
            KeyUnplugged: the connection has ended.
        """
        with self.scheduler.guard:
            if not connection.is_open:
                raise KeyUnplugged(self.name)
            channel = int.from_bytes(report[:4])
            self._talking[channel] = connection
            if channel == BROADCAST:
                self._asked[bytes(report[7:15])] = connection
            self._feed(bytes(report))

    def give(self, report: bytes) -> None:
        """Deliver a report from the key to whom it is for."""
        channel = int.from_bytes(report[:4])
        listener = self._talking.get(channel)
        if channel == BROADCAST:
            listener = self._asked.pop(bytes(report[7:15]), listener)
        for connection in self._connections:
            if connection is listener or connection.hears_everything:
                connection.deliver(report)
