"""A key as a USB device: its descriptors, and what it answers on its control endpoint; no I/O.

One configuration with one interface of the class HID, with an interrupt endpoint in each
direction. What the device does not know it stalls, as the standard says. USB 2.0 chapter 9; Device
Class Definition for HID 1.11.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum, unique
from typing import Final

from mfalab.devices.ctap.ctaphid import REPORT_SIZE
from mfalab.devices.transports.hid_device import REPORT_DESCRIPTOR, HidDevice

ENDPOINT: Final = 1
"""The number of both interrupt endpoints; the direction tells them apart."""
HID_CLASS: Final = 3
_IN: Final = 0x80
_INTERVAL_MS: Final = 1
_US_ENGLISH: Final = 0x0409
_STANDARD_DEVICE, _STANDARD_INTERFACE, _STANDARD_ENDPOINT, _CLASS_INTERFACE = 0, 1, 2, 0x21


@unique
class _Request(IntEnum):
    """Standard requests. USB 2.0 table 9-4."""

    GET_STATUS = 0
    CLEAR_FEATURE = 1
    SET_FEATURE = 3
    SET_ADDRESS = 5
    GET_DESCRIPTOR = 6
    GET_CONFIGURATION = 8
    SET_CONFIGURATION = 9
    GET_INTERFACE = 10
    SET_INTERFACE = 11


@unique
class _HidRequest(IntEnum):
    """Class requests. HID 1.11 section 7.2."""

    SET_REPORT = 9
    SET_IDLE = 10


@unique
class _Descriptor(IntEnum):
    """Types of descriptors. USB 2.0 table 9-5, HID 1.11 section 7.1."""

    DEVICE = 1
    CONFIGURATION = 2
    STRING = 3
    INTERFACE = 4
    ENDPOINT = 5
    HID = 0x21
    REPORT = 0x22


@dataclass(frozen=True, slots=True)
class Answer:
    """What a control request comes to.

    Attributes:
        data: for the host.
        report: for the key, from a host that sends it by SET_REPORT.
    """

    data: bytes = b""
    report: bytes | None = None


class UsbDevice:
    """The device, from being plugged in to being pulled out.

    Args:
        about: its names and numbers.
    """

    def __init__(self, about: HidDevice) -> None:
        self.about = about
        self.configuration = 0
        self._halted = {ENDPOINT: False, ENDPOINT | _IN: False}

    def control(self, setup: bytes, data: bytes) -> Answer | None:
        """Answer a control transfer; None is a stall.

        Args:
            setup: the 8 bytes of the setup packet. USB 2.0 section 9.3.
            data: what follows from the host.
        """
        kind, request, value, index, length = struct.unpack("<BBHHH", setup)
        if kind == _CLASS_INTERFACE and index == 0:
            return self._of_class(request, value, data)
        if kind & 0x60:
            return None
        answer = self._standard(kind & 0x1F, request, value, index)
        return None if answer is None else Answer(answer[:length])

    def _of_class(self, request: int, value: int, data: bytes) -> Answer | None:
        if request == _HidRequest.SET_IDLE:
            return Answer()
        # Output reports may come this way as well; there are no feature reports.
        if request == _HidRequest.SET_REPORT and value >> 8 == 2 and len(data) == REPORT_SIZE:
            return Answer(report=data)
        return None

    def _standard(self, recipient: int, request: int, value: int, index: int) -> bytes | None:
        if request == _Request.GET_DESCRIPTOR:
            return self._descriptor(value >> 8, value & 0xFF)
        if request == _Request.GET_STATUS:
            return self._status(recipient, index)
        if recipient == _STANDARD_DEVICE:
            if request == _Request.GET_CONFIGURATION:
                return bytes((self.configuration,))
            if request == _Request.SET_CONFIGURATION and value <= 1:
                self.configuration = value
                self._halted = dict.fromkeys(self._halted, False)
                return b""
            return b"" if request == _Request.SET_ADDRESS else None
        if recipient == _STANDARD_INTERFACE and index == 0:
            if request == _Request.GET_INTERFACE:
                return b"\0"
            return b"" if request == _Request.SET_INTERFACE and value == 0 else None
        halting = request in {_Request.CLEAR_FEATURE, _Request.SET_FEATURE} and value == 0
        if recipient == _STANDARD_ENDPOINT and index in self._halted and halting:
            self._halted[index] = request == _Request.SET_FEATURE
            return b""
        return None

    def _status(self, recipient: int, index: int) -> bytes | None:
        if recipient == _STANDARD_ENDPOINT:
            halted = self._halted.get(index) if index & 0x7F else False
            return None if halted is None else struct.pack("<H", halted)
        known = recipient == _STANDARD_DEVICE or (recipient == _STANDARD_INTERFACE and index == 0)
        return bytes(2) if known else None

    def _descriptor(self, kind: int, number: int) -> bytes | None:
        if kind == _Descriptor.STRING:
            return self._string(number)
        if number:
            return None
        if kind == _Descriptor.DEVICE:
            return self.device_descriptor()
        if kind == _Descriptor.CONFIGURATION:
            return self.configuration_descriptor()
        if kind == _Descriptor.HID:
            return _hid()
        return REPORT_DESCRIPTOR if kind == _Descriptor.REPORT else None

    def device_descriptor(self) -> bytes:
        """The device descriptor. USB 2.0 table 9-8."""
        about = self.about
        return struct.pack(
            "<BBHBBBBHHHBBBB",
            18,
            _Descriptor.DEVICE,
            0x0200,
            *(0, 0, 0),  # the interface says the class
            64,
            about.vendor_id,
            about.product_id,
            about.version,
            *(1, 2, 3),  # strings: manufacturer, product, serial number
            1,
        )

    def configuration_descriptor(self) -> bytes:
        """The configuration with its interface and endpoints. USB 2.0 tables 9-10, 9-12, 9-13."""
        interface = struct.pack("9B", 9, _Descriptor.INTERFACE, 0, 0, 2, HID_CLASS, 0, 0, 0)
        ends = b"".join(
            struct.pack("<BBBBHB", 7, _Descriptor.ENDPOINT, end, 3, REPORT_SIZE, _INTERVAL_MS)
            for end in (ENDPOINT | _IN, ENDPOINT)
        )
        rest = interface + _hid() + ends
        bus_powered, half_milliamperes = 0x80, 50
        return (
            struct.pack(
                "<BBHBBBBB",
                9,
                _Descriptor.CONFIGURATION,
                9 + len(rest),
                1,
                1,
                0,
                bus_powered,
                half_milliamperes,
            )
            + rest
        )

    def _string(self, number: int) -> bytes | None:
        if number == 0:
            text = struct.pack("<H", _US_ENGLISH)
        elif number <= 3:
            about = self.about
            text = (about.manufacturer, about.product, about.serial_number)[number - 1].encode(
                "utf-16-le"
            )[:252]
        else:
            return None
        return bytes((2 + len(text), _Descriptor.STRING)) + text


def _hid() -> bytes:
    """The HID descriptor. HID 1.11 section 6.2.1."""
    return struct.pack(
        "<BBHBBBH",
        9,
        _Descriptor.HID,
        0x0111,
        0,
        1,
        _Descriptor.REPORT,
        len(REPORT_DESCRIPTOR),
    )
