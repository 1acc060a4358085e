"""The simulated board: the table of exchanges, what it does to things, and its faults."""

from __future__ import annotations

from typing import Any

import pytest

from mfalab.devices.rig.board import SimulatedBoard
from mfalab.devices.rig.instrument import BoardFaults
from mfalab.devices.schedule import OwnTime

NS_PER_MS = 10**6


class TestTable:
    def test_each_line_is_answered_as_the_table_says(
        self, board: SimulatedBoard, time: OwnTime, exchanges: list[Any]
    ) -> None:
        for each in exchanges:
            assert board.feed(each.sent) == b"".join(each.answers), each.sent
            time.advance(each.pause_ms * NS_PER_MS)

    def test_bytes_one_at_a_time_are_answered_alike(
        self, board: SimulatedBoard, time: OwnTime, exchanges: list[Any]
    ) -> None:
        for each in exchanges:
            said = b"".join(board.feed(bytes([byte])) for byte in each.sent)
            assert said == b"".join(each.answers), each.sent
            time.advance(each.pause_ms * NS_PER_MS)

    @pytest.mark.slow
    def test_lines_cut_anywhere_are_answered_alike(
        self, time: OwnTime, exchanges: list[Any]
    ) -> None:
        longest = max(len(each.sent) for each in exchanges)
        for cut in range(longest):
            own = OwnTime()
            things: list[Any] = [_Nothing()] * 4
            board = SimulatedBoard(own, touch=things, power=things, nfc=things[:1])
            for each in exchanges:
                said = board.feed(each.sent[:cut]) + board.feed(each.sent[cut:])
                assert said == b"".join(each.answers), (cut, each.sent)
                own.advance(each.pause_ms * NS_PER_MS)

    def test_a_line_of_greatest_length_is_taken_and_a_longer_one_is_not(
        self, board: SimulatedBoard
    ) -> None:
        query = b"SYST:ERR?"
        assert board.feed(b" " * (256 - len(query)) + query + b"\n") == b'0,"No error"\n'
        assert board.feed(b" " * (257 - len(query)) + query + b"\n") == b""
        assert board.feed(b"SYST:ERR?\n") == b'-363,"Input buffer overrun"\n'

    def test_many_lines_at_once_are_answered_in_turn(self, board: SimulatedBoard) -> None:
        assert board.feed(b"POW1?\nPOW1 OFF\nPOW1?\nPOW") == b"1\n0\n"
        assert board.feed(b"1 ON;POW1?\n") == b"1\n"


class _Nothing:
    def touch(self) -> None: ...
    def release(self) -> None: ...
    def power(self, on: bool) -> None: ...
    def field(self, on: bool) -> None: ...
    def present(self, on: bool) -> None: ...


class TestFaults:
    @pytest.mark.parametrize(
        ("faults", "said"),
        [
            (BoardFaults(silent=True), b""),
            (BoardFaults(half_lines=True), b"mfalab,simulate"),
            (BoardFaults(noise=b"\xff\x00"), b"\xff\x00mfalab,simulated rig,0001,1.0\n"),
        ],
    )
    def test_the_line_is_as_faulty_as_it_was_made(
        self, board: SimulatedBoard, faults: BoardFaults, said: bytes
    ) -> None:
        board.faults = faults
        assert board.feed(b"*IDN?\n")[: len(said) or 99] == said

    def test_the_version_may_be_another(self, board: SimulatedBoard) -> None:
        board.faults = BoardFaults(version="2.0")
        assert board.feed(b"SYST:VERS?\n") == b"2.0\n"
