"""A board behind a true terminal: pyserial on one side, the serving loop on the other."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import serial

from mfalab.devices.rig import Rig, RigSpec, make_rig
from mfalab.devices.rig.board import SimulatedBoard
from mfalab.devices.rig.errors import (
    PortUnclear,
    RigBusy,
    RigError,
    RigGarbled,
    RigGone,
    RigSilent,
    RigVersionWrong,
)
from mfalab.devices.rig.fittings import board_for_key
from mfalab.devices.rig.instrument import BoardFaults
from mfalab.devices.rig.ptys import LinkTaken, PtyBoard
from mfalab.devices.schedule import WallTime
from mfalab.devices.security_key import SecurityKey
from mfalab.devices.transports.sockets import serve
from mfalab.simulator.clocks import WallClock
from mfalab.simulator.entropy import Entropy


class Bench:
    """A key and its board, served in a thread as a program would."""

    def __init__(self, link: Path) -> None:
        self.time = WallTime(WallClock())
        self.key = SecurityKey(
            "ctap-2.1-pin", random_bytes=Entropy(1).random_bytes("key"), scheduler=self.time
        )
        self.key.plug()
        self.board = board_for_key(self.key, self.time)
        self.way = PtyBoard(self.board, link)
        self._control, self._tell = os.pipe()
        self._todo: list[Callable[[], object]] = []
        self._did = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        def obey(line: str) -> bool:
            if line == "do":
                self._todo.pop()()
                self._did.set()
            return line != "quit"

        serve([self.way], self.time, control=self._control, on_line=obey)

    def do(self, action: Callable[[], object]) -> None:
        """Do something in the loop."""
        self._did.clear()
        self._todo.append(action)
        os.write(self._tell, b"do\n")
        assert self._did.wait(10)

    def close(self) -> None:
        os.write(self._tell, b"quit\n")
        self._thread.join()
        self.way.close()
        self.way.close()
        os.close(self._tell)
        os.close(self._control)


@pytest.fixture
def link(tmp_path: Path) -> Path:
    return tmp_path / "rig"


@pytest.fixture
def bench(link: Path) -> Iterator[Bench]:
    made = Bench(link)
    yield made
    made.close()


def rig_at(path: Path, timeout_ms: int = 5000) -> Rig:
    spec = RigSpec("bench1", "scpi", str(path), options={"timeout_ms": str(timeout_ms)})
    return make_rig(spec, clock=WallClock())


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    with serial.Serial(str(path), timeout=5) as port:
        yield port


def test_pyserial_talks_to_the_board_in_pieces(bench: Bench, link: Path) -> None:
    with opened(link) as port:
        for byte in b"*ID":
            port.write(bytes([byte]))
        port.write(b"N?\nSYST:")
        port.write(b"VERS?\r\n\x03\x11\x13\x04")
        assert port.readline() == b"mfalab,simulated rig,0001,1.0\n"
        assert port.readline() == b"1.0\n"
        port.write(b"\x18POW1?\n")
        assert port.readline() == b"1\n"


def test_clients_come_and_go(bench: Bench, link: Path) -> None:
    for _ in range(3):
        with opened(link) as port:
            port.write(b"SYST:VERS?\n")
            assert port.readline() == b"1.0\n"


def test_the_rig_touches_and_powers_the_key(bench: Bench, link: Path) -> None:
    with rig_at(link) as rig:
        rig.power(1, False)
        assert not bench.key.plugged
        rig.cycle(1, 10)
        assert bench.key.plugged
        rig.touch(1)
        rig.release(1)
        rig.hold(1, 60_000)
        rig.power(1, False)
    assert bench.key.plugged
    assert not bench.board.fingers[0].down


def test_two_programs_do_not_share_a_rig(bench: Bench, link: Path) -> None:
    with rig_at(link), pytest.raises(RigBusy, match=r"another program holds .*rig. End that one"):
        rig_at(link).open()


def test_pulling_the_board_out_mid_run_is_told_and_frees_the_key(bench: Bench, link: Path) -> None:
    rig = rig_at(link)
    rig.open()
    rig.power(1, False)
    bench.do(lambda: (bench.board.unplug(), bench.way.send()))
    with pytest.raises(
        RigGone, match=r"rig bench1 is gone .* unplugged or lost its power"
    ) as first:
        rig.is_powered(1)
    assert bench.key.plugged
    assert not link.is_symlink()
    with pytest.raises(PortUnclear, match=r"is said to be on .*/rig, which is not there"):
        rig_at(link).open()
    bench.do(lambda: (bench.board.plug(), bench.way.send()))
    with pytest.raises(RigGone) as again:
        rig.touch(1)
    assert str(again.value) == str(first.value)
    with rig_at(link) as again:
        assert again.is_powered(1)


@pytest.mark.parametrize(
    ("faults", "error"),
    [
        (BoardFaults(silent=True), RigSilent),
        (BoardFaults(half_lines=True), RigGarbled),
        (BoardFaults(noise=b"\xf0\x9f\x00"), RigGarbled),
        (BoardFaults(version="2.0"), RigVersionWrong),
    ],
)
def test_faults_of_the_line_are_told(
    bench: Bench, link: Path, faults: BoardFaults, error: type[RigError]
) -> None:
    bench.board.faults = faults
    waits = faults.silent or faults.half_lines
    with pytest.raises(error):
        rig_at(link, timeout_ms=30 if waits else 5000).open()
    assert bench.key.plugged


def test_a_port_that_may_not_be_opened_is_told(
    monkeypatch: pytest.MonkeyPatch, bench: Bench, link: Path
) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(PortUnclear, match=r"which this user may not open .the group that owns"):
        rig_at(link).open()


class TestLinks:
    @pytest.fixture
    def board(self) -> SimulatedBoard:
        return SimulatedBoard(WallTime(WallClock()))

    def test_the_link_leads_to_the_terminal_and_goes_with_it(
        self, board: SimulatedBoard, link: Path
    ) -> None:
        way = PtyBoard(board, link)
        assert link.readlink() == Path(way.path)
        assert way.fileno() >= 0
        way.close()
        assert not link.is_symlink()
        assert way.fileno() == -1

    def test_a_link_that_a_killed_process_left_is_replaced(
        self, board: SimulatedBoard, link: Path
    ) -> None:
        link.symlink_to("/dev/pts/no-such-terminal")
        way = PtyBoard(board, link)
        assert link.readlink() == Path(way.path)
        way.close()

    def test_what_is_there_already_is_left_alone(self, board: SimulatedBoard, link: Path) -> None:
        link.write_text("mine")
        with pytest.raises(LinkTaken, match=r"exists already. Remove it if nothing uses it"):
            PtyBoard(board, link)
        assert link.read_text() == "mine"

    def test_a_link_that_now_is_someone_elses_is_left_alone(
        self, board: SimulatedBoard, link: Path
    ) -> None:
        way = PtyBoard(board, link)
        link.unlink()
        link.symlink_to("/dev/null")
        way.close()
        assert link.readlink() == Path("/dev/null")

    def test_without_a_link_the_path_is_known_anyway(self, board: SimulatedBoard) -> None:
        way = PtyBoard(board)
        with opened(Path(way.path)) as port:
            port.write(b"SYST:VERS?\n")
            assert select.select([way], [], [], 5)[0]
            way.receive()
            assert port.readline() == b"1.0\n"
        way.close()

    def test_an_unplugged_board_keeps_the_loop_quiet(self, board: SimulatedBoard) -> None:
        way = PtyBoard(board)
        number = way.fileno()
        board.unplug()
        way.send()
        assert way.path == ""
        assert way.fileno() == number
        assert select.select([way], [], [], 0)[0] == []
        board.plug()
        way.send()
        assert way.fileno() == number
        assert way.path
        way.close()
