"""A rig that writes down what it does, and keys that the machine seems to have."""

from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any, NoReturn

import pytest

from mfalab.devices.rig import Function, Identity, Rig
from mfalab.devices.transports.hidraw import HidNode


class LoggingRig(Rig):
    """A rig with two channels of each function.

    Attributes:
        did: what it was asked to do.
    """

    def __init__(self) -> None:
        super().__init__("rig")
        self.did: list[tuple[Any, ...]] = []

    @property
    def functions(self) -> Mapping[Function, int]:
        return dict.fromkeys(Function, 2)

    def _open(self) -> None: ...

    def _close(self) -> None: ...

    def _safe(self) -> None: ...

    def _identify(self) -> Identity:
        return Identity("", "", "", "")

    def _touch(self, channel: int, ms: int, after_ms: int) -> None:
        self.did.append(("touch", channel, after_ms))

    def _release(self, channel: int) -> None:
        self.did.append(("release", channel))

    def _power(self, channel: int, on: bool) -> None:
        self.did.append(("power", channel, on))

    def _present(self, channel: int, on: bool) -> None:
        self.did.append(("present", channel, on))


@pytest.fixture
def rig() -> Iterator[LoggingRig]:
    """A rig, open."""
    with LoggingRig() as opened:
        opened.did.clear()
        yield opened


def node(number: int = 0, *, serial: str = "", port: str = "1-1", **more: Any) -> HidNode:
    """A key behind a hidraw node."""
    given: dict[str, Any] = {
        "path": f"/dev/hidraw{number}",
        "name": "A key",
        "serial": serial,
        "port": port,
        "vendor_id": 1,
        "product_id": 2,
        "openable": True,
    }
    return HidNode(**given | more)


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch) -> list[HidNode]:
    """The keys that the machine has; none at first."""
    from mfalab.simulator.keys import hid

    nodes: list[HidNode] = []
    monkeypatch.setattr(hid, "fido_nodes", lambda: list(nodes))
    return nodes


@pytest.fixture
def make_node() -> Any:
    """Makes a key behind a hidraw node."""
    return node


@pytest.fixture
def tapped_card(give_up: Callable[[str], NoReturn]) -> ModuleType:
    """The module that speaks to cards, which needs pyscard."""
    try:
        from mfalab.simulator.keys import tapped_card
    except ModuleNotFoundError as error:
        give_up(f"{error}; make test installs pyscard where it can be compiled")
    return tapped_card
