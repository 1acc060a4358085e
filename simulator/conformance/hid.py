"""CTAPHID as a strict client speaks it: reports out, reports in, and nothing forgiven.

Unlike a client that wants to get its work done, this one retries nothing, notices every report that
answers nothing, and measures. Reports of channels that it did not open belong to other programs
that use the key, as a hidraw node shows all of them, and are passed over. CTAP 2.1 section 11.2.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mfalab.devices.ctap.ctaphid import HidCommand, HidError
from mfalab.simulator.clocks.durations import NS_PER_MS, NS_PER_S
from mfalab.simulator.conformance.verdicts import Failure, KeyGone, KeySilent, expect
from mfalab.simulator.keys.fixture import Reports

BROADCAST: Final = 0xFFFFFFFF
MAX_MESSAGE: Final = 7609
SILENCE_NS: Final = 3 * NS_PER_S
"""How long a report may be late: thirty keepalives, as an emulated machine is slow."""
LONGEST_NS: Final = 90 * NS_PER_S
"""How long a command may take in all: a key waits for its user for 30 s or so."""
_IN_A_ROW: Final = 16
_PAUSE_NS: Final = 100 * NS_PER_MS
"""The kernel holds 32 reports for a device of uhid and drops what does not fit (UHID_BUFSIZE in
drivers/hid/uhid.c), so a long message is sent no faster than a slow machine takes it."""
_SIZE: Final = 64
_INIT_PACKET: Final = 0x80
_FIRST, _NEXT = 57, 59


def initialization(channel: int, command: int, length: int, data: bytes = b"") -> bytes:
    """An initialization packet; `length` need not be that of `data`."""
    head = channel.to_bytes(4) + bytes([_INIT_PACKET | command]) + length.to_bytes(2)
    return (head + data).ljust(_SIZE, b"\0")[:_SIZE]


def continuation(channel: int, sequence: int, data: bytes = b"") -> bytes:
    """A continuation packet."""
    return (channel.to_bytes(4) + bytes([sequence]) + data).ljust(_SIZE, b"\0")[:_SIZE]


def packets(channel: int, command: int, data: bytes) -> list[bytes]:
    """A message as reports."""
    found = [initialization(channel, command, len(data), data[:_FIRST])]
    for sequence, start in enumerate(range(_FIRST, len(data), _NEXT)):
        found.append(continuation(channel, sequence, data[start : start + _NEXT]))
    return found


def hid_name(command: int) -> str:
    """The name of a CTAPHID command."""
    known = {each.value: f"CTAPHID_{each.name}" for each in HidCommand}
    return known.get(command, f"CTAPHID command 0x{command:02X}")


def error_name(code: int) -> str:
    """What a CTAPHID_ERROR says: `0x0B INVALID_CHANNEL`."""
    known = {each.value: each.name for each in HidError}
    return f"0x{code:02X} {known.get(code, 'unknown')}"


@dataclass(frozen=True, slots=True)
class Answer:
    """A message of the key.

    Attributes:
        command: its CTAPHID command.
        data: what it carries.
        sent_ns: when the last packet of the request had gone out.
        first_ns: when its first packet came.
        done_ns: when its last packet came.
        keepalives: when keepalives came before it, and their status.
    """

    command: int
    data: bytes
    sent_ns: int
    first_ns: int
    done_ns: int
    keepalives: tuple[tuple[int, int], ...] = ()

    @property
    def is_error(self) -> bool:
        """Whether it is a CTAPHID_ERROR."""
        return self.command == HidCommand.ERROR

    @property
    def wanted_touch(self) -> bool:
        """Whether the key said that it waits for its user."""
        return any(status == 2 for _, status in self.keepalives)

    def __str__(self) -> str:
        if self.is_error and self.data:
            return f"CTAPHID_ERROR {error_name(self.data[0])}"
        return f"{hid_name(self.command)} with {len(self.data)} bytes"


@dataclass(frozen=True, slots=True)
class InitAnswer:
    """What CTAPHID_INIT answers. CTAP 2.1 section 11.2.9.1.3."""

    nonce: bytes
    channel: int
    version: int
    device_version: tuple[int, int, int]
    capabilities: int


class HidClient:
    """A client on one open way to a key.

    Args:
        reports: the way.
        now_ns: the fixture's time.
        random_bytes: where nonces come from.
        on_keepalive: called with the status of each keepalive and for how long it has been waited.
    """

    def __init__(
        self,
        reports: Reports,
        now_ns: Callable[[], int],
        random_bytes: Callable[[int], bytes],
        on_keepalive: Callable[[int, int], None] = lambda status, waited_ns: None,
    ) -> None:
        self._reports = reports
        self.now_ns = now_ns
        self._random_bytes = random_bytes
        self._on_keepalive = on_keepalive
        self._inboxes: dict[int, deque[tuple[int, bytes]]] = {BROADCAST: deque()}
        self._nonces: set[bytes] = set()

    # Reports.

    def write(self, *reports: bytes) -> int:
        """Send reports as they are; returns when the last one had gone out.

        Raises:
            KeyGone: the key is gone.
        """
        for number, report in enumerate(reports, start=1):
            try:
                self._reports.write(report)
            except OSError as error:
                raise KeyGone("a key that takes a report", str(error)) from error
            if number % _IN_A_ROW == 0 and number < len(reports):
                self._collect(_PAUSE_NS)
        return self.now_ns()

    def listen_to(self, channel: int) -> None:
        """Take reports of a channel that was never opened for our own as well."""
        self._inboxes.setdefault(channel, deque())

    def forget(self, channel: int) -> None:
        """Reports of a channel are no longer ours."""
        self._inboxes.pop(channel, None)

    def _take(self, channel: int, within_ns: int) -> tuple[int, bytes] | None:
        """The next report of a channel and when it came."""
        until_ns = self.now_ns() + within_ns
        # A key that gives one channel twice may have had it forgotten by the other user.
        inbox = self._inboxes.setdefault(channel, deque())
        while not inbox:
            if not self._collect(max(0, until_ns - self.now_ns())):
                return None
        return inbox.popleft()

    def _collect(self, within_ns: int) -> bool:
        """Read one report into the inbox of its channel; false when none came."""
        try:
            report = self._reports.read(within_ns)
        except OSError as error:
            raise KeyGone("a key that answers", str(error)) from error
        if report is None:
            return False
        channel = int.from_bytes(report[:4])
        others = channel == BROADCAST and report[4] == (_INIT_PACKET | HidCommand.INIT)
        if channel in self._inboxes and not (others and report[7:15] not in self._nonces):
            self._inboxes[channel].append((self.now_ns(), report))
        return True

    def strays(self, within_ns: int = 0) -> list[bytes]:
        """All reports that are or come within that time, and that answer nothing."""
        until_ns = self.now_ns() + within_ns
        while self._collect(max(0, until_ns - self.now_ns())) or self.now_ns() < until_ns:
            pass
        found = [report for inbox in self._inboxes.values() for _, report in inbox]
        for inbox in self._inboxes.values():
            inbox.clear()
        return found

    def expect_silence(self, within_ns: int, what: str = "silence") -> None:
        """See that nothing comes for a time that was not asked for.

        Raises:
            Failure: something comes.
        """
        strays = self.strays(within_ns)
        expect(not strays, what, f"{len(strays)} reports")

    # Messages.

    def send(self, channel: int, command: int, data: bytes = b"") -> int:
        """Send a message; returns when its last packet had gone out."""
        return self.write(*packets(channel, command, data))

    def receive(
        self, channel: int, sent_ns: int, *, silence_ns: int = SILENCE_NS, what: str = "an answer"
    ) -> Answer:
        """The next message on a channel, with the keepalives before it.

        Raises:
            KeySilent: it does not come.
            KeyGone: the key is gone.
            Failure: its packets do not make a message.
        """
        keepalives: list[tuple[int, int]] = []
        while True:
            taken = self._take(channel, silence_ns)
            if taken is None:
                raise KeySilent(what, f"nothing for {silence_ns // NS_PER_MS} ms")
            at_ns, report = taken
            begins = report[4] & _INIT_PACKET
            expect(begins, "an initialization packet", f"continuation packet {report[4]}")
            command, length = report[4] & ~_INIT_PACKET, int.from_bytes(report[5:7])
            if command == HidCommand.KEEPALIVE:
                expect(length == 1, "a keepalive of 1 byte", f"one of {length} bytes")
                keepalives.append((at_ns, report[7]))
                self._on_keepalive(report[7], at_ns - sent_ns)
                if at_ns - sent_ns > LONGEST_NS:
                    raise KeySilent(what, f"keepalives for {LONGEST_NS // NS_PER_S} s")
                continue
            fits = length <= MAX_MESSAGE
            expect(fits, f"a message of at most {MAX_MESSAGE} bytes", f"{length} bytes")
            data, done_ns = self._rest(channel, report, length, silence_ns)
            return Answer(command, data, sent_ns, at_ns, done_ns, tuple(keepalives))

    def _rest(self, channel: int, report: bytes, length: int, silence_ns: int) -> tuple[bytes, int]:
        """The data of a message that begins with this report, and when all of it was there."""
        data, sequence, at_ns = report[7 : 7 + min(length, _FIRST)], 0, self.now_ns()
        while len(data) < length:
            taken = self._take(channel, silence_ns)
            if taken is None:
                missing = f"{len(data)} bytes and then nothing for {silence_ns // NS_PER_MS} ms"
                raise KeySilent(f"a message of {length} bytes", missing)
            at_ns, report = taken
            if report[4] != sequence:
                got = f"sequence number {report[4]}"
                if report[4] & _INIT_PACKET:
                    got = f"{hid_name(report[4] & ~_INIT_PACKET)} in the middle of the message"
                raise Failure(f"a continuation packet with sequence number {sequence}", got)
            data += report[5 : 5 + min(_NEXT, length - len(data))]
            sequence += 1
        return data, at_ns

    def keepalive(self, channel: int, *, what: str, status: int | None = None) -> int:
        """Wait for the next keepalive, or for the next with that status; returns when it came.

        Raises:
            Failure: something else comes.
        """
        while True:
            taken = self._take(channel, SILENCE_NS)
            if taken is None:
                raise KeySilent(what, f"nothing for {SILENCE_NS // NS_PER_MS} ms")
            at_ns, report = taken
            alive = report[4] == _INIT_PACKET | HidCommand.KEEPALIVE
            expect(alive, what, hid_name(report[4] & ~_INIT_PACKET))
            known = report[7] in (1, 2)
            expect(known, "a keepalive with status 1 or 2", f"status {report[7]}")
            if status is None or report[7] == status:
                return at_ns

    def transact(
        self, channel: int, command: int, data: bytes = b"", *, silence_ns: int = SILENCE_NS
    ) -> Answer:
        """Send a message and wait for what comes back, be it an error."""
        sent_ns = self.send(channel, command, data)
        what = f"an answer to {hid_name(command)}"
        return self.receive(channel, sent_ns, silence_ns=silence_ns, what=what)

    def refused(self, channel: int, sent_ns: int, *codes: int) -> Answer:
        """The CTAPHID_ERROR that must come now, with one of these codes.

        Raises:
            Failure: something else comes.
        """
        expected = "CTAPHID_ERROR " + " or ".join(error_name(code) for code in codes)
        answer = self.receive(channel, sent_ns, what=expected)
        expect(answer.is_error and answer.data and answer.data[0] in codes, expected, answer)
        size = len(answer.data)
        expect(size == 1, "a CTAPHID_ERROR of 1 byte", f"one of {size} bytes")
        return answer

    def init(self, channel: int = BROADCAST, *, silence_ns: int = SILENCE_NS) -> InitAnswer:
        """Open a channel, or make one quiet.

        Raises:
            Failure: the answer is not that of CTAPHID_INIT.
        """
        nonce = self._random_bytes(8)
        self._nonces.add(nonce)
        answer = self.transact(channel, HidCommand.INIT, nonce, silence_ns=silence_ns)
        expect(answer.command == HidCommand.INIT, "an answer to CTAPHID_INIT", answer)
        data = answer.data
        expect(len(data) >= 17, "17 bytes in the answer to CTAPHID_INIT", f"{len(data)} bytes")
        expect(data[:8] == nonce, f"the nonce {nonce.hex()} again", data[:8].hex())
        given = int.from_bytes(data[8:12])
        self.listen_to(given)
        return InitAnswer(nonce, given, data[12], (data[13], data[14], data[15]), data[16])

    def quiet(self, channel: int) -> bool:
        """End whatever is under way on a channel and forget what is left of it.

        Returns:
            Whether the key answered.
        """
        for _ in range(3):
            self.strays()
            nonce = self._random_bytes(8)
            self._nonces.add(nonce)
            until_ns = self.send(channel, HidCommand.INIT, nonce) + NS_PER_S
            # An answer to what was under way may still come before this one's.
            while taken := self._take(channel, until_ns - self.now_ns()):
                _, report = taken
                if report[4] == _INIT_PACKET | HidCommand.INIT and report[7:15] == nonce:
                    self.strays()
                    return True
        return False

    def ping(self, channel: int, data: bytes = b"ping") -> None:
        """See that the key still works on a channel.

        Raises:
            Failure: it does not echo the data.
        """
        answer = self.transact(channel, HidCommand.PING, data)
        pinged = answer.command == HidCommand.PING
        expect(pinged, f"CTAPHID_PING with {len(data)} bytes", answer)
        if answer.data != data:
            raise Failure("the data of the CTAPHID_PING again", _difference(data, answer.data))

    def close(self) -> None:
        """End it."""
        self._reports.close()


def _difference(sent: bytes, came: bytes) -> str:
    if len(sent) != len(came):
        return f"{len(came)} bytes instead of {len(sent)}"
    at = next(index for index in range(len(sent)) if sent[index] != came[index])
    return f"0x{came[at]:02x} instead of 0x{sent[at]:02x} at byte {at}"
