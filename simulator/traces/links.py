"""Frames as packets that Wireshark knows, and back.

Reports are interrupt transfers of a USB device as Linux captures them (LINKTYPE_USB_LINUX_MMAPPED),
behind the exchange of descriptors with which a device begins, so that Wireshark knows the interface
for a FIDO one. Power that comes is that exchange, with the next device number; power that goes is
the IN transfer that ends with ESHUTDOWN. Captures of real buses are read as well, of usbmon and of
USBPcap: of those, the first device that gets a CTAPHID_INIT, at the two endpoints that carry it.

APDUs are I-blocks of ISO/IEC 14443-4 without their checksums (LINKTYPE_ISO_14443), each in one
block whatever its size. Power is the field of the reader.
"""

from __future__ import annotations

import struct
from typing import Final

from mfalab.devices.ctap.ctaphid import BROADCAST, REPORT_SIZE, HidCommand
from mfalab.devices.transports.hid_device import REPORT_DESCRIPTOR, HidDevice
from mfalab.devices.transports.wire import Direction
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.traces.frames import Frame, FrameKind
from mfalab.simulator.traces.pcapng import Packet

LINKTYPE_USB: Final = 220
LINKTYPE_ISO_14443: Final = 264
_LINKTYPE_USB_SHORT: Final = 189
_LINKTYPE_USBPCAP: Final = 249

_HEADER: Final = struct.Struct("<QBBBBHBBqiiII8siiII")
_HEADER_SIZES: Final = {LINKTYPE_USB: 64, _LINKTYPE_USB_SHORT: 48}
_INTERRUPT, _CONTROL = 1, 2
_USBPCAP: Final = struct.Struct("<HQIHBHHBBI")
"""Length of the header, request, status, function, flags, bus, device, endpoint, transfer, length
of the data. USBPcap, USBPcapBufferPacketHeader."""
_USBPCAP_INTERRUPT: Final = 1
_IN: Final = 0x80
_ENDPOINT: Final = 1
_IN_PROGRESS, _SHUTDOWN = -115, -108
_GET_DESCRIPTOR: Final = 0x06
_DEVICE, _CONFIGURATION, _REPORT = 0x01, 0x02, 0x22
_MOST_DEVICES: Final = 127

_FROM_READER, _FROM_CARD, _FIELD_ON, _FIELD_OFF = 0xFA, 0xFB, 0xFC, 0xFD
_OTHER_FROM_READER, _OTHER_FROM_CARD = 0xFE, 0xFF
_I_BLOCK: Final = 0x02
_I_BLOCK_MASK: Final = 0xE2


