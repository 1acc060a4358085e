"""A key as a device of the kernel: events as bytes, and the way with a kernel that is played here.

The layouts are those of linux/uhid.h. A real kernel has its turn in tests/guest.
"""

from __future__ import annotations

import os
import select
import socket
import struct
from collections.abc import Callable, Iterator
from errno import EACCES, EIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfalab.devices.ctap.ctaphid import BROADCAST, HidCommand, packets
from mfalab.devices.schedule import WallTime
from mfalab.devices.security_key import SecurityKey
from mfalab.devices.transports.hid_device import REPORT_DESCRIPTOR, HidDevice
from mfalab.devices.transports.memory import KeyUnplugged
from mfalab.devices.transports.uhid import (
    Heard,
    UhidEvent,
    UhidReports,
    UhidTrouble,
    UhidUnusable,
    create2,
    destroy,
    get_report_reply,
    input2,
    open_uhid,
    parse,
    set_report_reply,
)

Served = Callable[[Any], None]

SIZE = 4376
ABOUT = HidDevice("Test key", "0042ABCD", "mfalab:/bench/a.key")
INIT = packets(BROADCAST, HidCommand.INIT, b"12345678")[0]


def event(kind: int, rest: bytes = b"") -> bytes:
    return (struct.pack("=I", kind) + rest).ljust(SIZE, b"\0")


def output(report: bytes) -> bytes:
    data = b"\0" + report
    return event(6, data.ljust(4096, b"\0") + struct.pack("=HB", len(data), 1))


def set_report(data: bytes, kind: int = 1, request: int = 7) -> bytes:
    return event(13, struct.pack("=IBBH", request, 0, kind, len(data)) + data)


class TestEvents:
    def test_create_names_the_device_and_describes_its_reports(self) -> None:
        made = create2(ABOUT)
        assert len(made) == SIZE
        kind, name, phys, uniq, size, bus, vendor, product, version, country = struct.unpack_from(
            "=I128s64s64sHHIIII", made
        )
        assert (kind, bus, country) == (11, 3, 0)
        assert name.rstrip(b"\0") == b"mfalab Test key"
        assert phys.rstrip(b"\0") == b"mfalab:/bench/a.key"
        assert uniq.rstrip(b"\0") == b"0042ABCD"
        assert (vendor, product, version) == (0x1209, 0x0001, 0x0100)
        assert made[280 : 280 + size] == REPORT_DESCRIPTOR

    def test_texts_end_with_a_zero_byte_and_have_no_line_breaks(self) -> None:
        made = create2(HidDevice("p" * 200, "s" * 200, "l\nHID_UNIQ=other" + "l" * 200))
        assert made[4 + 127] == made[4 + 128 + 63] == made[4 + 128 + 64 + 63] == 0
        assert b"\n" not in made[:260]

    def test_reports_of_the_device_carry_their_length(self) -> None:
        assert input2(INIT) == bytes.fromhex("0c000000 4000") + INIT

    def test_answers_carry_the_number_of_the_question(self) -> None:
        assert get_report_reply(9, EIO) == struct.pack("=IIHH", 10, 9, 5, 0)
        assert get_report_reply(9, 0, b"ab") == struct.pack("=IIHH", 10, 9, 0, 2) + b"ab"
        assert set_report_reply(9, 0) == struct.pack("=IIH", 14, 9, 0)
        assert destroy() == struct.pack("=I", 1)

    @pytest.mark.parametrize(
        ("raw", "heard"),
        [
            (event(2, bytes(8)), Heard(UhidEvent.START)),
            (event(3), Heard(UhidEvent.STOP)),
            (event(4), Heard(UhidEvent.OPEN)),
            (event(5), Heard(UhidEvent.CLOSE)),
            (event(99), Heard(None)),
            (output(INIT), Heard(UhidEvent.OUTPUT, b"\0" + INIT, type=1)),
            (
                event(9, struct.pack("=IBB", 5, 3, 2)),
                Heard(UhidEvent.GET_REPORT, request=5, number=3, type=2),
            ),
            (set_report(b"abc", 0), Heard(UhidEvent.SET_REPORT, b"abc", 7, 0, 0)),
        ],
        ids=lambda value: value.kind.name if isinstance(value, Heard) and value.kind else "",
    )
    def test_events_of_the_kernel_are_read(self, raw: bytes, heard: Heard) -> None:
        assert parse(raw) == heard

    @given(st.binary(max_size=40), st.sampled_from([6, 9, 13]))
    def test_an_event_that_is_cut_off_is_refused(self, rest: bytes, kind: int) -> None:
        raw = struct.pack("=I", kind) + rest
        with pytest.raises(ValueError, match="bytes"):
            parse(raw[: 4 + 5])

    def test_a_length_beyond_the_end_is_refused(self) -> None:
        with pytest.raises(ValueError, match="cannot hold 4097"):
            parse(event(6, bytes(4096) + struct.pack("=HB", 4097, 1)))


