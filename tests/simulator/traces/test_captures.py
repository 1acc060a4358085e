"""Recordings are pcapng files that Wireshark opens, without secrets, whole or cut."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfalab.devices.ctap.ctaphid import packets
from mfalab.simulator.eventlog import CaseLog, encode
from mfalab.simulator.keys.simulated import SimulatedFixture
from mfalab.simulator.traces.capture import CaptureReader, CaptureWriter, read_capture
from mfalab.simulator.traces.dissect import dissect
from mfalab.simulator.traces.frames import Direction, Frame, FrameKind
from mfalab.simulator.traces.pcapng import NotPcapng, Packet, Port, Reader, Writer
from mfalab.simulator.traces.recorder import Recording, Tape

Record = Callable[..., Path]
NS_PER_S = 10**9
POWER_ON = Frame(5, Direction.TO_KEY, b"", FrameKind.POWER_ON)

# -- the format --


@st.composite
def frames(draw: st.DrawFn) -> list[Frame]:
    """Reports and APDUs in any order."""
    ways = st.sampled_from(Direction)
    times = st.integers(0, 2**63)
    reports = st.builds(Frame, times, ways, st.binary(min_size=64, max_size=64))
    apdus = st.builds(
        Frame, times, ways, st.binary(min_size=1, max_size=300), st.just(FrameKind.APDU)
    )
    return draw(st.lists(reports | apdus, max_size=6))


def written(sequence: list[Frame], comments: list[str] | None = None) -> bytes:
    file = io.BytesIO()
    writer = CaptureWriter(file, name="key", comment="about")
    for frame in sequence:
        writer.write(frame, comments or [])
    return file.getvalue()


@given(frames())
def test_what_is_written_is_read(sequence: list[Frame]) -> None:
    reader = CaptureReader(io.BytesIO(written(sequence)))
    assert list(reader) == sequence
    assert reader.cut is (not sequence)  # nobody heard anything: not even an interface


def test_masks_are_remembered() -> None:
    masked = Frame(1, Direction.TO_KEY, b"x" * 64).mask(((3, 9), (20, 64)))
    assert masked.data == b"xxx" + bytes(6) + b"x" * 11 + bytes(44)
    (read,) = CaptureReader(io.BytesIO(written([masked], ["said"])))
    assert read == masked


def test_a_file_that_is_cut_anywhere_is_read_to_there() -> None:
    sequence = [
        POWER_ON,
        *(Frame(6, Direction.TO_KEY, report) for report in packets(7, 1, b"p" * 100)),
        Frame(7, Direction.TO_KEY, b"", FrameKind.POWER_OFF),
        Frame(8, Direction.TO_HOST, b"\x90\x00", FrameKind.APDU),
    ]
    whole = written(sequence, ["a comment"])
    counts = []
    for size in range(len(whole) + 1):
        reader = CaptureReader(io.BytesIO(whole[:size]))
        read = list(reader)
        assert read == sequence[: len(read)]
        counts.append(len(read))
    assert counts == sorted(counts)
    assert counts[-1] == len(sequence)
    assert not reader.cut


def test_every_packet_is_in_the_file_when_write_returns(tmp_path: Path) -> None:
    path = tmp_path / "x.pcapng"
    with path.open("wb") as file:
        writer = CaptureWriter(file)
        for count in range(1, 4):
            writer.write(Frame(1, Direction.TO_KEY, bytes(64)))
            assert len(read_capture(path)[0]) == count


@pytest.mark.parametrize("content", [b"\xd4\xc3\xb2\xa1" + bytes(20), b"hello"])
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(NotPcapng, match=r"the file is no pcapng file\. Record one"):
        list(Reader(io.BytesIO(content)))


def test_nonsense_after_good_blocks_ends_the_file() -> None:
    good = written([Frame(1, Direction.TO_KEY, bytes(64))])
    for rest in (b"\xff" * 40, struct.pack("<III", 6, 12, 12), struct.pack("<II", 6, 2**31)):
        reader = CaptureReader(io.BytesIO(good + rest))
        assert len(list(reader)) == 1
        assert reader.cut


def block(order: str, kind: int, body: bytes) -> bytes:
    size = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + size + body + size


def test_files_of_other_programs_are_read() -> None:
    """Big-endian, microseconds, two sections, blocks that nobody here knows."""
    section = block(">", 0x0A0D0D0A, struct.pack(">IHHq", 0x1A2B3C4D, 1, 0, -1))
    port = block(">", 1, struct.pack(">HHI", 220, 0, 0))
    unknown = block(">", 0x0BAD, b"1234")
    packet = block(">", 6, struct.pack(">IIIII", 0, 0, 1_500_000, 3, 3) + b"abc\0")
    small = io.BytesIO()
    Writer(small).write(Writer(small).add_port(Port(1)), 7, b"x", ["said"])
    found = list(Reader(io.BytesIO(section + port + unknown + packet + small.getvalue())))
    assert found == [
        Packet(Port(220, ticks_per_s=10**6), 1_500_000_000, b"abc"),
        Packet(Port(1), 7, b"x", ("said",)),
    ]


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


# -- Wireshark --


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
    path.write_bytes(written(sequence))
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


# -- secrets --


class Spy:
    """Remembers the plain frames, and cuts the secrets out of them by python-fido2's eyes."""

    def __init__(self, path: Path) -> None:
        self.secrets: set[bytes] = set()
        for message in dissect(read_capture(path)[0], reveal=True):
            assert message.tree is not None or "h'******'" not in message.parameters
            found = message.tree.plain() if message.tree else {}
            if message.code == 6:
                members = (4, 5, 6) if message.is_request else (2,)
            elif message.code in {1, 2}:
                members = (6, 8) if message.is_request else (5, 7)
                members = (8,) if message.code == 1 and message.is_request else members
                salts = found.get(4, {}) if message.is_request and message.code == 2 else {}
                if "hmac-secret" in salts:
                    self.secrets |= {salts["hmac-secret"][2], salts["hmac-secret"][3]}
                if not message.is_request and message.code == 2 and found:
                    output = re.search(rb"hmac-secret\x58\x30(.{48})", found[2], re.DOTALL)
                    self.secrets |= {output[1]} if output else set()
            else:
                continue
            self.secrets |= {found[each] for each in members if isinstance(found.get(each), bytes)}


