"""The PIN of the key under test is brought into the state that a test needs."""

import pytest

from mfalab.devices.ctap.commands import Permission
from mfalab.simulator.conformance.pins import Pin, Token
from mfalab.simulator.conformance.verdicts import NotTested


def forbidden():
    raise AssertionError("the key was reset")


def test_a_pin_is_set_and_gives_a_token(subject):
    subject.pins.prepare(Pin.SET, ready=False, reset=forbidden)
    assert subject.pins.is_set
    assert subject.pins.ours
    assert subject.dirty == {"the PIN"}
    assert len(subject.pins.token(Permission.CREDENTIAL_MANAGEMENT).value) == 32


def test_a_pin_is_removed_by_the_reset_that_is_handed_in(subject):
    subject.prepare(Pin.SET, ready=False)
    called = []
    subject.pins.prepare(Pin.ABSENT, ready=False, reset=lambda: called.append("reset"))
    assert called == ["reset"]


def test_a_key_without_a_pin_is_not_reset(subject):
    subject.pins.prepare(Pin.ABSENT, ready=False, reset=forbidden)
    assert not subject.pins.is_set


def test_without_leave_to_change_the_key_no_pin_is_set(subject):
    subject.destructive = False
    with pytest.raises(NotTested, match="setting one takes --destructive"):
        subject.prepare(Pin.SET, ready=False)


def test_without_a_known_pin_there_is_no_token(subject):
    with pytest.raises(NotTested, match="it takes a PIN"):
        subject.pins.token(Permission.MAKE_CREDENTIAL)


def test_a_subcommand_is_signed_with_its_parameters():
    token = Token(2, bytes(32))
    members = token.subcommand(5, {1: 2}, prefix=b"\xff")
    assert members == {1: 5, 2: {1: 2}, 3: 2, 4: token.sign(b"\xff\x05\xa1\x01\x02")}
    assert token.subcommand(5) == {1: 5, 3: 2, 4: token.sign(b"\x05")}