class Kernel:
    """The kernel's side of /dev/uhid, and the part of /sys that tells of hidraw nodes.

    Args:
        root: where sys and dev are.
        nodes: how many nodes there are already.
    """

    def __init__(self, root: Path, nodes: int = 0) -> None:
        self.ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.file = theirs.detach()
        os.set_blocking(self.file, False)
        self.ours.settimeout(10)
        self.root = root
        (root / "dev").mkdir()
        for _ in range(nodes):
            self.add_node("another", "another")

    def add_node(self, phys: str, uniq: str) -> Path:
        classes = self.root / "sys/class/hidraw"
        number = len(list(classes.iterdir())) if classes.exists() else 0
        (classes / f"hidraw{number}/device").mkdir(parents=True)
        (classes / f"hidraw{number}/device/uevent").write_text(
            f"DRIVER=hid-generic\nHID_NAME=whatever\nHID_PHYS={phys}\nHID_UNIQ={uniq}\n"
        )
        node = self.root / f"dev/hidraw{number}"
        node.touch()
        return node

    def say(self, raw: bytes) -> None:
        self.ours.sendall(raw)

    def heard(self) -> list[bytes]:
        """All events that have been written, without waiting."""
        events = []
        while select.select([self.ours], [], [], 0)[0] and (raw := self.ours.recv(SIZE)):
            events.append(raw)
        return events

    def kinds(self) -> list[int]:
        return [int.from_bytes(each[:4], "little") for each in self.heard()]


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    kernel = Kernel(tmp_path)
    yield kernel
    kernel.ours.close()


@pytest.fixture
def way(key: SecurityKey, kernel: Kernel, time: WallTime) -> Iterator[UhidReports]:
    """A way that the kernel has just made a device for."""
    way = UhidReports(lambda: key.connect(everything=True), ABOUT, time, kernel.file, kernel.root)
    way.send()
    assert kernel.kinds() == [UhidEvent.CREATE2]
    yield way
    way.close()


class TestDevice:
    def test_reports_go_to_the_key_without_their_number_and_come_back(
        self, way: UhidReports, kernel: Kernel, served: Served
    ) -> None:
        kernel.say(output(INIT))
        served(way)
        (answer,) = kernel.heard()
        assert answer[:6] == bytes.fromhex("0c000000 4000")
        assert answer[6 + 7 : 6 + 15] == b"12345678"

    def test_the_node_hears_what_others_are_told(
        self, way: UhidReports, kernel: Kernel, key: SecurityKey
    ) -> None:
        key.connect().write(INIT)
        way.send()
        assert kernel.kinds() == [UhidEvent.INPUT2]

    def test_pulling_the_key_out_destroys_the_device_and_plugging_it_in_makes_another(
        self, way: UhidReports, kernel: Kernel, key: SecurityKey
    ) -> None:
        key.unplug()
        way.send()
        way.send()
        assert kernel.kinds() == [UhidEvent.DESTROY]
        assert not way.is_open
        key.plug()
        way.send()
        assert kernel.kinds() == [UhidEvent.CREATE2]
        key.power_cycle()
        way.send()
        assert kernel.kinds() == [UhidEvent.DESTROY, UhidEvent.CREATE2]

    def test_closing_destroys_it_once(self, way: UhidReports, kernel: Kernel) -> None:
        way.close()
        way.close()
        assert kernel.kinds() == [UhidEvent.DESTROY]
        assert way.fileno() == -1

    def test_an_output_report_over_the_control_endpoint_is_taken_and_others_refused(
        self, way: UhidReports, kernel: Kernel, served: Served
    ) -> None:
        kernel.say(set_report(b"\0" + INIT))
        served(way)
        assert sorted(kernel.kinds()) == [UhidEvent.INPUT2, UhidEvent.SET_REPORT_REPLY]
        for refused in (set_report(b"\0" + INIT, kind=0), set_report(INIT)):
            kernel.say(refused)
            served(way)
            assert kernel.heard() == [set_report_reply(7, EIO)]
        kernel.say(event(9, struct.pack("=IBB", 5, 0, 2)))
        served(way)
        assert kernel.heard() == [get_report_reply(5, EIO)]

    def test_events_that_mean_nothing_to_a_key_are_passed_over(
        self, way: UhidReports, kernel: Kernel, served: Served
    ) -> None:
        for raw in (event(2, bytes(8)), event(4), event(5), event(99), output(b"short")):
            kernel.say(raw)
        served(way)
        assert kernel.heard() == []

    def test_a_message_that_comes_in_many_reports_is_answered_at_the_pace_of_a_wire(
        self, way: UhidReports, kernel: Kernel, served: Served, time: WallTime
    ) -> None:
        kernel.say(output(INIT))
        served(way)
        channel = int.from_bytes(kernel.heard()[0][6 + 15 : 6 + 19])
        message = packets(channel, HidCommand.PING, bytes(n % 251 for n in range(3000)))
        for report in message:
            kernel.say(output(report))
            served(way)
        heard = kernel.heard()
        assert len(heard) < len(message)
        while len(heard) < len(message):
            time.wait_until(lambda: not way._planned, way)
            way.send()
            heard += kernel.heard()
        assert [each[6:] for each in heard] == message

    def test_a_clock_that_is_put_back_stops_no_client(self, way: UhidReports) -> None:
        way._even_ns = way._time.now_ns() + 10**12
        assert way._may_send()
        assert way._even_ns < way._time.now_ns() + 10**9


