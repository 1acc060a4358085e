"""Security keys, and the clients and connections that tests use them by."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fido2.ctap import CtapError
from fido2.ctap2 import Ctap2
from fido2.hid import CtapHidDevice

from mfalab.devices.ctap.ctaphid import BROADCAST, HidCommand, HidError, packets
from mfalab.devices.ctap.model import Model
from mfalab.devices.ctap.user import User
from mfalab.devices.security_key import SecurityKey
from mfalab.devices.transports.memory import Connection
from mfalab.simulator.entropy import Entropy

MS = 1_000_000
S = 1000 * MS
RP = {"id": "example.com", "name": "Example"}
ES256 = [{"type": "public-key", "alg": -7}]
HASH = bytes(32)


def new(
    model: str | Model = "ctap-2.1-pin", *, user: User | None = None, seed: int = 1, **more: object
) -> SecurityKey:
    return SecurityKey(model, random_bytes=Entropy(seed).random_bytes("key"), user=user, **more)


def plugged(model: str | Model = "ctap-2.1-pin", **more: object) -> SecurityKey:
    made = new(model, **more)
    made.plug()
    return made


def make(key: SecurityKey | CtapHidDevice, user: bytes = b"alice", **more: object) -> object:
    """A discoverable credential of a user."""
    device = key.device() if isinstance(key, SecurityKey) else key
    more.setdefault("options", {"rk": True})
    return Ctap2(device).make_credential(HASH, RP, {"id": user, "name": "n"}, ES256, **more)


def refusal(work: Callable[[], object]) -> int:
    """The status that a key refuses with."""
    with pytest.raises(CtapError) as caught:
        work()
    return caught.value.code


def opened(key: SecurityKey, *, everything: bool = False) -> tuple[Connection, int]:
    """A connection and a channel of its own."""
    connection = key.connect(everything=everything)
    connection.write(packets(BROADCAST, HidCommand.INIT, b"12345678")[0])
    return connection, int.from_bytes(connection.read()[15:19])


def ask(connection: Connection, channel: int, command: HidCommand, data: bytes = b"") -> bytes:
    for report in packets(channel, command, data):
        connection.write(report)
    return connection.read()


def error(code: HidError) -> bytes:
    return bytes((0x80 | HidCommand.ERROR, 0, 1, code))
