"""Kill -9 the process that plugs a key in, at many moments, and look at what it leaves behind.

    killed_while_plugged.py uhid|tcp [ROUNDS]

Each round plugs the same key in, in a forked child that dies while it starts, while it registers
and signs in, or half-way through writing its file. Afterwards the device must be gone, the key's
file whole, its lock free, and what a client was told must hold: the credentials that it got are
there, and the counter goes on. The exit code is 0 when all of that is so.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import socket
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from fido2.ctap2.base import Ctap2
from fido2.hid import CtapHidDevice
from fido2.hid.base import CtapHidConnection, HidDescriptor

# All that the command loads when it runs, so that a child begins at once.
import mfalab.devices.rig.ptys
import mfalab.devices.transports.uhid
import mfalab.devices.transports.usbip
import mfalab.devices.transports.vpcd
import mfalab.simulator.cli.key_control
import mfalab.simulator.clocks.plain  # noqa: F401 - loaded for the children
from mfalab.simulator.cli import command
from mfalab.simulator.cli.key_file import make, open_key, serial
from mfalab.simulator.entropy import Entropy, Stream

PEOPLE = 6
PATIENCE_S = 60
RP_ID = "example.com"


class Killed(Exception):
    """The moment has come, and the process is dead."""


class EndedEarly(Exception):
    """The process has ended before the key was plugged in."""


class Child:
    """`mfalab key plug` in a process of its own.

    Args:
        way: to plug the key in.
        file: the key's.
        link: where to have a rig.
        most: the byte of a file with which it dies when it writes that; None for no such limit.
    """

    def __init__(self, way: str, file: Path, link: Path, most: int | None = None) -> None:
        words = ["key", "plug", str(file), "--touch", "yes", "--rig", str(link)]
        words += ["--uhid"] if way == "uhid" else ["--tcp", "0"]
        self.dead = False
        said, say = os.pipe()
        hear, tell = os.pipe()
        self.id = os.fork()
        if self.id == 0:
            os.close(tell)
            os.dup2(hear, 0)
            os.dup2(say, 1)
            if most is not None:
                die_at_byte(most)
            sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w", buffering=1)
            os._exit(run(words))
        os.close(say)
        os.close(hear)
        self.said, self.tell = os.fdopen(said), tell

    def end(self) -> int:
        """Ask it to end; returns its exit code."""
        os.write(self.tell, b"quit\n")
        return self._wait()

    def kill(self) -> None:
        if not self.dead:
            os.kill(self.id, signal.SIGKILL)
            self._wait()

    def _wait(self) -> int:
        _, status = os.waitpid(self.id, 0)
        self.dead = True
        self.said.close()
        os.close(self.tell)
        return os.waitstatus_to_exitcode(status)


def die_at_byte(most: int) -> None:
    """Let the kernel end this process in the middle of a write, as soon as a file is so long."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # which Python ignores


def run(words: list[str]) -> int:
    """The command, in the child."""
    try:
        command.main(words, standalone_mode=False)
    except SystemExit as stop:
        return int(stop.code or 0)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


class Wire(CtapHidConnection):
    """A connection that counts reports; the process dies with the one that is the moment."""

    def __init__(self, where: str, moment: Callable[[], None]) -> None:
        self._moment = moment
        if where.startswith("/dev/"):
            self._file, self._head = os.open(where, os.O_RDWR), b"\0"
        else:
            host, _, port = where.partition(":")
            self._socket = socket.create_connection((host, int(port)), PATIENCE_S)
            self._file, self._head = self._socket.detach(), b"\0\x40"

    def close(self) -> None:
        os.close(self._file)

    def write_packet(self, data: bytes) -> None:
        self._moment()
        os.write(self._file, self._head + data)

    def read_packet(self) -> bytes:
        self._moment()
        size = 64 if self._head == b"\0" else 66
        report = b""
        while len(report) < size:
            assert select.select([self._file], [], [], PATIENCE_S)[0], "the key says nothing"
            part = os.read(self._file, size - len(report))
            if not part:
                raise ConnectionError("the stream has ended")
            report += part
        return report[-64:]


