"""FIDO keys as Linux shows them: nodes under /dev/hidraw*, and 64-byte reports through one.

What a node is comes from sysfs, which everybody may read: its name, serial number and port tell one
key from another across replugging, when the number of the node changes. Opening the node takes
permission. Linux's Documentation/hid/hidraw.rst.
"""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from dataclasses import dataclass
from errno import ENODEV
from pathlib import Path
from typing import Final

from mfalab.devices.ctap.ctaphid import REPORT_SIZE
from mfalab.devices.durations import NS_PER_MS

SYSFS: Final = Path("/sys/class/hidraw")
DEV: Final = Path("/dev")
_FIDO_USAGE_PAGE: Final = bytes((0x06, 0xD0, 0xF1))
"""The item "usage page 0xF1D0" of a report descriptor. CTAP 2.1 section 11.2.8.1."""


@dataclass(frozen=True, slots=True, order=True)
class HidNode:
    """A FIDO key behind a hidraw node.

    Attributes:
        path: the node, such as /dev/hidraw0.
        name: what the key calls itself.
        serial: its serial number, empty where it has none.
        port: where it is plugged in, such as `1-1.4` on USB; what its driver says elsewhere.
        vendor_id: of USB.
        product_id: of USB.
        openable: whether this process may read and write it.
    """

    path: str
    name: str
    serial: str
    port: str
    vendor_id: int
    product_id: int
    openable: bool

    @property
    def number(self) -> int:
        """The number in its path."""
        return int("".join(each for each in self.path if each.isdigit()))

    def is_same_key(self, other: HidNode) -> bool:
        """Whether both are one key, replugged perhaps: all but the node itself is alike."""
        return (self.name, self.serial, self.port, self.vendor_id, self.product_id) == (
            other.name,
            other.serial,
            other.port,
            other.vendor_id,
            other.product_id,
        )


def fido_nodes(sysfs: Path = SYSFS, dev: Path = DEV) -> list[HidNode]:
    """Every FIDO key that is plugged in, by the number of its node.

    Args:
        sysfs: where the kernel lists hidraw nodes.
        dev: where the nodes are.
    """
    return sorted(_found(sysfs, dev), key=lambda node: node.number)


def _found(sysfs: Path, dev: Path) -> Iterator[HidNode]:
    for entry in sysfs.glob("hidraw*"):
        try:
            descriptor = (entry / "device" / "report_descriptor").read_bytes()
            told = (entry / "device" / "uevent").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue  # just pulled out
        if _FIDO_USAGE_PAGE not in descriptor:
            continue
        facts = dict(line.split("=", 1) for line in told.splitlines() if "=" in line)
        _, vendor, product = (int(part, 16) for part in facts["HID_ID"].split(":"))
        path = dev / entry.name
        yield HidNode(
            path=str(path),
            name=facts.get("HID_NAME", ""),
            serial=facts.get("HID_UNIQ", ""),
            port=_port(entry, facts.get("HID_PHYS", "")),
            vendor_id=vendor,
            product_id=product,
            openable=os.access(path, os.R_OK | os.W_OK),
        )


def _port(entry: Path, phys: str) -> str:
    """The USB port in the device's place in the tree (`usb1/1-1/1-1.4/1-1.4:1.0/...`)."""
    for folder in (entry / "device").resolve().parents:
        if ":" in folder.name and (folder / "bInterfaceNumber").exists():
            return folder.name.partition(":")[0]
    return phys


class HidrawReports:
    """Reports through a hidraw node; every reader of the node hears all of them.

    Args:
        path: the node.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        self._poll = select.poll()
        self._poll.register(self._file, select.POLLIN)

    def write(self, report: bytes) -> None:
        """Send a 64-byte report; the kernel wants its number, 0, in front.

        Raises:
            OSError: the key was pulled out.
        """
        if self._file < 0:
            raise OSError(ENODEV, "it was closed", self._path)
        os.write(self._file, b"\0" + report)

    def read(self, within_ns: int) -> bytes | None:
        """The next report; None when none comes in time.

        Raises:
            OSError: the key was pulled out.
        """
        if self._file < 0:
            raise OSError(ENODEV, "it was closed", self._path)
        if not self._poll.poll(max(0, within_ns) // NS_PER_MS):
            return None
        report = os.read(self._file, REPORT_SIZE)
        if not report:
            raise OSError(ENODEV, "the key was pulled out", self._path)
        return report

    def close(self) -> None:
        """Close the node; closing twice does no harm."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
