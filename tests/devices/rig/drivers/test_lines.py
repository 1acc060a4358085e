"""Relays on RTS and DTR."""

from __future__ import annotations

import pytest

from mfalab.devices.rig import RigSpec, make_rig
from mfalab.devices.rig.drivers import relays
from mfalab.devices.rig.timing import SchedulerTiming
from mfalab.devices.schedule import OwnTime

NS_PER_MS = 10**6


class TestLines:
    def test_rts_touches_and_dtr_cuts_power(
        self, time: OwnTime, timing: SchedulerTiming, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[tuple[int, str, bool]] = []

        class Line:
            def __init__(self, rig: str, port: str, **speed: int) -> None:
                self.port = port

            def open(self, *, rts: bool, dtr: bool) -> None:
                seen.append((0, self.port, rts or dtr))

            def close(self) -> None:
                seen.append((time.now_ns() // NS_PER_MS, "close", False))

            def set_lines(self, **levels: bool) -> None:
                for name, on in levels.items():
                    seen.append((time.now_ns() // NS_PER_MS, name, on))

        monkeypatch.setattr(relays, "SerialLine", Line)
        spec = RigSpec("ftdi", "lines", "/dev/ttyUSB0", options={"power": "2"})
        with make_rig(spec, clock=time, timing=timing) as rig:
            rig.touch(1)
            rig.cycle(1, 100)
            assert rig.is_powered(1) is None
            assert rig.identify().model == "RTS and DTR"
        safe = [(0, "rts", False), (0, "dtr", False)]
        assert seen[:3] == [(0, "/dev/ttyUSB0", False), *safe]
        assert seen[3:7] == [
            (20, "rts", True),
            (170, "rts", False),
            (170, "dtr", True),
            (270, "dtr", False),
        ]
        assert seen[-1] == (270, "close", False)

    def test_pyserials_loop_has_such_lines(self, time: OwnTime, timing: SchedulerTiming) -> None:
        spec = RigSpec("loop", "lines", "loop://", options={"touch": "1,2"})
        with make_rig(spec, clock=time, timing=timing) as rig:
            port = rig._line._serial  # type: ignore[attr-defined]
            assert (port.rts, port.dtr) == (False, False)
            rig.hold(1, 1000)
            rig.hold(2, 1000)
            assert (port.cts, port.dsr) == (True, True)
            time.advance(1000 * NS_PER_MS)
            assert (port.cts, port.dsr) == (False, False)
