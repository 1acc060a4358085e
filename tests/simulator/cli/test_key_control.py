"""Lines of control, and a rig whose channels act on keys."""

from types import SimpleNamespace

import pytest

from mfalab.devices.errors import NotOffered
from mfalab.devices.schedule import OwnTime
from mfalab.simulator.cli.key_control import PluggedKey, board, obey


class Key:
    """Stands for a security key; writes down what is done to it."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.asks = False
        self.plugged = True

    def __getattr__(self, verb: str):
        return lambda *values: self.done.append(" ".join((verb, *values)))


class Card:
    def __init__(self, done: list[str]) -> None:
        self.tap = lambda: done.append("tap")
        self.lift = lambda: done.append("lift")


def plugged(name: str, *, alone: bool = False) -> PluggedKey:
    each = PluggedKey(name, alone=alone)
    each.key = Key()
    return each


@pytest.fixture
def keys() -> list[PluggedKey]:
    return [plugged("a.key"), plugged("a.key b")]


def test_an_empty_line_touches_the_only_key():
    only = plugged("a.key", alone=True)
    assert obey([only], "")
    assert obey([only], "finger left thumb")
    assert only.key.done == ["touch", "finger left thumb"]


def test_quit_is_the_last_line(keys):
    assert not obey(keys, "quit")


def test_the_longest_name_that_fits_is_meant(keys):
    obey(keys, "touch a.key b")
    obey(keys, "touch a.key")
    assert [each.key.done for each in keys] == [["touch"], ["touch"]]


def test_an_answer_without_a_name_goes_to_the_key_that_asks(keys, capsys):
    keys[1].key.asks = True
    obey(keys, "decline")
    assert keys[1].key.done == ["decline"]
    obey(keys, "unplug")
    assert "names no key" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("press", "'press' is no line of control. There are: touch, finger, decline"),
        ("finger", "say which finger: finger NAME"),
        ("touch me", "touch takes no more"),
        ("quit now", "is no line of control"),
    ],
)
def test_a_wrong_line_is_told_and_does_nothing(capsys, line, said):
    only = plugged("a.key", alone=True)
    assert obey([only], line)
    assert said in capsys.readouterr().err
    assert only.key.done == []


def test_a_key_without_a_reader_cannot_be_laid_on_one(capsys):
    only = plugged("a.key", alone=True)
    with pytest.raises(NotOffered):
        only.tap()
    obey([only], "tap")
    assert "Start it with --nfc." in capsys.readouterr().err


def test_what_happens_is_printed_with_the_name_where_there_are_several(keys, capsys):
    obey(keys, "unplug a.key")
    obey([plugged("c.key", alone=True)], "plug")
    assert capsys.readouterr().out == "unplugged a.key\nplugged in\n"


def test_plugging_in_lifts_the_card_first():
    only = plugged("a.key", alone=True)
    only.card = Card(only.key.done)
    only.plug()
    assert only.key.done == ["lift", "plug"]


def test_a_request_says_what_is_wanted_and_for_whom(capsys):
    asked = SimpleNamespace(
        prompt=SimpleNamespace(value="touch"), rp_id="example.org", info="sign in"
    )
    plugged("a.key").announce(asked)
    said = capsys.readouterr().out
    assert said == "a.key asks for example.org: sign in; touch it (Enter), or decline\n"


def test_a_key_lies_on_its_reader_while_field_and_card_are_there():
    only = plugged("a.key", alone=True)
    only.card = Card(only.key.done)
    made = board([only], OwnTime())
    for line in (b"NFC1:PRES ON\n", b"NFC1:FIEL OFF\n", b"NFC1:FIEL ON\n"):
        made.feed(line)
    assert only.key.done == ["tap", "lift", "tap"]
