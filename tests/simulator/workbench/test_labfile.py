"""What an entry of a lab file may say."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from mfalab.simulator.workbench.labfile import KeyEntry, LabFile, Place


@pytest.mark.parametrize(
    ("text", "place"),
    [("rig:2", Place("rig", 2)), ("rig", Place("rig")), ("a-b:10", Place("a-b", 10))],
)
def test_channel_is_a_rig_and_a_number(text: str, place: Place) -> None:
    assert Place.parse(text) == place


@pytest.mark.parametrize("text", ["", ":1", "rig:", "rig:0", "rig:-1", "rig:x"])
def test_what_is_no_channel_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no channel; write RIG:NUMBER, manual or none"):
        Place.parse(text)


def test_none_is_no_hand() -> None:
    key = KeyEntry.model_validate({"at": "hid:1-1", "touch": "none", "power": "manual"})
    assert (key.touch, key.power) == (None, Place("manual"))


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"at": "sim:ctap-2.3", "pin": "1234"}, "needs no pin; remove it"),
        ({"at": "nfc:a", "port": "1-1"}, "has no port to be told by"),
        ({"at": "hid:1-1", "destructive": "true", "serial": "1"}, "say its port"),
        ({"at": "nfc:a", "destructive": "true"}, "say its AAGUID"),
        ({"at": "nfc:a", "aaguid": "12"}, "it has 32 hexadecimal digits"),
    ],
)
def test_key_that_cannot_be_is_refused(entry: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        KeyEntry.model_validate(entry)


def test_places_are_those_of_keys_and_tokens() -> None:
    lab = LabFile.model_validate(
        {
            "lab": "x",
            "keys": {"k": {"at": "hid:1-1", "touch": "rig:2"}},
            "tokens": {"t": {"at": "manual", "serial": "GAHT00001", "seeds": "a.csv"}},
            "bind": {"security_key": "k"},
        }
    )
    assert list(lab.places()) == [
        (("keys", "k", "touch"), Place("rig", 2)),
        (("tokens", "t", "at"), Place("manual")),
    ]
    assert lab.bind == {"security_key": ["k"]}
