"""Keys as USB devices of another machine, which the kernel's vhci-hcd attaches to this one.

USB/IP carries transfers over TCP. A connection begins with one question, which devices there are
or that one of them be imported; after an import it carries requests for transfers (SUBMIT) and
requests to give up on some (UNLINK) until either side ends it. A host that attaches a device sees
it in `lsusb`, with a serial number, on a port whose power can be cut.

`UsbipServer` is a way like those of `sockets`, for all keys of a process. A key that is pulled out
ends its import and is not listed until it is plugged in again. Integers are big-endian. Linux,
Documentation/usb/usbip_protocol.rst.
"""

from __future__ import annotations

import socket
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, unique
from errno import ECONNRESET, EPIPE
from typing import Final

from mfalab.devices.ctap.ctaphid import REPORT_SIZE
from mfalab.devices.transports.hid_device import HidDevice
from mfalab.devices.transports.listener import Listener, Peer
from mfalab.devices.transports.memory import Connection, KeyUnplugged
from mfalab.devices.transports.usb_device import ENDPOINT, HID_CLASS, UsbDevice

USBIP_PORT: Final = 3240
_VERSION: Final = 0x0111
_BUS: Final = 1
_FULL_SPEED: Final = 2
_ID_SIZE, _HEAD_SIZE, _URB_SIZE = 32, 8, 48
_LONGEST_TRANSFER: Final = 65536
_MOST_UNREAD: Final = 256
"""Reports that wait for a host that does not ask for them; two of the longest messages."""


@unique
class _Code(IntEnum):
    REQ_IMPORT = 0x8003
    REP_IMPORT = 0x0003
    REQ_DEVLIST = 0x8005
    REP_DEVLIST = 0x0005


@unique
class _Urb(IntEnum):
    CMD_SUBMIT = 1
    CMD_UNLINK = 2
    RET_SUBMIT = 3
    RET_UNLINK = 4


@unique
class _Status(IntEnum):
    """Why an import is refused. tools/usb/usbip/libsrc/usbip_common.h."""

    OK = 0
    DEVICE_BUSY = 2
    NO_DEVICE = 4


# -- the protocol, no I/O --


