"""Hubs behind uhubctl, a script that says what the true one says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mfalab.devices.rig import Function, Identity, Rig
from mfalab.devices.rig.errors import PortUnclear, ToolFailed

pytestmark = pytest.mark.slow


Make = Callable[..., Rig]


def said_to(tool: Path) -> list[str]:
    return Path(f"{tool}.log").read_text().splitlines()


class TestUhubctl:
    def test_ports_are_switched_and_read_back(self, make: Make, uhubctl: Path) -> None:
        rig = make("uhubctl", uhubctl)
        rig.open()
        assert rig.functions == {Function.POWER: 4}
        assert rig.identify() == Identity("", "VIA Labs Hub 2109:2817", "", "")
        Path(f"{uhubctl}.log").unlink()
        rig.power(2, False)
        assert rig.is_powered(2) is False
        rig.power(2, True)
        assert rig.is_powered(2) is True
        assert said_to(uhubctl)[:2] == ["-l 1-1.4 -p 2 -a off", "-l 1-1.4 -p 2"]

    @pytest.fixture(autouse=True)
    def every_port(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The script knows of port 2 only, so opening must not switch the others."""
        from mfalab.devices.rig.drivers.tools import HubRig

        monkeypatch.setattr(HubRig, "_safe", lambda self: None)

    def test_which_hub_must_be_clear(self, make: Make, uhubctl: Path) -> None:
        Path(f"{uhubctl}.two").touch()
        with pytest.raises(PortUnclear, match=r"names no location. Plugged in: 1-1.4 \(2109:2817"):
            make("uhubctl", uhubctl).open()
        with pytest.raises(PortUnclear, match=r"rig hub is not at 3-1. Plugged in: 1-1.4"):
            make("uhubctl", uhubctl, port="3-1").open()
        rig = make("uhubctl", uhubctl, port="2-1")
        rig.open()
        assert rig.functions == {Function.POWER: 2}

    def test_a_program_that_fails_is_quoted(self, make: Make, uhubctl: Path) -> None:
        Path(f"{uhubctl}.fails").touch()
        with pytest.raises(ToolFailed) as caught:
            make("uhubctl", uhubctl).open()
        assert "failed with status 1 and said 'No compatible devices detected!'" in str(
            caught.value
        )

    def test_a_port_that_is_not_told_of_has_failed(self, make: Make, uhubctl: Path) -> None:
        with make("uhubctl", uhubctl) as rig, pytest.raises(ToolFailed):
            rig.is_powered(3)
