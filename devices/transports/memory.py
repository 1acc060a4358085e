"""The port of a key inside this process: connections, each with the reports that are its own.

A report of the key goes to the connections that have written on its channel, and an answer on the
broadcast channel to the one whose nonce it carries. So several clients can use one key without
hearing each other, as with a broker. A connection that hears `everything` is what a hidraw node
gives: all reports of all channels, whichever client they are for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from errno import ENODEV
from typing import TypeVar
from weakref import WeakSet

from mfalab.devices.ctap.ctaphid import BROADCAST
from mfalab.devices.errors import DeviceError
from mfalab.devices.schedule import Scheduler

_K = TypeVar("_K")
_V = TypeVar("_V")
_MOST_CHANNELS = 4096
"""How many channels and nonces are remembered, against clients that make up ever new ones."""


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

    def __init__(self, port: Port) -> None:
        self._port = port
        self._inbox: deque[bytes] = deque()
        self._open = True

    @property
    def is_open(self) -> bool:
        """Whether the key is still plugged in and it was not closed."""
        return self._open

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
                during the wait.
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

    def __init__(self, name: str, scheduler: Scheduler, feed: Callable[[bytes], None]) -> None:
        self.name = name
        self.scheduler = scheduler
        self._feed = feed
        # Clients drop connections without closing them; those are not kept alive for ever.
        self._connections: WeakSet[Connection] = WeakSet()
        self._ears: list[Connection] = []
        self._talking: dict[int, tuple[Connection, ...]] = {}
        # Nonces of INIT requests that have had no answer yet.
        self._asked: dict[bytes, Connection] = {}

    def connect(self, *, everything: bool = False) -> Connection:
        """Another connection."""
        connection = Connection(self)
        self._connections.add(connection)
        if everything:
            self._ears.append(connection)
        return connection

    def disconnect(self, connection: Connection) -> None:
        """Forget a connection."""
        with self.scheduler.guard:
            connection.end()
            self._connections.discard(connection)
            self._ears = [each for each in self._ears if each is not connection]
            self._asked = {n: each for n, each in self._asked.items() if each is not connection}
            self._talking = {
                channel: left
                for channel, talkers in self._talking.items()
                if (left := tuple(each for each in talkers if each is not connection))
            }
            self.scheduler.wake(self)

    def disconnect_all(self) -> None:
        """End every connection: the key was pulled out."""
        with self.scheduler.guard:
            # All end before anybody is woken, so that clients go on in the order they waited.
            for connection in self._connections:
                connection.end()
            self._connections.clear()
            self._ears, self._asked, self._talking = [], {}, {}
            self.scheduler.wake(self)

    def take_from(self, connection: Connection, report: bytes) -> None:
        """Pass a report from a connection on to the key.

        Raises:
            KeyUnplugged: the connection has ended.
        """
        with self.scheduler.guard:
            if not connection.is_open:
                raise KeyUnplugged(self.name)
            channel = int.from_bytes(report[:4])
            if channel == BROADCAST:
                self._talking[channel] = (connection,)
                self._asked[bytes(report[7:15])] = connection
            elif connection not in (talkers := self._talking.get(channel, ())):
                self._talking[channel] = (*talkers, connection)
            _forget_oldest(self._talking)
            _forget_oldest(self._asked)
            self._feed(bytes(report))

    def give(self, report: bytes) -> None:
        """Deliver a report from the key to whom it is for."""
        channel = int.from_bytes(report[:4])
        listeners = self._talking.get(channel, ())
        if channel == BROADCAST and (asker := self._asked.pop(bytes(report[7:15]), None)):
            listeners = (asker,)
        for connection in listeners:
            connection.deliver(report)
        for connection in self._ears:
            if connection not in listeners:
                connection.deliver(report)


def _forget_oldest(known: dict[_K, _V]) -> None:
    if len(known) > _MOST_CHANNELS:
        del known[next(iter(known))]
