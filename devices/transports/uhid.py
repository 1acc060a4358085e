"""A key as a HID device of the Linux kernel, by way of /dev/uhid.

`UhidReports` is a way like those of `sockets`. A device is created when the key is plugged in and
destroyed when it is pulled out; the kernel destroys it as well when the process dies, however that
happens. Its hidraw node hears all reports of all channels, as that of any key does.

Two limits belong to the kernel. A node keeps 63 reports for a reader that is slow, and drops what
comes on top, so long answers go out at the pace of a USB wire. And 31 reports wait for the key: a
host that writes a message of more than 1800 bytes in one go loses what this process is too slow to
take, which an emulated machine makes likely. USB/IP has neither limit.
"""

from __future__ import annotations

import os
import select
import selectors
import socket
import struct
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, IntEnum, unique
from errno import EACCES, EIO, ENODEV, ENOENT, ENXIO, EPERM
from pathlib import Path
from typing import Final

from mfalab.devices.ctap.ctaphid import REPORT_SIZE
from mfalab.devices.durations import NS_PER_MS, NS_PER_S
from mfalab.devices.errors import DeviceError
from mfalab.devices.schedule import WallTime
from mfalab.devices.transports.hid_device import REPORT_DESCRIPTOR, HidDevice
from mfalab.devices.transports.memory import Connection, KeyUnplugged

UHID: Final = Path("/dev/uhid")
MOST_NODES: Final = 64
"""How many hidraw nodes the kernel has. linux/hidraw.h, HIDRAW_MAX_DEVICES."""
_BUS_USB: Final = 3
_DATA_MAX: Final = 4096
_EVENT_SIZE: Final = 4376
_QUEUE: Final = 32
"""Events that the kernel keeps for us. drivers/hid/uhid.c, UHID_BUFSIZE."""
_MOST_TAKEN: Final = 256
"""Events taken in one go; a host that never pauses must not keep the key's deadlines from it."""
_PACE_NS: Final = NS_PER_MS
"""Between two reports in the long run: a USB wire at full speed carries one in a millisecond."""
_BURST: Final = 32
"""Reports that go out at once: half of what a node keeps."""
_BREAK_S: Final = 0.005
"""A host that writes a message makes no longer breaks, unless it has lost the processor."""
_NODE_LIMIT_NS: Final = 20 * NS_PER_S
"""An emulated machine under load takes seconds to make a node; a real one, milliseconds."""
_LOOK_NS: Final = NS_PER_S // 5
_NETLINK_KOBJECT_UEVENT: Final = 15
_KERNEL_GROUP: Final = 1


# -- linux/uhid.h: events as bytes --


@unique
class UhidEvent(IntEnum):
    """Types of events. linux/uhid.h, enum uhid_event_type."""

    DESTROY = 1
    START = 2
    STOP = 3
    OPEN = 4
    CLOSE = 5
    OUTPUT = 6
    GET_REPORT = 9
    GET_REPORT_REPLY = 10
    CREATE2 = 11
    INPUT2 = 12
    SET_REPORT = 13
    SET_REPORT_REPLY = 14


@dataclass(frozen=True, slots=True)
class Heard:
    """An event from the kernel.

    Attributes:
        kind: what; None for a type that this module does not know.
        data: the report of OUTPUT and SET_REPORT as the kernel gives it, with its number in front.
        request: the ID that an answer to GET_REPORT or SET_REPORT carries.
        number: the report's number that GET_REPORT and SET_REPORT name.
        type: of report: 0 feature, 1 output, 2 input.
    """

    kind: UhidEvent | None
    data: bytes = b""
    request: int = 0
    number: int = 0
    type: int = 0


def create2(device: HidDevice) -> bytes:
    """The event that makes a device; its name is manufacturer and product, as for USB devices."""
    return struct.pack(
        f"=I128s64s64sHHIIII{len(REPORT_DESCRIPTOR)}s",
        UhidEvent.CREATE2,
        _text(f"{device.manufacturer} {device.product}", 128),
        _text(device.location, 64),
        _text(device.serial_number, 64),
        len(REPORT_DESCRIPTOR),
        _BUS_USB,
        device.vendor_id,
        device.product_id,
        device.version,
        0,
        REPORT_DESCRIPTOR,
    ).ljust(_EVENT_SIZE, b"\0")


