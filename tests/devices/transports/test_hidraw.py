"""FIDO keys as Linux lists them, and reports through a node."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from errno import ENODEV
from pathlib import Path

import pytest

from mfalab.devices.transports.hidraw import HidNode, HidrawReports, fido_nodes

FIDO, KEYBOARD = bytes.fromhex("06d0f10901a101"), bytes.fromhex("05010906a101")
NODE = HidNode("/dev/hidraw12", "Key", "7", "1-1.4", 0x1050, 0x0407, True)


@pytest.fixture
def system(tmp_path: Path) -> Path:
    (tmp_path / "dev").mkdir()
    return tmp_path


def add(
    root: Path, number: int, descriptor: bytes = FIDO, *, usb: str = "", node: bool = True
) -> None:
    """A node as sysfs tells of it; on USB its device is a link into the tree of devices."""
    home = root / f"devices/{number}"
    if usb:
        interface = root / f"devices/usb1/{usb}/{usb}:1.0"
        interface.mkdir(parents=True)
        (interface / "bInterfaceNumber").write_text("00")
        home = interface / f"0003:1050:0407.000{number}"
    home.mkdir(parents=True)
    (home / "report_descriptor").write_bytes(descriptor)
    (home / "uevent").write_text(
        f"HID_ID=0003:00001050:00000407\nHID_NAME=Key {number}\nHID_PHYS=phys{number}\nHID_UNIQ=7\n"
    )
    entry = root / f"class/hidraw{number}"
    entry.mkdir(parents=True)
    (entry / "device").symlink_to(home)
    if node:
        (root / f"dev/hidraw{number}").touch()


def found(root: Path) -> list[HidNode]:
    return fido_nodes(root / "class", root / "dev")


def test_keys_are_listed_by_number_and_keyboards_are_not(system: Path) -> None:
    for number in (10, 2):
        add(system, number)
    add(system, 3, KEYBOARD)
    assert [each.name for each in found(system)] == ["Key 2", "Key 10"]


def test_a_key_on_usb_has_its_port(system: Path) -> None:
    add(system, 1, usb="1-1.4")
    (node,) = found(system)
    assert (node.port, node.serial) == ("1-1.4", "7")
    assert (node.vendor_id, node.product_id) == (0x1050, 0x0407)


def test_a_key_elsewhere_has_what_its_driver_says(system: Path) -> None:
    add(system, 1)
    assert found(system)[0].port == "phys1"


def test_a_node_that_is_not_there_cannot_be_opened(system: Path) -> None:
    add(system, 1)
    add(system, 2, node=False)
    assert [each.openable for each in found(system)] == [True, False]


def test_a_key_that_was_just_pulled_out_is_left_out(system: Path) -> None:
    add(system, 1)
    (system / "class/hidraw2").mkdir()
    assert len(found(system)) == 1


def test_a_key_is_the_same_behind_another_node_and_not_in_another_port() -> None:
    assert NODE.number == 12
    assert NODE.is_same_key(replace(NODE, path="/dev/hidraw3", openable=False))
    assert not NODE.is_same_key(replace(NODE, port="1-1.3"))


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[HidrawReports, socket.socket]]:
    """Reports through a socket in place of a node, and the kernel's side of it."""
    kernel, node = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    number = node.detach()
    monkeypatch.setattr(os, "open", lambda path, flags: number)
    reports = HidrawReports("/dev/hidraw0")
    monkeypatch.undo()
    yield reports, kernel
    reports.close()
    kernel.close()


def test_a_report_is_written_behind_its_number(pair: tuple[HidrawReports, socket.socket]) -> None:
    reports, kernel = pair
    reports.write(bytes(range(64)))
    assert kernel.recv(100) == b"\0" + bytes(range(64))


def test_a_report_is_read_when_there_is_one(pair: tuple[HidrawReports, socket.socket]) -> None:
    reports, kernel = pair
    assert reports.read(0) is None
    kernel.send(bytes(range(64)))
    assert reports.read(0) == bytes(range(64))


def test_a_key_that_is_pulled_out_ends_reading(pair: tuple[HidrawReports, socket.socket]) -> None:
    reports, kernel = pair
    kernel.close()
    with pytest.raises(OSError, match="pulled out") as caught:
        reports.read(0)
    assert caught.value.errno == ENODEV


def test_a_closed_node_is_not_used(pair: tuple[HidrawReports, socket.socket]) -> None:
    reports, _ = pair
    reports.close()
    reports.close()
    with pytest.raises(OSError, match="it was closed"):
        reports.write(bytes(64))
    with pytest.raises(OSError, match="it was closed"):
        reports.read(0)
