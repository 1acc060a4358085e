"""A board on a bench whose time is its own, and hands that remember what they did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mfalab.devices.rig.board import SimulatedBoard
from mfalab.devices.rig.protocol_simrig import hosted
from mfalab.devices.rig.timing import SchedulerTiming
from mfalab.devices.schedule import OwnTime


class Thing:
    """What is under a finger, in a port, on a reader and in front of a camera, all at once."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.shown = ("", 1.0)

    def touch(self) -> None:
        self.log.append("down")

    def release(self) -> None:
        self.log.append("up")

    def power(self, on: bool) -> None:
        self.log.append(f"power {on}")

    def field(self, on: bool) -> None:
        self.log.append(f"field {on}")

    def present(self, on: bool) -> None:
        self.log.append(f"present {on}")

    def show(self) -> None:
        self.log.append("show")

    def read(self) -> tuple[str, float]:
        return self.shown


@dataclass
class Exchange:
    """What is sent, how long afterwards time passes, and what must have come back."""

    sent: bytes = b""
    pause_ms: int = 0
    answers: list[bytes] = field(default_factory=list)


def read_exchanges() -> dict[str, list[Exchange]]:
    """The table of exchanges by title."""
    table: dict[str, list[Exchange]] = {}
    lines = (Path(__file__).with_name("exchanges.txt")).read_text().splitlines()
    for line in lines:
        mark, text = line[:1], line[2:].encode().decode("unicode_escape").encode("latin-1")
        if mark == "=":
            here = table[line[2:]] = []
        elif mark == ">":
            here.append(Exchange(text + b"\n"))
        elif mark == "<":
            here[-1].answers.append(text + b"\n")
        elif mark == "+":
            here.append(Exchange(pause_ms=int(text)))
    return table


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "exchanges" in metafunc.fixturenames:
        table = read_exchanges()
        metafunc.parametrize("exchanges", table.values(), ids=list(table))


@pytest.fixture
def time() -> OwnTime:
    return OwnTime()


@pytest.fixture
def timing(time: OwnTime) -> SchedulerTiming:
    return SchedulerTiming(time)


@pytest.fixture
def thing() -> Thing:
    return Thing()


@pytest.fixture
def board(time: OwnTime, thing: Thing) -> SimulatedBoard:
    """A board with a thing at every second channel."""
    other = Thing()
    return SimulatedBoard(
        time,
        touch=[thing, other, other, other],
        power=[thing, other, other, other],
        nfc=[thing],
    )


@pytest.fixture
def url(board: SimulatedBoard) -> Iterator[str]:
    with hosted("bench", board) as made:
        yield made
