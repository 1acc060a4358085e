"""What tests of the transports share: a key in real time, and one turn of the loop."""

import select
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mfalab.devices.schedule import WallTime
from mfalab.devices.security_key import SecurityKey
from mfalab.simulator.clocks import WallClock
from mfalab.simulator.entropy import Entropy

MakeKey = Callable[..., SecurityKey]


@pytest.fixture
def time() -> WallTime:
    return WallTime(WallClock())


@pytest.fixture
def new_key(time: WallTime) -> MakeKey:
    """Makes keys whose time is the wall's."""

    def make(model: str = "ctap-2.1-pin", **options: Any) -> SecurityKey:
        chance = Entropy(7).random_bytes("key")
        return SecurityKey(model, random_bytes=chance, scheduler=time, **options)

    return make


@pytest.fixture
def key(new_key: MakeKey) -> Iterator[SecurityKey]:
    """A key that is plugged in."""
    key = new_key()
    key.plug()
    yield key
    key.unplug()


@pytest.fixture
def served(time: WallTime) -> Callable[[Any], None]:
    """Waits until something has come on a way, and lets it be done."""

    def serve_once(way: Any) -> None:
        readable, _, _ = select.select([way], [], [], 10)
        assert readable, "nothing has come within ten seconds"
        way.receive()
        time.settle()
        way.send()

    return serve_once
