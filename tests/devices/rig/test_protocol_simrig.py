"""Boards of this process as ports of pyserial."""

from __future__ import annotations

import pytest
import serial

from mfalab.devices.rig.board import SimulatedBoard
from mfalab.devices.rig.protocol_simrig import hosted
from mfalab.devices.schedule import OwnTime

NS_PER_MS = 10**6


def test_a_port_answers_as_its_board(url: str) -> None:
    with serial.serial_for_url(url, timeout=1) as port:
        port.write(b"*IDN?\n")
        assert port.in_waiting == 30
        assert port.readline() == b"mfalab,simulated rig,0001,1.0\n"


def test_a_read_that_waits_lets_the_boards_time_pass(url: str, time: OwnTime) -> None:
    with serial.serial_for_url(url, timeout=0.25) as port:
        assert port.read(1) == b""
    assert time.now_ns() == 250 * NS_PER_MS


def test_a_read_without_patience_does_not_wait(url: str, time: OwnTime) -> None:
    with serial.serial_for_url(url, timeout=0) as port:
        assert port.read(1) == b""
    assert time.now_ns() == 0


def test_forgotten_input_is_not_read(url: str) -> None:
    with serial.serial_for_url(url, timeout=0) as port:
        port.write(b"*IDN?\n")
        port.reset_input_buffer()
        assert port.read(1) == b""


def test_a_board_that_is_pulled_out_fails_reads_and_writes(url: str, board: SimulatedBoard) -> None:
    with serial.serial_for_url(url, timeout=1) as port:
        board.unplug()
        with pytest.raises(serial.SerialException, match="the board is gone"):
            port.read(1)
        with pytest.raises(serial.SerialException, match="is not plugged in"):
            port.write(b"*IDN?\n")
        with pytest.raises(serial.SerialException, match="no board 'bench'"):
            serial.serial_for_url(url)


def test_a_closed_port_is_not_used(url: str) -> None:
    port = serial.serial_for_url(url)
    port.close()
    with pytest.raises(serial.PortNotOpenError):
        port.write(b"*IDN?\n")


def test_a_name_is_for_one_board_and_only_for_a_while(board: SimulatedBoard) -> None:
    with hosted("twice", board), pytest.raises(ValueError, match='"twice" is the name of another'):
        hosted("twice", board).__enter__()
    with pytest.raises(serial.SerialException, match="no board 'twice'"):
        serial.serial_for_url("simrig://twice")
