"""`mfalab rig`: a board in this process is tried out, talked to and lent."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import serial.tools.list_ports
import yaml
from click.testing import CliRunner, Result

from mfalab.devices.rig import ports
from mfalab.devices.rig import timing as timings
from mfalab.devices.rig.board import SimulatedBoard
from mfalab.devices.rig.instrument import BoardFaults
from mfalab.devices.rig.ports import Port
from mfalab.devices.rig.protocol_simrig import hosted
from mfalab.devices.rig.timing import SchedulerTiming
from mfalab.devices.schedule import OwnTime
from mfalab.simulator.cli import command
from mfalab.simulator.cli.rig import COMMANDS

Run = Callable[..., Result]


class Thing:
    """What is at the other end of every channel."""

    def __init__(self) -> None:
        self.log: list[str] = []

    def __getattr__(self, verb: str) -> Callable[..., None]:
        return lambda *values: self.log.append(" ".join(map(str, (verb, *values))))

    def read(self) -> tuple[str, float]:
        return "492039", 0.98


@pytest.fixture
def thing() -> Thing:
    return Thing()


@pytest.fixture
def board(thing: Any) -> SimulatedBoard:
    every = [thing]
    return SimulatedBoard(OwnTime(), touch=every, power=every, nfc=every, display=every)


@pytest.fixture
def run(board: SimulatedBoard, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs `mfalab rig VERB --port` with the board, in the board's own time."""
    monkeypatch.setattr(timings, "ThreadTiming", lambda _: SchedulerTiming(board.scheduler))
    with hosted("cli", board) as url:

        def run(verb: str, *words: str, port: str = url, **fields: Any) -> Result:
            address = ["--port", port] if port else []
            return CliRunner().invoke(COMMANDS["rig"], [verb, *address, *words], **fields)

        yield run


def test_the_group_is_part_of_the_command_line() -> None:
    assert command.get_command(click.Context(command), "rig") is COMMANDS["rig"]


