"""`mfalab key`: keys in files, and a key that other processes talk to."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from fido2.ctap import CtapError
from fido2.ctap1 import Ctap1
from fido2.ctap2 import Ctap2
from fido2.hid import CtapHidDevice
from fido2.hid.base import CtapHidConnection, HidDescriptor

from mfalab.simulator.cli import command
from mfalab.simulator.cli.key import key

Run = Callable[..., Result]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "my.key"


@pytest.fixture
def run(file: Path) -> Run:
    return lambda *words: CliRunner().invoke(key, [str(word) for word in words])


class TestFiles:
    def test_the_group_is_part_of_the_command_line(self) -> None:
        assert command.get_command(click.Context(command), "key") is key

    def test_new_makes_a_key_that_info_describes(self, run: Run, file: Path) -> None:
        assert run("new", file).exit_code == 0
        shown = run("info", file)
        assert shown.exit_code == 0
        assert "CTAP 2.1 with PIN" in shown.output
        summary = json.loads(run("info", file, "--format", "json").output)
        assert summary["versions"] == ["U2F_V2", "FIDO_2_0", "FIDO_2_1"]
        assert (summary["pin_set"], summary["pin_retries"], summary["credentials"]) == (
            False,
            8,
            [],
        )

    def test_info_changes_nothing(self, run: Run, file: Path) -> None:
        run("new", file)
        before = file.read_bytes()
        run("info", file)
        assert file.read_bytes() == before

    def test_the_same_seed_makes_the_same_key(self, run: Run, tmp_path: Path) -> None:
        for name in ("a", "b"):
            run("new", tmp_path / name, "--seed", 7)
        run("new", tmp_path / "c", "--seed", 8)
        run("new", tmp_path / "d")
        run("new", tmp_path / "e")
        a, b, c, d, e = ((tmp_path / name).read_bytes() for name in "abcde")
        assert a == b
        assert len({a, c, d, e}) == 4

    def test_reset_makes_other_secrets_even_of_a_seeded_key(self, run: Run, file: Path) -> None:
        run("new", file, "--seed", 7, "--model", "ctap-2.1-bio")

        def secrets() -> str:
            return str(json.loads(file.read_text())["records"]["secrets"])

        seen = {secrets()}
        for _ in range(3):
            assert run("reset", file).exit_code == 0
            seen.add(secrets())
        assert len(seen) == 4
        assert "CTAP 2.1 biometric" in run("info", file).output

    def test_models_lists_what_new_takes(self, run: Run, tmp_path: Path) -> None:
        names = json.loads(run("models", "--format", "json").output)
        assert {"u2f-2016", "ctap-2.1-pin"} <= set(names)
        for name in names:
            assert name in run("models").output
            assert run("new", tmp_path / name, "--model", name).exit_code == 0

    def test_a_model_of_ones_own_is_found_from_anywhere(
        self, run: Run, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "own.toml").write_text('name = "Our own"\nversions = ["U2F_V2"]\n')
        monkeypatch.chdir(tmp_path)
        run("new", file, "--model", "own.toml")
        monkeypatch.chdir("/")
        assert "Our own" in run("info", file).output

    def test_an_existing_file_is_left_as_it_is(self, run: Run, file: Path) -> None:
        file.write_text("mine")
        result = run("new", file)
        assert result.exit_code == 2
        assert "exists already" in result.output
        assert file.read_text() == "mine"

    @pytest.mark.parametrize("verb", ["info", "reset", "plug"])
    @pytest.mark.parametrize("content", [None, "", "{}", "hello", '{"format": "other"}'])
    def test_a_file_that_is_no_key_is_wrong_usage(
        self, run: Run, file: Path, verb: str, content: str | None
    ) -> None:
        if content is not None:
            file.write_text(content)
        result = run(verb, file, *(["--udp", 0] if verb == "plug" else []))
        assert result.exit_code == 2
        assert "my.key" in result.output

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            (["new", "FILE", "--model", "nothing"], "ctap-2.1-pin"),
            (["new", "FILE", "--seed", "x"], "not a valid integer"),
            (["new", "/no/such/folder/my.key"], "cannot use"),
            (["plug", "FILE"], "--udp PORT or --tcp PORT"),
            (["plug", "FILE", "--udp", "70000"], "70000"),
            (["plug", "FILE", "--udp", "0", "--touch", "maybe"], "maybe"),
        ],
    )
    def test_wrong_usage_says_what_is_right(
        self, run: Run, file: Path, words: list[str], says: str
    ) -> None:
        result = run(*(str(file) if word == "FILE" else word for word in words))
        assert result.exit_code == 2
        assert says in result.output
        assert not file.exists()

    def test_a_port_in_use_is_exit_code_three(self, run: Run, file: Path) -> None:
        run("new", file)
        for kind, way in ((socket.SOCK_DGRAM, "--udp"), (socket.SOCK_STREAM, "--tcp")):
            with socket.socket(socket.AF_INET, kind) as taken:
                taken.bind(("127.0.0.1", 0))
                if kind == socket.SOCK_STREAM:
                    taken.listen()
                result = run("plug", file, way, taken.getsockname()[1])
            assert result.exit_code == 3
            assert "cannot open" in result.output
        assert not file.with_name("my.key.lock").exists()


class Udp(CtapHidConnection):
    """A client's end: a datagram for each report."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", port))
        self._socket.settimeout(10)

    def read_packet(self) -> bytes:
        return self._socket.recv(64)

    def write_packet(self, data: bytes) -> None:
        self._socket.send(data)

    def close(self) -> None:
        self._socket.close()


