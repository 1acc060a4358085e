"""Hubs behind uhubctl, a script that says what the true one says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mfalab.devices.rig import Function, Identity, Rig, RigSpec, make_rig
from mfalab.devices.rig.errors import PortUnclear, ToolFailed
from mfalab.devices.rig.timing import SchedulerTiming
from mfalab.devices.schedule import OwnTime

pytestmark = pytest.mark.slow


UHUBCTL = r"""
[ -e $0.fails ] && { echo 'No compatible devices detected!' >&2; exit 1; }
case "$*" in
  *'-a on'*) rm -f $0.off;;
  *'-a off'*) touch $0.off;;
esac
if [ -e $0.off ]; then p='0000 off'; else p='0103 power enable connect [1050:0407 Yubico Key]'; fi
echo 'Current status for hub 1-1.4 [2109:2817 VIA Labs Hub, USB 2.10, 4 ports, ppps]'
echo "  Port 2: $p"
[ -e $0.two ] && echo 'Current status for hub 2-1 [05e3:0610 GenesysLogic, USB 2.00, 2 ports, ppps]'
echo "$*" >> $0.log
"""


Make = Callable[..., Rig]


@pytest.fixture
def make(time: OwnTime, timing: SchedulerTiming) -> Make:
    def made(driver: str, tool: Path, **fields: str) -> Rig:
        options = {"tool": str(tool), **{k: fields.pop(k) for k in ("board",) if k in fields}}
        spec = RigSpec("hub", driver, **fields, options=options)  # type: ignore[arg-type]
        return make_rig(spec, clock=time, timing=timing)

    return made


def script(path: Path, text: str) -> Path:
    path.write_text("#!/bin/sh" + text)
    path.chmod(0o755)
    return path


@pytest.fixture
def uhubctl(tmp_path: Path) -> Path:
    return script(tmp_path / "uhubctl", UHUBCTL)


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
