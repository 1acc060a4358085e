"""Whether what lies on a bench can stand for what a scenario describes."""

from typing import Any

import pytest

from mfalab.simulator.abilities import Ability
from mfalab.simulator.scenario_files.scenario import Scenario
from mfalab.simulator.workbench.fitness import (
    BenchKeyFacts,
    needs_any,
    why_no_key,
    why_no_token,
)


def scenario(device: dict[str, Any], *steps: dict[str, Any], **more: Any) -> Scenario:
    return Scenario.model_validate(
        {
            "scenario": "A story",
            "people": {"alice": {}},
            "devices": {"it": {"owner": "alice", **device}},
            "steps": steps or [{"do": "sign_in", "who": "alice"}],
            **more,
        }
    )


def with_key(*steps: dict[str, Any], **spec: Any) -> Scenario:
    return scenario({"kind": "security_key", **spec}, *steps)


def with_token(*steps: dict[str, Any], **spec: Any) -> Scenario:
    return scenario({"kind": "hardware_totp", **spec}, *steps)


def key(**changes: Any) -> BenchKeyFacts:
    facts: dict[str, Any] = {
        "name": "left",
        "can": frozenset({Ability.TOUCH, Ability.POWER}),
        "versions": ("U2F_V2", "FIDO_2_0", "FIDO_2_1"),
        "options": {},
        "destructive": True,
        "pin": None,
        "over_nfc": False,
    }
    return BenchKeyFacts(**facts | changes)


RESET = {"do": "reset_key", "who": "alice", "device": "it"}


@pytest.mark.parametrize(
    ("spec", "facts", "why"),
    [
        ({}, {}, None),
        ({"slots": 3}, {}, "it is to have 3 places, and left has what it has"),
        ({"pin": "1234", "fingers": ["a"]}, {}, "it is to know fingers, and left can be shown"),
        ({"pin": "1234"}, {}, None),
        ({"pin": "1234"}, {"destructive": False, "pin": "9"}, None),
        ({"pin": "1234"}, {"destructive": False}, "it is to have a PIN, and left is not marked"),
        ({}, {"destructive": False, "pin": "9"}, "it is to have no PIN, and left has one"),
        ({}, {"versions": ("U2F_V2",)}, "the scenario is about FIDO_2_1, and left is U2F_V2"),
        ({"model": "u2f-2016"}, {}, "the scenario is about U2F_V2, and left is FIDO_2_1"),
        ({}, {"versions": ("FIDO_2_0",)}, None),
        ({"model": "ctap-2.1-pin"}, {"versions": ("FIDO_2_0",)}, "is about FIDO_2_1, and left"),
        ({"model": "ctap-2.1-pin"}, {"versions": ("FIDO_9",)}, "and left is unknown"),
        ({"model": "ctap-2.1-pin"}, {"options": {"alwaysUv": True}}, "left does always verify"),
        ({"model": "always-uv"}, {}, "left does not always verify its user"),
        ({"model": "ctap-2.1-pin"}, {"options": {"ep": True}}, "left has the option ep"),
        ({"model": "enterprise"}, {}, "left has no option ep"),
    ],
)
def test_key_is_held_against_what_the_device_is_to_be(
    spec: dict[str, Any], facts: dict[str, Any], why: str | None
) -> None:
    found = why_no_key(with_key(**spec), "it", key(**facts))
    assert found == why if why is None or found is None else why in found


def test_step_that_the_key_cannot_take_part_in_is_told_by_its_number() -> None:
    story = with_key(RESET, {"do": "break", "device": "it"})
    assert why_no_key(story, "it", key()) == (
        "step 2 (break): left cannot be broken for a test: it is a real key"
    )


def test_wait_near_the_end_of_the_time_for_a_reset_matters_with_a_reset_only() -> None:
    wait = {"do": "wait", "for": "9 s"}
    assert why_no_key(with_key(wait), "it", key()) is None
    assert "be reset so near to the end" in str(why_no_key(with_key(wait, RESET), "it", key()))


@pytest.mark.parametrize(
    ("spec", "steps", "why"),
    [
        ({}, [], None),
        ({"serial": "1", "digits": 8, "period": "60 s"}, [], None),
        ({"battery": "1 y"}, [], "it is to have a battery of its own, and fob is as it is"),
        (
            {},
            [{"do": "set_clock", "device": "it", "by": "1 s"}],
            "step 1 (set_clock): fob cannot have its clock set: it is a real token",
        ),
        ({}, [{"do": "wait", "for": "10 min"}], None),
        ({}, [{"do": "wait", "for": "1 d"}], "it would really have to wait for so long"),
    ],
)
def test_token_is_as_it_is(
    spec: dict[str, Any], steps: list[dict[str, Any]], why: str | None
) -> None:
    found = why_no_token(with_token(*steps, **spec), "it", "fob")
    assert found == why if why is None or found is None else why in found


def test_story_with_a_time_of_its_own_has_no_real_token() -> None:
    story = scenario({"kind": "hardware_totp"}, start="2030-01-01T00:00:00Z")
    assert why_no_token(story, "it", "fob") == (
        "the story begins at a time of its own, and fob lives now"
    )


def test_needs_of_all_steps_are_looked_through() -> None:
    story = with_key({"do": "sign_in", "who": "alice"}, RESET)
    assert needs_any(story, Ability.RESET, Ability.COPY)
    assert not needs_any(story, Ability.COPY)
