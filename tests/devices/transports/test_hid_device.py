"""What a model says of itself, on every way to its key."""

import struct
from dataclasses import replace

from mfalab.devices.ctap import load_model
from mfalab.devices.security_key import SecurityKey
from mfalab.devices.transports.hid_device import HidDevice
from mfalab.devices.transports.uhid import create2
from mfalab.devices.transports.usb_device import UsbDevice
from mfalab.simulator.entropy import Entropy

MODEL = replace(
    load_model("ctap-2.1-pin"),
    manufacturer="Acme",
    product="Acme Key 3",
    usb_vendor_id=0xF055,
    usb_product_id=0xBEEF,
)


def test_a_model_without_a_product_is_called_by_its_name() -> None:
    about = HidDevice.of(load_model("fido-2.0"), "42", "desk")
    assert about == HidDevice("FIDO2 of CTAP 2.0", "42", "desk", "mfalab", 0x1209, 0x0001)


def test_usb_tells_numbers_and_names_of_the_model() -> None:
    usb = UsbDevice(HidDevice.of(MODEL))
    assert struct.unpack_from("<HH", usb.device_descriptor(), 8) == (0xF055, 0xBEEF)
    strings = [
        answer.data[2:].decode("utf-16-le")
        for number in (1, 2)
        if (answer := usb.control(struct.pack("<BBHHH", 0x80, 6, 0x300 | number, 0, 255), b""))
    ]
    assert strings == ["Acme", "Acme Key 3"]


def test_uhid_tells_numbers_and_names_of_the_model() -> None:
    event = create2(HidDevice.of(MODEL))
    assert event[4:132].rstrip(b"\0") == b"Acme Acme Key 3"
    assert struct.unpack_from("=II", event, 4 + 128 + 64 + 64 + 4) == (0xF055, 0xBEEF)


def test_python_fido2_and_metadata_tell_them_too() -> None:
    key = SecurityKey(MODEL, random_bytes=Entropy(1).random_bytes("key"))
    key.plug()
    about = key.device().descriptor
    assert (about.vid, about.pid, about.product_name) == (0xF055, 0xBEEF, "Acme Key 3")
    assert key.authenticator.metadata_statement()["description"] == "Acme Acme Key 3"
