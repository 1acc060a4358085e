"""Which port a rig is on, and what a lab file could say about it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import serial.tools.list_ports
import yaml

from mfalab.devices.rig import RigSpec
from mfalab.devices.rig.errors import PortUnclear
from mfalab.devices.rig.ports import Port, entry, find_port, serial_ports, suggest

PICO = Port("/dev/ttyACM0", 0x2E8A, 0x0005, "0042", "Board in FS mode")


OTHER = Port("/dev/ttyACM1", 0x2E8A, 0x0005, "0057", "Board in FS mode")


NUMATO = Port("/dev/ttyACM2", 0x2A19, 0x0C05, "", "Numato UR8A")


MOUSE = Port("/dev/ttyUSB9", 0x1234, 0x0001, "", "")


class TestFinding:
    @pytest.mark.parametrize(
        ("spec", "present", "found"),
        [
            (RigSpec("r", "scpi"), [PICO, NUMATO, MOUSE], "/dev/ttyACM0"),
            (RigSpec("r", "numato"), [PICO, NUMATO, MOUSE], "/dev/ttyACM2"),
            (RigSpec("r", "scpi", serial="0057"), [PICO, OTHER], "/dev/ttyACM1"),
            (RigSpec("r", "scpi", "/dev/ttyACM0", "0057"), [PICO, OTHER], "/dev/ttyACM1"),
            (RigSpec("r", "scpi", "/dev/ttyACM7"), [PICO, OTHER], "/dev/ttyACM7"),
            (RigSpec("r", "scpi", "socket://bench:4000", "0042"), [], "socket://bench:4000"),
            (RigSpec("r", "scpi", "/dev/ttyACM2", "0042"), [NUMATO], "/dev/ttyACM2"),
        ],
    )
    def test_the_serial_number_decides_and_then_the_port_and_then_the_looks(
        self, spec: RigSpec, present: list[Port], found: str
    ) -> None:
        assert find_port(spec, present) == found

    @pytest.mark.parametrize(
        ("spec", "present", "sentence"),
        [
            (
                RigSpec("r", "scpi"),
                [],
                (
                    "rig r (driver scpi) is on no port and names none. Plugged in: nothing that "
                    'could be one. Run "mfalab rig suggest" for a ready entry.'
                ),
            ),
            (
                RigSpec("r", "scpi"),
                [PICO, OTHER],
                (
                    "rig r (driver scpi) could be on several ports and names none. Plugged in: "
                    "/dev/ttyACM0 (Board in FS mode, serial 0042), /dev/ttyACM1 (Board in FS mode, "
                    'serial 0057). Run "mfalab rig suggest" for a ready entry.'
                ),
            ),
            (
                RigSpec("r", "scpi", serial="0099"),
                [PICO, MOUSE],
                (
                    "rig r has serial 0099, and no such port is there. Plugged in: /dev/ttyACM0 "
                    "(Board in FS mode, serial 0042), /dev/ttyUSB9 (1234:0001). Run "
                    '"mfalab rig suggest" for a ready entry.'
                ),
            ),
            (
                RigSpec("r", "scpi", "/dev/ttyACM0", "0099"),
                [PICO],
                (
                    "rig r has serial 0099, and no such port is there. Plugged in: /dev/ttyACM0 "
                    '(Board in FS mode, serial 0042). Run "mfalab rig suggest" for a ready entry.'
                ),
            ),
        ],
    )
    def test_what_is_not_clear_is_one_sentence_with_what_is_there(
        self, spec: RigSpec, present: list[Port], sentence: str
    ) -> None:
        with pytest.raises(PortUnclear) as caught:
            find_port(spec, present)
        assert str(caught.value) == sentence

    def test_two_boards_with_one_serial_number_are_not_clear(self) -> None:
        twin = Port("/dev/ttyACM5", 0x2E8A, 0x0005, "0042")
        with pytest.raises(PortUnclear, match="is one of several with serial 0042"):
            find_port(RigSpec("r", "scpi", serial="0042"), [PICO, twin])


class TestSuggesting:
    def test_what_looks_like_a_rig_is_suggested(self) -> None:
        assert suggest([PICO, MOUSE, NUMATO]) == (
            RigSpec("rig1", "scpi", "/dev/ttyACM0", "0042"),
            RigSpec("rig2", "numato", "/dev/ttyACM2", None),
        )

    @pytest.mark.parametrize(
        "spec",
        [
            RigSpec("rig1", "scpi", "/dev/ttyACM0", "0042"),
            RigSpec("rig1", "lcus", "/dev/ttyUSB0", options={"relays": "2", "power": "1,2"}),
            RigSpec("rig1", "uhubctl", "1-1.4"),
            RigSpec("rig1", "scpi", "socket://a:1", 'x"\\y: #'),
        ],
    )
    def test_an_entry_is_yaml_that_says_the_same(self, spec: RigSpec) -> None:
        fields = yaml.safe_load(entry(spec))["rig1"]
        assert RigSpec("rig1", **fields) == spec

    def test_an_entry_is_as_people_write_it(self) -> None:
        assert entry(suggest([PICO])[0]) == (
            'rig1: {driver: scpi, port: /dev/ttyACM0, serial: "0042"}'
        )


def test_ports_without_usb_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def listed() -> list[SimpleNamespace]:
        about = {"serial_number": None, "product": None, "description": "n/a"}
        return [
            SimpleNamespace(device="/dev/ttyS0", vid=None, pid=None, **about),
            SimpleNamespace(device="/dev/ttyACM1", vid=0x2E8A, pid=5, **about),
        ]

    monkeypatch.setattr(serial.tools.list_ports, "comports", listed)
    assert serial_ports() == (Port("/dev/ttyACM1", 0x2E8A, 5, "", "n/a"),)
