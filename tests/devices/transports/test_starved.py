"""A process that loses the processor for seconds takes nothing for late that had come in time.

Each way to a key is served by the real loop. The wall's clock leaps by seconds between two packets
of one message, or before a command is looked at, and then the loop reads what is queued by then.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from mfalab.devices.ctap.ctaphid import BROADCAST, HidCommand, HidError, packets
from mfalab.devices.ctap.status import CtapStatus
from mfalab.devices.ctap.user import User, touching
from mfalab.devices.schedule import WallTime
from mfalab.devices.security_key import SecurityKey
from mfalab.devices.transports.hid_device import HidDevice
from mfalab.devices.transports.listener import Messages
from mfalab.devices.transports.sockets import TcpReports, UdpReports, Way, serve
from mfalab.devices.transports.uhid import UhidReports
from mfalab.devices.transports.usbip import UsbipServer
from mfalab.devices.transports.vpcd import VpcdCard
from mfalab.simulator.entropy import Entropy
from support.clocks import SetClock

MS = 1_000_000
LEAP_NS = 5_000 * MS
ABOUT = HidDevice("Test key", "0042ABCD", "bench")
SELECT = bytes.fromhex("00A4040008A0000006472F000100")
RESET_APDU = bytes.fromhex("80100000010700")
U2F_REGISTER = bytes.fromhex("00010000 000040") + bytes(64) + bytes(2)


class Script:
    """A way that nothing comes on; each turn of the loop does the next act, and quits at last.

    An empty line of control ends the turn, however long the loop would wait.
    """

    def __init__(self, *acts: Callable[[], object]) -> None:
        self._acts = iter(acts)
        self._quiet, self._quiet_end = os.pipe()
        self.control, self._line = os.pipe()

    def fileno(self) -> int:
        return self._quiet

    def receive(self) -> None:
        raise AssertionError("nothing can have come")

    def send(self) -> None:
        act = next(self._acts, lambda: os.write(self._line, b"quit"))
        act()
        os.write(self._line, b"\n")

    def close(self) -> None:
        for number in (self._quiet, self._quiet_end, self.control, self._line):
            os.close(number)


class Host:
    """A client at the other end of a way; it writes reports, and reads all that has come."""

    def __init__(
        self, way: Way, write: Callable[[bytes], object], read: Callable[[], list[bytes]]
    ) -> None:
        self.way = way
        self.write = write
        self.read = read


def parts(end: socket.socket) -> bytes:
    """What has come on a connection."""
    end.setblocking(False)
    got = b""
    while True:
        try:
            got += end.recv(65536)
        except BlockingIOError:
            return got


def over_tcp(key: SecurityKey, time: WallTime, stack: ExitStack, folder: Path) -> Host:
    way = TcpReports(key.connect, 0)
    stack.callback(way.close)
    end = stack.enter_context(socket.create_connection(("127.0.0.1", way.port)))
    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read() -> list[bytes]:
        got = parts(end)
        return [got[start + 2 : start + 66] for start in range(0, len(got), 66)]

    return Host(way, lambda report: end.sendall(b"\0\x40" + report), read)


def over_udp(key: SecurityKey, time: WallTime, stack: ExitStack, folder: Path) -> Host:
    way = UdpReports(key.connect, 0)
    stack.callback(way.close)
    end = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    end.connect(("127.0.0.1", way.port))

    def read() -> list[bytes]:
        got = parts(end)
        return [got[start : start + 64] for start in range(0, len(got), 64)]

    return Host(way, end.send, read)


def over_usbip(key: SecurityKey, time: WallTime, stack: ExitStack, folder: Path) -> Host:
    way = UsbipServer(0)
    stack.callback(way.close)
    bus_id = way.export(lambda: key.connect(everything=True), ABOUT)
    end = stack.enter_context(socket.create_connection(("127.0.0.1", way.port)))
    numbers = count(1)

    def submit(direction: int, data: bytes) -> bytes:
        head = struct.pack(">5I", 1, next(numbers), 0x10001, direction, 1)
        return head + struct.pack(">I4i", 0, 64, 0, -1, 0) + bytes(8) + data

    end.sendall(bytes.fromhex("0111 8003 00000000") + bus_id.encode().ljust(32, b"\0"))
    end.sendall(b"".join(submit(1, b"") for _ in range(20)))

    def read() -> list[bytes]:
        got, reports = parts(end), []
        if got.startswith(bytes.fromhex("0111 0003")):
            got = got[8 + 312 :]
        while got:
            number, length = struct.unpack_from(">I16xI", got, 4)
            size = length if number <= 20 else 0  # the first twenty were transfers to the host
            reports += [got[48 : 48 + size]] if size else []
            got = got[48 + size :]
        return reports

    return Host(way, lambda report: end.sendall(submit(0, report)), read)


def over_uhid(key: SecurityKey, time: WallTime, stack: ExitStack, folder: Path) -> Host:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    stack.callback(ours.close)
    os.set_blocking(theirs.fileno(), False)
    way = UhidReports(lambda: key.connect(everything=True), ABOUT, time, theirs.detach(), folder)
    stack.callback(way.close)
    ours.setblocking(False)

    def write(report: bytes) -> None:
        data = (b"\0" + report).ljust(4096, b"\0")
        ours.sendall((struct.pack("=I", 6) + data + struct.pack("=HB", 65, 1)).ljust(4376, b"\0"))

    def read() -> list[bytes]:
        reports = []
        while True:
            try:
                event = ours.recv(4376)
            except BlockingIOError:
                return reports
            if event[:1] == b"\x0c":
                reports.append(event[6:])

    return Host(way, write, read)


def over_vpcd(key: SecurityKey, time: WallTime, stack: ExitStack, folder: Path) -> Host:
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    key.unplug()
    way = VpcdCard(key, listener.getsockname()[1])
    stack.callback(way.close)
    way.tap()
    end = stack.enter_context(listener.accept()[0])
    messages = Messages()
    return Host(
        way,
        lambda apdu: end.sendall(Messages.frame(apdu)),
        lambda: list(messages.feed(parts(end))),
    )


HID_WAYS = [over_tcp, over_udp, over_usbip, over_uhid]


class Bench:
    """A key behind one way, and the clock that it lives by."""

    def __init__(
        self, make: Callable[..., Host], stack: ExitStack, folder: Path, model: str, user: User
    ) -> None:
        self.clock = SetClock()
        self.time = WallTime(self.clock)
        chance = Entropy(7).random_bytes("key")
        self.key = SecurityKey(model, random_bytes=chance, scheduler=self.time, user=user)
        self.key.plug()
        self._stack = stack
        self.host = make(self.key, self.time, stack, folder)

    def open_channel(self) -> None:
        """The first message of a client over HID."""
        self.play(lambda: self.write(*packets(BROADCAST, HidCommand.INIT, b"12345678")))
        self.channel = int.from_bytes(self.host.read()[0][15:19])

    def play(self, *acts: Callable[[], object]) -> None:
        """One act in each turn of the loop."""
        script = Script(*acts)
        self._stack.callback(script.close)
        serve(
            [script, self.host.way],
            self.time,
            control=script.control,
            on_line=lambda line: line != "quit",
        )

    def write(self, *reports: bytes) -> None:
        for report in reports:
            self.host.write(report)

    def starve(self, *reports: bytes, ns: int = LEAP_NS) -> None:
        """These come, and five seconds or so pass before anything is looked at."""
        self.write(*reports)
        self.clock.ns += ns

    def pass_(self, duration_ns: int) -> None:
        self.clock.ns += duration_ns


def name(way: Callable[..., Host]) -> str:
    return way.__name__.removeprefix("over_")


@pytest.fixture(params=HID_WAYS, ids=name)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """A key that is touched by nobody but the test."""
    with ExitStack() as stack:
        bench = Bench(request.param, stack, tmp_path, "u2f-2016", lambda _: None)
        bench.open_channel()
        yield bench


def test_packets_that_lay_unread_are_in_time(bench: Bench) -> None:
    message = packets(bench.channel, HidCommand.PING, bytes(200))
    bench.play(
        lambda: bench.write(message[0]),
        *(lambda report=report: bench.starve(report) for report in message[1:]),
    )
    assert bench.host.read() == message


def test_packets_of_another_channel_among_them_change_nothing(bench: Bench) -> None:
    message = packets(bench.channel, HidCommand.PING, bytes(100))
    (knock,) = packets(BROADCAST, HidCommand.INIT, b"abcdefgh")
    bench.play(lambda: bench.write(message[0]), lambda: bench.starve(knock, message[1]))
    heard = bench.host.read()
    assert [report[7:15] for report in heard if report[:4] == knock[:4]] == [b"abcdefgh"]
    assert [report for report in heard if report[:4] != knock[:4]] == message


def test_a_packet_that_comes_late_because_its_writer_was_starved_too_is_in_time(
    bench: Bench,
) -> None:
    first, second, third = packets(bench.channel, HidCommand.PING, bytes(150))
    bench.play(
        lambda: bench.write(first),
        lambda: bench.starve(second),
        lambda: bench.pass_(499 * MS),
        lambda: bench.write(third),
    )
    assert bench.host.read() == [first, second, third]


@pytest.mark.parametrize("starved_ms", [1_200, 1_499, 5_000])
def test_a_message_without_an_end_times_out_all_the_same(bench: Bench, starved_ms: int) -> None:
    first, *_ = packets(bench.channel, HidCommand.PING, bytes(100))
    late = packets(bench.channel, HidCommand.ERROR, bytes((HidError.MSG_TIMEOUT,)))
    bench.play(lambda: bench.starve(first, ns=starved_ms * MS), lambda: bench.pass_(499 * MS))
    assert bench.host.read() == []
    bench.play(lambda: bench.pass_(1 * MS))
    assert bench.host.read() == late
    bench.play(lambda: bench.write(first), lambda: bench.pass_(LEAP_NS))
    assert bench.host.read() == late


def test_a_touch_that_came_while_the_key_blinked_counts(bench: Bench) -> None:
    poll = packets(bench.channel, HidCommand.MSG, U2F_REGISTER)

    def touch_late() -> None:
        bench.pass_(LEAP_NS)
        finger.append(True)

    finger: list[bool] = []
    touched = bench.host.way.receive

    def receive() -> None:
        if finger:
            finger.clear()
            bench.key.touch()
        touched()

    bench.host.way.receive = receive  # type: ignore[method-assign]
    bench.play(lambda: bench.write(*poll))
    assert bench.host.read()[0][7:9] == bytes.fromhex("6985")
    bench.play(lambda: (touch_late(), bench.write(*poll)))
    assert bench.host.read()[0][7:8] == b"\x05"


def test_many_turns_of_a_loop_without_haste_count_all_time(bench: Bench) -> None:
    first, *_ = packets(bench.channel, HidCommand.PING, bytes(100))
    bench.play(lambda: bench.write(first), *(lambda: bench.pass_(90 * MS) for _ in range(5)))
    assert bench.time.now_ns() == bench.clock.ns


@pytest.fixture(params=[*HID_WAYS, over_vpcd], ids=name)
def resetting(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[Bench, list[bytes], Callable[[], int]]]:
    """A key that has just got power; what asks it for a reset; and the status of its answer."""
    with ExitStack() as stack:
        bench = Bench(request.param, stack, tmp_path, "ctap-2.1-pin", touching())
        if request.param is over_vpcd:
            bench.play(lambda: bench.write(SELECT))
            bench.host.read()
            yield bench, [RESET_APDU], lambda: bench.host.read()[0][0]
        else:
            bench.open_channel()
            asked = packets(bench.channel, HidCommand.CBOR, b"\x07")
            yield bench, asked, lambda: bench.host.read()[-1][7]


def test_a_reset_that_lay_unread_is_in_time(
    resetting: tuple[Bench, list[bytes], Callable[[], int]],
) -> None:
    bench, asked, status = resetting
    bench.play(lambda: bench.starve(*asked, ns=15_000 * MS))
    assert status() == CtapStatus.SUCCESS


def test_a_reset_that_is_asked_for_late_is_refused(
    resetting: tuple[Bench, list[bytes], Callable[[], int]],
) -> None:
    bench, asked, status = resetting
    bench.play(
        *(lambda: bench.pass_(90 * MS) for _ in range(10_000 // 90 + 1)),
        lambda: bench.write(*asked),
    )
    assert status() == CtapStatus.NOT_ALLOWED


def test_a_process_that_was_starved_before_gives_no_more_time(
    resetting: tuple[Bench, list[bytes], Callable[[], int]],
) -> None:
    bench, asked, status = resetting
    bench.play(*[lambda: bench.pass_(LEAP_NS)] * 3, lambda: bench.write(*asked))
    assert status() == CtapStatus.NOT_ALLOWED
