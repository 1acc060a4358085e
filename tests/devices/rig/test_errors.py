"""Errors of rigs are sentences that survive copying."""

from __future__ import annotations

import inspect
import pickle

import pytest

from mfalab.devices.rig import errors
from mfalab.devices.rig.errors import (
    NotFitted,
    OptionWrong,
    PersonAway,
    PortUnclear,
    RigBroken,
    RigBusy,
    RigClosed,
    RigError,
    RigGarbled,
    RigGone,
    RigRefused,
    RigSilent,
    RigVersionWrong,
    ToolFailed,
    ToolMissing,
    ToolNotPermitted,
    WatchdogFired,
)

SENTENCES = [
    (RigGone("b", "EIO"), "rig b is gone (EIO)"),
    (RigSilent("b", "*IDN?", 50), "rig b did not answer '*IDN?' within 50 ms."),
    (RigGarbled("b", "*IDN?", b"x", True), "rig b answered '*IDN?' with b'x', which is no answer"),
    (RigGarbled("b", "*IDN?", b"x", False), "with half a line, b'x', which"),
    (
        RigVersionWrong("b", "2.0", 1),
        "version 2.0, and the driver knows version 1.",
    ),
    (WatchdogFired("b", "no line"), "restored all power by itself (no line)"),
    (PersonAway("b", "Touch"), "rig b asked 'Touch' and no one is at the keyboard."),
    (ToolMissing("b", "tool", "Get it."), "needs the program tool, which is not here. Get it."),
    (ToolNotPermitted("b", "tool"), "rig b: 'tool' may not reach the hub. Run as root, or add"),
    (ToolFailed("b", "tool -l", 1, "no"), "'tool -l' failed with status 1 and said 'no'."),
    (ToolFailed("b", "tool -l", -1, ""), "'tool -l' did not end in time and said ''."),
    (RigRefused("b", "TOUC5", -114, "no"), "rig b refused 'TOUC5': -114, no."),
    (NotFitted("b", "nfc", 1, 0), "rig b has no nfc channels."),
    (NotFitted("b", "nfc", 3, 2), "rig b has no nfc channel 3. Use one of 1 to 2."),
    (RigClosed("b"), "rig b is not open. Open it first."),
    (RigBusy("b", "/dev/x"), "another program holds /dev/x. End that one first."),
    (PortUnclear("b", "is not there", ("x", "y")), "rig b is not there. Plugged in: x, y."),
    (PortUnclear("b", "is not there", ()), "Plugged in: nothing that could be one."),
    (OptionWrong("b", "touch", "it is none."), 'rig b, "touch": it is none.'),
]


@pytest.mark.parametrize(("error", "sentence"), SENTENCES)
def test_error_is_a_sentence_and_survives_copying(error: RigError, sentence: str) -> None:
    assert sentence in str(error)
    again = type(error)(*error.args)
    pickled = pickle.loads(pickle.dumps(error))
    assert str(again) == str(pickled) == str(error)
    assert vars(pickled) == vars(again) == vars(error)


def test_every_error_is_in_the_table() -> None:
    there = {each for _, each in inspect.getmembers(errors, inspect.isclass)}
    there = {each for each in there if each.__module__ == errors.__name__}
    assert {type(error) for error, _ in SENTENCES} == there - {RigError, RigBroken}
