"""`mfalab key plug`: keys that other processes talk to."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fido2.ctap import CtapError
from fido2.ctap1 import Ctap1
from fido2.ctap2 import Ctap2
from fido2.hid import CtapHidDevice
from fido2.hid.base import CtapHidConnection, HidDescriptor

from mfalab.devices.ctap.storage import FileStorage
from mfalab.devices.transports import uhid
from mfalab.devices.transports.uhid import UhidTrouble, UhidUnusable
from mfalab.simulator.cli.key import key

Run = Callable[..., Result]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "my.key"


@pytest.fixture
def run(file: Path) -> Run:
    return lambda *words: CliRunner().invoke(key, [str(word) for word in words])


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
        self.said: list[str] = []
        self.ports: dict[str, int] = {}
        while (line := self.line()) not in {"plugged in", "on the reader", "off the reader"}:
            assert line, "it ended before the key was plugged in"
            self.said.append(line)
            kind, address, *name = line.split(" ", 2)
            if "127.0.0.1" in address:
                self.ports[" ".join((kind, *name))] = int(address.rpartition(":")[2])

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def ask(self, line: str) -> str:
        """What it says to a line of control."""
        self.tell(line)
        return self.line()

    def device(self, kind: str = "udp") -> CtapHidDevice:
        connection = {"udp": Udp, "tcp": Tcp}[kind.split(maxsplit=1)[0]](self.ports[kind])
        device = CtapHidDevice(HidDescriptor("key", 0, 0, 64, 64, None, None), connection)
        self.devices.append(device)
        return device

    def end(self) -> None:
        for device in self.devices:
            device.close()
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate(timeout=10)


Start = Callable[..., Plugged]


@pytest.fixture
def plug(run: Run, file: Path) -> Iterator[Start]:
    started: list[Plugged] = []

    def start(*words: str, model: str = "ctap-2.1-pin", keys: tuple[str, ...] = ()) -> Plugged:
        files = [file.parent / name for name in keys] or [file]
        for number, each in enumerate(files):
            if not each.exists():
                run("new", each, "--seed", number, "--model", model)
        code = "from mfalab.simulator.cli.key import key; key()"
        process = subprocess.Popen(
            [sys.executable, "-c", code, "plug", *map(str, files), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
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
        self, plug: Start, run: Run, file: Path, kind: str
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
        assert [each.name for each in file.parent.iterdir()] == ["my.key"]

    def test_the_credential_is_still_there_when_it_is_plugged_in_again(self, plug: Start) -> None:
        first = plug("--udp", "0", "--touch", "yes")
        made = make(first.device())
        first.process.terminate()
        assert first.process.wait(10) == 0
        again = plug("--udp", "0", "--touch", "yes")
        assertion = Ctap2(again.device()).get_assertion("example.com", bytes(32))
        assert assertion.credential["id"] == made.auth_data.credential_data.credential_id

    def test_prompt_asks_and_a_line_touches(self, plug: Start) -> None:
        plugged = plug("--tcp", "0")
        ctap, said = Ctap2(plugged.device("tcp")), []

        def touch(status: object) -> None:
            said.append(plugged.line())
            plugged.tell("touch")

        ctap.get_info()
        ctap.selection(on_keepalive=touch)
        assert len(said) == 1
        assert "touch it (Enter), or decline" in said[0]

    def test_decline_is_a_line_too_and_others_are_refused(self, plug: Start) -> None:
        plugged = plug("--udp", "0", "--touch", "no")

        said = []

        def lines(status: object) -> None:
            said.append(plugged.ask("dance"))
            plugged.tell("decline")

        with pytest.raises(CtapError) as caught:
            Ctap2(plugged.device()).selection(on_keepalive=lines)
        assert caught.value.code is CtapError.ERR.OPERATION_DENIED
        verbs = "touch, finger, decline, unplug, plug, tap, lift"
        assert said == [f"'dance' is no line of control. There are: {verbs}, quit."]

    def test_unplug_ends_streams_and_channels_and_plug_begins_anew(self, plug: Start) -> None:
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

    def test_two_clients_do_not_hear_each_other(self, plug: Start) -> None:
        plugged = plug("--udp", "0", "--tcp", "0")
        devices = [plugged.device("udp"), plugged.device("udp"), plugged.device("tcp")]
        for device in devices + devices:
            assert device.ping(b"hello") == b"hello"

    def test_a_u2f_key_speaks_to_ctap1(self, plug: Start) -> None:
        plugged = plug("--udp", "0", "--touch", "yes", model="u2f-2016")
        ctap = Ctap1(plugged.device())
        assert ctap.get_version() == "U2F_V2"

    def test_a_second_process_is_kept_off_the_file(self, plug: Start, run: Run, file: Path) -> None:
        plug("--udp", "0")
        result = run("plug", file, "--udp", 0)
        assert result.exit_code == 3
        assert "in use by another process" in result.output
        assert run("reset", file).exit_code == 3
        assert run("info", file).exit_code == 0

    def test_wrong_datagrams_harm_nobody(self, plug: Start) -> None:
        plugged = plug("--udp", "0")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for size in (0, 1, 7, 63, 65, 2000):
                stranger.sendto(bytes(size), ("127.0.0.1", plugged.ports["udp"]))
        assert plugged.device().ping(b"alive") == b"alive"


@pytest.mark.slow
class TestSeveral:
    def test_each_has_its_own_way_and_lines_name_it(self, plug: Start) -> None:
        plugged = plug("--tcp", "0", "--touch", "no", keys=("a.key", "b c.key"))
        assert list(plugged.ports) == ["tcp a.key", "tcp b c.key"]
        for name in ("a.key", "b c.key"):
            device = plugged.device(f"tcp {name}")
            Ctap2(device).selection(on_keepalive=lambda _, name=name: plugged.tell(f"touch {name}"))
        assert plugged.ask("unplug b c.key") == "unplugged b c.key"
        with pytest.raises(OSError):  # noqa: PT011 - which one depends on who notices first
            plugged.devices[1].ping()
        assert plugged.devices[0].ping(b"still") == b"still"
        assert plugged.ask("plug b c.key") == "plugged in b c.key"
        assert plugged.device("tcp b c.key").ping(b"again") == b"again"

    def test_a_line_without_a_name_goes_to_the_key_that_asks(self, plug: Start) -> None:
        plugged = plug("--udp", "0", keys=("a.key", "b.key"))
        said = []

        def enter(status: object) -> None:
            said.append(plugged.line())
            plugged.tell("")

        Ctap2(plugged.device("udp b.key")).selection(on_keepalive=enter)
        assert said == ["b.key asks: choose; touch it (Enter), or decline"]
        assert plugged.ask("touch") == "'touch' names no key. There are: a.key, b.key."
        assert plugged.ask("unplug") == "'unplug' names no key. There are: a.key, b.key."
        assert "takes no more" in plugged.ask("unplug a.key now")
        assert "finger NAME" in plugged.ask("finger a.key")

    def test_ports_follow_each_other(self, plug: Start) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        plugged = plug("--udp", str(port - 1), keys=("a.key", "b.key"))
        assert plugged.ports == {"udp a.key": port - 1, "udp b.key": port}

    def test_files_of_one_name_are_told_apart_by_their_folders(
        self, plug: Start, file: Path
    ) -> None:
        for folder in ("one", "two"):
            (file.parent / folder).mkdir()
        plugged = plug("--udp", "0", keys=("one/my.key", "two/my.key"))
        assert list(plugged.ports) == [
            f"udp {file.parent}/one/my.key",
            f"udp {file.parent}/two/my.key",
        ]

    def test_a_file_can_be_named_once(self, run: Run, file: Path) -> None:
        run("new", file)
        file.with_name("link").symlink_to(file)
        file.with_name("hard").hardlink_to(file)
        assert run("plug", file, file.with_name("hard"), "--udp", 0).exit_code == 2
        result = run("plug", file, file.with_name("link"), "--udp", 0)
        assert result.exit_code == 2
        assert "named twice" in result.output


@pytest.mark.slow
class TestRig:
    def test_a_rig_touches_and_cuts_power_and_its_link_goes_with_it(
        self, plug: Start, file: Path
    ) -> None:
        link = file.with_name("rig")
        plugged = plug("--tcp", "0", "--rig", str(link), keys=("a.key", "b.key"))
        assert plugged.said[-1] == f"rig {link} ({link.readlink()})"
        with link.open("r+b", buffering=0) as line:

            def ask(text: str) -> bytes:
                line.write(text.encode() + b"\n")
                answer = b""
                while not answer.endswith(b"\n"):
                    assert select.select([line], [], [], 10)[0]
                    answer += line.read(100)
                return answer.strip()

            assert ask("*OPT?") == b"TOUCH2,POWER2,NFC0,CAM0"
            Ctap2(plugged.device("tcp b.key")).selection(
                on_keepalive=lambda _: line.write(b"TOUC2:PULS 50\n")
            )
            assert ask("POW2 OFF;POW2?") == b"0"
            with pytest.raises(OSError):  # noqa: PT011 - which one depends on who notices first
                plugged.devices[0].ping()
            assert ask("POW2 ON;POW2?") == b"1"
            assert plugged.device("tcp b.key").ping(b"again") == b"again"
        plugged.tell("quit")
        assert plugged.process.wait(10) == 0
        assert not link.is_symlink()

    def test_with_a_rig_nobody_is_asked_for_touches(self, plug: Start, file: Path) -> None:
        plugged = plug("--udp", "0", "--rig", str(file.with_name("rig")))
        ctap = Ctap2(plugged.device())

        def decline(status: object) -> None:
            assert plugged.ask("dance").startswith("'dance' is no line")
            plugged.tell("decline")

        with pytest.raises(CtapError):
            ctap.selection(on_keepalive=decline)

    def test_what_is_in_the_links_place_is_left_unless_it_leads_nowhere(
        self, plug: Start, run: Run, file: Path
    ) -> None:
        link = file.with_name("rig")
        link.symlink_to(file.with_name("nowhere"))
        plug("--udp", "0", "--rig", str(link)).end()
        link.write_text("mine")
        result = run("plug", file, "--udp", 0, "--rig", link)
        assert result.exit_code == 2
        assert "exists already" in result.output
        assert link.read_text() == "mine"


@pytest.mark.slow
class TestReader:
    def test_lines_lay_the_key_on_its_reader_and_take_it_away(self, plug: Start) -> None:
        with socket.create_server(("127.0.0.1", 0)) as reader:
            reader.settimeout(10)
            plugged = plug("--nfc", str(reader.getsockname()[1]))
            card, _ = reader.accept()
            card.settimeout(10)
            card.sendall(b"\0\1\4")
            assert card.recv(100) == bytes.fromhex("0005 3B80800101")
            assert plugged.ask("lift") == "off the reader"
            assert card.recv(1) == b""
            card.close()
            assert plugged.ask("tap") == "on the reader"
            card, _ = reader.accept()
            card.close()
            assert plugged.line() == "the reader has gone: pcscd has ended"

    def test_a_key_that_is_plugged_in_is_laid_down_once_it_is_pulled_out(self, plug: Start) -> None:
        with socket.create_server(("127.0.0.1", 0)) as reader:
            reader.settimeout(10)
            plugged = plug("--udp", "0", "--nfc", str(reader.getsockname()[1]))
            assert "Unplug it first" in plugged.ask("tap")
            assert plugged.ask("unplug") == "unplugged"
            assert plugged.ask("tap") == "on the reader"
            card, _ = reader.accept()
            card.close()

    def test_a_rig_moves_the_key(self, plug: Start, file: Path) -> None:
        link = file.with_name("rig")
        with socket.create_server(("127.0.0.1", 0)) as reader:
            reader.settimeout(10)
            plug("--nfc", str(reader.getsockname()[1]), "--rig", str(link))
            with link.open("r+b", buffering=0) as line:
                line.write(b"NFC1:PRES ON\n")
                card, _ = reader.accept()
                card.settimeout(10)
                line.write(b"NFC1:FIEL OFF\n")
                assert card.recv(1) == b""
                card.close()

    def test_without_a_reader_the_bench_is_not_ready(self, run: Run, file: Path) -> None:
        run("new", file)
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        result = run("plug", file, "--nfc", port)
        assert result.exit_code == 3
        assert "vsmartcard-vpcd" in result.output
        assert f"nfc 127.0.0.1:{port}" not in result.output.splitlines()

    def test_a_key_without_an_antenna_is_wrong_usage(self, run: Run, file: Path) -> None:
        run("new", file, "--model", "u2f-2016")
        result = run("plug", file, "--nfc")
        assert result.exit_code == 2
        assert "NFC" in result.output


class TestKernel:
    @pytest.mark.parametrize("trouble", UhidTrouble)
    def test_a_kernel_that_makes_no_device_is_a_bench_that_is_not_ready(
        self, run: Run, file: Path, monkeypatch: pytest.MonkeyPatch, trouble: UhidTrouble
    ) -> None:
        def fail(name: str) -> int:
            raise UhidUnusable(trouble, name, "/dev/uhid", 64)

        monkeypatch.setattr(uhid, "open_uhid", fail)
        run("new", file, "--seed", 1)
        result = run("plug", file, "--uhid", "--tcp", 0, "--udp", 0, "--usbip", 0)
        assert result.exit_code == 3
        assert "127.0.0.1" not in result.output  # no door that is about to be shut is told of
        assert str(UhidUnusable(trouble, "483360E2", "/dev/uhid", 64)) in result.output
        assert [each.name for each in file.parent.iterdir()] == ["my.key"]

    @pytest.mark.slow
    def test_usbip_lists_the_keys_with_their_bus_ids(self, plug: Start) -> None:
        plugged = plug("--usbip", "0", keys=("a.key", "b.key"))
        port = plugged.ports["usbip 1-1 a.key"]
        assert list(plugged.ports) == ["usbip 1-1 a.key", "usbip 1-2 b.key"]
        with socket.create_connection(("127.0.0.1", port), 10) as host:
            host.sendall(bytes.fromhex("0111 8005 00000000"))
            assert host.recv(12) == bytes.fromhex("0111 0005 00000000 00000002")


class TestFile:
    def test_a_key_is_one_key_by_whatever_name(self, run: Run, file: Path) -> None:
        run("new", file)
        symbolic, hard = file.with_name("symbolic.key"), file.with_name("hard.key")
        symbolic.symlink_to(file)
        hard.hardlink_to(file)
        with closing(FileStorage(file)):
            for name in (symbolic, hard):
                assert run("reset", name).exit_code == 3
        for name in (symbolic, hard):
            assert run("reset", name).exit_code == 0
        assert symbolic.is_symlink()
        assert file.read_bytes() == hard.read_bytes()

    def test_serial_numbers_stay(self, run: Run, file: Path) -> None:
        run("new", file)
        before = json.loads(run("info", file, "--format", "json").output)["serial_number"]
        run("reset", file)
        assert json.loads(run("info", file, "--format", "json").output)["serial_number"] == before
        assert len(before) == 8


@pytest.mark.slow
def test_plugging_in_loads_neither_the_scenario_language_nor_what_clients_need(
    run: Run, file: Path
) -> None:
    """In an emulated guest each module costs tens of milliseconds."""
    run("new", file)
    code = "import sys; from mfalab.simulator.cli import main; main(); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code, "key", "plug", file, "--tcp", "0"],
        input="quit\n",
        capture_output=True,
        text=True,
        check=True,
    )
    modules = set(done.stdout.splitlines()[-1].split())
    assert "mfalab.devices.security_key" in modules
    loaded = modules & {
        "mfalab.simulator.clocks.quartz",
        "mfalab.simulator.language",
        "fido2",
        "multiprocessing",
        "pydantic",
        "serial",
        "simpy",
        "yaml",
    }
    assert loaded == set()
