"""Recording: what passes between clients and a key is written down while it passes.

A `Tape` is where frames go; it masks secrets before anything reaches a file. Whether a byte is
secret is known when its message is complete, so the frames of a message are held back until then,
and with them all that came after; no frame waits longer than `_HOLD_NS` or `_HOLD_FRAMES` for the
rest of a message that does not come.

`Recording` puts a tape around any fixture. `KeyTap` does it for a simulated key that is offered to
other programs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from errno import ETIMEDOUT
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final

from fido2.ctap import CtapDevice
from fido2.hid.base import CtapHidConnection

from mfalab.devices.clock import Clock
from mfalab.devices.ctap.ctaphid import BROADCAST
from mfalab.devices.ctap.iso7816 import AID
from mfalab.devices.ctap.user import User
from mfalab.devices.errors import DeviceError
from mfalab.devices.security_key import SecurityKey
from mfalab.devices.transports.hid_device import HidDevice
from mfalab.devices.transports.memory import Connection
from mfalab.devices.transports.python_fido2 import descriptor
from mfalab.devices.transports.wire import Direction
from mfalab.simulator.abilities import Ability
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.eventlog import CaseLog
from mfalab.simulator.keys.channel import open_channel
from mfalab.simulator.keys.fixture import CannotDo, Fixture, Reports
from mfalab.simulator.traces.capture import CaptureWriter
from mfalab.simulator.traces.dissect import Dissector, Message
from mfalab.simulator.traces.frames import Frame, FrameKind

_HOLD_NS: Final = 5 * NS_PER_S
"""A message must go on within 0.5 s (CTAP 2.1 section 11.2.5.1), an emulated machine is ten times
slower."""
_HOLD_FRAMES: Final = 1024
_SILENCE_NS: Final = 60 * NS_PER_S
"""How long a client waits for a key that says nothing, not even KEEPALIVE."""
_CBOR: Final = 0x10
_GET_INFO: Final = b"\x04"
_SELECT: Final = b"\x00\xa4\x04\x00" + bytes((len(AID),)) + AID + b"\x00"


@dataclass(eq=False, repr=False)
class RecordingFailed(DeviceError):
    """A recording cannot be written.

    Args:
        path: the file.
        why: what the operating system says.
    """

    path: str
    why: str
    sentence = "cannot write the recording {path}: {why}. Record to another place."


class Tape:
    """Takes frames, masks what is secret, and writes them down.

    Args:
        capture: where packets go; None for nowhere.
        log: where events of the kind `ctap` go; None for nowhere.
        lane: the key's name in the log.
        reveal: write secrets as they are.
        heard: called with each message that is complete.
        name: what to call the file in errors.
    """

    def __init__(
        self,
        capture: CaptureWriter | None = None,
        *,
        log: CaseLog | None = None,
        lane: str = "",
        reveal: bool = False,
        heard: Callable[[Message], object] | None = None,
        name: str = "",
    ) -> None:
        self._capture = capture
        self._name = name
        self._log = log
        self._lane = lane
        self._heard = heard
        self._dissector = Dissector(reveal=reveal)
        self._times: dict[int, int] = {}
        self._ready: dict[int, tuple[Frame, str]] = {}
        self._fed = self._written = 0

    def take(self, frame: Frame) -> None:
        """Take the next frame.

        Raises:
            RecordingFailed: the file cannot be written.
        """
        self._times[self._fed] = frame.ts_ns
        self._fed += 1
        self._tell(self._dissector.feed(frame))
        held = self._fed - self._written
        if held and (held > _HOLD_FRAMES or frame.ts_ns - self._times[self._written] > _HOLD_NS):
            self.flush()

    def flush(self) -> None:
        """Write what is held back, as far as its message goes.

        Raises:
            RecordingFailed: the file cannot be written.
        """
        self._tell(self._dissector.finish())
        if self._capture is not None:
            self._capture.flush()

    def _tell(self, messages: list[Message]) -> None:
        for message in messages:
            assert message.assembled is not None
            said = "" if message.inner else message.summary
            numbers = message.assembled.numbers
            for number, frame in zip(numbers, message.masked_frames(), strict=True):
                self._ready[number] = frame, said
                said = ""
            if not message.inner and self._heard is not None:
                self._heard(message)
            if not message.inner and self._log is not None:
                self._log.add("ctap", message.ts_ns, **event(message, self._lane))
        while self._written in self._ready:
            frame, said = self._ready.pop(self._written)
            del self._times[self._written]
            self._written += 1
            if self._capture is not None:
                try:
                    self._capture.write(frame, [said] if said else [])
                except OSError as error:
                    self._capture = None
                    raise RecordingFailed(self._name, error.strerror or str(error)) from error


def event(message: Message, lane: str) -> dict[str, Any]:
    """The fields of a `ctap` event."""
    return {
        "lane": lane,
        "direction": message.direction.value,
        "channel": None if message.channel is None else f"{message.channel:08x}",
        "command": message.command,
        "operation": message.operation,
        "status": message.status,
        "parameters": message.parameters,
        "defect": message.defect,
        "until_ns": message.until_ns,
    }


def open_tape(
    path: Path, *, name: str, about: HidDevice | None = None, reveal: bool = False
) -> tuple[Tape, BinaryIO]:
    """A tape that writes a new pcapng file, and the file, which the caller closes after a flush.

    Args:
        path: the file; one that exists is replaced.
        name: the key's address or name.
        about: what a USB key says of itself.
        reveal: write secrets as they are.

    Raises:
        RecordingFailed: the file cannot be written.
    """
    try:
        file = path.open("wb")
    except OSError as error:
        raise RecordingFailed(str(path), error.strerror or str(error)) from None
    how = "Secrets are in it." if reveal else "Secrets are masked with zeros."
    comment = f"CTAP traffic of {name}, recorded by mfalab. {how}"
    capture = CaptureWriter(file, name=name, about=about, comment=comment)
    return Tape(capture, reveal=reveal, name=str(path)), file


# A fixture.


class HeardReports:
    """Reports with a listener, who hears each before what it causes; as `Reports`."""

    def __init__(self, inner: Reports, heard: Callable[[Direction, bytes], object]) -> None:
        self._inner = inner
        self._heard = heard
        self.close = inner.close

    def write(self, report: bytes) -> None:
        """See `Reports.write`."""
        # Told first: what a key in the same process answers comes before write returns.
        self._heard(Direction.TO_KEY, bytes(report))
        self._inner.write(report)

    def read(self, within_ns: int) -> bytes | None:
        """See `Reports.read`."""
        report = self._inner.read(within_ns)
        if report is not None:
            self._heard(Direction.TO_HOST, bytes(report))
        return report


def hear_apdus(device: Any, heard: Callable[[Direction, bytes], object]) -> None:
    """Tell a listener of the APDUs of a `CtapPcscDevice`, whose module needs a PC/SC library."""
    exchange = device.apdu_exchange

    def told(apdu: bytes, protocol: int | None = None) -> tuple[bytes, int, int]:
        heard(Direction.TO_KEY, bytes(apdu))
        data, sw1, sw2 = exchange(apdu, protocol)
        heard(Direction.TO_HOST, bytes((*data, sw1, sw2)))
        return data, sw1, sw2

    # Only here do all APDUs pass by, chained ones and GET RESPONSE included.
    device.apdu_exchange = told


class OwnChannel(CtapHidConnection):
    """Reports as `fido2.hid.CtapHidDevice` wants them: those of its own channel, one at a time.

    Args:
        reports: a way that hears everything.
        name: the key's name, for errors.
    """

    def __init__(self, reports: Reports, name: str) -> None:
        self._reports = reports
        self._name = name
        self._channel = b""
        self._nonce = b""

    def write_packet(self, data: bytes) -> None:
        """Send a report."""
        self._channel = bytes(data[:4])
        if int.from_bytes(self._channel) == BROADCAST:
            self._nonce = bytes(data[7:15])
        self._reports.write(data)

    def read_packet(self) -> bytes:
        """Wait for the next report on the channel of the last one that was sent.

        Raises:
            OSError: the key is gone, or it is silent for 60 s.
        """
        while True:
            report = self._reports.read(_SILENCE_NS)
            if report is None:
                seconds = _SILENCE_NS // NS_PER_S
                raise OSError(ETIMEDOUT, f"{self._name} said nothing for {seconds} s")
            if report[:4] != self._channel:
                continue
            if int.from_bytes(self._channel) != BROADCAST or report[7:15] == self._nonce:
                return report

    def close(self) -> None:
        """End it."""
        self._reports.close()


class Recording(Fixture):
    """A fixture with a tape: it does what the fixture does, and the tape has it all.

    Ways that are opened through it are recorded. What a client says to a card when it
    connects it is said once more for the tape.

    Args:
        inner: the fixture. It is closed with this one.
        tape: what takes the frames; flushed when this is closed, and not closed.

    Attributes:
        inner: the fixture.
    """

    def __init__(self, inner: Fixture, tape: Tape) -> None:
        self.inner = inner
        super().__init__(
            inner.name, inner.can, destructive=inner.destructive, pin=inner.pin, user=inner.user
        )
        self._tape = tape
        self._take(FrameKind.POWER_ON, Direction.TO_KEY, b"")

    @property
    def user(self) -> User:
        """Who sits in front of the key."""
        return self.inner.user

    @user.setter
    def user(self, user: User) -> None:
        self.inner.user = user

    def now_ns(self) -> int:
        """See `Fixture.now_ns`."""
        return self.inner.now_ns()

    def wait(self, duration_ns: int) -> None:
        """See `Fixture.wait`."""
        self.inner.wait(duration_ns)

    def connect(self) -> CtapDevice:
        """See `Fixture.connect`.

        Raises:
            CannotDo: it exchanges neither reports nor APDUs.
        """
        if Ability.REPORTS in self.can:
            about = descriptor(self.name, HidDevice(self.name, "", ""))
            return open_channel(about, OwnChannel(self.reports(), self.name))
        device: Any = self.inner.connect()
        if not hasattr(device, "apdu_exchange"):
            device.close()
            raise CannotDo(self.name, Ability.REPORTS, "Nothing else can be recorded but APDUs.")
        hear_apdus(device, partial(self._take, FrameKind.APDU))
        device.apdu_exchange(_SELECT)
        device.call(_CBOR, _GET_INFO)
        found: CtapDevice = device
        return found

    def _take(self, kind: FrameKind, direction: Direction, data: bytes) -> None:
        self._tape.take(Frame(self.now_ns(), direction, data, kind))

    def reports(self) -> Reports:
        """See `Fixture.reports`."""
        return HeardReports(self.inner.reports(), partial(self._take, FrameKind.REPORT))

    def power(self, on: bool) -> None:
        """See `Fixture.power`."""
        kind = FrameKind.POWER_ON if on else FrameKind.POWER_OFF
        self.inner.power(on)
        self._take(kind, Direction.TO_KEY, b"")

    def close(self) -> None:
        """See `Fixture.close`."""
        self._tape.flush()
        self.inner.close()


# A key that is offered to other programs.


class KeyTap:
    """Records all that passes between a simulated key and its clients from now on.

    It takes the place of the key's own ways, so it is put on before they are opened. Each report is
    recorded once, however many connections hear it.

    Args:
        key: the key.
        tape: what takes the frames.
        clock: tells when they pass.
    """

    def __init__(self, key: SecurityKey, tape: Tape, clock: Clock) -> None:
        self._tape = tape
        self._clock = clock
        self._ear: Connection | None = None
        self._key = key
        self._connect, self._begin_apdu = key.connect, key.begin_apdu
        self._tap, self._lift = key.tap, key.lift
        # Clients ask the key itself for a way to it.
        key.connect = self.connect  # type: ignore[method-assign]  # see above
        key.begin_apdu = self.begin_apdu  # type: ignore[method-assign]  # see above
        key.tap = self.tap  # type: ignore[method-assign]  # see above
        key.lift = self.lift  # type: ignore[method-assign]  # see above

    def connect(self, *, everything: bool = False) -> Connection:
        """Another connection; see `SecurityKey.connect`."""
        inner = self._connect(everything=everything)
        self.drain()
        if self._ear is None:
            self._ear = self._connect(everything=True)
            self._take(b"", kind=FrameKind.POWER_ON)
        return _TapedConnection(inner, self)

    def begin_apdu(self, apdu: bytes) -> Callable[[], bytes | None]:
        """Send a command APDU; see `SecurityKey.begin_apdu`."""
        self._take(bytes(apdu), kind=FrameKind.APDU)
        response = self._begin_apdu(apdu)
        told: list[bytes] = []

        def taped() -> bytes | None:
            answer = response()
            if answer is not None and not told:
                told.append(answer)
                self._take(answer, Direction.TO_HOST, kind=FrameKind.APDU)
            return answer

        return taped

    def tap(self) -> None:
        """Put the key on a reader; see `SecurityKey.tap`."""
        self._tap()
        self._take(b"", kind=FrameKind.POWER_ON)

    def lift(self) -> None:
        """Take it off the reader; see `SecurityKey.lift`."""
        was_there = self._key.in_field
        self._lift()
        if was_there:
            self._take(b"", kind=FrameKind.POWER_OFF)

    def sent(self, report: bytes) -> None:
        """A report goes to the key."""
        self.drain()
        self._take(bytes(report))

    def drain(self) -> None:
        """Record what the key has said by now."""
        if self._ear is None:
            return
        while (report := self._ear.read_now()) is not None:
            self._take(report, Direction.TO_HOST)
        if not self._ear.is_open:
            self._ear = None
            self._take(b"", kind=FrameKind.POWER_OFF)

    def _take(
        self,
        data: bytes,
        direction: Direction = Direction.TO_KEY,
        *,
        kind: FrameKind = FrameKind.REPORT,
    ) -> None:
        self._tape.take(Frame(self._clock.now_ns(), direction, data, kind))


class _TapedConnection(Connection):
    """A connection that tells a tap whenever something may have passed."""

    __slots__ = ("_inner", "_tap")

    def __init__(self, inner: Connection, tap: KeyTap) -> None:
        self._inner = inner
        self._tap = tap

    @property
    def is_open(self) -> bool:
        return self._inner.is_open

    def write(self, report: bytes) -> None:
        if self._inner.is_open:
            self._tap.sent(report)
        self._inner.write(report)
        self._tap.drain()

    def read(self) -> bytes:
        try:
            return self._inner.read()
        finally:
            self._tap.drain()

    def read_now(self) -> bytes | None:
        self._tap.drain()
        return self._inner.read_now()

    def close(self) -> None:
        self._tap.drain()
        self._inner.close()
