"""`mfalab key record`, `show-trace`, `diff`, and `plug --record`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mfalab.devices.ctap.ctaphid import packets
from mfalab.simulator.cli.key import key

Record = Callable[..., Path]
BROADCAST = 0xFFFFFFFF


def run(*words: object) -> Result:
    return CliRunner().invoke(key, [str(word) for word in words])


class TestShowTrace:
    def test_tells_one_line_a_message(self, record: Record, session: Any) -> None:
        path = record(session)
        shown = run("show-trace", path)
        assert shown.exit_code == 0
        lines = shown.output.splitlines()
        assert lines[0].split() == ["1", "0.000000", "->", "--------", "power", "on"]
        assert " -> ffffffff INIT {nonce: h'" in lines[1]
        assert any("makeCredential SUCCESS" in line and "UP UV AT ED" in line for line in lines)
        assert "h'******'" in shown.output
        assert run("show-trace", path, "--show-secrets").output == shown.output

    def test_shows_secrets_of_a_recording_that_has_them(self, record: Record, session: Any) -> None:
        path = record(session, reveal=True)
        assert "h'******'" in run("show-trace", path).output
        assert "h'******'" not in run("show-trace", path, "--show-secrets").output

    def test_chooses_lines_by_words(self, record: Record, session: Any) -> None:
        path = record(session)
        assert run("show-trace", path, "-k", "clientpin", "-k", "no such word").output == ""
        lines = run("show-trace", path, "-k", "clientpin", "-k", "setpin").output
        assert len(lines.splitlines()) == 2

    def test_is_json_for_programs(self, record: Record, session: Any) -> None:
        told = json.loads(run("show-trace", record(session), "--format", "json").output)
        assert told[1]["command"] == "INIT"
        assert {"number", "ts_ns", "direction", "parameters"} <= set(told[1])

    def test_shows_a_cut_file_as_far_as_it_goes(self, record: Record, session: Any) -> None:
        path = record(session)
        whole = len(run("show-trace", path).output.splitlines())
        raw = path.read_bytes()
        path.write_bytes(raw[: len(raw) // 2])
        shown = run("show-trace", path)
        assert shown.exit_code == 0
        assert 10 < len(shown.stdout.splitlines()) < whole
        assert f"{path} is cut" in shown.stderr

    @pytest.mark.parametrize(
        ("content", "why"), [(None, "cannot read"), (b"hello", "is no capture")]
    )
    def test_refuses_other_files(self, tmp_path: Path, content: bytes | None, why: str) -> None:
        path = tmp_path / "x.pcapng"
        if content is not None:
            path.write_bytes(content)
        shown = run("show-trace", path)
        assert (shown.exit_code, why in shown.output) == (2, True)


class TestRecordAndDiff:
    def test_a_recorded_model_is_alike_to_itself_and_not_to_another(self, tmp_path: Path) -> None:
        path = tmp_path / "x.pcapng"
        done = run("record", "sim:ctap-2.1-pin", path)
        assert done.exit_code == 0
        assert "messages of sim:ctap-2.1-pin" in done.output
        same = run("diff", f"replay:{path}", "sim:ctap-2.1-pin")
        assert (same.exit_code, same.output) == (
            0,
            f"replay:{path} and sim:ctap-2.1-pin are alike in 9 passages\n",
        )
        other = run("diff", "sim:yubikey-like", f"replay:{path}")
        assert other.exit_code == 1
        assert "maxMsgSize" in other.output
        assert "differences in 9 passages" in other.output

    def test_what_was_not_recorded_is_told(self, tmp_path: Path) -> None:
        path = tmp_path / "x.pcapng"
        run("record", "sim:ctap-2.1-pin", path, "getinfo")
        done = run("diff", f"replay:{path}", "sim:ctap-2.1-pin", "basics")
        assert done.exit_code == 2
        assert "the client departs from replay:" in done.output

    def test_is_json_for_programs(self) -> None:
        done = run("diff", "sim:ctap-2.1-pin", "sim:fido-2.0", "--json")
        assert done.exit_code == 1
        told = json.loads(done.output)
        assert told["alike"] is False
        assert "getInfo" in told["passages"]
        assert {
            "request": "selection",
            "part": "status",
            "what": "",
            "first": "SUCCESS",
            "second": "INVALID_COMMAND",
            "passages": ["selection"],
            "times": 1,
        } in told["differences"]

    def test_words_choose_tests_of_conformance(self) -> None:
        done = run("diff", "sim:ctap-2.1-pin", "sim:ctap-2.1-pin", "ctaphid", "ping")
        assert (done.exit_code, "are alike in" in done.output) == (0, True)
        done = run("diff", "sim:ctap-2.1-pin", "sim:ctap-2.1-pin", "no-such-test")
        assert (done.exit_code, "no test has no-such-test" in done.output) == (2, True)

    @pytest.mark.parametrize(
        ("address", "code", "why"),
        [
            ("nonsense", 2, "is no address of a key"),
            ("sim:nonsense", 2, "there is no such model"),
            ("replay:nonsense", 2, "cannot be replayed: No such file"),
            ("hid:nonsense", 3, "is not one key that is plugged in"),
        ],
    )
    def test_a_key_that_is_missing_is_told_in_one_sentence(
        self, address: str, code: int, why: str
    ) -> None:
        done = run("diff", "sim:ctap-2.1-pin", address)
        assert (done.exit_code, why in done.output) == (code, True)

    def test_a_file_that_cannot_be_written_is_told(self, tmp_path: Path) -> None:
        done = run("record", "sim:ctap-2.1-pin", tmp_path / "none" / "x.pcapng")
        assert done.exit_code == 2
        assert "cannot write the recording" in done.output

    def test_help_has_examples(self) -> None:
        for name in ("record", "show-trace", "diff"):
            assert f"mfalab key {name} " in run(name, "--help").output


@pytest.mark.slow
def test_what_other_programs_do_with_a_plugged_key_is_recorded(tmp_path: Path) -> None:
    import socket

    path, recording = tmp_path / "my.key", tmp_path / "x.pcapng"
    run("new", path, "--seed", "1")
    words = ["key", "plug", path, "--udp", "0", "--touch", "yes", "--record", recording]
    program = "from mfalab.simulator.cli import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", program, *map(str, words)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        port = int(process.stdout.readline().rsplit(":", 1)[1])
        assert process.stdout.readline() == "plugged in\n"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(10)
            client.connect(("127.0.0.1", port))
            client.send(packets(BROADCAST, 6, b"12345678")[0])
            channel = int.from_bytes(client.recv(64)[15:19])
            client.send(packets(channel, 0x10, b"\x04")[0])
            client.recv(64)
            # What has passed is in the file already, if the process were killed now.
            assert "getInfo" in run("show-trace", recording).output
            process.communicate("quit\n", timeout=20)
    assert process.returncode == 0
    assert run("show-trace", recording, "-k", "getInfo SUCCESS").output.count("\n") == 1


def test_one_key_at_a_time_is_recorded(tmp_path: Path) -> None:
    for name in ("a.key", "b.key"):
        run("new", tmp_path / name)
    done = run(
        *("plug", tmp_path / "a.key", tmp_path / "b.key", "--udp", "0"),
        *("--record", tmp_path / "x.pcapng"),
    )
    assert (done.exit_code, "one key at a time" in done.output) == (2, True)
