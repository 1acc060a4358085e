"""What is plugged in, and a lab file that uses it."""

from pathlib import Path
from typing import Any

import pytest

from mfalab.devices.transports.hidraw import HidNode
from mfalab.simulator.keys.nfc import ReaderSilent
from mfalab.simulator.keys.simulated import SimulatedFixture
from mfalab.simulator.workbench import discovery
from mfalab.simulator.workbench.discovery import (
    FoundKey,
    FoundReader,
    KeyInfo,
    as_lab_file,
    find_keys,
    find_readers,
)
from mfalab.simulator.workbench.lab_reading import read_lab_file

AAGUID = "6d66616c616240008000000000000021"
NODE = HidNode("/dev/hidraw0", "A key", "0042", "1-1", 1, 2, True)
NEW = KeyInfo(("FIDO_2_1",), AAGUID, pin_is_set=False)


def lab_of(tmp_path: Path, text: str) -> Any:
    (tmp_path / "lab.yaml").write_text(text)
    return read_lab_file(tmp_path / "lab.yaml")


@pytest.mark.parametrize(
    ("model", "info"),
    [
        (
            "ctap-2.1-pin",
            KeyInfo(("U2F_V2", "FIDO_2_0", "FIDO_2_1_PRE", "FIDO_2_1"), AAGUID, pin_is_set=False),
        ),
        ("u2f-2016", KeyInfo(("U2F_V2",), "", pin_is_set=None)),
    ],
)
def test_key_is_asked_for_what_it_tells_of_itself(
    monkeypatch: pytest.MonkeyPatch, model: str, info: KeyInfo
) -> None:
    monkeypatch.setattr(discovery, "fido_nodes", lambda: [NODE])
    monkeypatch.setattr(discovery, "HidFixture", lambda _path, silence_ns: SimulatedFixture(model))
    assert find_keys() == [FoundKey(NODE, info, "")]


def test_key_that_cannot_be_asked_is_found_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(path: str, *, silence_ns: int) -> None:
        raise OSError(13, "Permission denied", path)

    monkeypatch.setattr(discovery, "fido_nodes", lambda: [NODE])
    monkeypatch.setattr(discovery, "HidFixture", opened)
    (found,) = find_keys()
    assert found.info is None
    assert "Permission denied" in found.trouble


def test_readers_are_found_with_the_keys_in_their_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "readers", lambda: ("ACR122U",))
    monkeypatch.setattr(discovery, "NfcFixture", lambda _name: SimulatedFixture("u2f-2016"))
    found, silence = find_readers()
    assert (found, silence) == ([FoundReader("ACR122U", KeyInfo(("U2F_V2",), "", None), "")], "")


def test_readers_that_cannot_be_asked_are_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def readers() -> tuple[str, ...]:
        raise ReaderSilent("no daemon")

    monkeypatch.setattr(discovery, "readers", readers)
    assert find_readers() == ([], "no reader can be reached: no daemon")


def test_lab_file_of_what_was_found_is_a_lab_file(tmp_path: Path) -> None:
    cards = [FoundReader("ACR122U", NEW, ""), FoundReader("empty", None, "no card")]
    lab = lab_of(tmp_path, as_lab_file([FoundKey(NODE, NEW, "")], cards, ["rig: {driver: scpi}"]))
    assert {name: str(entry.at) for name, entry in lab.keys.items()} == {
        "key1": "hid:0042",
        "key2": "nfc:ACR122U",
    }
    assert lab.bind == {"security_key": ["key1", "key2"]}
    assert (lab.keys["key1"].aaguid, lab.keys["key1"].port) == (AAGUID, "1-1")
    assert not any(entry.destructive for entry in lab.keys.values())


def test_pin_is_asked_for_where_there_is_one(tmp_path: Path) -> None:
    for is_set in (True, False):
        info = KeyInfo(("FIDO_2_1",), AAGUID, pin_is_set=is_set)
        text = as_lab_file([FoundKey(NODE, info, "")], [], [])
        assert ("it has one" in text) == is_set


def test_empty_machine_has_a_simulated_key_to_begin_with(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, as_lab_file([], [], []))
    assert str(lab.keys["key1"].at) == "sim:ctap-2.1-pin"
