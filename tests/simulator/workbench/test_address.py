"""Addresses of keys."""

from typing import Any

import pytest

from mfalab.simulator.keys import hid
from mfalab.simulator.keys.simulated import SimulatedFixture
from mfalab.simulator.workbench.address import Address, BadAddress, open_fixture


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("sim:ctap-2.3", Address("sim", "ctap-2.3")),
        ("hid:", Address("hid", "")),
        ("hid:/dev/hidraw0", Address("hid", "/dev/hidraw0")),
        ("nfc:ACS ACR122U 00", Address("nfc", "ACS ACR122U 00")),
        ("replay:C:/a.pcapng", Address("replay", "C:/a.pcapng")),
    ],
)
def test_address_is_a_kind_and_the_rest(text: str, address: Address) -> None:
    assert Address.parse(text) == address
    assert str(address) == text


@pytest.mark.parametrize("text", ["", "hid", "usb:1-1", "sim:", "replay:", "HID:1"])
def test_other_texts_are_no_addresses(text: str) -> None:
    with pytest.raises(BadAddress) as caught:
        Address.parse(text)
    assert str(caught.value).startswith(f'"{text}" is no address of a key; write one of sim:MODEL')


def test_only_what_can_be_held_in_a_hand_is_real() -> None:
    kinds = {kind: Address(kind, "x").is_real for kind in ("sim", "hid", "nfc", "replay")}
    assert kinds == {"sim": False, "hid": True, "nfc": True, "replay": False}


def test_simulated_key_is_made_with_its_seed() -> None:
    with open_fixture("sim:u2f-2016", seed=7) as fixture:
        assert isinstance(fixture, SimulatedFixture)
        assert fixture.name == "sim:u2f-2016"


def test_real_key_is_given_its_hands_and_its_pin(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    def opened(wanted: str, **rest: Any) -> None:
        given.update(rest, wanted=wanted)

    monkeypatch.setattr(hid, "HidFixture", opened)
    open_fixture(Address("hid", "1-1"), destructive=True, pin="2468")
    assert given == {"wanted": "1-1", "destructive": True, "pin": "2468"}
