"""Frames as packets of a bus or a reader, by our own eyes and by those of Wireshark."""

from __future__ import annotations

import io
import os
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from mfalab.devices.ctap.ctaphid import packets
from mfalab.devices.transports.wire import Direction
from mfalab.simulator.keys.simulated import SimulatedFixture
from mfalab.simulator.traces.capture import CaptureReader, CaptureWriter, read_capture
from mfalab.simulator.traces.frames import Frame, FrameKind
from mfalab.simulator.traces.links import LINKTYPE_ISO_14443, CardLink
from mfalab.simulator.traces.pcapng import Packet, Port, Writer

Record = Callable[..., Path]
NS_PER_S = 10**9
POWER_ON = Frame(5, Direction.TO_KEY, b"", FrameKind.POWER_ON)


def test_of_a_bus_with_other_devices_the_key_is_read() -> None:
    """As usbmon writes it: OUT data when submitted, IN data when complete, in a 48-byte header."""
    file = io.BytesIO()
    writer = Writer(file)
    port = writer.add_port(Port(189))

    def transfer(kind: str, device: int, endpoint: int, data: bytes) -> None:
        fixed = struct.pack("<QBBBBH", 1, ord(kind), 1, endpoint, device, 1)
        head = fixed.ljust(32, b"\0") + struct.pack("<II", len(data), len(data))
        writer.write(port, 1, head.ljust(48, b"\0") + data)

    init = packets(0xFFFFFFFF, 6, b"12345678")[0]
    answer = packets(0xFFFFFFFF, 6, b"12345678" + bytes(9))[0]
    transfer("C", 3, 0x81, b"mouse moves")
    transfer("S", 4, 0x01, init)
    transfer("C", 4, 0x01, b"")
    transfer("C", 3, 0x81, b"mouse moves")
    transfer("S", 4, 0x81, b"")
    transfer("C", 4, 0x81, answer)
    file.seek(0)
    assert [(each.direction, each.data) for each in CaptureReader(file)] == [
        (Direction.TO_KEY, init),
        (Direction.TO_HOST, answer),
    ]


INIT = packets(0xFFFFFFFF, 6, b"12345678")[0]
ANSWER = packets(0xFFFFFFFF, 6, b"12345678" + bytes(9))[0]
PING = packets(0x01020304, 1, b"ping")[0]


def usbmon(kind: str, endpoint: int, data: bytes, length: int | None = None) -> bytes:
    size = len(data) if length is None else length
    fixed = struct.pack("<QBBBBH", 1, ord(kind), 1, endpoint, 4, 1)
    return fixed.ljust(32, b"\0") + struct.pack("<II", size, size) + bytes(8) + data


def usbpcap(endpoint: int, data: bytes) -> bytes:
    return struct.pack("<HQIHBHHBBI", 27, 7, 0, 9, 1, 1, 4, endpoint, 1, len(data)) + data


def heard(linktype: int, *transfers: bytes) -> CaptureReader:
    file = io.BytesIO()
    writer = Writer(file)
    port = writer.add_port(Port(linktype))
    for each in transfers:
        writer.write(port, 1, each)
    file.seek(0)
    return CaptureReader(file)


def test_keyboard_and_card_of_the_same_key_are_left_out() -> None:
    """They were told as CTAPHID packets of 8 and of 2 bytes."""
    reader = heard(
        189,
        usbmon("C", 0x82, bytes(8)),
        usbmon("S", 0x05, INIT),
        usbmon("C", 0x82, b"\0\0\x06" + bytes(5)),
        usbmon("C", 0x85, ANSWER),
        usbmon("C", 0x83, b"\x50\x03"),
        usbmon("S", 0x05, PING),
        usbmon("C", 0x85, PING),
    )
    assert [each.data for each in reader] == [INIT, ANSWER, PING, PING]
    assert reader.lost == ""


def test_capture_of_windows_is_read() -> None:
    reader = heard(249, usbpcap(0x05, INIT), usbpcap(0x85, b""), usbpcap(0x85, ANSWER))
    assert [(each.direction, each.data) for each in reader] == [
        (Direction.TO_KEY, INIT),
        (Direction.TO_HOST, ANSWER),
    ]


def test_capture_that_begins_after_init_says_so() -> None:
    reader = heard(189, usbmon("S", 0x05, PING), usbmon("C", 0x85, PING))
    assert list(reader) == []
    assert "begins after CTAPHID_INIT" in reader.lost


def test_capture_with_a_short_snap_length_says_so() -> None:
    reader = heard(189, usbmon("S", 0x05, INIT), usbmon("C", 0x85, ANSWER[:20], length=64))
    assert [each.data for each in reader] == [INIT]
    assert "1 of its packets were cut short" in reader.lost


@pytest.fixture
def tshark(give_up: Callable[[str], NoReturn]) -> None:
    if shutil.which("tshark") is None:
        give_up("no tshark is installed; apt-get install tshark runs this")


