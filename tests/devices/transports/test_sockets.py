"""Reports over sockets, without a loop: one side at a time."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Iterator

import pytest

from mfalab.devices.ctap.ctaphid import BROADCAST, MAX_MESSAGE, HidCommand, packets
from mfalab.devices.schedule import WallTime
from mfalab.devices.security_key import SecurityKey
from mfalab.devices.transports.sockets import TcpReports, UdpReports, serve
from mfalab.simulator.clocks import WallClock
from mfalab.simulator.entropy import Entropy

INIT = packets(BROADCAST, HidCommand.INIT, b"12345678")[0]


@pytest.fixture
def key() -> SecurityKey:
    made = SecurityKey("ctap-2.1-pin", random_bytes=Entropy(1).random_bytes("key"))
    made.plug()
    return made


@pytest.fixture
def tcp(key: SecurityKey) -> Iterator[TcpReports]:
    way = TcpReports(key.connect, 0)
    yield way
    way.close()


@pytest.fixture
def udp(key: SecurityKey) -> Iterator[UdpReports]:
    way = UdpReports(key.connect, 0)
    yield way
    way.close()


def served(way: TcpReports | UdpReports) -> None:
    """Wait until something has come, and serve it."""
    assert select.select([way], [], [], 10)[0]
    way.receive()


class Stream:
    """A client of the TCP port."""

    def __init__(self, way: TcpReports) -> None:
        self.way = way
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", way.port))
        served(way)

    def send(self, report: bytes) -> None:
        self.socket.sendall(len(report).to_bytes(2) + report)
        served(self.way)

    def read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                break
            data += part
        return data

    def report(self) -> bytes:
        return self.read(int.from_bytes(self.read(2)))

    def open(self) -> int:
        self.send(INIT)
        return int.from_bytes(self.report()[15:19])


@pytest.fixture
def stream(tcp: TcpReports) -> Iterator[Stream]:
    made = Stream(tcp)
    yield made
    made.socket.close()


def test_a_report_cut_at_every_byte_is_put_together(tcp: TcpReports, stream: Stream) -> None:
    channel = stream.open()
    report = packets(channel, HidCommand.PING, b"whole")[0]
    framed = len(report).to_bytes(2) + report
    for cut in range(1, len(framed)):
        stream.socket.sendall(framed[:cut])
        served(tcp)
        stream.socket.sendall(framed[cut:])
        served(tcp)
        assert stream.report() == report


def test_a_client_that_does_not_read_gets_everything_when_it_does(
    tcp: TcpReports, stream: Stream
) -> None:
    channel = stream.open()
    tcp._peers[0].stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    whole = packets(channel, HidCommand.PING, bytes(range(256)) * 29)
    framed = b"".join(len(report).to_bytes(2) + report for report in whole)
    times = 100
    for _ in range(times):
        stream.socket.sendall(framed)
        served(tcp)
    assert tcp._peers[0]._unsent
    answer = b""
    while len(answer) < times * len(framed):
        readable, _, _ = select.select([stream.socket, tcp], [], [], 10)
        assert readable
        if tcp in readable:
            tcp.receive()
        if stream.socket in readable:
            answer += stream.socket.recv(65536)
    assert answer == times * framed
    assert not select.select([tcp], [], [], 0)[0]


def test_a_stream_ends_with_the_plug_and_none_begins_without(
    key: SecurityKey, tcp: TcpReports, stream: Stream
) -> None:
    key.unplug()
    tcp.send()
    assert stream.read(1) == b""
    late = Stream(tcp)
    assert late.read(1) == b""
    late.socket.close()


@pytest.mark.parametrize("size", [0, 1, 63, 65, 1000])
def test_stream_with_a_report_of_another_size_ends(tcp: TcpReports, size: int) -> None:
    stream = Stream(tcp)
    stream.send(bytes(size))
    assert stream.read(1) == b""
    stream.socket.close()


def test_http_request_hands_nothing_of_its_body_to_the_key(
    key: SecurityKey, tcp: TcpReports
) -> None:
    """A web page could POST reports to a key; its request line was taken for a length."""
    stream = Stream(tcp)
    wink = packets(1, HidCommand.WINK, b"")[0]
    body = (len(wink).to_bytes(2) + wink) * 400
    stream.socket.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n" + body)
    tcp.receive()
    assert stream.read(1) == b""
    stream.socket.close()
    assert key.state.winks == 0


def test_datagrams_to_a_dark_key_are_lost_and_a_new_one_finds_it_again(
    key: SecurityKey, udp: UdpReports
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.connect(("127.0.0.1", udp.port))
        key.unplug()
        client.send(INIT)
        served(udp)
        key.plug()
        client.send(INIT)
        served(udp)
        assert client.recv(64)[7:15] == b"12345678"
        key.power_cycle()
        client.send(INIT)
        served(udp)
        assert client.recv(64)[7:15] == b"12345678"


def test_more_peers_than_anybody_has_push_out_the_oldest(udp: UdpReports) -> None:
    clients = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(70)]
    try:
        for client in clients:
            client.settimeout(10)
            client.connect(("127.0.0.1", udp.port))
            client.send(INIT)
            served(udp)
            assert client.recv(64)[7:15] == b"12345678"
    finally:
        for client in clients:
            client.close()


def test_serving_obeys_lines_until_one_ends_it(key: SecurityKey) -> None:
    heard: list[str] = []
    reader, writer = os.pipe()
    os.write(writer, b"touch\n  finger left thumb \nquit\nnever")

    def obey(line: str) -> bool:
        heard.append(line)
        return line != "quit"

    serve([], WallTime(WallClock()), control=reader, on_line=obey)
    os.close(reader)
    os.close(writer)
    assert heard == ["touch", "finger left thumb", "quit"]


def test_the_last_line_counts_without_its_end(key: SecurityKey) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"quit")
    os.close(writer)
    serve([], WallTime(WallClock()), control=reader, on_line=lambda line: line != "quit")
    os.close(reader)


def test_a_message_of_the_greatest_length_goes_through(stream: Stream) -> None:
    channel = stream.open()
    data = bytes(n % 251 for n in range(MAX_MESSAGE))
    for report in packets(channel, HidCommand.PING, data):
        stream.send(report)
    assert [stream.report() for _ in range(129)] == packets(channel, HidCommand.PING, data)
