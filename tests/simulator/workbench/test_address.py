"""Addresses of keys."""

from typing import Any

import pytest

from mfalab.simulator.keys import hid
from mfalab.simulator.keys.simulated import SimulatedFixture
from mfalab.simulator.workbench.address import KINDS, Address, BadAddress, is_real, open_fixture


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("sim:ctap-2.3", Address("sim", "ctap-2.3")),
        ("hid:", Address("hid", "")),
        ("hid:/dev/hidraw0", Address("hid", "/dev/hidraw0")),
        ("nfc:ACS ACR122U 00", Address("nfc", "ACS ACR122U 00")),
        ("udp:7112", Address("udp", "7112")),
        ("udp:key.example:65535", Address("udp", "key.example:65535")),
        ("replay:C:/a.pcapng", Address("replay", "C:/a.pcapng")),
    ],
)
def test_address_is_a_kind_and_the_rest(text: str, address: Address) -> None:
    assert Address.parse(text) == address
    assert str(address) == text


NO_PORTS = ["", "0", "65536", "a", "a:", "-1", "7112:", "\u0661"]


@pytest.mark.parametrize(
    "text",
    ["", "hid", "usb:1-1", "sim:", "replay:", "HID:1", *(f"udp:{each}" for each in NO_PORTS)],
)
def test_other_texts_are_no_addresses(text: str) -> None:
    with pytest.raises(BadAddress) as caught:
        Address.parse(text)
    assert str(caught.value).startswith(f'"{text}" is no address of a key; write one of sim:MODEL')


def test_only_what_is_not_ours_is_real() -> None:
    kinds = {kind for kind in KINDS if Address(kind, "1").is_real}
    assert kinds == {kind for kind in KINDS if is_real(f"{kind}:1")} == {"hid", "nfc", "udp"}
    assert not is_real("my.key")


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