class TestNode:
    def test_the_node_is_found_by_serial_number_and_place(
        self, way: UhidReports, kernel: Kernel
    ) -> None:
        kernel.add_node(ABOUT.location, "another")
        kernel.add_node("another", ABOUT.serial_number)
        node = kernel.add_node(ABOUT.location, ABOUT.serial_number)
        assert way.node() == node == kernel.root / "dev/hidraw2"

    def test_a_node_that_comes_later_is_waited_for(self, way: UhidReports, kernel: Kernel) -> None:
        kernel.say(event(2, bytes(8)))
        found = way._found
        looks = []

        def late() -> Path | None:
            looks.append(True)
            if len(looks) == 2:
                kernel.add_node(ABOUT.location, ABOUT.serial_number)
            return found()

        way._found = late  # type: ignore[method-assign] # the kernel makes it between two looks
        assert way.node().name == "hidraw0"
        assert len(looks) == 2

    @pytest.mark.parametrize(("nodes", "says"), [(3, "modprobe hid_generic"), (64, "it has 64")])
    def test_a_kernel_that_stops_the_device_has_no_node_for_it(
        self, key: SecurityKey, time: WallTime, tmp_path: Path, nodes: int, says: str
    ) -> None:
        kernel = Kernel(tmp_path, nodes)
        way = UhidReports(
            lambda: key.connect(everything=True), ABOUT, time, kernel.file, kernel.root
        )
        kernel.say(event(2, bytes(8)))
        kernel.say(event(3))
        with pytest.raises(UhidUnusable, match=says) as caught:
            way.node()
        assert (caught.value.nodes, caught.value.name) == (nodes, "0042ABCD")
        way.close()
        kernel.ours.close()

    def test_the_end_of_one_device_is_not_taken_for_the_end_of_the_next(
        self, way: UhidReports, kernel: Kernel, key: SecurityKey
    ) -> None:
        kernel.say(event(3))
        key.power_cycle()
        way.send()
        node = kernel.add_node(ABOUT.location, ABOUT.serial_number)
        assert way.node() == node

    def test_a_key_that_is_pulled_out_has_no_node(self, way: UhidReports, key: SecurityKey) -> None:
        key.unplug()
        with pytest.raises(KeyUnplugged):
            way.node()


class TestOpening:
    def test_a_kernel_without_uhid_is_told_with_what_to_load(self, tmp_path: Path) -> None:
        with pytest.raises(UhidUnusable, match=r"modprobe -a uhid hid_generic") as caught:
            open_uhid("0042", tmp_path / "uhid")
        assert "mfalab guest boot" in str(caught.value)

    def test_a_device_that_is_not_permitted_is_told_with_the_udev_rule(self) -> None:
        error = UhidUnusable(UhidTrouble.FORBIDDEN, "0042", "/dev/uhid", 0)
        assert 'KERNEL=="uhid"' in str(error)
        assert "udevadm control --reload" in str(error)

    def test_permission_is_what_is_missing_when_the_file_is_not_ours(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> int:
            raise PermissionError(EACCES, "Permission denied")

        monkeypatch.setattr(os, "open", refuse)
        with pytest.raises(UhidUnusable) as caught:
            open_uhid("0042")
        assert caught.value.trouble is UhidTrouble.FORBIDDEN

    def test_other_errors_are_not_hidden(self, tmp_path: Path) -> None:
        with pytest.raises(IsADirectoryError):
            open_uhid("0042", tmp_path)
