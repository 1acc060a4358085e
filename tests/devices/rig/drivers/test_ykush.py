"""YKUSH hubs behind ykushcmd, a script that says what the true one says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mfalab.devices.rig import Function, Identity, Rig
from mfalab.devices.rig.errors import OptionWrong, PortUnclear, ToolFailed
from mfalab.devices.schedule import OwnTime

pytestmark = pytest.mark.slow


Make = Callable[..., Rig]


def said_to(tool: Path) -> list[str]:
    return Path(f"{tool}.log").read_text().splitlines()


class TestYkush:
    def test_ports_are_switched_and_read_back(
        self, make: Make, ykushcmd: Path, time: OwnTime
    ) -> None:
        with make("ykush", ykushcmd) as rig:
            assert rig.functions == {Function.POWER: 3}
            assert rig.identify() == Identity("Yepkit", "YKUSH", "YK12345", "")
            rig.power(1, False)
            assert rig.is_powered(1) is False
            rig.cycle(1, 500)
            assert rig.is_powered(1) is True
            assert time.now_ns() == 500 * 10**6
        assert "-s YK12345 -d 1" in said_to(ykushcmd)
        assert said_to(ykushcmd)[-2:] == ["-s YK12345 -u 3", "-s YK12345 -g 3"]

    def test_the_other_boards_are_named_first(self, make: Make, ykushcmd: Path) -> None:
        with make("ykush", ykushcmd, board="ykushxs", serial="YK12345") as rig:
            assert rig.functions == {Function.POWER: 1}
        assert said_to(ykushcmd)[:2] == ["ykushxs -l", "ykushxs -s YK12345 -u 1"]
        with pytest.raises(OptionWrong, match="'ykush9' is none of ykush, ykush3, ykushxs"):
            make("ykush", ykushcmd, board="ykush9")

    def test_a_port_that_does_not_switch_breaks_the_rig(self, make: Make, ykushcmd: Path) -> None:
        with make("ykush", ykushcmd) as rig:
            Path(f"{ykushcmd}.stuck").touch()
            with pytest.raises(ToolFailed, match="port 1 did not switch off"):
                rig.power(1, False)
            with pytest.raises(ToolFailed, match="port 1 did not switch off"):
                rig.is_powered(1)

    @pytest.mark.parametrize(
        ("boards", "serial", "sentence"),
        [
            ("No YKUSH boards found.", None, "names no ykush hub. Plugged in: nothing"),
            ("YK1 YK2", None, "names no ykush hub. Plugged in: YK1, YK2."),
            ("YK1 YK2", "YK3", "has serial YK3, and no such ykush hub. Plugged in: YK1, YK2."),
        ],
    )
    def test_which_hub_must_be_clear(
        self, make: Make, ykushcmd: Path, boards: str, serial: str | None, sentence: str
    ) -> None:
        Path(f"{ykushcmd}.boards").write_text(boards)
        fields = {} if serial is None else {"serial": serial}
        with pytest.raises(PortUnclear) as caught:
            make("ykush", ykushcmd, **fields).open()
        assert sentence in str(caught.value)

    def test_a_program_that_says_nothing_of_the_port_has_failed(
        self, make: Make, ykushcmd: Path
    ) -> None:
        with make("ykush", ykushcmd) as rig:
            ykushcmd.write_text("#!/bin/sh\necho 'Unable to open device'\n")
            with pytest.raises(ToolFailed, match="and said 'Unable to open device'"):
                rig.is_powered(1)