class UsbLink:
    """One USB device.

    Args:
        about: what the device says of itself.
        ours: whether the packets are our own; of others, it has to be found out which device is
            the key.
    """

    def __init__(self, about: HidDevice | None = None, *, ours: bool = True) -> None:
        self._about = about or HidDevice("security key", "", "")
        self._ours = ours
        self._requests = 0
        self._device = 0
        self._found: tuple[int, int] | None = None
        self._endpoints: dict[bool, int] = {}
        self._reports = self._short = 0

    @property
    def lost(self) -> str:
        """What kept traffic of a key from being read; empty when nothing did."""
        if self._short:
            return f"{self._short} of its packets were cut short; capture with snap length 0"
        if self._reports and not self._ours and self._found is None:
            return "it begins after CTAPHID_INIT; begin the capture before the client begins"
        return ""

    def encode(self, frame: Frame) -> list[bytes]:
        """The packets that stand for a frame; the first one carries it."""
        if frame.kind is FrameKind.POWER_ON:
            return self._descriptors(frame.ts_ns)
        ts_ns = frame.ts_ns
        if frame.kind is FrameKind.POWER_OFF:
            return [self._packet(ts_ns, "C", _INTERRUPT, _IN | _ENDPOINT, status=_SHUTDOWN)]
        if frame.direction is Direction.TO_KEY:
            return [self._packet(ts_ns, "S", _INTERRUPT, _ENDPOINT, frame.data)]
        return [self._packet(ts_ns, "C", _INTERRUPT, _IN | _ENDPOINT, frame.data)]

    def decode(self, packet: Packet) -> Frame | None:
        """The frame that a packet stands for; None when it stands for none."""
        if packet.port.linktype == _LINKTYPE_USBPCAP:
            return self._decode_usbpcap(packet)
        size = _HEADER_SIZES.get(packet.port.linktype, 0)
        if not size or len(packet.data) < size:
            return None
        head = _HEADER.unpack(packet.data[:size].ljust(_HEADER.size, b"\0"))
        kind, transfer, endpoint, device, bus = chr(head[1]), head[2], head[3], head[4], head[5]
        status, setup, data = head[10], head[13], packet.data[size:]
        if transfer == _CONTROL:
            asks = bytes((_IN, _GET_DESCRIPTOR, 0, _DEVICE))
            if self._ours and kind == "S" and setup.startswith(asks):
                return Frame(packet.ts_ns, Direction.TO_KEY, b"", FrameKind.POWER_ON)
            return None
        to_host = bool(endpoint & _IN)
        if transfer != _INTERRUPT:
            return None
        self._short += len(data) < head[12]
        if not self._is_key((bus, device), endpoint, data):
            return None
        if to_host and kind == "C" and status == _SHUTDOWN:
            return Frame(packet.ts_ns, Direction.TO_KEY, b"", FrameKind.POWER_OFF)
        if not data or kind != ("C" if to_host else "S"):
            return None
        return Frame(packet.ts_ns, Direction.TO_HOST if to_host else Direction.TO_KEY, data)

    def _decode_usbpcap(self, packet: Packet) -> Frame | None:
        if len(packet.data) < _USBPCAP.size:
            return None
        size, _, _, _, _, bus, device, endpoint, transfer, length = _USBPCAP.unpack_from(
            packet.data
        )
        data = packet.data[size:]
        if transfer != _USBPCAP_INTERRUPT or not data:
            return None
        self._short += len(data) < length
        if not self._is_key((bus, device), endpoint, data):
            return None
        to_host = bool(endpoint & _IN)
        return Frame(packet.ts_ns, Direction.TO_HOST if to_host else Direction.TO_KEY, data)

    def _is_key(self, device: tuple[int, int], endpoint: int, data: bytes) -> bool:
        """Whether a packet is of the FIDO interface; a key may have a keyboard and a card, too."""
        if self._ours:
            return True
        init = BROADCAST.to_bytes(4) + bytes((0x80 | HidCommand.INIT,))
        self._reports += len(data) == REPORT_SIZE
        if len(data) == REPORT_SIZE and data.startswith(init) and self._found in (None, device):
            self._found = device
            self._endpoints.setdefault(bool(endpoint & _IN), endpoint)
        if self._found != device:
            return False
        # A transfer without data tells of power that goes, at whichever endpoint is asked first.
        return not data or self._endpoints.get(bool(endpoint & _IN)) == endpoint

    def _packet(
        self,
        ts_ns: int,
        kind: str,
        transfer: int,
        endpoint: int,
        data: bytes = b"",
        *,
        setup: bytes = b"",
        length: int | None = None,
        status: int | None = None,
    ) -> bytes:
        """A usbmon packet; linux/Documentation/usb/usbmon.rst tells its fields."""
        submitted = kind == "S"
        self._requests += submitted or transfer == _INTERRUPT
        flag_data = 0 if data else ord("<" if endpoint & _IN else ">")
        if status is None:
            status = _IN_PROGRESS if submitted else 0
        return (
            _HEADER.pack(
                self._requests,
                ord(kind),
                transfer,
                endpoint,
                self._device,
                1,
                0 if setup else ord("-"),
                flag_data,
                ts_ns // NS_PER_S,
                ts_ns % NS_PER_S // 1000,
                status,
                len(data) if length is None else length,
                len(data),
                setup,
                1 if transfer == _INTERRUPT else 0,
                0,
                0,
                0,
            )
            + data
        )

    def _descriptors(self, ts_ns: int) -> list[bytes]:
        """What a host asks a device that has been plugged in, and what a key answers."""
        self._device = self._device % _MOST_DEVICES + 1
        about = self._about
        device = struct.pack(
            "<BBHBBBBHHHBBBB",
            *(18, _DEVICE, 0x0200, 0, 0, 0, 64),
            *(about.vendor_id, about.product_id, about.version, 0, 0, 0, 1),
        )
        interface = bytes((9, 4, 0, 0, 2, 3, 0, 0, 0))
        hid = struct.pack("<BBHBBBH", 9, 0x21, 0x0111, 0, 1, _REPORT, len(REPORT_DESCRIPTOR))
        ends = b"".join(
            struct.pack("<BBBBHB", 7, 5, address, 3, REPORT_SIZE, 5)
            for address in (_IN | _ENDPOINT, _ENDPOINT)
        )
        rest = interface + hid + ends
        configuration = struct.pack("<BBHBBBBB", 9, 2, 9 + len(rest), 1, 1, 0, 0x80, 50) + rest
        packets = []
        for target, number, answer in (
            (_IN, _DEVICE, device),
            (_IN, _CONFIGURATION, configuration),
            (_IN | 1, _REPORT, REPORT_DESCRIPTOR),
        ):
            setup = struct.pack("<BBBBHH", target, _GET_DESCRIPTOR, 0, number, 0, len(answer))
            asks = self._packet(ts_ns, "S", _CONTROL, _IN, setup=setup, length=len(answer))
            packets += [asks, self._packet(ts_ns, "C", _CONTROL, _IN, answer)]
        return packets