class UsbipWrong(Exception):
    """Bytes that are not USB/IP.

    Args:
        why: what is wrong with them.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

    def __str__(self) -> str:
        return f"this is not USB/IP 1.1.1: {self.why}."


@dataclass(frozen=True, slots=True)
class ListDevices:
    """OP_REQ_DEVLIST."""


@dataclass(frozen=True, slots=True)
class Import:
    """OP_REQ_IMPORT of the device with that bus ID."""

    bus_id: str


@dataclass(frozen=True, slots=True)
class Submit:
    """USBIP_CMD_SUBMIT: a transfer.

    Attributes:
        number: tells it from others of the connection.
        to_host: its direction.
        endpoint: 0 is the control endpoint.
        length: the most data for the host.
        setup: the setup packet of a control transfer.
        data: from the host.
    """

    number: int
    to_host: bool
    endpoint: int
    length: int
    setup: bytes
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Unlink:
    """USBIP_CMD_UNLINK: give up on the transfer `which`."""

    number: int
    which: int


Request = ListDevices | Import | Submit | Unlink


class Requests:
    """Cuts what comes on one connection into requests."""

    def __init__(self) -> None:
        self._received = b""
        self._imported = False

    def feed(self, part: bytes) -> list[Request]:
        """The requests that are complete with this part.

        Raises:
            UsbipWrong: it cannot be understood, nor can anything after it.
        """
        self._received += part
        requests: list[Request] = []
        while (request := self._next()) is not None:
            requests.append(request)
        return requests

    def _take(self, size: int) -> bytes | None:
        if len(self._received) < size:
            return None
        taken, self._received = self._received[:size], self._received[size:]
        return taken

    def _next(self) -> Request | None:
        return self._urb() if self._imported else self._operation()

    def _operation(self) -> Request | None:
        if len(self._received) < _HEAD_SIZE:
            return None
        version, code = struct.unpack_from(">HH", self._received)
        if version != _VERSION:
            raise UsbipWrong(f"its version is {version:#06x}")
        if code == _Code.REQ_DEVLIST:
            self._take(_HEAD_SIZE)
            return ListDevices()
        if code != _Code.REQ_IMPORT:
            raise UsbipWrong(f"it begins with operation {code:#06x}")
        if (taken := self._take(_HEAD_SIZE + _ID_SIZE)) is None:
            return None
        self._imported = True
        return Import(taken[_HEAD_SIZE:].rstrip(b"\0").decode(errors="replace"))

    def _urb(self) -> Request | None:
        if len(self._received) < _URB_SIZE:
            return None
        command, number, _, to_host, endpoint = struct.unpack_from(">5I", self._received)
        if command == _Urb.CMD_UNLINK:
            (which,) = struct.unpack_from(">I", self._received, 20)
            self._take(_URB_SIZE)
            return Unlink(number, which)
        if command != _Urb.CMD_SUBMIT:
            raise UsbipWrong(f"command {command} comes where a transfer should")
        (length,) = struct.unpack_from(">i", self._received, 24)
        if not 0 <= length <= _LONGEST_TRANSFER:
            raise UsbipWrong(f"a transfer has {length} bytes")
        taken = self._take(_URB_SIZE + (0 if to_host else length))
        if taken is None:
            return None
        setup, data = taken[40:48], taken[_URB_SIZE:]
        return Submit(number, bool(to_host), endpoint, length, setup, data)


def _returned(number: int, status: int, data: bytes = b"", length: int | None = None) -> bytes:
    """USBIP_RET_SUBMIT; `length` is how much was transferred from the host."""
    actual = len(data) if length is None else length
    head = struct.pack(">5I", _Urb.RET_SUBMIT, number, 0, 0, 0)
    return head + struct.pack(">5i8x", status, actual, 0, 0, 0) + data


def _unlinked(number: int, status: int) -> bytes:
    """USBIP_RET_UNLINK."""
    return struct.pack(">5Ii24x", _Urb.RET_UNLINK, number, 0, 0, 0, status)


def _operation(code: _Code, status: int, rest: bytes = b"") -> bytes:
    return struct.pack(">HHI", _VERSION, code, status) + rest


def _described(about: HidDevice, number: int) -> bytes:
    """A `struct usbip_usb_device`."""
    bus_id = f"{_BUS}-{number}"
    return struct.pack(
        ">256s32sIIIHHHBBBBBB",
        f"/sys/devices/mfalab/usb{_BUS}/{bus_id}".encode(),
        bus_id.encode(),
        _BUS,
        number,
        _FULL_SPEED,
        about.vendor_id,
        about.product_id,
        about.version,
        *(0, 0, 0),  # the interface says the class
        *(1, 1, 1),  # configuration, number of configurations, number of interfaces
    )


# -- the way --


@dataclass(slots=True)
class _Exported:
    """A key that can be imported, and the connection that has imported it."""

    connect: Callable[[], Connection]
    about: HidDevice
    number: int
    importer: _Peer | None = None

    @property
    def is_there(self) -> bool:
        try:
            self.connect().close()
        except KeyUnplugged:
            return False
        return True


class _Peer(Peer):
    """An accepted connection: a question, or an import."""

    def __init__(self, stream: socket.socket, exported: list[_Exported]) -> None:
        super().__init__(stream)
        self._exported = exported
        self._requests = Requests()
        self._device: _Exported | None = None
        self._usb: UsbDevice | None = None
        self._connection: Connection | None = None
        self._waiting: deque[Submit] = deque()
        self._unread: deque[bytes] = deque(maxlen=_MOST_UNREAD)

    def _take(self, part: bytes) -> bool:
        try:
            return all(map(self._do, self._requests.feed(part)))
        except (UsbipWrong, KeyUnplugged):
            return False

    def _collect(self) -> bool:
        if self._connection is None:
            return True
        while (report := self._connection.read_now()) is not None:
            self._unread.append(report)
        while self._waiting and self._unread:
            submit = self._waiting.popleft()
            self._unsent += _returned(submit.number, 0, self._unread.popleft())
        return self._connection.is_open

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._device is not None:
            self._device.importer = None
        super().close()

    def _do(self, request: Request) -> bool:
        if isinstance(request, ListDevices):
            there = [each for each in self._exported if each.is_there]
            interface = bytes((HID_CLASS, 0, 0, 0))
            listed = (_described(each.about, each.number) + interface for each in there)
            self._unsent += _operation(
                _Code.REP_DEVLIST, _Status.OK, len(there).to_bytes(4) + b"".join(listed)
            )
        elif isinstance(request, Import):
            status = self._import(request.bus_id)
            device = self._device
            rest = b"" if device is None else _described(device.about, device.number)
            self._unsent += _operation(_Code.REP_IMPORT, status, rest)
            if device is None:
                self.send()
                return False
        elif isinstance(request, Unlink):
            left = deque(each for each in self._waiting if each.number != request.which)
            given_up = len(left) < len(self._waiting)
            self._waiting = left
            self._unsent += _unlinked(request.number, -ECONNRESET if given_up else 0)
        else:
            self._submit(request)
        return True

    def _import(self, bus_id: str) -> _Status:
        found = next((each for each in self._exported if f"{_BUS}-{each.number}" == bus_id), None)
        if found is None:
            return _Status.NO_DEVICE
        if found.importer is not None:
            return _Status.DEVICE_BUSY
        try:
            self._connection = found.connect()
        except KeyUnplugged:
            return _Status.NO_DEVICE
        found.importer, self._device, self._usb = self, found, UsbDevice(found.about)
        return _Status.OK

    def _submit(self, submit: Submit) -> None:
        assert self._usb is not None
        assert self._connection is not None
        if submit.endpoint == 0:
            answer = self._usb.control(submit.setup, submit.data)
            if answer is None:
                self._unsent += _returned(submit.number, -EPIPE)
                return
            if answer.report is not None:
                self._connection.write(answer.report)
            length = None if submit.to_host else len(submit.data)
            data = answer.data[: submit.length] if submit.to_host else b""
            self._unsent += _returned(submit.number, 0, data, length)
        elif submit.endpoint != ENDPOINT or (submit.to_host and submit.length < REPORT_SIZE):
            self._unsent += _returned(submit.number, -EPIPE)
        elif submit.to_host:
            self._waiting.append(submit)
        else:
            self._connection.write(submit.data)
            self._unsent += _returned(submit.number, 0, length=len(submit.data))


class UsbipServer(Listener[_Peer]):
    """The keys of a process on one port of the loopback interface.

    Args:
        port: 0 takes a free one.

    Raises:
        OSError: the port cannot be opened.
    """

    def __init__(self, port: int = USBIP_PORT) -> None:
        self._exported: list[_Exported] = []
        super().__init__(port, lambda accepted: _Peer(accepted, self._exported))

    def export(self, connect: Callable[[], Connection], about: HidDevice) -> str:
        """Offer one more key; returns its bus ID, such as `1-1`.

        Args:
            connect: opens a connection to the key that hears everything.
            about: what the host is told of the key.
        """
        number = 1 + len(self._exported)
        self._exported.append(_Exported(connect, about, number))
        return f"{_BUS}-{number}"
