"""What a board's commands do to the things at its channels."""

from __future__ import annotations

from typing import Any

from mfalab.devices.rig.board import SimulatedBoard
from mfalab.devices.rig.rig import Identity
from mfalab.devices.schedule import OwnTime

NS_PER_MS = 10**6


class TestThings:
    def test_a_pulse_comes_down_and_goes_up(
        self, board: SimulatedBoard, time: OwnTime, thing: Any
    ) -> None:
        board.feed(b"TOUC1:PULS 150,20\n")
        time.advance(19 * NS_PER_MS)
        assert thing.log == []
        time.advance(NS_PER_MS)
        assert thing.log == ["down"]
        time.advance(149 * NS_PER_MS)
        assert thing.log == ["down"]
        time.advance(NS_PER_MS)
        assert thing.log == ["down", "up"]

    def test_nothing_is_switched_twice(self, board: SimulatedBoard, thing: Any) -> None:
        board.feed(b"POW1 OFF;POW1 OFF;POW1 ON;*RST;NFC1:FIEL ON;PRES OFF\n")
        assert thing.log == ["power False", "power True"]

    def test_the_pulse_after_a_release_is_not_cut_short_by_the_one_before(
        self, board: SimulatedBoard, time: OwnTime, thing: Any
    ) -> None:
        board.feed(b"TOUC1:PULS 100\n")
        time.advance(90 * NS_PER_MS)
        board.feed(b"TOUC1:REL;PULS 100\n")
        time.advance(50 * NS_PER_MS)
        assert thing.log == ["down", "up", "down"]
        time.advance(50 * NS_PER_MS)
        assert thing.log == ["down", "up", "down", "up"]

    def test_a_display_is_shown_and_read(self, time: OwnTime, thing: Any) -> None:
        board = SimulatedBoard(time, display=[thing])
        thing.shown = ('49"2039', 0.98)
        time.advance(5 * NS_PER_MS)
        assert board.feed(b"DISP1:SHOW;:*OPT?\n") == b""
        assert board.feed(b"*OPT?\n") == b"TOUCH0,POWER0,NFC0,CAM1\n"
        assert board.feed(b"DISP:READ?\n") == b'"49""2039",0.98,5000\n'
        assert thing.log == ["show"]

    def test_it_says_who_it_is(self, time: OwnTime) -> None:
        board = SimulatedBoard(time, identity=Identity("maker", "model", "0042", "2.1"))
        assert board.feed(b"*IDN?\n") == b"maker,model,0042,2.1\n"
