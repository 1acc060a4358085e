"""What passes is written down at once, in order, and without secrets unless they are asked for."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mfalab.devices.ctap.ctaphid import packets
from mfalab.devices.ctap.user import touching
from mfalab.devices.schedule import OwnTime
from mfalab.devices.security_key import SecurityKey
from mfalab.devices.transports.wire import Direction
from mfalab.simulator.entropy import Entropy
from mfalab.simulator.eventlog import CaseLog, encode
from mfalab.simulator.keys.simulated import SimulatedFixture
from mfalab.simulator.traces.capture import CaptureReader, CaptureWriter, read_capture
from mfalab.simulator.traces.dissect import dissect
from mfalab.simulator.traces.frames import Frame, FrameKind
from mfalab.simulator.traces.recorder import KeyTap, Recording, RecordingFailed, Tape, open_tape

Record = Callable[..., Path]
NS_PER_S = 10**9
BROADCAST = 0xFFFFFFFF


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


class TestKeyTap:
    def tapped(self, path: Path) -> tuple[SecurityKey, Tape, Any, OwnTime]:
        time = OwnTime()
        found = SecurityKey(
            "ctap-2.1-pin",
            random_bytes=Entropy(1).random_bytes("key"),
            scheduler=time,
            user=touching(),
        )
        tape, file = open_tape(path, name="my.key")
        KeyTap(found, tape, time)
        return found, tape, file, time

    def test_records_each_report_once_however_many_listen(self, tmp_path: Path) -> None:
        path = tmp_path / "x.pcapng"
        found, tape, file, _ = self.tapped(path)
        found.plug()
        ear, talker, other = found.connect(everything=True), found.connect(), found.connect()
        talker.write(packets(BROADCAST, 6, b"12345678")[0])
        channel = int.from_bytes(talker.read()[15:19])
        talker.write(packets(channel, 1, b"hello")[0])
        other.write(packets(BROADCAST, 6, b"87654321")[0])
        assert ear.read_now() is not None
        found.unplug()
        assert not talker.is_open
        assert talker.read_now() is not None
        found.plug()
        found.connect().close()
        tape.flush()
        file.close()
        told = [(m.direction.value, m.command) for m in dissect(read_capture(path)[0])]
        to_key, to_host = "to the key", "to the host"
        assert told == [
            (to_key, "power on"),
            *((way, command) for command in ("INIT", "PING") for way in (to_key, to_host)),
            *((to_key, "INIT"), (to_host, "INIT")),
            (to_key, "power off"),
            (to_key, "power on"),
        ]

    def test_records_a_card(self, tmp_path: Path) -> None:
        from fido2.ctap2 import Ctap2
        from fido2.pcsc import CtapPcscDevice

        path = tmp_path / "x.pcapng"
        found, tape, file, _ = self.tapped(path)
        device = CtapPcscDevice(found.card(), "reader")
        assert Ctap2(device).info.versions
        device.close()
        tape.flush()
        file.close()
        frames = read_capture(path)[0]
        assert frames[0].kind is FrameKind.POWER_ON
        assert frames[-1].kind is FrameKind.POWER_OFF
        told = [message.summary for message in dissect(frames)]
        assert told[1] == "SELECT {data: h'a0000006472f0001'}"
        assert sum("getInfo 9000 OK SUCCESS" in each for each in told) == 2

    def test_a_full_disk_is_one_sentence_and_not_told_again(self) -> None:
        class Full:
            def write(self, *args: object) -> None:
                raise OSError(28, "No space left on device")

            def flush(self) -> None: ...

        tape = Tape(Full(), name="x.pcapng")  # type: ignore[arg-type]  # a file that is full
        frames = [packets(1, 1, b"x")[0]] * 2
        with pytest.raises(RecordingFailed, match=r"x\.pcapng: No space left on device"):
            tape.take(Frame(0, Direction.TO_KEY, frames[0]))
        tape.take(Frame(0, Direction.TO_KEY, frames[1]))
