"""A security key as a USB device: descriptors, requests and stalls."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfalab.devices.ctap.ctaphid import BROADCAST, HidCommand, packets
from mfalab.devices.transports.hid_device import REPORT_DESCRIPTOR, HidDevice
from mfalab.devices.transports.usb_device import Answer, UsbDevice

ABOUT = HidDevice("Test key", "0042ABCD", "bench")


INIT = packets(BROADCAST, HidCommand.INIT, b"12345678")[0]


def setup(kind: int, request: int, value: int = 0, index: int = 0, length: int = 255) -> bytes:
    return struct.pack("<BBHHH", kind, request, value, index, length)


class TestDevice:
    def data(self, *fields: int, device: UsbDevice | None = None) -> bytes:
        answer = (device or UsbDevice(ABOUT)).control(setup(*fields), b"")
        assert answer is not None
        return answer.data

    def test_the_device_descriptor_names_vendor_product_and_strings(self) -> None:
        assert self.data(0x80, 6, 0x0100) == bytes.fromhex(
            "12 01 0002 00 00 00 40 0912 0100 0001 01 02 03 01"
        )

    def test_the_configuration_has_a_hid_interface_with_two_interrupt_endpoints(self) -> None:
        assert self.data(0x80, 6, 0x0200) == bytes.fromhex(
            "09 02 2900 01 01 00 80 32"
            "09 04 00 00 02 03 00 00 00"
            "09 21 1101 00 01 22 2200"
            "07 05 81 03 4000 01"
            "07 05 01 03 4000 01"
        )

    def test_a_host_that_wants_the_head_of_a_descriptor_gets_that(self) -> None:
        assert self.data(0x80, 6, 0x0200, 0, 9) == bytes.fromhex("09 02 2900 01 01 00 80 32")

    def test_the_interface_tells_its_report_descriptor(self) -> None:
        assert self.data(0x81, 6, 0x2200) == REPORT_DESCRIPTOR
        assert len(REPORT_DESCRIPTOR) == 34
        assert self.data(0x81, 6, 0x2100)[7:] == (34).to_bytes(2, "little")

    @pytest.mark.parametrize(("number", "text"), [(1, "mfalab"), (2, "Test key"), (3, "0042ABCD")])
    def test_strings_are_utf16_behind_their_length(self, number: int, text: str) -> None:
        assert self.data(0x80, 6, 0x0300) == bytes.fromhex("04 03 0904")
        encoded = text.encode("utf-16-le")
        assert self.data(0x80, 6, 0x0300 | number, 0x0409) == (
            bytes((2 + len(encoded), 3)) + encoded
        )

    def test_configuration_and_halted_endpoints_are_remembered(self) -> None:
        device = UsbDevice(ABOUT)
        assert self.data(0x80, 8, device=device) == b"\0"
        assert device.control(setup(0, 9, 1), b"") == Answer()
        assert self.data(0x80, 8, device=device) == b"\1"
        assert device.control(setup(2, 3, 0, 0x81), b"") == Answer()
        assert self.data(0x82, 0, 0, 0x81, device=device) == b"\1\0"
        assert device.control(setup(2, 1, 0, 0x81), b"") == Answer()
        assert self.data(0x82, 0, 0, 0x81, device=device) == b"\0\0"

    def test_an_output_report_may_come_over_the_control_endpoint(self) -> None:
        device = UsbDevice(ABOUT)
        assert device.control(setup(0x21, 9, 0x0200, 0, 64), INIT) == Answer(report=INIT)
        assert device.control(setup(0x21, 10), b"") == Answer()

    @pytest.mark.parametrize(
        "fields",
        [
            (0x80, 6, 0x0304),  # a string that there is not
            (0x80, 6, 0x0101),  # a second device descriptor
            (0x80, 6, 0x0600),  # device qualifier, for devices of high speed
            (0x00, 9, 2),  # a second configuration
            (0x01, 11, 1),  # an alternate setting
            (0x82, 0, 0, 0x82),  # the status of an endpoint that there is not
            (0x21, 9, 0x0300),  # a feature report
            (0xA1, 1, 0x0100),  # GET_REPORT
            (0xC0, 1),  # a vendor's request
        ],
        ids=str,
    )
    def test_what_it_does_not_have_is_stalled(self, fields: tuple[int, ...]) -> None:
        assert UsbDevice(ABOUT).control(setup(*fields), bytes(64)) is None

    @given(st.binary(min_size=8, max_size=8), st.binary(max_size=64))
    def test_no_setup_packet_makes_it_fall_over(self, packet: bytes, data: bytes) -> None:
        answer = UsbDevice(ABOUT).control(packet, data)
        assert answer is None or len(answer.data) <= int.from_bytes(packet[6:], "little")