def opened(path: Path, *fields: str, more: tuple[str, ...] = ()) -> list[dict[str, str]]:
    """The frames as tshark sees them."""
    words = [word for field in fields for word in ("-e", field)]
    done = subprocess.run(
        ["tshark", "-r", path, "-T", "fields", "-E", "occurrence=f", *more, *words],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TZ": "UTC"},
    )
    lines = done.stdout.splitlines()
    return [dict(zip(fields, line.split("\t"), strict=True)) for line in lines]


@pytest.mark.usefixtures("tshark")
@pytest.mark.slow
def test_wireshark_sees_every_report_its_way_its_time_and_its_bytes(
    record: Record, session: Any, key: SimulatedFixture
) -> None:
    key.wait(1_700_000_000 * NS_PER_S + 123_456_789)
    path = record(session)
    expected, _, _ = read_capture(path)
    seen = opened(
        path,
        "frame.time_epoch",
        "usb.transfer_type",
        "usb.endpoint_address.direction",
        "usbhid.data",
        "frame.comment",
        "_ws.malformed",
    )
    assert not any(each["_ws.malformed"] for each in seen)
    transfers = [each for each in seen if each["usb.transfer_type"] == "0x01"]
    reports = [frame for frame in expected if frame.kind is FrameKind.REPORT]
    assert len(transfers) == len(reports) > 50
    for each, frame in zip(transfers, reports, strict=True):
        assert each["usbhid.data"] == frame.data.hex()
        to_host = frame.direction is Direction.TO_HOST
        assert each["usb.endpoint_address.direction"] == str(int(to_host))
        seconds, _, rest = each["frame.time_epoch"].partition(".")
        assert int(seconds) * NS_PER_S + int(rest.ljust(9, "0")) == frame.ts_ns
    assert "CBOR getInfo" in [each["frame.comment"] for each in transfers]


@pytest.mark.usefixtures("tshark")
@pytest.mark.slow
def test_wireshark_knows_the_interface_for_one_of_fido(record: Record, session: Any) -> None:
    path = record(lambda fixture: fixture.connect())
    told = subprocess.run(
        ["tshark", "-r", path, "-V"], capture_output=True, text=True, check=True
    ).stdout
    assert "Usage Page (FIDO Alliance)" in told
    assert "Usage (U2F Authenticator Device)" in told
    assert "bInterfaceClass: HID (0x03)" in told
    assert "Malformed" not in told


@pytest.mark.usefixtures("tshark")
@pytest.mark.slow
def test_wireshark_sees_a_card(tmp_path: Path) -> None:
    path = tmp_path / "card.pcapng"
    select = bytes.fromhex("00A4040008A0000006472F000100")
    sequence = [
        POWER_ON,
        Frame(6, Direction.TO_KEY, select, FrameKind.APDU),
        Frame(7, Direction.TO_HOST, b"U2F_V2\x90\x00", FrameKind.APDU),
        Frame(8, Direction.TO_KEY, b"\x80\x10\x80\x00\x01\x04\x00", FrameKind.APDU),
        Frame(9, Direction.TO_HOST, b"\x00\xa0\x90\x00", FrameKind.APDU),
        Frame(10, Direction.TO_KEY, b"", FrameKind.POWER_OFF),
    ]
    with path.open("wb") as file:
        writer = CaptureWriter(file, name="key")
        for frame in sequence:
            writer.write(frame)
    seen = opened(
        path,
        "iso14443.event",
        "iso7816.apdu.ins",
        "iso7816.apdu.sw1",
        "frame.protocols",
        more=("-d", "iso14443.subdissector,iso7816"),
    )
    events = [int(each["iso14443.event"], 0) for each in seen]
    assert events == [0xFC, 0xFA, 0xFB, 0xFA, 0xFB, 0xFD]
    # Of FIDO's own class Wireshark says nothing but that it is proprietary.
    assert [each["iso7816.apdu.ins"] for each in seen] == ["", "0xa4", "", "", "", ""]
    assert all("iso7816" in each["frame.protocols"] for each in seen[1:5])
    assert [each["iso7816.apdu.sw1"] for each in seen] == ["", "", "0x90", "", "0x90", ""]


def packet(text: str) -> Packet:
    return Packet(Port(LINKTYPE_ISO_14443), 1, bytes.fromhex(text))


def test_blocks_of_a_reader_toggle_with_each_exchange_and_begin_again_with_the_field() -> None:
    link = CardLink()
    exchange = [
        Frame(1, Direction.TO_KEY, b"\x01", FrameKind.APDU),
        Frame(2, Direction.TO_HOST, b"\x90\x00", FrameKind.APDU),
    ]
    sent = [link.encode(frame)[0][4] for frame in (*exchange, *exchange)]
    assert sent == [0x02, 0x02, 0x03, 0x03]
    link.encode(POWER_ON)
    assert link.encode(exchange[0])[0][4] == 0x02


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("00fa0003029000", b"\x90\x00"),
        ("00fe000502900012ab", b"\x90\x00"),  # another reader's, with its checksum
        ("00fa0002a200", None),  # an R-block carries nothing
        ("00fb0000", None),
        ("00fa", None),
    ],
)
def test_only_blocks_with_information_are_frames(text: str, data: bytes | None) -> None:
    frame = CardLink().decode(packet(text))
    assert (None if frame is None else frame.data) == data
