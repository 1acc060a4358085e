"""Keys as USB devices over USB/IP: the protocol, the device's descriptors, and a whole import.

The layouts are those of Linux, Documentation/usb/usbip_protocol.rst; a kernel attaches the device
in tests/guest.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from errno import ECONNRESET, EPIPE
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfalab.devices.ctap.ctaphid import BROADCAST, HidCommand, packets
from mfalab.devices.security_key import SecurityKey
from mfalab.devices.transports.hid_device import HidDevice
from mfalab.devices.transports.usbip import (
    Import,
    ListDevices,
    Requests,
    Submit,
    Unlink,
    UsbipServer,
    UsbipWrong,
)

Served = Callable[[Any], None]


ABOUT = HidDevice("Test key", "0042ABCD", "bench")


INIT = packets(BROADCAST, HidCommand.INIT, b"12345678")[0]


LIST = bytes.fromhex("0111 8005 00000000")


IMPORT = bytes.fromhex("0111 8003 00000000") + b"1-1".ljust(32, b"\0")


def submit(
    number: int, endpoint: int, length: int = 64, setup: bytes = bytes(8), data: bytes | None = None
) -> bytes:
    to_host = data is None
    head = struct.pack(">5I", 1, number, 0x10001, to_host, endpoint)
    length = length if data is None else len(data)
    return head + struct.pack(">I4i", 0, length, 0, -1, 0)[:20] + setup + (data or b"")


def unlink(number: int, which: int) -> bytes:
    return struct.pack(">6I24x", 2, number, 0x10001, 0, 0, which)


class TestRequests:
    STREAM = (
        IMPORT
        + submit(1, 0, 18, bytes.fromhex("8006000100001200"))
        + submit(2, 1)
        + submit(3, 1, data=INIT)
        + unlink(4, 2)
    )
    REQUESTS = (
        Import("1-1"),
        Submit(1, True, 0, 18, bytes.fromhex("8006000100001200")),
        Submit(2, True, 1, 64, bytes(8)),
        Submit(3, False, 1, 64, bytes(8), INIT),
        Unlink(4, 2),
    )

    @given(st.lists(st.integers(0, len(STREAM)), max_size=12).map(sorted))
    def test_requests_come_out_whole_however_the_stream_is_cut(self, cuts: list[int]) -> None:
        reader, found = Requests(), []
        for start, end in zip([0, *cuts], [*cuts, len(self.STREAM)], strict=True):
            found += reader.feed(self.STREAM[start:end])
        assert tuple(found) == self.REQUESTS

    def test_a_question_for_devices_is_read(self) -> None:
        assert Requests().feed(LIST) == [ListDevices()]

    @pytest.mark.parametrize(
        ("stream", "says"),
        [
            (b"GET / HTTP/1.1\r\n", "version 0x4745"),
            (bytes.fromhex("0111 8004 00000000"), "operation 0x8004"),
            (IMPORT + struct.pack(">I44x", 3), "command 3"),
            (IMPORT + submit(1, 1, 65537), "65537 bytes"),
            (IMPORT + submit(1, 1, -1), "-1 bytes"),
        ],
    )
    def test_what_is_no_usbip_is_refused(self, stream: bytes, says: str) -> None:
        with pytest.raises(UsbipWrong) as caught:
            Requests().feed(stream)
        assert says.replace("version ", "version is ") in str(caught.value)


def setup(kind: int, request: int, value: int = 0, index: int = 0, length: int = 255) -> bytes:
    return struct.pack("<BBHHH", kind, request, value, index, length)


@pytest.fixture
def server(key: SecurityKey) -> Iterator[UsbipServer]:
    server = UsbipServer(0)
    assert server.export(lambda: key.connect(everything=True), ABOUT) == "1-1"
    yield server
    server.close()


class Host:
    """What the kernel and its tools do on the other side."""

    def __init__(self, server: UsbipServer, served: Served) -> None:
        self._server = server
        self._served = served
        self._socket = socket.create_connection(("127.0.0.1", server.port), 10)

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)
        self._served(self._server)

    def read(self, size: int) -> bytes:
        data = b""
        while len(data) < size and (part := self._socket.recv(size - len(data))):
            data += part
        return data

    def attach(self) -> bytes:
        """Import the first device; returns its description."""
        self._served(self._server)
        self.send(IMPORT)
        head = self.read(8)
        assert head == bytes.fromhex("0111 0003 00000000")
        return self.read(312)

    def returned(self) -> tuple[int, int, bytes]:
        """The next RET_SUBMIT: number, status, data; the data of transfers to the host only."""
        head = self.read(48)
        command, number, devid, direction, endpoint, status, length = struct.unpack_from(
            ">5I2i", head
        )
        assert (command, devid, direction, endpoint) == (3, 0, 0, 0)
        return number, status, length.to_bytes(4) if number % 2 else self.read(length)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def host(server: UsbipServer, served: Served) -> Iterator[Callable[[], Host]]:
    hosts: list[Host] = []

    def make() -> Host:
        hosts.append(Host(server, served))
        return hosts[-1]

    yield make
    for each in hosts:
        each.close()


NewHost = Callable[[], Host]


class TestServer:
    def test_devices_are_listed_with_their_interface(
        self, host: NewHost, server: UsbipServer, served: Served
    ) -> None:
        asking = host()
        served(server)
        asking.send(LIST)
        assert asking.read(12) == bytes.fromhex("0111 0005 00000000 00000001")
        device = asking.read(316)
        assert device[256:259] == b"1-1"
        assert device[288:300] == bytes.fromhex("00000001 00000001 00000002")
        assert device[300:] == bytes.fromhex("1209 0001 0100 000000 01 01 01 03000000")

    def test_reports_go_through_the_interrupt_endpoints(self, host: NewHost) -> None:
        attached = host()
        attached.attach()
        # Transfers to the host have even numbers here.
        attached.send(submit(2, 1) + submit(3, 1, data=INIT))
        answers = sorted(attached.returned() for _ in range(2))
        assert answers[1] == (3, 0, (64).to_bytes(4))
        number, status, report = answers[0]
        assert (number, status, len(report)) == (2, 0, 64)
        assert report[7:15] == b"12345678"

    def test_a_report_waits_until_the_host_asks_for_it(self, host: NewHost) -> None:
        attached = host()
        attached.attach()
        attached.send(submit(1, 1, data=INIT))
        assert attached.returned()[1] == 0
        attached.send(submit(2, 1))
        assert attached.returned()[2][7:15] == b"12345678"

    def test_descriptors_come_over_the_control_endpoint_and_stalls_are_told(
        self, host: NewHost
    ) -> None:
        attached = host()
        attached.attach()
        attached.send(submit(2, 0, 18, setup(0x80, 6, 0x0100, 0, 18)))
        assert attached.returned()[2][:2] == bytes((18, 1))
        attached.send(submit(4, 0, 10, setup(0x80, 6, 0x0600, 0, 10)))
        assert attached.returned() == (4, -EPIPE, b"")
        attached.send(submit(6, 2))
        assert attached.returned() == (6, -EPIPE, b"")

    def test_a_transfer_is_given_up_unless_it_is_over(self, host: NewHost) -> None:
        attached = host()
        attached.attach()
        attached.send(submit(2, 1) + unlink(5, 2))
        assert struct.unpack_from(">5Ii", attached.read(48)) == (4, 5, 0, 0, 0, -ECONNRESET)
        attached.send(unlink(7, 2))
        assert struct.unpack_from(">5Ii", attached.read(48)) == (4, 7, 0, 0, 0, 0)
        attached.send(submit(4, 1) + submit(9, 1, data=INIT))
        assert {attached.returned()[0], attached.returned()[0]} == {4, 9}

    def test_a_message_of_the_greatest_length_goes_through_in_both_directions(
        self, host: NewHost, server: UsbipServer, served: Served
    ) -> None:
        attached = host()
        attached.attach()
        attached.send(submit(2, 1) + submit(3, 1, data=INIT))
        reports = [attached.returned()[2], attached.returned()[2]]
        channel = int.from_bytes(max(reports, key=len)[15:19])
        message = packets(channel, HidCommand.PING, bytes(n % 251 for n in range(7609)))
        for report in message:
            attached.send(submit(5, 1, data=report))
            assert attached.returned()[:2] == (5, 0)
        heard = []
        for _ in message:
            attached.send(submit(6, 1))
            heard.append(attached.returned()[2])
        assert heard == message

    def test_a_device_is_imported_once_and_free_again_when_that_ends(
        self, host: NewHost, server: UsbipServer, served: Served
    ) -> None:
        first, second = host(), host()
        first.attach()
        second.send(IMPORT)
        assert second.read(8) == bytes.fromhex("0111 0003 00000002")
        first.close()
        served(server)
        host().attach()

    def test_a_device_that_is_not_there_is_refused(
        self, host: NewHost, server: UsbipServer, served: Served
    ) -> None:
        asking = host()
        served(server)
        asking.send(IMPORT.replace(b"1-1", b"1-2"))
        assert asking.read(9) == bytes.fromhex("0111 0003 00000004")

    def test_pulling_the_key_out_ends_its_import_and_takes_it_off_the_list(
        self, host: NewHost, server: UsbipServer, key: SecurityKey, served: Served
    ) -> None:
        attached = host()
        attached.attach()
        key.unplug()
        server.send()
        assert attached.read(1) == b""
        asking = host()
        served(server)
        asking.send(LIST)
        assert asking.read(12)[8:] == bytes(4)
        key.plug()
        host().attach()

    def test_strangers_are_sent_away(
        self, host: NewHost, server: UsbipServer, served: Served
    ) -> None:
        stranger = host()
        served(server)
        stranger.send(b"GET / HTTP/1.1\r\n\r\n")
        assert stranger.read(1) == b""
        host().attach()

    def test_a_second_key_has_the_next_bus_id(self, server: UsbipServer, key: SecurityKey) -> None:
        assert server.export(lambda: key.connect(everything=True), ABOUT) == "1-2"
