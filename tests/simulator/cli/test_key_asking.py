"""What keys are asked for, and by whom they are touched."""

from contextlib import ExitStack

import click
import pytest

from mfalab.devices.errors import DeviceError
from mfalab.simulator.cli.key_asking import Asking, is_real, key_errors
from mfalab.simulator.traces.recorder import RecordingFailed


def asking(*words: str, **values: object) -> Asking:
    usual = {"destructive": False, "lab": None, "touch": "none", "seed": 1, "pin": None}
    return Asking(words=words, **{**usual, **values})


@pytest.mark.parametrize(("address", "real"), [("hid:", True), ("nfc:ACR", True), ("sim:x", False)])
def test_keys_in_ports_and_on_readers_are_real(address, real):
    assert is_real(address) is real


def test_two_simulated_keys_of_one_command_are_no_clones():
    with ExitStack() as stack:
        ask = asking()
        opener = ask.opener(stack)
        first, second = (ask.open(opener, "sim:ctap-2.1-pin", number) for number in (0, 1))
        found = [
            [passage.name for passage in asking(words).perform(each, each.can)]
            for each, words in ((first, "basics"), (second, "basics"))
        ]
    assert found[0] == found[1] != []


def test_words_that_choose_no_test_are_wrong_usage():
    with ExitStack() as stack:
        ask = asking("no", "such")
        fixture = ask.open(ask.opener(stack), "sim:ctap-2.1-pin")
        with pytest.raises(click.UsageError, match="no test has no and such; or write basics"):
            ask.perform(fixture, fixture.can)


def test_the_pin_is_not_shown():
    assert "1234" not in repr(asking(pin="1234"))


@pytest.mark.parametrize(
    ("error", "words"),
    [(DeviceError("it is gone"), "it is gone"), (OSError(5, "I/O error"), "hid:1: I/O error")],
)
def test_a_key_that_goes_away_is_a_bench_that_is_not_ready(capsys, error, words):
    with pytest.raises(SystemExit) as ended, key_errors("hid:1"):
        raise error
    assert ended.value.code == 3
    assert words in capsys.readouterr().err


def test_a_recording_that_fails_is_wrong_usage():
    with pytest.raises(click.UsageError, match="full"), key_errors("hid:1"):
        raise RecordingFailed("a.pcapng", "the disk is full")
