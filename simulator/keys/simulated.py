"""A simulated key as a fixture: time of its own, so nothing waits, and everything can be done."""

from __future__ import annotations

from collections.abc import Callable

from fido2.ctap import CtapDevice

from mfalab.devices.ctap.user import Asked, Reaction, User
from mfalab.devices.schedule import OwnTime, Scheduler
from mfalab.devices.security_key import SecurityKey
from mfalab.devices.transports.memory import Connection, KeyUnplugged
from mfalab.simulator.abilities import Ability
from mfalab.simulator.entropy import Entropy
from mfalab.simulator.keys.fixture import Fixture, Reports


class KeyReports:
    """Reports of a simulated key, in its own time."""

    def __init__(self, connection: Connection, time: Scheduler) -> None:
        self._connection = connection
        self._time = time

    def write(self, report: bytes) -> None:
        """See `Reports.write`."""
        self._connection.write(report)

    def read(self, within_ns: int) -> bytes | None:
        """See `Reports.read`."""
        until_ns = self._time.now_ns() + within_ns
        self._time.after(within_ns, lambda: None)
        found: list[bytes] = []

        def over() -> bool:
            if (report := self._connection.read_now()) is not None:
                found.append(report)
            gone = not self._connection.is_open
            return bool(found) or gone or self._time.now_ns() >= until_ns

        self._time.wait_until(over, self)
        if not found and not self._connection.is_open:
            raise KeyUnplugged("the key")
        return found[0] if found else None

    def close(self) -> None:
        """See `Reports.close`."""
        self._connection.close()


class SimulatedFixture(Fixture):
    """A simulated key, plugged in: a new one, or one that the caller makes.

    Args:
        model: a model's name, or the path of a description file.
        seed: all its chance.
        make: gives a key in that time with that user, such as one from a file, instead.

    Attributes:
        key: the key itself, for faults and for looking into it.

    Raises:
        ModelInvalid: there is no such model.
    """

    def __init__(
        self,
        model: str,
        *,
        seed: int | str = 1,
        make: Callable[[Scheduler, User], SecurityKey] | None = None,
    ) -> None:
        super().__init__(model if make else f"sim:{model}", frozenset(Ability), destructive=True)
        self._time = OwnTime()
        self.key = (
            make(self._time, self._react)
            if make is not None
            else SecurityKey(
                model,
                random_bytes=Entropy(seed).random_bytes("key"),
                scheduler=self._time,
                user=self._react,
                name=self.name,
            )
        )
        self.key.plug()

    def _react(self, asked: Asked) -> Reaction | None:
        return self.user(asked)

    def now_ns(self) -> int:
        """See `Fixture.now_ns`."""
        return self._time.now_ns()

    def wait(self, duration_ns: int) -> None:
        """See `Fixture.wait`."""
        self._time.advance(duration_ns)

    def connect(self) -> CtapDevice:
        """See `Fixture.connect`."""
        return self.key.device()

    def reports(self) -> Reports:
        """See `Fixture.reports`."""
        return KeyReports(self.key.connect(everything=True), self._time)

    def power(self, on: bool) -> None:
        """See `Fixture.power`."""
        if on:
            self.key.plug()
        else:
            self.key.unplug()

    def close(self) -> None:
        """See `Fixture.close`."""
        self.key.close()
