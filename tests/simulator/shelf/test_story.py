"""Recorded stories as scenario files."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mfalab.simulator.clocks.durations import NS_PER_DAY, NS_PER_S
from mfalab.simulator.lab import Lab
from mfalab.simulator.scenario_files.loader import load_cases
from mfalab.simulator.shelf.shelf import Shelf
from mfalab.simulator.shelf.story import OTHERWISE, _flow, _line, replay, tell_story, write_story

from .conftest import FOB, People


def test_nothing_that_happened_is_a_story(shelf: Shelf, tmp_path: Path) -> None:
    path = tmp_path / "empty.scenario.yaml"
    path.write_text(write_story(shelf))
    assert len(load_cases(path)) == 1


def test_chance_of_a_device_is_written_down(shelf: Shelf) -> None:
    shelf.put(
        {
            "fob": {"kind": "hardware_totp", "owner": "alice"},
            "sms": {"kind": "sms_phone", "owner": "ada"},
        }
    )
    text = write_story(shelf)
    assert f"serial: {shelf.device('fob').serial}" in text
    assert f"number: {shelf.lab.sms_phone('sms').thing.number}" in text
    for word in ("drift: ", "turnover: ", "ageing: "):
        assert word in text
    assert replay(text) == []


def test_clock_of_a_late_device_is_set(shelf: Shelf) -> None:
    shelf.advance(100 * 86_400 * 10**9)
    shelf.put({"fob": {**FOB, "offset": "20 s"}})
    shelf.advance(86_400 * 10**9)
    shelf.step({"do": "measure", "device": "fob", "offset": "<= 30 s"})
    assert OTHERWISE not in write_story(shelf)


def test_what_became_of_a_crystal_is_replayed(shelf: Shelf, tmp_path: Path) -> None:
    """Climate and drift that change under way; of its noise a few seconds are not written down."""
    shelf.put({"fob": FOB})
    for words in (
        {"do": "travel", "device": "fob", "climate": "60 C"},
        {"do": "set_clock", "device": "fob", "drift": "-80 ppm"},
        {"do": "travel", "device": "fob", "climate": "drawer"},
        {"do": "set_clock", "device": "fob", "drift": "7.5 ppm"},
    ):
        shelf.advance(50 * NS_PER_DAY)
        shelf.step(words)
    shelf.step({"do": "measure", "device": "fob", "offset": "<= 100000 s"})
    path = tmp_path / "fob.scenario.yaml"
    path.write_text(write_story(shelf))
    (case,) = load_cases(path)
    lab = Lab(case.scenario, case=case.id)
    for step in case.scenario.steps:
        lab.do(step)
    clocks = [each.device("fob").clock for each in (shelf.lab, lab)]
    ours, theirs = (clock.offset_ns() / NS_PER_S for clock in clocks if clock is not None)
    assert ours == pytest.approx(theirs, abs=5)
    assert abs(ours) > 300


def test_words_that_need_quotes_get_them(shelf: Shelf) -> None:
    shelf.put({"key": {"kind": "security_key", "owner": "alice", "pin": "a: b #c, {d}"}})
    shelf.put({"other": {"kind": "security_key", "owner": "alice", "pin": "null"}})
    text = write_story(shelf)
    assert '"a: b #c, {d}"' in text
    assert replay(text) == []


@pytest.mark.parametrize(
    "serial",
    ["*a", "*", "- x", "&a", "!x", "a: b\n- c", "a\u2028b", "\U0001f511"],
)
def test_serial_number_of_any_characters_is_told_as_it_is(shelf: Shelf, serial: str) -> None:
    shelf.put({"fob": {**FOB, "serial": serial}})
    text = write_story(shelf)
    assert OTHERWISE not in text
    assert yaml.safe_load(text)["devices"]["fob"]["serial"] == serial


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_one_text(text: str) -> None:
    """As a key, too: tags have keys such as `cost: center`."""
    written = _flow({"a": text, "b": [text], "c": {text: ""}}) + f"  # {_line(text)}\n"
    read = yaml.load(written, Loader=yaml.BaseLoader)
    assert read == {"a": text, "b": [text], "c": {text: ""}}


@pytest.mark.parametrize("key", ["cost: center", ":", "-", "=", "@x", "null", "a :b", "true", "1"])
def test_tag_of_any_key_is_replayed(shelf: Shelf, people: People, key: str) -> None:
    shelf.put({"app": {"kind": "totp_app", "owner": "ada"}})
    iam = people.verifier.iam(people.keys["ada"])
    iam.create_virtual_mfa_device(VirtualMFADeviceName="app", Tags=[{"Key": key, "Value": ""}])
    shelf.scan("app", shelf.shown or b"")
    serial = shelf.device("app").known_serial()
    iam.tag_mfa_device(SerialNumber=serial, Tags=[{"Key": f"{key} 2", "Value": key}])
    text = write_story(shelf)
    assert OTHERWISE not in text, text
    steps = yaml.load(text, Loader=yaml.BaseLoader)["steps"]
    assert {key: ""} in [each.get("tags") for each in steps]


def test_what_ends_otherwise_is_said(shelf: Shelf) -> None:
    shelf.put({"fob": FOB})
    shelf.step({"do": "lose", "who": "alice", "device": "fob"})
    shelf.notebook.entries[0].words["expect"] = {"refused": "NotHeld"}
    text = write_story(shelf)
    assert f"{OTHERWISE}step 1 (lose): " in text


@pytest.mark.parametrize("steps", [0, 1, 250])
def test_page_is_told_the_end_of_a_story(shelf: Shelf, steps: int) -> None:
    shelf.put({"fob": FOB})
    for _ in range(steps):
        shelf.step({"do": "set_clock", "device": "fob", "by": "1 s"})
    told = tell_story(shelf)
    assert told["before"] == max(0, steps - 100)
    assert len(told["steps"]) == steps - told["before"]
    assert told["omitted"] == []


def test_policies_that_the_file_does_not_have_are_said(shelf: Shelf, people: People) -> None:
    people.verifier.iam(people.keys["ada"]).attach_user_policy(
        UserName="alice", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    )
    shelf.recorder.begin()
    people.verifier.sts(people.keys["alice"]).get_caller_identity()
    people.verifier.sts(people.keys["ada"]).get_caller_identity()
    text = write_story(shelf)
    assert "# not expressed: the policies of alice\n" in text
    assert "ada: {typing: instant, role: administrator}" in text