class Bench:
    """One key over all rounds, and what its clients know of it.

    Attributes:
        known: the newest credential ID that each person was given.
        counter: the highest that a client has seen.
    """

    def __init__(self, way: str, folder: Path, chance: Stream) -> None:
        self.way = way
        self.file, self.link = folder / "my.key", folder / "rig"
        self.chance = chance
        make(self.file, "ctap-2.1-pin", None)
        self.serial = serial(self.file)
        self.known: dict[bytes, bytes] = {}
        self.counter = 0
        self.under_way: bytes | None = None

    def round(self, number: int) -> None:
        """Plug it in, kill it at a moment, and look."""
        kind = number % 3
        size = self.file.stat().st_size
        # A write appends the new document to the old one.
        most = self.chance.randrange(2 * size + 600) if kind == 2 else None
        child = Child(self.way, self.file, self.link, most)
        try:
            if kind == 0:
                self._kill_at_start(child)
            elif kind == 1:
                self._kill_in_traffic(child)
            else:
                # It ends by itself, or it never writes so much.
                with suppress(EndedEarly, OSError):
                    self._kill_in_traffic(child)
        finally:
            child.kill()
        self._look(number)

    def _kill_at_start(self, child: Child) -> None:
        """While it opens files and devices: after some of its lines, and some milliseconds."""
        for _ in range(self.chance.randrange(4)):
            child.said.readline()
        self._pass(self.chance.uniform(0, 0.05 if self.way == "tcp" else 1))
        child.kill()

    def _kill_in_traffic(self, child: Child) -> None:
        """When so many reports have passed, or a moment later."""
        left = self.chance.randrange(1, 120)
        later_s = self.chance.choice([0, 0, 0.0002, 0.002])

        def moment() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                self._pass(later_s)
                child.kill()
                raise Killed

        where = ""
        while (line := child.said.readline().strip()) != "plugged in":
            if not line:
                raise EndedEarly
            where = where or line.split()[1]
        with suppress(Killed), closing(Wire(where, moment)) as wire:
            client = Ctap2(CtapHidDevice(HidDescriptor(where, 0, 0, 64, 64, None, None), wire))
            while True:
                self._use(client)

    def _use(self, client: Ctap2) -> None:
        """Register somebody, or sign in as somebody."""
        person = bytes((self.chance.randrange(PEOPLE),))
        if person not in self.known or self.chance.random() < 0.5:
            self.under_way = person
            made = client.make_credential(
                bytes(32),
                {"id": RP_ID},
                {"id": person, "name": "somebody"},
                [{"alg": -7, "type": "public-key"}],
                options={"rk": True},
            )
            assert made.auth_data.credential_data is not None
            self.known[person] = made.auth_data.credential_data.credential_id
            self.under_way = None
            counter = made.auth_data.counter
        else:
            listed = [{"id": self.known[person], "type": "public-key"}]
            counter = client.get_assertion(RP_ID, bytes(32), listed).auth_data.counter
        assert counter > self.counter, f"the counter went from {self.counter} to {counter}"
        self.counter = counter

    def _look(self, number: int) -> None:
        """What is left behind."""
        if self.way == "uhid":
            assert self._gone(), "the device is still there"
        assert not self.link.exists() or self.link.is_symlink()
        if self.link.exists():
            self.link.unlink()  # its terminal's number belongs to somebody else by now
        beside = sorted(path.name for path in self.file.parent.iterdir())
        assert set(beside) <= {"my.key", "rig"}, beside
        with closing(open_key(self.file)) as key:
            state = key.state
        assert state.counter >= self.counter
        found = {user: identity for identity, _, user in state.credentials}
        for person, identity in self.known.items():
            if person != self.under_way:
                assert found[person] == identity, f"the credential of {person!r} is lost"
        for person in found.keys() - self.known.keys():
            assert person == self.under_way, f"nobody knows the credential of {person!r}"
        if self.under_way in found:
            self.known[self.under_way] = found[self.under_way]
        self.under_way = None

    def _gone(self) -> bool:
        """Whether its node has gone; the kernel may take a moment."""
        for _ in range(200):
            nodes = Path("/sys/class/hidraw").glob("*/device/uevent")
            texts = []
            for node in nodes:
                with suppress(OSError):
                    texts.append(node.read_text())
            if not any(f"HID_UNIQ={self.serial}\n" in text for text in texts):
                return True
            self._pass(0.05)
        return False

    def _pass(self, seconds: float) -> None:
        select.select([], [], [], seconds)

    def end_well(self) -> None:
        """Plug it in and quit: nothing but the key's file is left."""
        child = Child(self.way, self.file, self.link)
        try:
            while child.said.readline().strip() != "plugged in":
                pass
            assert child.end() == 0
        finally:
            child.kill()
        left = [path.name for path in self.file.parent.iterdir()]
        assert left == ["my.key"], left


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(way: str = "uhid", rounds: int = 24) -> int:
    """All rounds; returns the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(way, Path(folder), Entropy("kill -9").stream(way))
        for number in range(rounds):
            try:
                bench.round(number)
            except Exception:
                traceback.print_exc()
                say(f"round {number} of {rounds} over {way} left something behind")
                return 1
        bench.end_well()
    say(f"{rounds} rounds over {way} left nothing behind; {bench.counter} signatures")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if sys.argv[1:] else "uhid", *map(int, sys.argv[2:])))