class Tcp(CtapHidConnection):
    """A client's end: each report behind its length."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._file = self._socket.makefile("rb")

    def read_packet(self) -> bytes:
        head = self._file.read(2)
        if len(head) < 2:
            raise OSError("the stream has ended")
        return self._file.read(int.from_bytes(head))

    def write_packet(self, data: bytes) -> None:
        # Byte by byte: a stream has no borders.
        for byte in len(data).to_bytes(2) + data:
            self._socket.send(bytes((byte,)))

    def close(self) -> None:
        self._file.close()
        self._socket.close()


class Plugged:
    """A key in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.devices: list[CtapHidDevice] = []
        self.ports: dict[str, int] = {}
        while (line := self.line()) != "plugged in":
            kind, _, address = line.partition(" ")
            self.ports[kind] = int(address.rpartition(":")[2])

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def device(self, kind: str = "udp") -> CtapHidDevice:
        connection = {"udp": Udp, "tcp": Tcp}[kind](self.ports[kind])
        device = CtapHidDevice(HidDescriptor("key", 0, 0, 64, 64, None, None), connection)
        self.devices.append(device)
        return device

    def end(self) -> None:
        for device in self.devices:
            device.close()
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate(timeout=10)


@pytest.fixture
def plug(run: Run, file: Path) -> Iterator[Callable[..., Plugged]]:
    started: list[Plugged] = []

    def start(*words: str, model: str = "ctap-2.1-pin") -> Plugged:
        if not file.exists():
            run("new", file, "--seed", 1, "--model", model)
        code = "from mfalab.simulator.cli.key import key; key()"
        process = subprocess.Popen(
            [sys.executable, "-c", code, "plug", str(file), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        started.append(Plugged(process))
        return started[-1]

    yield start
    for plugged in started:
        plugged.end()


def make(device: CtapHidDevice) -> object:
    return Ctap2(device).make_credential(
        bytes(32),
        {"id": "example.com", "name": "Example"},
        {"id": b"alice", "name": "alice"},
        [{"type": "public-key", "alg": -7}],
        options={"rk": True},
    )


@pytest.mark.slow
class TestPluggedIn:
    @pytest.mark.parametrize("kind", ["udp", "tcp"])
    def test_python_fido2_registers_and_signs_in_from_another_process(
        self, plug: Callable[..., Plugged], run: Run, file: Path, kind: str
    ) -> None:
        plugged = plug(f"--{kind}", "0", "--touch", "yes")
        device = plugged.device(kind)
        assert device.ping(bytes(range(256)) * 10) == bytes(range(256)) * 10
        made = make(device)
        assertion = Ctap2(device).get_assertion("example.com", bytes(32))
        assertion.verify(bytes(32), made.auth_data.credential_data.public_key)
        plugged.tell("quit")
        assert plugged.process.wait(10) == 0
        shown = json.loads(run("info", file, "--format", "json").output)
        assert [each["rp_id"] for each in shown["credentials"]] == ["example.com"]
        assert shown["counter"] == 2
        assert not file.with_name("my.key.lock").exists()

    def test_the_credential_is_still_there_when_it_is_plugged_in_again(
        self, plug: Callable[..., Plugged]
    ) -> None:
        first = plug("--udp", "0", "--touch", "yes")
        made = make(first.device())
        first.process.terminate()
        assert first.process.wait(10) == 0
        again = plug("--udp", "0", "--touch", "yes")
        assertion = Ctap2(again.device()).get_assertion("example.com", bytes(32))
        assert assertion.credential["id"] == made.auth_data.credential_data.credential_id

    def test_prompt_asks_and_a_line_touches(self, plug: Callable[..., Plugged]) -> None:
        plugged = plug("--tcp", "0")
        ctap, said = Ctap2(plugged.device("tcp")), []

        def touch(status: object) -> None:
            said.append(plugged.line())
            plugged.tell("touch")

        ctap.get_info()
        ctap.selection(on_keepalive=touch)
        assert len(said) == 1
        assert "touch it (Enter), or decline" in said[0]

    def test_decline_is_a_line_too_and_others_are_refused(
        self, plug: Callable[..., Plugged]
    ) -> None:
        plugged = plug("--udp", "0", "--touch", "no")

        def lines(status: object) -> None:
            plugged.tell("dance")
            plugged.tell("decline")

        with pytest.raises(CtapError) as caught:
            Ctap2(plugged.device()).selection(on_keepalive=lines)
        assert caught.value.code is CtapError.ERR.OPERATION_DENIED

    def test_unplug_ends_streams_and_channels_and_plug_begins_anew(
        self, plug: Callable[..., Plugged]
    ) -> None:
        plugged = plug("--udp", "0", "--tcp", "0")
        device = plugged.device("tcp")
        plugged.tell("unplug")
        assert plugged.line() == "unplugged"
        with pytest.raises(OSError):  # noqa: PT011 - which one depends on who notices first
            device.ping()
        plugged.tell("plug")
        assert plugged.line() == "plugged in"
        assert plugged.device("udp").ping(b"again") == b"again"
        assert plugged.device("tcp").ping(b"again") == b"again"

    def test_two_clients_do_not_hear_each_other(self, plug: Callable[..., Plugged]) -> None:
        plugged = plug("--udp", "0", "--tcp", "0")
        devices = [plugged.device("udp"), plugged.device("udp"), plugged.device("tcp")]
        for device in devices + devices:
            assert device.ping(b"hello") == b"hello"

    def test_a_u2f_key_speaks_to_ctap1(self, plug: Callable[..., Plugged]) -> None:
        plugged = plug("--udp", "0", "--touch", "yes", model="u2f-2016")
        ctap = Ctap1(plugged.device())
        assert ctap.get_version() == "U2F_V2"

    def test_a_second_process_is_kept_off_the_file(
        self, plug: Callable[..., Plugged], run: Run, file: Path
    ) -> None:
        plug("--udp", "0")
        result = run("plug", file, "--udp", 0)
        assert result.exit_code == 3
        assert "plugged in by another process" in result.output
        assert run("reset", file).exit_code == 3
        assert run("info", file).exit_code == 0

    def test_wrong_datagrams_harm_nobody(self, plug: Callable[..., Plugged]) -> None:
        plugged = plug("--udp", "0")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for size in (0, 1, 7, 63, 65, 2000):
                stranger.sendto(bytes(size), ("127.0.0.1", plugged.ports["udp"]))
        assert plugged.device().ping(b"alive") == b"alive"
