"""A device is found by its serial number whenever it got that, and without asking the others."""

from __future__ import annotations

from typing import Any

import pytest

from mfalab import Lab
from mfalab.simulator.environment.devices import HeldDevice
from mfalab.simulator.environment.serials import SerialIndex


def lab_of(count: int) -> Lab:
    return Lab.of(
        people={"alice": {}},
        devices={
            f"fob{number}": {"kind": "hardware_totp", "owner": "alice"} for number in range(count)
        }
        | {name: {"kind": "totp_app", "owner": "alice"} for name in ("app", "copy")},
    )


def test_devices_are_found_by_the_serial_numbers_that_they_get_and_change() -> None:
    lab = lab_of(2)
    index = SerialIndex(lab.devices)
    fob = lab.device("fob1")
    assert index.names_of(fob.known_serial()) == ["fob1"]
    assert index.names_of("arn:one") == []
    lab.device("copy").serial = "arn:one"
    assert index.names_of("arn:one") == ["copy"]
    lab.device("app").serial = "arn:one"
    assert index.names_of("arn:one") == ["app", "copy"]  # the first in the file stands for both
    lab.device("copy").serial = "arn:two"
    assert (index.names_of("arn:one"), index.names_of("arn:two")) == (["app"], ["copy"])


def test_devices_that_come_later_are_found() -> None:
    lab = lab_of(1)
    index = SerialIndex(lab.devices)
    assert index.names_of("x") == []
    added = lab.add_device("late", kind="hardware_totp", serial="GAHT99999999")
    assert index.names_of(added.known_serial()) == ["late"]


def test_a_key_is_found_by_each_of_its_registrations() -> None:
    lab = Lab.of(
        people={"alice": {}, "bob": {}}, devices={"key": {"kind": "security_key", "owner": "alice"}}
    )
    index = SerialIndex(lab.devices)
    key = lab.security_key("key")
    for person in ("alice", "bob"):
        assert index.names_of(f"arn:{person}") == []
        key.register(person, f"arn:{person}")
        assert index.names_of(f"arn:{person}") == ["key"]
    assert index.names_of("arn:alice") == ["key"]


@pytest.mark.parametrize("count", [10, 40, 160])
def test_a_look_asks_the_devices_that_have_the_number(
    monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    asked: list[str] = []

    def counted(device: Any, serial: str) -> bool:
        asked.append(device.name)
        return bool(device.serial == serial)

    lab = lab_of(count)
    monkeypatch.setattr(HeldDevice, "answers_to", counted)
    index = SerialIndex(lab.devices)
    serials = [lab.device(f"fob{number}").known_serial() for number in range(count)]
    assert [index.names_of(serial) for serial in serials] == [[f"fob{n}"] for n in range(count)]
    assert len(asked) == count
