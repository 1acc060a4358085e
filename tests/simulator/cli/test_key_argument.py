"""Keys that a command is told, by address or by a name of a lab file."""

from contextlib import ExitStack

import click
import pytest

from mfalab.simulator.cli.key_argument import KeyOpener

LAB = """\
lab: desk
keys:
  model: {at: "sim:ctap-2.3"}
  real: {at: "hid:12345678"}
bind:
  security_key: model
"""


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def lab(tmp_path):
    path = tmp_path / "lab.yaml"
    path.write_text(LAB)
    return path


def opener(stack, lab=None, *, destructive=False) -> KeyOpener:
    return KeyOpener(stack, lab, touch="none", destructive=destructive)


def test_an_address_is_opened_with_its_pin(stack):
    fixture = opener(stack).open("sim:ctap-2.1-pin", pin="1234", seed=1)
    assert (fixture.name, fixture.pin) == ("sim:ctap-2.1-pin", "1234")
    accented = opener(stack).open("sim:ctap-2.1-pin", pin="e\u0301te\u0301", seed=1)
    assert accented.pin == "\u00e9t\u00e9"
    assert not opener(stack).by_hand(fixture)


def test_a_simulated_key_of_a_lab_file_is_opened_by_its_name(stack, lab):
    assert opener(stack, lab).open("model", pin=None, seed=1).name == "sim:ctap-2.3"


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("other", "has no key other. Its keys: model, real."),
        ("real", "binds nothing to real; name it under bind"),
    ],
)
def test_a_name_that_cannot_be_used_is_wrong_usage(stack, lab, told, words):
    with pytest.raises(click.UsageError, match=words):
        opener(stack, lab).open(told, pin=None, seed=1)


def test_a_real_key_told_by_its_address_is_never_changed_for_good(stack):
    with pytest.raises(click.UsageError, match="only one that a lab file marks destructive"):
        opener(stack, destructive=True).open("hid:12345678", pin=None, seed=1)


@pytest.mark.parametrize("told", ["sim:no-such-model", "usb:1", "replay:no/such.pcapng"])
def test_an_address_of_nothing_is_wrong_usage(stack, told):
    with pytest.raises(click.UsageError):
        opener(stack).open(told, pin=None, seed=1)