class CardLink:
    """One card in a reader's field."""

    lost = ""

    def __init__(self) -> None:
        self._block = 1

    def encode(self, frame: Frame) -> list[bytes]:
        """The packets that stand for a frame; the first one carries it."""
        if frame.kind is FrameKind.POWER_ON:
            self._block = 1
            return [_event(_FIELD_ON)]
        if frame.kind is FrameKind.POWER_OFF:
            return [_event(_FIELD_OFF)]
        to_key = frame.direction is Direction.TO_KEY
        # The reader's block number goes on with each exchange; the card answers with the same.
        self._block ^= to_key
        block = bytes((_I_BLOCK | self._block,)) + frame.data
        return [_event(_FROM_READER if to_key else _FROM_CARD, block)]

    def decode(self, packet: Packet) -> Frame | None:
        """The frame that a packet stands for; None when it stands for none."""
        if packet.port.linktype != LINKTYPE_ISO_14443 or len(packet.data) < 4:
            return None
        _, event, size = struct.unpack_from(">BBH", packet.data)
        block = packet.data[4 : 4 + size]
        if event in {_FIELD_ON, _FIELD_OFF}:
            kind = FrameKind.POWER_ON if event == _FIELD_ON else FrameKind.POWER_OFF
            return Frame(packet.ts_ns, Direction.TO_KEY, b"", kind)
        if event in {_OTHER_FROM_READER, _OTHER_FROM_CARD}:
            block = block[:-2]  # the checksum
        if not block or block[0] & _I_BLOCK_MASK != _I_BLOCK:
            return None
        from_reader = event in {_FROM_READER, _OTHER_FROM_READER}
        direction = Direction.TO_KEY if from_reader else Direction.TO_HOST
        return Frame(packet.ts_ns, direction, block[1:], FrameKind.APDU)


Link = UsbLink | CardLink
"""A way to write frames as packets and to read them."""


def _event(event: int, data: bytes = b"") -> bytes:
    return struct.pack(">BBH", 0, event, len(data)) + data
