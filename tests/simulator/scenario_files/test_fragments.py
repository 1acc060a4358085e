"""Devices and steps that come as JSON, in the words of scenario files."""

import json
from pathlib import Path
from typing import Any

import pytest

from mfalab.simulator.language.problems import ProblemsFound
from mfalab.simulator.language.setting import HardwareTotpSpec
from mfalab.simulator.scenario_files.fragments import (
    NotUnderstood,
    parse_json,
    read_devices,
    read_profile,
    read_step,
)
from mfalab.simulator.scenario_files.loader import load_cases
from mfalab.simulator.steps.lifecycle import Lose
from mfalab.verifier import AWS_IMMEDIATE

PEOPLE: dict[str, Any] = {"alice": {}, "ada": {}}
FOB = {"kind": "hardware_totp", "owner": "alice", "drift": "45 ppm"}


def test_device_as_a_file_has_it() -> None:
    read = read_devices({"fob": FOB}, {"people": PEOPLE})
    assert isinstance(read["fob"], HardwareTotpSpec)
    assert (read["fob"].drift, read["fob"].owner) == (45.0, "alice")


def test_step_as_a_file_has_it() -> None:
    around = {"people": PEOPLE, "devices": {"fob": FOB}}
    step = read_step({"do": "lose", "who": "alice", "device": "fob"}, around)
    assert step == Lose(who="alice", device="fob")


WRONG_DEVICES: list[Any] = [
    {**FOB, "drift": 45},
    {**FOB, "drift": "fast"},
    {**FOB, "drfit": "45 ppm"},
    {**FOB, "owner": "alise"},
    {"kind": "hardware_totp"},
    {"kind": "hardware_top", "owner": "alice"},
    {"owner": "alice"},
    {**FOB, "registered": "perhaps"},
    {"kind": "totp_app", "owner": "alice", "on": "nothing"},
    {"kind": "security_key", "owner": "alice", "fingers": ["thumb"]},
    3,
    None,
    [[]],
]


@pytest.mark.parametrize("device", WRONG_DEVICES, ids=json.dumps)
def test_mistakes_are_told_as_in_files(tmp_path: Path, device: Any) -> None:
    scenario = {"scenario": "x", "people": PEOPLE, "devices": {"fob": device}}
    path = tmp_path / "x.scenario.yaml"
    path.write_text(json.dumps({**scenario, "steps": [{"do": "wait", "for": "0 s"}]}))
    with pytest.raises(ProblemsFound) as in_file:
        load_cases(path)
    with pytest.raises(NotUnderstood) as on_wire:
        read_devices({"fob": device}, {"people": PEOPLE})
    for problem in in_file.value.problems:
        assert problem.message in str(on_wire.value)
    assert "\n" not in str(on_wire.value)


def test_mistake_shows_what_it_is_about() -> None:
    with pytest.raises(NotUnderstood, match=r"^\"drift\": 45: '45' has no unit"):
        read_devices({"fob": {**FOB, "drift": 45}}, {"people": PEOPLE})
    with pytest.raises(NotUnderstood, match=r'^"fob": "owner" is missing$'):
        read_devices({"fob": {"kind": "hardware_totp"}}, {"people": PEOPLE})


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"[]", "no JSON object"),
        (b'"fob"', "no JSON object"),
        (b'{"a": 1, "a": 2}', 'key "a" is here twice'),
        (b'{"b": {"a": 1, "a": 2}}', 'key "a" is here twice'),
        (b'{"a": NaN}', "no number"),
        (b"\xff", "UTF-8"),
        (b"[" * 100_000, "too deep"),
        (b'{"a": ' * 100_000, "too deep"),
    ],
)
def test_what_is_no_json_object(body: bytes, word: str) -> None:
    with pytest.raises(NotUnderstood, match=word):
        parse_json(body)


@pytest.mark.parametrize("name", ["\ud800", "a\x7f", "\x00", "\u2028", "a: {b", "*x", "<<", "%"])
def test_strange_names_are_no_defects(name: str) -> None:
    with pytest.raises(NotUnderstood):
        read_devices({name: FOB}, {"people": PEOPLE})


def test_profile_with_figures_as_a_file_has_them() -> None:
    profile = read_profile(
        "rfc6238", {"passkeys": "true", "console_session": "1 h", "sms": "preview"}
    )
    assert (profile.name, profile.passkeys, profile.console_session_s) == ("rfc6238", True, 3600)
    assert profile.sms == "preview"
    assert read_profile("aws-immediate", {}) == AWS_IMMEDIATE


@pytest.mark.parametrize(
    ("figures", "says"),
    [
        ({"sms": "gone"}, "sms"),
        ({"passkey": "true"}, "passkey"),
        ({"console_session": "1"}, "no unit"),
        ({"profile": "rfc6238"}, "it is no figure"),
        ({"": ""}, "unknown|no"),
    ],
)
def test_figures_that_are_none(figures: dict[str, str], says: str) -> None:
    with pytest.raises(NotUnderstood, match=says):
        read_profile("aws-immediate", figures)