def destroy() -> bytes:
    """The event that ends the device."""
    return struct.pack("=I", UhidEvent.DESTROY)


def input2(report: bytes) -> bytes:
    """A report from the device, without a number."""
    return struct.pack("=IH", UhidEvent.INPUT2, len(report)) + report


def get_report_reply(request: int, error: int, data: bytes = b"") -> bytes:
    """The answer to GET_REPORT; `error` is 0 or a number of errno.h."""
    head = struct.pack("=IIHH", UhidEvent.GET_REPORT_REPLY, request, error, len(data))
    return head + data


def set_report_reply(request: int, error: int) -> bytes:
    """The answer to SET_REPORT; `error` is 0 or a number of errno.h."""
    return struct.pack("=IIH", UhidEvent.SET_REPORT_REPLY, request, error)


def parse(event: bytes) -> Heard:
    """Read an event that the kernel has sent.

    Raises:
        ValueError: it is cut off, or a length in it goes beyond its end.
    """
    try:
        (number,) = struct.unpack_from("=I", event)
        kind = UhidEvent(number) if number in set(UhidEvent) else None
        if kind is UhidEvent.OUTPUT:
            size, type_ = struct.unpack_from("=HB", event, 4 + _DATA_MAX)
            return Heard(kind, _cut(event, 4, size), type=type_)
        if kind is UhidEvent.GET_REPORT:
            request, report, type_ = struct.unpack_from("=IBB", event, 4)
            return Heard(kind, request=request, number=report, type=type_)
        if kind is UhidEvent.SET_REPORT:
            request, report, type_, size = struct.unpack_from("=IBBH", event, 4)
            return Heard(kind, _cut(event, 12, size), request, report, type_)
    except struct.error:
        raise ValueError(f"an event of {len(event)} bytes is cut off") from None
    return Heard(kind)


def _cut(event: bytes, start: int, size: int) -> bytes:
    if size > _DATA_MAX or start + size > len(event):
        raise ValueError(f"an event of {len(event)} bytes cannot hold {size} bytes of data")
    return event[start : start + size]


def _text(text: str, size: int) -> bytes:
    """A text that ends with a zero byte and has no line breaks, which sysfs would show as such."""
    clean = "".join(character if character.isprintable() else "_" for character in text)
    return clean.encode()[: size - 1]


# -- the way --


class UhidTrouble(Enum):
    """Why there is no node."""

    MISSING = (
        "{path} is missing: the kernel has no UHID. Load it as root with `modprobe -a "
        "uhid hid_generic`; where the kernel cannot, a guest can: `mfalab guest boot`."
    )
    FORBIDDEN = (
        "you may not use {path}. As root put the line\n"
        '  KERNEL=="uhid", SUBSYSTEM=="misc", OPTIONS+="static_node=uhid", TAG+="uaccess", '
        'GROUP="plugdev", MODE="0660"\n'
        "into /etc/udev/rules.d/70-uhid.rules and run `modprobe uhid; udevadm control --reload; "
        "udevadm trigger /dev/uhid`; then log in again if you are new in the group plugdev."
    )
    NO_NODE_LEFT = (
        "the kernel gave the key {name} no hidraw node: {nodes} are in use, and it has {most}. "
        "Unplug other HID devices or simulated keys."
    )
    NO_NODE = (
        "the kernel gave the key {name} no hidraw node ({nodes} of {most} are in use). Load the "
        "driver as root with `modprobe hid_generic`, and read the kernel's messages with `dmesg`."
    )


@dataclass(eq=False, repr=False)
class UhidUnusable(DeviceError):
    """The kernel makes no device of a key.

    Args:
        trouble: why.
        name: the key's serial number.
        path: where UHID should be.
        nodes: how many hidraw nodes there are.
    """

    trouble: UhidTrouble
    name: str
    path: str
    nodes: int

    def __str__(self) -> str:
        return self.trouble.value.format(
            name=self.name, path=self.path, nodes=self.nodes, most=MOST_NODES
        )


