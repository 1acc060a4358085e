"""One vocabulary for what steps need and what things can do."""

from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

import pytest

from mfalab.simulator.abilities import Ability, Need, Offer, find_lack
from mfalab.simulator.scenario_files.shape import alternatives
from mfalab.simulator.steps import VOCABULARY
from mfalab.simulator.steps.base import Step
from mfalab.simulator.workbench.fitness import BenchKeyFacts

FIXED: dict[str, dict[str, Any]] = {
    "wait": {"for": "1 s"},
    "set_clock": {"by": "1 s"},
    "set_verifier_clock": {"by": "1 s"},
    "measure": {"offset": "<= 1 s"},
    "change_number": {"number": "+12025550100"},
    "update_root_phone": {"number": "+12025550100"},
    "change_verifier": {"to": {}},
}
"""What a minimal step needs beside a word for each field that is required."""


def minimal(model: type[Step]) -> Step:
    """A step with the fields that it cannot do without."""
    verb = get_args(model.model_fields["do"].annotation)[0]
    words: dict[str, Any] = {}
    for name, info in model.model_fields.items():
        if info.is_required():
            (first, *_) = alternatives(info.annotation)
            kind = get_origin(first) or first
            choices = get_args(first) if kind is Literal else ()
            empty = {list: [], dict: {}}.get(kind, "x")
            words[info.alias or name] = choices[0] if choices else empty
    return model.model_validate({"do": verb, **words, **FIXED.get(verb, {})})


@pytest.mark.parametrize(("verb", "model"), VOCABULARY.items())
def test_every_step_declares_its_needs(verb: str, model: type[Step]) -> None:
    devices = {need.device for need in minimal(model).needs()}
    assert devices <= {None, "x"}, f"{verb} needs something of a device that it does not name"


@pytest.mark.parametrize("ability", Ability)
def test_ability_is_said_behind_cannot(ability: Ability) -> None:
    assert find_lack([Need(ability)], Offer("it", frozenset())) == f"it cannot {ability.value}"
    assert not ability.value.endswith(".")


def test_first_lack_is_told_with_its_reason() -> None:
    offer = Offer.of_all_but("left", {Ability.COPY: "it is a real key", Ability.U2F: ""})
    assert find_lack([Need(Ability.RESET), Need(Ability.COPY), Need(Ability.U2F)], offer) == (
        "left cannot be copied: it is a real key"
    )
    assert find_lack([Need(Ability.U2F)], offer) == "left cannot speak U2F"
    assert find_lack([Need(Ability.RESET)], offer) is None
    assert find_lack([], offer) is None


@pytest.mark.parametrize(("of", "counts"), [(None, True), ("key", True), ("other", False)])
def test_needs_of_another_device_do_not_count(of: str | None, counts: bool) -> None:
    lack = find_lack([Need(Ability.COPY, of)], Offer("left", frozenset()), "key")
    assert (lack is not None) == counts


def test_offer_of_all_but_some_has_all_others() -> None:
    offer = Offer.of_all_but("left", {Ability.COPY: "real"})
    assert set(Ability) - offer.can == {Ability.COPY}


ALL_HANDS = frozenset({Ability.TOUCH, Ability.FINGER, Ability.DECLINE, Ability.POWER})
REAL = {
    Ability.FAULTS: "it is a real key",
    Ability.BAD_WIRE: "it is a real key",
    Ability.COPY: "it is a real key",
    Ability.BREAK: "it is a real key",
}
"""What no real key can do."""
NO_HAND = "nothing on the bench does that"
TOO_LATE = "it might come too late"


@pytest.mark.parametrize(
    ("facts", "resets", "lacks"),
    [
        ({}, False, {Ability.TOUCH_DEADLINE: TOO_LATE}),
        (
            {},
            True,
            {Ability.TOUCH_DEADLINE: TOO_LATE, Ability.RESET_DEADLINE: TOO_LATE},
        ),
        (
            {"can": frozenset()},
            False,
            {
                Ability.TOUCH_DEADLINE: TOO_LATE,
                **dict.fromkeys((*ALL_HANDS, Ability.UNPLUG), NO_HAND),
            },
        ),
        (
            {"destructive": False},
            False,
            {
                Ability.TOUCH_DEADLINE: TOO_LATE,
                **dict.fromkeys((Ability.PIN, Ability.RESET), "it is not marked destructive"),
            },
        ),
        ({"versions": ("FIDO_2_1",)}, False, {Ability.TOUCH_DEADLINE: TOO_LATE, Ability.U2F: ""}),
        (
            {"over_nfc": True, "can": ALL_HANDS - {Ability.TOUCH}},
            False,
            {
                Ability.LATE_TOUCH: "over NFC the tap is the touch",
                Ability.LATE_RESET: "over NFC a reset begins with a tap",
                Ability.UNPLUG: "a card that is being read is not pulled out",
            },
        ),
    ],
    ids=["hands", "resets", "no hands", "kept", "no U2F", "NFC"],
)
def test_key_on_the_bench_lacks_what_nobody_can_do_with_it(
    facts: dict[str, Any], resets: bool, lacks: Mapping[Ability, str]
) -> None:
    given: dict[str, Any] = {
        "name": "left",
        "can": ALL_HANDS,
        "versions": ("U2F_V2", "FIDO_2_1"),
        "options": {},
        "destructive": True,
        "pin": None,
        "over_nfc": False,
    }
    offer = BenchKeyFacts(**given | facts).offer(resets=resets)
    assert dict(offer.because) == REAL | lacks
    assert offer.can == frozenset(Ability) - offer.because.keys()
