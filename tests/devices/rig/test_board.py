"""The simulated board: the table of exchanges, what it does to things, and its faults."""

from __future__ import annotations

from errno import ENODEV
from typing import Any

import pytest

from mfalab.devices.rig.board import BoardFaults, BoardUnplugged, SimulatedBoard
from mfalab.devices.rig.fittings import KeyOnReader, TokenDisplay, board_for_key
from mfalab.devices.rig.rig import Identity
from mfalab.devices.schedule import OwnTime
from mfalab.devices.security_key import SecurityKey
from mfalab.simulator.entropy import Entropy

NS_PER_MS = 10**6


@pytest.fixture
def key(time: OwnTime) -> SecurityKey:
    made = SecurityKey("ctap-2.1-pin", random_bytes=Entropy(1).random_bytes("key"), scheduler=time)
    made.plug()
    return made


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

    def test_a_key_is_touched_and_loses_power(self, key: SecurityKey, time: OwnTime) -> None:
        board = board_for_key(key, time)
        board.feed(b"POW1 OFF\n")
        assert not key.plugged
        board.feed(b"POW1 ON\n")
        assert key.plugged
        board.feed(b"POW1:CYCL 500\n")
        assert not key.plugged
        time.advance(500 * NS_PER_MS)
        assert key.plugged

    def test_a_broken_key_stays_dark_whatever_the_power(
        self, key: SecurityKey, time: OwnTime
    ) -> None:
        board = board_for_key(key, time)
        key.break_()
        assert board.feed(b"POW1 OFF;POW1 ON;POW1?\n") == b"1\n"
        assert not key.plugged

    def test_a_key_on_a_reader_has_power_where_the_field_is(self, time: OwnTime) -> None:
        key = SecurityKey(
            "yubikey-like", random_bytes=Entropy(1).random_bytes("key"), scheduler=time
        )
        board = SimulatedBoard(time, nfc=[KeyOnReader(key)])
        states = []
        for line in (b"NFC1:PRES ON", b"NFC1:FIEL OFF", b"NFC1:FIEL ON", b"NFC1:PRES OFF"):
            board.feed(line + b"\n")
            states.append(key.in_field)
        assert states == [True, False, True, False]

    def test_a_token_is_pressed_and_read(self, time: OwnTime) -> None:
        class Token:
            display = ""

            def press(self) -> None:
                self.display = "492039"

        board = SimulatedBoard(time, display=[TokenDisplay(Token(), 0.5)])
        assert board.feed(b"DISP1:READ?;SHOW;READ?\n") == b'"",0.50,0;"492039",0.50,0\n'


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