def open_uhid(name: str, path: Path = UHID) -> int:
    """Open UHID for one device; returns the file number.

    Args:
        name: the key's serial number, for errors.
        path: where UHID is.

    Raises:
        UhidUnusable: it is missing, or not permitted.
    """
    try:
        return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in {ENOENT, ENODEV, ENXIO}:
            trouble = UhidTrouble.MISSING
        elif error.errno in {EACCES, EPERM}:
            trouble = UhidTrouble.FORBIDDEN
        else:
            raise
    raise UhidUnusable(trouble, name, str(path), 0)


class UhidReports:
    """Reports through a hidraw node that the kernel makes for the key.

    Args:
        connect: opens a connection to the key that hears everything.
        device: what the host is told of the key.
        time: the key's scheduler; it paces long answers.
        file: the opened UHID, which is closed with this.
        root: where `sys` and `dev` are.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        device: HidDevice,
        time: WallTime,
        file: int,
        root: Path = Path("/"),
    ) -> None:
        self.device = device
        self._connect = connect
        self._time = time
        self._file = file
        self._root = root
        self._connection: Connection | None = None
        self._refused = False
        self._unsent: deque[bytes] = deque()
        self._buffer = memoryview(bytearray(_QUEUE * _EVENT_SIZE))
        self._parts = [
            self._buffer[start : start + _EVENT_SIZE]
            for start in range(0, len(self._buffer), _EVENT_SIZE)
        ]
        self._even_ns = 0
        self._planned = False

    @property
    def is_open(self) -> bool:
        """Whether the kernel has the device."""
        return self._connection is not None

    def fileno(self) -> int:
        """The file that becomes readable when the kernel has something to say; -1 when closed."""
        return self._file

    def receive(self) -> None:
        """Pass all reports that have come to the key."""
        waiting: deque[Heard] = deque()
        taken = 0
        while True:
            if taken < _MOST_TAKEN:
                self._gather(waiting)
            if not waiting:
                break
            self._take(waiting.popleft())
            taken += 1
        self.send()

    def send(self) -> None:
        """Make or end the device as the key is plugged in or pulled out, and send its reports."""
        if self._connection is not None and not self._connection.is_open:
            self._end()
        if self._connection is None:
            try:
                self._connection = self._connect()
            except KeyUnplugged:
                return
            os.write(self._file, create2(self.device))
        while (report := self._connection.read_now()) is not None:
            self._unsent.append(report)
        while self._unsent and self._may_send():
            os.write(self._file, input2(self._unsent.popleft()))

    def node(self) -> Path:
        """Wait for the device's node, such as `/dev/hidraw0`; the key must be plugged in.

        Raises:
            UhidUnusable: the kernel makes none.
            KeyUnplugged: the key was pulled out.
        """
        self._refused = False
        with socket.socket(
            socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, _NETLINK_KOBJECT_UEVENT
        ) as news:
            # The node may come at any time from here on, and its coming is in the news.
            news.bind((0, _KERNEL_GROUP))
            self.send()
            if self._connection is None:
                raise KeyUnplugged(self.device.serial_number)
            until_ns = self._time.now_ns() + _NODE_LIMIT_NS
            with selectors.PollSelector() as selector:
                selector.register(news, selectors.EVENT_READ)
                selector.register(self._file, selectors.EVENT_READ)
                while (found := self._found()) is None:
                    left_ns = until_ns - self._time.now_ns()
                    if self._refused or left_ns <= 0:
                        raise self._no_node()
                    # The news does not reach every container, so it is no more than a hint.
                    selector.select(min(left_ns, _LOOK_NS) / NS_PER_S)
                    _forget(news)
                    self.receive()
        return found

    def close(self) -> None:
        """End the device and let go of the file."""
        if self._file < 0:
            return
        self._end()
        os.close(self._file)
        self._file = -1

    def _nodes(self) -> list[Path]:
        known = self._root / "sys/class/hidraw"
        return sorted(known.iterdir()) if known.exists() else []

    def _found(self) -> Path | None:
        """The device's node, by what sysfs says of each."""
        wanted = {
            b"HID_PHYS=" + _text(self.device.location, 64),
            b"HID_UNIQ=" + _text(self.device.serial_number, 64),
        }
        for node in self._nodes():
            try:
                lines = (node / "device/uevent").read_bytes().splitlines()
            except OSError:
                continue  # it has just gone
            path = self._root / "dev" / node.name
            if wanted <= set(lines) and _is_ready(path):
                return path
        return None

    def _no_node(self) -> UhidUnusable:
        nodes = len(self._nodes())
        full = nodes >= MOST_NODES
        trouble = UhidTrouble.NO_NODE_LEFT if full else UhidTrouble.NO_NODE
        return UhidUnusable(trouble, self.device.serial_number, str(UHID), nodes)

    def _end(self) -> None:
        if self._connection is None:
            return
        self._connection.close()
        self._connection = None
        self._unsent.clear()
        with suppress(OSError):  # the kernel may have given up the device itself
            os.write(self._file, destroy())
        with suppress(BlockingIOError):
            # Its last words are not the next device's first.
            while True:
                os.readv(self._file, self._parts)

    def _gather(self, waiting: deque[Heard]) -> None:
        """Empty the kernel's queue, which is short, before the key does its slow work.

        When a message has only begun, its rest is awaited as long as it comes without a break.
        """
        chunks: list[bytes] = []
        missing = 0
        while True:
            try:
                # The kernel fills one part with each event, so one call empties its queue. Nothing
                # is looked at twice here: the host may be writing on another processor.
                size = os.readv(self._file, self._parts)
            except BlockingIOError:
                size = 0
            if size:
                chunks.append(bytes(self._buffer[:size]))
                count = size // _EVENT_SIZE
                missing = missing - count if missing > 0 else _announced(self._buffer, count)
            if missing <= 0 or not select.select([self._file], [], [], _BREAK_S)[0]:
                break
        waiting += (
            parse(chunk[start : start + _EVENT_SIZE])
            for chunk in chunks
            for start in range(0, len(chunk), _EVENT_SIZE)
        )

    def _take(self, event: Heard) -> None:
        if event.kind is UhidEvent.STOP:
            # Only this process ends it, so the kernel had no place for it.
            self._refused = True
        elif event.kind is UhidEvent.OUTPUT:
            self._to_key(event.data)
        elif event.kind is UhidEvent.SET_REPORT:
            whole = event.type == 1 and len(event.data) == 1 + REPORT_SIZE
            if whole:
                self._to_key(event.data)
            os.write(self._file, set_report_reply(event.request, 0 if whole else EIO))
        elif event.kind is UhidEvent.GET_REPORT:
            # There are no feature reports, and input reports come by themselves.
            os.write(self._file, get_report_reply(event.request, EIO))

    def _to_key(self, data: bytes) -> None:
        if self._connection is not None:
            try:
                self._connection.write(data[1:])
            except KeyUnplugged:
                return
            self.send()

    def _may_send(self) -> bool:
        """Whether the pace allows another report now; otherwise the scheduler is told when."""
        now_ns = self._time.now_ns()
        ahead_ns = self._even_ns - now_ns - (_BURST - 1) * _PACE_NS
        if 0 < ahead_ns <= _PACE_NS:
            if not self._planned:
                self._planned = True
                self._time.after(ahead_ns, self._go_on)
            return False
        # More than that ahead is a clock that was put back.
        self._even_ns = (now_ns if ahead_ns > 0 else max(self._even_ns, now_ns)) + _PACE_NS
        return True

    def _go_on(self) -> None:
        self._planned = False


def _announced(events: memoryview, count: int) -> int:
    """How many packets are missing of the message that the first report among events begins."""
    for number in range(count):
        event = events[number * _EVENT_SIZE :]
        if int.from_bytes(event[:4], sys.byteorder) == UhidEvent.OUTPUT:
            # Behind the event's type and the report's number: channel, command, length.
            rest = int.from_bytes(event[10:12]) - (REPORT_SIZE - 7) if event[9] & 0x80 else 0
            return -(-rest // (REPORT_SIZE - 5)) - (count - number - 1)
    return 0


def _is_ready(node: Path) -> bool:
    """Whether a node can be opened; sysfs shows it a moment before."""
    try:
        os.close(os.open(node, os.O_RDONLY | os.O_NONBLOCK))
    except PermissionError:
        return True  # it is there, for other users than this one
    except OSError:
        return False
    return True


def _forget(news: socket.socket) -> None:
    """Take all news; what has changed is seen elsewhere."""
    while select.select([news], [], [], 0)[0]:
        try:
            news.recv(65536)
        except OSError:
            return  # more of it than the buffer holds