class TestTest:
    def test_every_channel_is_tried(self, run: Run, thing: Thing) -> None:
        result = run("test")
        assert result.exit_code == 0, result.output
        lines = result.output.splitlines()
        assert lines[0] == ("mfalab simulated rig 0001 1.0: 1 touch, 1 power, 1 nfc, 1 display")
        assert lines[-1] == "9 ok, 0 failed"
        assert "ok      touch 1    touched: 150 ms" in lines
        assert "ok      power 1    cycled: off for 200 ms" in lines
        assert "ok      display 1  read: 492039, confidence 0.98" in lines
        assert thing.log == [
            *("touch", "release"),
            *("power False", "power True") * 2,
            *("field False", "field True", "present True", "present False"),
            "show",
        ]

    def test_one_function_can_be_tried(self, run: Run, thing: Thing) -> None:
        result = run("test", "--only", "touch", "--format", "json")
        told = json.loads(result.output)
        assert told["identity"]["serial"] == "0001"
        assert [(each["tried"], each["passed"]) for each in told["tried"]] == [("touched", True)]
        assert thing.log == ["touch", "release"]

    def test_power_that_stays_is_a_failure(self, run: Run, board: SimulatedBoard) -> None:
        board.switches[0].set = lambda on: None  # type: ignore[method-assign]
        result = run("test")
        assert result.exit_code == 1
        assert "FAILED  power 1    switched off: the rig says that power is on" in result.output
        assert result.output.endswith("6 ok, 1 failed\n")

    def test_a_rig_that_breaks_is_one_failure(self, run: Run, board: SimulatedBoard) -> None:
        def pull(on: bool) -> None:
            if not on:
                board.unplug()

        board.switches[0].set = pull  # type: ignore[method-assign]
        result = run("test")
        assert result.exit_code == 1
        assert result.output.count("FAILED") == 1
        assert "1 ok, 1 failed; the rig broke, so nothing further was tried" in result.output

    @pytest.mark.parametrize(
        ("faults", "says"),
        [
            (BoardFaults(silent=True), "did not answer"),
            (BoardFaults(version="2.0"), "speaks protocol version 2.0"),
        ],
    )
    def test_a_rig_that_does_not_open_is_not_ready(
        self, run: Run, board: SimulatedBoard, faults: BoardFaults, says: str
    ) -> None:
        board.faults = faults
        result = run("test")
        assert result.exit_code == 3
        assert says in result.output
        assert "Traceback" not in result.output

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            (["--driver", "pigeon"], "'pigeon' is not one of"),
            (["--option", "speed"], "write NAME=VALUE"),
            (["--option", "speed=9"], "no such option (it has: timeout_ms, watchdog_s)"),
        ],
    )
    def test_wrong_usage_is_told(self, run: Run, words: list[str], says: str) -> None:
        result = run("test", *words)
        assert result.exit_code == 2
        assert says in " ".join(result.output.split())

    def test_a_port_that_is_not_clear_is_told(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(serial.tools.list_ports, "comports", list)
        result = run("test", port="")
        assert result.exit_code == 3
        assert "is on no port and names none" in result.output


class TestSuggest:
    def test_entries_are_a_lab_file(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        found = [
            Port("/dev/ttyACM0", 0x2E8A, 5, "0042", "Board in FS mode"),
            Port("/dev/ttyUSB0", 0x1A86, 0x7523, "", "USB Serial"),
        ]
        monkeypatch.setattr(ports, "serial_ports", lambda: found)
        result = run("suggest", port="")
        assert result.exit_code == 0
        assert yaml.safe_load(result.output) == {
            "rigs": {
                "rig1": {"driver": "scpi", "port": "/dev/ttyACM0", "serial": "0042"},
                "rig2": {"driver": "lcus", "port": "/dev/ttyUSB0"},
            }
        }
        assert (
            json.loads(run("suggest", "--format", "json", port="").output)
            == (yaml.safe_load(result.output)["rigs"])
        )

    def test_nothing_plugged_in_is_told(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ports, "serial_ports", lambda: ())
        result = run("suggest", port="")
        assert result.exit_code == 3
        assert "no serial port looks like a rig (ports: none at all)" in result.output

    def test_a_board_at_a_named_port_is_asked_what_it_is(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No simulated rig is a USB device, so none was ever found."""
        monkeypatch.setattr(ports, "serial_ports", lambda: [Port("/dev/ttyUSB0", 0x1A86, 0x7523)])
        result = run("suggest")
        assert result.exit_code == 0
        assert yaml.safe_load(result.output)["rigs"] == {
            "rig1": {"driver": "lcus", "port": "/dev/ttyUSB0"},
            "rig2": {"driver": "scpi", "port": "simrig://cli", "serial": "0001"},
        }

    def test_a_named_port_without_a_board_is_told(self, run: Run, tmp_path: Path) -> None:
        result = run("suggest", port=str(tmp_path / "nothing"))
        assert result.exit_code == 3
        assert result.stdout == ""
        assert "nothing" in result.stderr


class TestRepl:
    def test_lines_from_a_pipe_are_answered(self, run: Run) -> None:
        result = run("repl", input="*IDN?\n\nPOW1 OFF;POW1?\n")
        assert result.exit_code == 0
        assert result.stdout == "mfalab,simulated rig,0001,1.0\n0\n"

    def test_a_refusal_is_shown_and_is_the_exit_code(self, run: Run) -> None:
        result = run("repl", input="FOO\nTOUC7:REL;:POW1?\n\xe9\nPOW1?\n")
        assert result.exit_code == 1
        assert result.stdout == "1\n1\n"
        assert '-113,"Undefined header"' in result.stderr
        assert '-114,"Header suffix out of range;fitted: 1"' in result.stderr
        assert "no line of printable ASCII" in result.stderr

    def test_a_board_that_goes_ends_it(self, run: Run, board: SimulatedBoard) -> None:
        board.switches[0].cycle = lambda off_ms: board.unplug()  # type: ignore[method-assign]
        result = run("repl", input="POW1?\nPOW1:CYCL 5\nPOW1?\n")
        assert result.exit_code == 3
        assert result.stdout == "1\n"
        assert "is gone" in result.stderr

    def test_only_boards_speak_scpi(self, run: Run) -> None:
        result = run("repl", "--driver", "lcus")
        assert result.exit_code == 2
        assert "driver lcus speaks no SCPI" in result.output

    @pytest.mark.slow
    def test_people_have_a_prompt_and_a_history(self, tmp_path: Path) -> None:
        """A true terminal, and a simulated board behind another."""
        import os
        import pty

        program = (
            "import os, sys, threading\n"
            "from mfalab.devices.rig.board import SimulatedBoard\n"
            "from mfalab.devices.rig.protocol_simrig import hosted\n"
            "from mfalab.devices.schedule import WallTime\n"
            "from mfalab.simulator.clocks import WallClock\n"
            "from mfalab.simulator.cli import main\n"
            "with hosted('cli', SimulatedBoard(WallTime(WallClock()))):\n"
            "    main()\n"
        )
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [sys.executable, "-c", program, "rig", "repl", "--port", "simrig://cli"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "XDG_STATE_HOME": str(tmp_path), "TERM": "dumb"},
        ) as process:
            os.close(theirs)
            seen = _until(ours, b"rig> ")
            os.write(ours, b"SYST:VERS?\n")
            seen += _until(ours, b"1.0\r\nrig> ")
            os.write(ours, b"\x04")
            assert process.wait(20) == 0
        os.close(ours)
        assert b"mfalab simulated rig 0001 1.0; Ctrl-D ends" in seen
        assert "SYST:VERS?" in (tmp_path / "mfalab" / "rig_history").read_text()


def _until(terminal: int, end: bytes) -> bytes:
    import os
    import select

    seen = b""
    while end not in seen:
        assert select.select([terminal], [], [], 20)[0], seen
        seen += os.read(terminal, 4096)
    return seen


class TestServe:
    def test_a_channel_that_is_missing_is_not_ready(self, run: Run) -> None:
        result = run("serve", "--touch", "2", "--listen", "0")
        assert result.exit_code == 3
        assert "has no touch channel 2" in result.output

    def test_a_port_that_is_taken_is_not_ready(self, run: Run) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            result = run("serve", "--listen", str(taken.getsockname()[1]))
        assert result.exit_code == 3
        assert "cannot listen on port" in result.output

    def test_it_serves_until_the_rig_breaks(
        self, run: Run, board: SimulatedBoard, thing: Thing, tmp_path: Path
    ) -> None:
        """The tool asks thrice; then the board is pulled out, and it is told that it was."""
        from http.server import HTTPServer

        requests = iter(
            [
                b"POST /conformance/userpresence",
                b"POST /conformance/results",
                b"POST /conformance/powercycle",
            ]
        )
        body = b'{"passedTestsCount": 5, "failedTestsCount": 1, "failedTests": ["P-1"]}'
        answers: list[bytes] = []

        def handle(self: HTTPServer) -> None:
            line = next(requests)
            if b"powercycle" in line:
                board.unplug()
            client, server = socket.socketpair()
            with client, server:
                head = f" HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
                client.sendall(line + head.encode() + body)
                self.finish_request(server, ("127.0.0.1", 1))
                answers.append(client.recv(65536))

        results = tmp_path / "runs.jsonl"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(HTTPServer, "handle_request", handle)
            result = run("serve", "--listen", "0", "--results", str(results))
        assert result.exit_code == 3
        assert [answer.split()[1] for answer in answers] == [b"200", b"200", b"503"]
        assert "http://localhost:" in result.stdout
        assert "results: 5 passed, 1 failed\n  P-1\n" in result.stdout
        assert "Error: rig simrig://cli is gone" in result.stderr
        assert json.loads(results.read_text())["passedTestsCount"] == 5
        assert thing.log == ["touch", "release"]
