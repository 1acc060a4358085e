"""What a board does by itself: the watchdog, and when it loses power."""

from __future__ import annotations

from errno import ENODEV
from typing import Any

import pytest

from mfalab.devices.rig.board import BoardUnplugged, SimulatedBoard
from mfalab.devices.schedule import OwnTime

NS_PER_MS = 10**6


class TestFailsafe:
    def test_the_watchdog_frees_the_thing(
        self, board: SimulatedBoard, time: OwnTime, thing: Any
    ) -> None:
        board.feed(b"SYST:WATC 15;:POW1 OFF;:TOUC1:HOLD 60000\n")
        time.advance(14_999 * NS_PER_MS)
        assert thing.log == ["power False", "down"]
        time.advance(NS_PER_MS)
        assert thing.log == ["power False", "down", "up", "power True"]

    def test_a_byte_is_no_sign_of_life(
        self, board: SimulatedBoard, time: OwnTime, thing: Any
    ) -> None:
        board.feed(b"SYST:WATC 2;:POW1 OFF\n")
        for _ in range(8):
            time.advance(500 * NS_PER_MS)
            board.feed(b"P")
        assert thing.log == ["power False", "power True"]

    def test_pulling_the_board_out_frees_the_thing(
        self, board: SimulatedBoard, time: OwnTime, thing: Any
    ) -> None:
        board.feed(b"POW1 OFF;:TOUC1:HOLD 60000;:TOUC2:PULS 100,1000\n")
        board.unplug()
        assert thing.log == ["power False", "down", "up", "power True"]
        with pytest.raises(BoardUnplugged) as caught:
            board.feed(b"*IDN?\n")
        assert caught.value.errno == ENODEV
        time.advance(2000 * NS_PER_MS)
        board.plug()
        assert board.feed(b"SYST:TIME?;ERR?;*ESR?;TOUC2:LAST?\n") == b'0;0,"No error";128\n'
        assert board.feed(b"TOUC2:STAT?;:SYST:WATC?\n") == b"0;0\n"

    def test_what_was_planned_before_it_was_pulled_out_does_not_happen(
        self, board: SimulatedBoard, time: OwnTime, thing: Any
    ) -> None:
        board.feed(b"TOUC1:PULS 100,1000;:SYST:WATC 1\n")
        board.unplug()
        board.plug()
        time.advance(5000 * NS_PER_MS)
        assert thing.log == []
        assert board.feed(b"SYST:ERR?\n") == b'0,"No error"\n'
