"""CTAPHID, the authenticator's side: 64-byte reports in, 64-byte reports out, no I/O.

One transaction is under way at most, and it belongs to a channel, its *owner*:

    IDLE -> ASSEMBLING    an initialization packet announced more than it carried
    IDLE -> WORKING       a CBOR request was complete and did not answer at once
    ... -> ANSWERING      the response is queued; its last packet taken ends the transaction
    ASSEMBLING -> IDLE    no next packet for 500 ms (MSG_TIMEOUT), or a wrong one (INVALID_SEQ)
    any -> IDLE           INIT on the owner's channel; nothing else is answered for the request

Who hears what: an initialization packet gets one answer, also when it is refused; a channel that is
not the owner is refused with CHANNEL_BUSY and changes nothing. INIT is always served: on
the broadcast channel it opens a channel, on an open one it makes that channel quiet. CANCEL never
has an answer of its own, and continuation packets that belong to nothing are dropped in silence:
an error for each of them would be taken for the answer to a later request.

While it works on CBOR it sends KEEPALIVE at each change of status and every 100 ms; MSG answers at
once, and a client that is told to come back with a touch polls. A lock keeps other channels out as
if its owner were busy, INIT excepted.

Times are arguments: `now_ns` of any clock that does not go back. `deadline_ns` says when `advance`
has something to do. A packet that continues a message counts although its time is over, as long as
`advance` has not said so: it lay unread. CTAP 2.1 section 11.2.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum, IntEnum, unique
from typing import TYPE_CHECKING, Final

from mfalab.devices.ctap.commands import Capability, Transport, UnopenedChannels
from mfalab.devices.durations import NS_PER_MS, NS_PER_S

if TYPE_CHECKING:
    from mfalab.devices.ctap.authenticator import Authenticator
    from mfalab.devices.ctap.transaction import Transaction

REPORT_SIZE: Final = 64
BROADCAST: Final = 0xFFFFFFFF
MESSAGE_TIMEOUT_NS: Final = 500 * NS_PER_MS
KEEPALIVE_NS: Final = 100 * NS_PER_MS
LONGEST_LOCK_S: Final = 10
POLLED_NS: Final = 1_500 * NS_PER_MS
"""How long a refused U2F request keeps the key blinking; clients poll every 250 ms or so. A touch
counts for longer, see u2f.py: those of a busy machine poll every few seconds."""
_INIT_DATA: Final = REPORT_SIZE - 7
_CONT_DATA: Final = REPORT_SIZE - 5
MAX_MESSAGE: Final = _INIT_DATA + 128 * _CONT_DATA
"""7609 bytes: an initialization packet and the 128 sequence numbers there are."""
_PROTOCOL_VERSION: Final = 2
_INIT_PACKET: Final = 0x80


@unique
class HidCommand(IntEnum):
    """CTAPHID commands. CTAP 2.1 section 11.2.9."""

    PING = 0x01
    MSG = 0x03
    LOCK = 0x04
    INIT = 0x06
    WINK = 0x08
    CBOR = 0x10
    CANCEL = 0x11
    KEEPALIVE = 0x3B
    ERROR = 0x3F


@unique
class HidError(IntEnum):
    """What CTAPHID_ERROR says. CTAP 2.1 section 11.2.9.1.6."""

    INVALID_CMD = 0x01
    INVALID_PAR = 0x02
    INVALID_LEN = 0x03
    INVALID_SEQ = 0x04
    MSG_TIMEOUT = 0x05
    CHANNEL_BUSY = 0x06
    LOCK_REQUIRED = 0x0A
    INVALID_CHANNEL = 0x0B
    OTHER = 0x7F


@unique
class _Phase(Enum):
    ASSEMBLING = "assembling"
    WORKING = "working"
    ANSWERING = "answering"


@dataclass(slots=True)
class _Transaction:
    """The one transaction under way; IDLE is its absence."""

    channel: int
    command: int
    length: int
    data: bytearray
    phase: _Phase
    due_ns: int
    """When the next packet must have come, or the next KEEPALIVE goes out."""
    sequence: int = 0
    work: Transaction | None = None
    told: int = 1
    """The status that the host was last told, or may assume: 1, processing."""


def packets(channel: int, command: int, data: bytes) -> list[bytes]:
    """A message as 64-byte reports, the last one padded with zeros.

    Raises:
        ValueError: the message is longer than 7609 bytes.
    """
    if len(data) > MAX_MESSAGE:
        raise ValueError(
            f"a CTAPHID message has at most {MAX_MESSAGE} bytes and this one has {len(data)}"
        )
    cid = channel.to_bytes(4)
    head = cid + bytes((_INIT_PACKET | command,)) + len(data).to_bytes(2)
    reports = [(head + data[:_INIT_DATA]).ljust(REPORT_SIZE, b"\0")]
    for sequence, start in enumerate(range(_INIT_DATA, len(data), _CONT_DATA)):
        part = data[start : start + _CONT_DATA]
        reports.append((cid + bytes((sequence,)) + part).ljust(REPORT_SIZE, b"\0"))
    return reports


class CtapHid:
    """The CTAPHID side of one authenticator, from power-up to power-down.

    Args:
        authenticator: what does the commands; its `capabilities` decide which are there.
        device_version: major, minor and build, as INIT tells them.
        first_channel: number of the first channel handed out; the others follow.
        message_timeout_ns: how long the next packet of a message may take.
        unopened_channels: what is done on a channel that was not handed out.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        *,
        device_version: tuple[int, int, int] = (1, 0, 0),
        first_channel: int = 1,
        message_timeout_ns: int = MESSAGE_TIMEOUT_NS,
        unopened_channels: UnopenedChannels = UnopenedChannels.REFUSED,
    ) -> None:
        self._authenticator = authenticator
        self._device_version = bytes(device_version)
        self._message_timeout_ns = message_timeout_ns
        self._first_channel = self._next_channel = first_channel
        self._unopened_channels = unopened_channels
        # Channels that INIT was served on without having handed them out.
        self._taken: set[int] = set()
        self._now: _Transaction | None = None
        # The last U2F request when it was refused for want of a touch, and until when it counts.
        self._polled: tuple[Transaction, int] | None = None
        self._lock: tuple[int, int] | None = None
        # Each report with the transaction that ends when it is taken.
        self._out: deque[tuple[bytes, _Transaction | None]] = deque()

    @property
    def transaction(self) -> Transaction | None:
        """The request that people can do something about.

        It is the CBOR request that is being worked on, or the U2F request that was refused for
        want of a touch and will come again.
        """
        if self._now is not None and self._now.work is not None:
            return self._now.work
        return self._polled[0] if self._polled else None

    @property
    def owner(self) -> int | None:
        """The channel whose transaction is under way; None when idle."""
        return self._now.channel if self._now else None

    @property
    def deadline_ns(self) -> int | None:
        """When `advance` is due; None when nothing is going to happen by itself."""
        now, dues = self._now, []
        if self._polled is not None:
            dues.append(self._polled[1])
        if now is not None and now.phase is not _Phase.ANSWERING:
            dues.append(now.due_ns)
            if now.work is not None and now.work.deadline_ns is not None:
                dues.append(now.work.deadline_ns)
        return min(dues, default=None)

    def next_report(self) -> bytes | None:
        """Take the next report for the host; None when there is none."""
        if not self._out:
            return None
        report, ends = self._out.popleft()
        if ends is not None and ends is self._now:
            self._now = None
        return report

    def advance(self, now_ns: int) -> None:
        """Let it be `now_ns`: time-outs, keepalives, and the answer of work that has ended.

        To be called when `deadline_ns` has come and after every gesture of the user.
        """
        if self._polled is not None and now_ns >= self._polled[1]:
            self._polled = None
        now = self._now
        if now is None:
            return
        if now.phase is _Phase.ASSEMBLING:
            if now_ns >= now.due_ns:
                self._abort(HidError.MSG_TIMEOUT)
        elif now.phase is _Phase.WORKING:
            self._work(now, now_ns)

    def feed(self, report: bytes, now_ns: int) -> None:
        """Take one report from the host. Reports of another size than 64 bytes are dropped."""
        if len(report) != REPORT_SIZE:
            return
        channel = int.from_bytes(report[:4])
        if report[4] & _INIT_PACKET:
            self.advance(now_ns)
            self._initialization(channel, report, now_ns)
        else:
            self._continuation(channel, report, now_ns)

    def _initialization(self, channel: int, report: bytes, now_ns: int) -> None:
        command = report[4] & ~_INIT_PACKET
        length = int.from_bytes(report[5:7])
        if command == HidCommand.CANCEL:
            self._cancel(channel, now_ns)
            return
        if command == HidCommand.INIT and (channel == BROADCAST or self._takes_init(channel)):
            self._init(channel, report[7 : 7 + length], length)
            return
        if not self._is_open(channel):
            self._error(channel, HidError.INVALID_CHANNEL)
            return
        if self._is_locked_for(channel, now_ns):
            self._error(channel, HidError.CHANNEL_BUSY)
            return
        now = self._now
        if now is not None:
            if now.channel == channel and now.phase is _Phase.ASSEMBLING:
                self._abort(HidError.INVALID_SEQ)
            else:
                self._error(channel, HidError.CHANNEL_BUSY)
            return
        refusal = self._refusal(command, length)
        if refusal is not None:
            self._error(channel, refusal)
            return
        self._now = _Transaction(
            channel,
            command,
            length,
            bytearray(report[7 : 7 + min(length, _INIT_DATA)]),
            _Phase.ASSEMBLING,
            now_ns + self._message_timeout_ns,
        )
        self._begin_if_complete(self._now, now_ns)

    def _continuation(self, channel: int, report: bytes, now_ns: int) -> None:
        now = self._now
        if now is None or now.channel != channel or now.phase is not _Phase.ASSEMBLING:
            return
        if report[4] != now.sequence:
            self._abort(HidError.INVALID_SEQ)
            return
        now.sequence += 1
        now.data += report[5 : 5 + min(_CONT_DATA, now.length - len(now.data))]
        now.due_ns = now_ns + self._message_timeout_ns
        self._begin_if_complete(now, now_ns)

    def _refusal(self, command: int, length: int) -> HidError | None:
        """Why an idle key refuses a command by its first packet."""
        has = self._authenticator.capabilities
        rules: dict[int, tuple[bool, int, int]] = {
            HidCommand.PING: (True, 0, MAX_MESSAGE),
            HidCommand.MSG: (not has & Capability.NMSG, 1, MAX_MESSAGE),
            HidCommand.CBOR: (bool(has & Capability.CBOR), 1, MAX_MESSAGE),
            HidCommand.LOCK: (bool(has & Capability.LOCK), 1, 1),
            HidCommand.WINK: (bool(has & Capability.WINK), 0, 0),
        }
        offered, shortest, longest = rules.get(command, (False, 0, 0))
        if not offered or HidCommand(command).name.lower() in self._authenticator.faults.missing:
            return HidError.INVALID_CMD
        return None if shortest <= length <= longest else HidError.INVALID_LEN

    def _begin_if_complete(self, now: _Transaction, now_ns: int) -> None:
        if len(now.data) < now.length:
            return
        data = bytes(now.data)
        if now.command == HidCommand.CBOR:
            self._polled = None
            now.phase = _Phase.WORKING
            now.due_ns = now_ns + KEEPALIVE_NS
            now.work = self._authenticator.begin_cbor(now.channel, data, Transport.USB)
            self._work(now, now_ns)
        elif now.command == HidCommand.MSG:
            work = self._authenticator.begin_u2f(now.channel, data, Transport.USB)
            self._polled = (work, now_ns + POLLED_NS) if work.wants else None
            self._answer(now, work.response or b"")
        elif now.command == HidCommand.LOCK:
            self._take_lock(now, data[0], now_ns)
        elif now.command == HidCommand.WINK:
            self._authenticator.wink()
            self._answer(now, b"")
        else:
            self._answer(now, data)

    def _work(self, now: _Transaction, now_ns: int) -> None:
        work = now.work
        assert work is not None
        if work.response is None:
            work.advance()
        if work.response is not None:
            self._answer(now, work.response)
            return
        status = int(work.status)
        if status != now.told or now_ns >= now.due_ns:
            now.told = status
            now.due_ns = now_ns + KEEPALIVE_NS
            self._send(now.channel, HidCommand.KEEPALIVE, bytes((status,)))

    def _init(self, channel: int, nonce: bytes, length: int) -> None:
        if length != 8:
            self._error(channel, HidError.INVALID_LEN)
            return
        if channel == BROADCAST:
            given = self._next_channel
            self._next_channel += 1
        else:
            given = channel
            if not self._is_open(channel):
                self._taken.add(channel)
            self._drop(channel)
            self._authenticator.end_channel(channel)
        self._send(
            channel,
            HidCommand.INIT,
            nonce
            + given.to_bytes(4)
            + bytes((_PROTOCOL_VERSION,))
            + self._device_version
            + bytes((int(self._authenticator.capabilities),)),
        )

    def _cancel(self, channel: int, now_ns: int) -> None:
        now = self._now
        if now is not None and now.channel == channel and now.phase is _Phase.WORKING:
            assert now.work is not None
            now.work.cancel()
            self._work(now, now_ns)

    def _take_lock(self, now: _Transaction, seconds: int, now_ns: int) -> None:
        if seconds > LONGEST_LOCK_S:
            self._abort(HidError.INVALID_PAR)
            return
        self._lock = (now.channel, now_ns + seconds * NS_PER_S) if seconds else None
        self._answer(now, b"")

    def _is_open(self, channel: int) -> bool:
        if self._unopened_channels is UnopenedChannels.SERVED:
            return channel not in (0, BROADCAST)
        return self._first_channel <= channel < self._next_channel or channel in self._taken

    def _takes_init(self, channel: int) -> bool:
        refused = self._unopened_channels is UnopenedChannels.REFUSED
        return self._is_open(channel) or (not refused and channel != 0)

    def _is_locked_for(self, channel: int, now_ns: int) -> bool:
        return self._lock is not None and self._lock[0] != channel and now_ns < self._lock[1]

    def _drop(self, channel: int) -> None:
        """Forget the channel's transaction and whatever was on its way to the host."""
        if self._now is not None and self._now.channel == channel:
            if self._now.work is not None and self._now.work.response is None:
                self._now.work.cancel()
            self._now = None
        cid = channel.to_bytes(4)
        self._out = deque(entry for entry in self._out if entry[0][:4] != cid)

    def _abort(self, error: HidError) -> None:
        assert self._now is not None
        channel = self._now.channel
        self._now = None
        self._error(channel, error)

    def _answer(self, now: _Transaction, response: bytes) -> None:
        if len(response) > MAX_MESSAGE:
            self._abort(HidError.OTHER)
            return
        now.phase = _Phase.ANSWERING
        now.work = None
        reports = packets(now.channel, now.command, response)
        self._out.extend((report, None) for report in reports[:-1])
        self._out.append((reports[-1], now))

    def _error(self, channel: int, error: HidError) -> None:
        self._send(channel, HidCommand.ERROR, bytes((error,)))

    def _send(self, channel: int, command: HidCommand, data: bytes) -> None:
        self._out.extend((report, None) for report in packets(channel, command, data))
