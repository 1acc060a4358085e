"""Serial ports: what is plugged in, which of them a rig is on, and what it seems to be."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mfalab.devices.rig.errors import PortUnclear

LOOKS_LIKE: Final[Mapping[str, tuple[tuple[int, int | None], ...]]] = {
    "scpi": ((0x2E8A, 0x0005),),  # MicroPython on RP2040 and RP2350
    "numato": ((0x2A19, None),),  # Numato Systems
    "devantech": ((0x04D8, 0xFFEE),),  # USB-RLY02 to USB-RLY16L, under Microchip's number
    "lcus": ((0x1A86, 0x7523),),  # the CH340 on it, which others have as well
    "lines": ((0x0403, None),),  # FTDI
}
"""USB vendor and product numbers by driver, the surest first; None for any product."""


@dataclass(frozen=True, slots=True)
class RigSpec:
    """Which rig, as a lab file says it.

    Attributes:
        name: what to call it.
        driver: what kind of rig it is.
        port: its serial port, any URL that pyserial knows, or a hub's location; None to look.
        serial: the serial number that it must have; it decides where `port` has changed its name.
        options: what only this driver knows.
    """

    name: str
    driver: str
    port: str | None = None
    serial: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Port:
    """A serial port of this machine.

    Attributes:
        device: its path.
        vendor: USB vendor number.
        product: USB product number.
        serial: the serial number that its device tells; empty for none.
        about: what it says that it is.
    """

    device: str
    vendor: int
    product: int
    serial: str = ""
    about: str = ""

    @property
    def driver(self) -> str | None:
        """The driver that it looks made for."""
        for driver, numbers in LOOKS_LIKE.items():
            if any(self.vendor == v and p in {None, self.product} for v, p in numbers):
                return driver
        return None

    def __str__(self) -> str:
        about = self.about or f"{self.vendor:04x}:{self.product:04x}"
        serial = f", serial {self.serial}" if self.serial else ""
        return f"{self.device} ({about}{serial})"


def serial_ports() -> tuple[Port, ...]:
    """The USB serial ports of this machine, in the order of their paths."""
    from serial.tools.list_ports import comports

    return tuple(
        Port(
            each.device,
            each.vid,
            each.pid or 0,
            each.serial_number or "",
            each.product or each.description or "",
        )
        for each in sorted(comports(), key=lambda each: each.device)
        if each.vid is not None
    )


def find_port(spec: RigSpec, present: Sequence[Port]) -> str:
    """The port that a rig is on.

    A serial number decides, wherever its port is now; without one a port that is named is taken at
    its word; without either there must be one board only that looks like it.

    Raises:
        PortUnclear: none fits, or more than one.
    """
    listed = tuple(map(str, present))
    if spec.serial is not None:
        found = [port for port in present if port.serial == spec.serial]
        if len(found) == 1:
            return found[0].device
        if found:
            raise PortUnclear(spec.name, f"is one of several with serial {spec.serial}", listed)
        at = [port for port in present if spec.port and _same(port.device, spec.port)]
        if spec.port is None or (at and at[0].serial):
            raise PortUnclear(
                spec.name, f"has serial {spec.serial}, and no such port is there", listed
            )
    if spec.port is not None:
        return spec.port
    found = [port for port in present if port.driver == spec.driver]
    if len(found) == 1:
        return found[0].device
    what = "could be on several ports" if found else "is on no port"
    raise PortUnclear(spec.name, f"(driver {spec.driver}) {what} and names none", listed)


def suggest(present: Sequence[Port]) -> tuple[RigSpec, ...]:
    """What a lab file could say about the rigs that are plugged in."""
    made: list[RigSpec] = []
    for port in present:
        if port.driver is not None:
            name = f"rig{len(made) + 1}"
            made.append(RigSpec(name, port.driver, port.device, port.serial or None))
    return tuple(made)


def entry(spec: RigSpec) -> str:
    """The line of a lab file for a rig, to stand under `rigs:`."""
    fields = [f"driver: {_plain(spec.driver)}"]
    if spec.port is not None:
        fields.append(f"port: {_plain(spec.port)}")
    if spec.serial is not None:
        fields.append(f"serial: {_text(spec.serial)}")
    if spec.options:
        inside = ", ".join(f"{key}: {_text(value)}" for key, value in spec.options.items())
        fields.append(f"options: {{{inside}}}")
    return f"{spec.name}: {{{', '.join(fields)}}}"


def _plain(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z/][\w./-]*", text) else _text(text)


def _text(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _same(one: str, other: str) -> bool:
    return one == other or Path(one).resolve() == Path(other).resolve()
