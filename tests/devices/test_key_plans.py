"""A security key plans each of its deadlines once, however often it was left waiting."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from fido2.ctap import CtapError
from fido2.ctap2.base import Ctap2

from mfalab.devices.ctap.user import absent
from mfalab.devices.schedule import OwnTime
from mfalab.devices.security_key import SecurityKey
from mfalab.simulator.entropy import Entropy

KEEPALIVES_IN_30_S = 300


class CountingTime:
    """Time of its own that counts what is planned and what happens."""

    def __init__(self) -> None:
        self._time = OwnTime()
        self.planned = self.happened = 0

    @property
    def guard(self) -> AbstractContextManager[object]:
        return self._time.guard

    def now_ns(self) -> int:
        return self._time.now_ns()

    def after(self, delay_ns: int, callback: Callable[[], object]) -> None:
        def happen() -> None:
            self.happened += 1
            callback()

        self.planned += 1
        self._time.after(delay_ns, happen)

    def wait_until(self, ready: Callable[[], bool], about: object) -> None:
        self._time.wait_until(ready, about)

    def wake(self, about: object) -> None:
        self._time.wake(about)


def test_waiting_for_the_tenth_time_costs_what_the_first_did() -> None:
    """A request of several packets left the end of its time for packets behind.

    That entry planned everything a second time, and nothing ever ended it, so costs grew.
    """
    time = CountingTime()
    key = SecurityKey(
        "ctap-2.1-pin", random_bytes=Entropy(1).random_bytes("key"), scheduler=time, user=absent
    )
    key.plug()
    client = Ctap2(key.device())
    for _ in range(10):
        time.planned = time.happened = 0
        with pytest.raises(CtapError):
            client.make_credential(
                bytes(32),
                {"id": "example.com", "name": "Example"},
                {"id": b"alice", "name": "alice"},
                [{"type": "public-key", "alg": -7}],
            )
        assert time.planned in range(KEEPALIVES_IN_30_S, KEEPALIVES_IN_30_S + 5)
        assert time.happened <= time.planned + 1
