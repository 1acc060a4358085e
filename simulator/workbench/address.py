"""Addresses of keys, as people write them on the command line and in lab files.

sim:MODEL       a new simulated key          sim:ctap-2.1-pin
hid:WHICH       a key behind a hidraw node   hid:12345678, hid:1-1.4, hid:/dev/hidraw0, hid:
nfc:READER      a key in a reader's field    nfc:ACR122U, nfc:
udp:[HOST:]PORT a key in another process     udp:7112, udp:192.0.2.7:7112
replay:FILE     a recording as a key         replay:session.pcapng
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self, Unpack

if TYPE_CHECKING:
    from mfalab.simulator.keys.fixture import Fixture
    from mfalab.simulator.keys.real import Handling

KINDS: Final = {
    "sim": "MODEL",
    "hid": "SERIAL-or-PORT-or-NODE",
    "nfc": "READER",
    "udp": "[HOST:]PORT",
    "replay": "FILE",
}
"""The kinds of address and what follows them."""
_REAL: Final = ("hid", "nfc", "udp")
_MOST_PORT: Final = 65535


class BadAddress(ValueError):
    """A text is no address. Args: the text."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        forms = ", ".join(f"{kind}:{what}" for kind, what in KINDS.items())
        return f'"{self.text}" is no address of a key; write one of {forms}'


@dataclass(frozen=True, slots=True)
class Address:
    """Where a key is.

    Attributes:
        kind: one of `KINDS`.
        rest: which one of that kind.
    """

    kind: str
    rest: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """The address that a text says.

        Raises:
            BadAddress: it says none.
        """
        kind, colon, rest = text.partition(":")
        if not colon or kind not in KINDS or (not rest and kind in ("sim", "replay")):
            raise BadAddress(text)
        if kind == "udp":
            port = rest.rpartition(":")[2]
            if not (port.isascii() and port.isdigit() and 0 < int(port) <= _MOST_PORT):
                raise BadAddress(text)
        return cls(kind, rest)

    @property
    def is_real(self) -> bool:
        """Whether it means a key that is not ours: in a hand, or in another process."""
        return self.kind in _REAL

    def __str__(self) -> str:
        return f"{self.kind}:{self.rest}"


def is_real(text: str) -> bool:
    """Whether a text, such as a fixture's name, is the address of a key that is not ours."""
    return text.partition(":")[0] in _REAL


def open_fixture(
    address: Address | str, *, seed: int | str = 1, **handling: Unpack[Handling]
) -> Fixture:
    """The key at an address, for this process alone.

    Args:
        address: where it is.
        seed: the chance of a simulated key.
        handling: what the bench gives a real key.

    Raises:
        BadAddress: it is no address.
        DeviceError: it is not there, may not be opened, or is in use.
        ModelInvalid: there is no such model.
    """
    where = Address.parse(address) if isinstance(address, str) else address
    if where.kind == "sim":
        from mfalab.simulator.keys.simulated import SimulatedFixture

        return SimulatedFixture(where.rest, seed=seed)
    if where.kind == "replay":
        from mfalab.simulator.traces.replay_fixture import ReplayFixture

        return ReplayFixture(str(where))
    if where.kind == "hid":
        from mfalab.simulator.keys.hid import HidFixture

        return HidFixture(where.rest, **handling)
    if where.kind == "udp":
        from mfalab.simulator.keys.udp import UdpFixture

        return UdpFixture(where.rest, **handling)
    from mfalab.simulator.keys.nfc import NfcFixture

    return NfcFixture(where.rest, **handling)
