"""A simulated key and a token at a board's channels."""

from __future__ import annotations

import pytest

from mfalab.devices.rig.board import SimulatedBoard
from mfalab.devices.rig.fittings import KeyOnReader, TokenDisplay, board_for_key
from mfalab.devices.schedule import OwnTime
from mfalab.devices.security_key import SecurityKey
from mfalab.simulator.entropy import Entropy

NS_PER_MS = 10**6


@pytest.fixture
def key(time: OwnTime) -> SecurityKey:
    made = SecurityKey("ctap-2.1-pin", random_bytes=Entropy(1).random_bytes("key"), scheduler=time)
    made.plug()
    return made


class TestFittings:
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
