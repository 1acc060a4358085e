"""A serial line, and its failures as the rig's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from errno import EACCES, EBUSY, ENOENT

import pytest
import serial

from mfalab.devices.rig.errors import (
    OptionWrong,
    PortUnclear,
    RigBusy,
    RigGarbled,
    RigGone,
    RigSilent,
)
from mfalab.devices.rig.protocol_simrig import hosted
from mfalab.devices.rig.serial_line import SerialLine
from mfalab.devices.schedule import OwnTime


class Answers:
    """What is behind the line: it answers everything with the same bytes."""

    plugged = True

    def __init__(self, time: OwnTime) -> None:
        self.scheduler = time
        self.said = b""

    def feed(self, data: bytes) -> bytes:
        return self.said


@pytest.fixture
def answers(time: OwnTime) -> Answers:
    return Answers(time)


@pytest.fixture
def line(answers: Answers) -> Iterator[SerialLine]:
    with hosted("line", answers) as url:  # type: ignore[arg-type]
        made = SerialLine("bench", url, timeout_ms=50)
        made.open()
        yield made
        made.close()


def asked(line: SerialLine, answers: Answers, said: bytes) -> SerialLine:
    answers.said = said
    line.write(b"ask")
    return line


def test_lines_are_read_one_by_one(line: SerialLine, answers: Answers) -> None:
    asked(line, answers, b"one\ntwo\n")
    assert [line.read_line("ask"), line.read_line("ask")] == [b"one", b"two"]


def test_bytes_are_read_by_their_number(line: SerialLine, answers: Answers) -> None:
    asked(line, answers, b"abc")
    assert [line.read("ask", 2), line.read("ask", 1)] == [b"ab", b"c"]


@pytest.mark.parametrize(
    "read", [lambda line: line.read_line("ask"), lambda line: line.read("ask", 2)]
)
@pytest.mark.parametrize(("said", "error"), [(b"", RigSilent), (b"x", RigGarbled)])
def test_too_little_is_silence_or_garbage(
    line: SerialLine,
    answers: Answers,
    read: Callable[[SerialLine], bytes],
    said: bytes,
    error: type[Exception],
) -> None:
    asked(line, answers, said)
    with pytest.raises(error, match="'ask'"):
        read(line)


def test_a_line_without_an_end_is_given_up(line: SerialLine, answers: Answers) -> None:
    asked(line, answers, b"x" * 10_000)
    with pytest.raises(RigGarbled) as caught:
        line.read_line("ask")
    assert caught.value.answer == b"x" * 60


def test_input_that_is_forgotten_is_not_read(line: SerialLine, answers: Answers) -> None:
    asked(line, answers, b"old\n").forget_input()
    asked(line, answers, b"new\n")
    assert line.read_line("ask") == b"new"


def test_a_closed_line_is_gone(line: SerialLine) -> None:
    line.close()
    line.close()
    with pytest.raises(RigGone, match="the port is closed"):
        line.write(b"ask")


@pytest.mark.parametrize(
    ("number", "error", "sentence"),
    [
        (EBUSY, RigBusy, "another program holds"),
        (ENOENT, PortUnclear, "is not there"),
        (EACCES, PortUnclear, "may not open"),
        (5, PortUnclear, r"cannot be opened on /dev/nothing \(no luck\)"),
    ],
)
def test_why_a_port_does_not_open_is_told(
    monkeypatch: pytest.MonkeyPatch, number: int, error: type[Exception], sentence: str
) -> None:
    def fail(self: serial.Serial) -> None:
        raise serial.SerialException(number, "no luck")

    monkeypatch.setattr(serial.Serial, "open", fail)
    with pytest.raises(error, match=sentence):
        SerialLine("bench", "/dev/nothing").open()


def test_a_url_that_pyserial_does_not_know_is_a_wrong_option() -> None:
    with pytest.raises(OptionWrong, match='"port"'):
        SerialLine("bench", "robot://x").open()
