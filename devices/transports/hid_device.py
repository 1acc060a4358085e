"""What a key says of itself when it is a device of the operating system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mfalab.devices.ctap.model import Model

REPORT_DESCRIPTOR: Final = bytes.fromhex(
    "06 D0F1"  # usage page: FIDO alliance
    "09 01"  # usage: CTAPHID
    "A1 01"  # collection: application
    "09 20 15 00 26 FF00 75 08 95 40 81 02"  # 64 bytes in
    "09 21 15 00 26 FF00 75 08 95 40 91 02"  # 64 bytes out
    "C0"  # end of the collection
)
"""The report descriptor of a FIDO HID interface. CTAP 2.1 section 11.2.8.2."""


@dataclass(frozen=True, slots=True)
class HidDevice:
    """A key as the host sees it, before the first report.

    Attributes:
        product: what it calls itself.
        serial_number: tells it from others of its kind.
        location: where it is plugged in; the same whenever it is plugged in there again.
        manufacturer: who made it.
        vendor_id, product_id: USB numbers.
        version: the release of the device, BCD.
    """

    product: str
    serial_number: str
    location: str
    manufacturer: str = "mfalab"
    vendor_id: int = 0x1209
    product_id: int = 0x0001
    version: int = 0x0100

    @classmethod
    def of(cls, model: Model, serial_number: str = "", location: str = "") -> HidDevice:
        """A key of that model, with its maker's and its own name and numbers."""
        return cls(
            model.product or model.name,
            serial_number,
            location,
            model.manufacturer,
            model.usb_vendor_id,
            model.usb_product_id,
        )