def parts(secret: bytes) -> list[bytes]:
    """Pieces of a secret that are long enough to know it by."""
    return [secret[at : at + 8] for at in range(len(secret) - 7)]


def test_no_secret_gets_into_a_file_unless_asked(
    record: Record, session: Any, key: SimulatedFixture, tmp_path: Path
) -> None:
    plain = record(session, reveal=True)
    spy = Spy(plain)
    revealed = plain.read_bytes()
    # setPIN 2, two tokens 3 + 3 proofs, hmac-secret 2 + 1, two large blob keys at most.
    assert len(spy.secrets) >= 10
    # What is the same twice, in a later recording, must be masked there: so the same key again.
    log = CaseLog("case")
    capture = io.BytesIO()
    tape = Tape(CaptureWriter(capture), log=log, lane="key")
    for frame in read_capture(plain)[0]:
        tape.take(frame)
    tape.flush()
    masked = capture.getvalue()
    text = "\n".join(encode(each, reveal=True) for each in log.events).encode()
    found_revealed = 0
    for secret in spy.secrets:
        for piece in parts(secret):
            found_revealed += piece in revealed
            assert piece not in masked
            assert piece not in text
            assert piece.hex().encode() not in text
            assert piece.hex().encode() not in masked
    assert found_revealed > 100
    assert b"secrets masked with zeros: bytes" in masked
    assert b"Secrets are in it." in revealed
    assert len(list(CaptureReader(io.BytesIO(masked)))) == len(read_capture(plain)[0])


def test_a_masked_recording_is_shown_masked_even_if_secrets_are_asked_for(
    record: Record, session: Any
) -> None:
    sequence, _, _ = read_capture(record(session))
    for reveal in (False, True):
        told = [each.summary for each in dissect(sequence, reveal=reveal)]
        token = next(each for each in told if "getTokenUsingPin SUCCESS" in each)
        assert token.endswith("{/pinUvAuthToken/ 2: h'******' /48 bytes/}")


def test_a_message_that_stops_short_is_masked_as_far_as_it_goes() -> None:
    """The PIN hash is the last member of the request, and the request breaks off within it."""
    request = b"\x06\xa5\x01\x02\x02\x09\x03\xa1\x01\x02\x06\x58\x60" + b"SECRET" * 16
    sent = packets(9, 0x10, request)[:-1]
    capture = io.BytesIO()
    tape = Tape(CaptureWriter(capture))
    for number, report in enumerate(sent):
        tape.take(Frame(number, Direction.TO_KEY, report))
    assert b"SECRET" not in capture.getvalue()
    tape.flush()
    assert b"ECRE" not in capture.getvalue()
    assert len(list(CaptureReader(io.BytesIO(capture.getvalue())))) == len(sent)


def test_nothing_is_held_back_for_ever() -> None:
    """A client died in the middle of a message, and others go on."""
    capture = io.BytesIO()
    tape = Tape(CaptureWriter(capture))
    tape.take(Frame(0, Direction.TO_KEY, packets(9, 1, b"p" * 100)[0]))
    for second in range(4):
        tape.take(Frame(second * NS_PER_S, Direction.TO_KEY, packets(8, 1, b"p")[0]))
    assert list(CaptureReader(io.BytesIO(capture.getvalue()))) == []
    tape.take(Frame(6 * NS_PER_S, Direction.TO_KEY, packets(8, 1, b"p")[0]))
    assert len(list(CaptureReader(io.BytesIO(capture.getvalue())))) == 6


def test_events_have_the_fields_of_the_schema(key: SimulatedFixture) -> None:
    log = CaseLog("topic/case")
    with Recording(key, Tape(log=log, lane="alice's key")) as recording:
        recording.connect().ping(b"hello")
    schema = (Path(__file__).parents[3] / "docs" / "event-log.md").read_text()
    row = next(line for line in schema.splitlines() if line.startswith("| `ctap` |"))
    # A field is named and then, perhaps, explained in brackets.
    fields = re.sub(r"\([^)]*\)", "", row.split("|")[2])
    named = set(re.findall(r"`(\w+)`", fields))
    lines = [json.loads(encode(each)) for each in log.events]
    assert [each["command"] for each in lines] == ["power on", "INIT", "INIT", "PING", "PING"]
    for line in lines:
        assert set(line) == {"v", "kind", "case", "ts_ns"} | named
        assert line["lane"] == "alice's key"
