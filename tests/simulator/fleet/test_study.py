"""What a study may say."""

import re

import pytest
from pydantic import ValidationError

from mfalab.simulator.fleet.study import Attacker, Crystal, Policy, Study, Typing
from mfalab.verifier.profile import RFC6238


def test_defaults_are_a_study():
    study = Study()
    assert (study.tokens, study.weeks, study.shelf) == (10_000, 261, (0, 26))


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"begins": "2026-01-07"}, "is no Monday, and a study counts weeks; write 2026-01-05"),
        ({"begins": "tomorrow"}, "is not a day"),
        ({"climate": "Office"}, 'there is no climate "Office"; did you mean "office"?'),
        ({"climate": "900 C"}, "out of bounds for a temperature: -60 C to 120 C"),
        ({"climate": {"office": "60 %", "car": "30 %"}}, "the shares make 90 %"),
        ({"climate": ["office"]}, "write a NAME, or {NAME: 60 %, NAME: 40 %}"),
        ({"habit": "weakly"}, 'did you mean "weekly"?'),
        ({"crystal": "diamond"}, 'there is no crystal "diamond"'),
        ({"policies": ["rfc6328"]}, 'there is no profile "rfc6328"; did you mean "rfc6238"?'),
        ({"policies": ["rfc6238", "rfc6238"]}, "two policies have the same name"),
        ({"shelf": "2 y to 1 y"}, "ends before it begins"),
        ({"shelf": "9 y"}, "a battery may end on the shelf"),
        ({"help_desk": {"opens": "17 h", "closes": "9 h"}}, "must open before it closes"),
        ({"typing": {"median": "50 s"}}, "the longest between it and 600 s"),
        ({"battery": {"life": "1 y", "spread": "200 d"}}, "three times its spread"),
        ({"period": "45 s"}, "30 s or 60 s"),
        (
            {
                "policies": [
                    {
                        "name": "a",
                        "profile": "vault",
                        "throttle_budget": 50,
                        "throttle": "sliding-window",
                    }
                ]
            },
            "holds at most 12 attempts",
        ),
        (
            {"policies": [{"name": "a", "profile": "rfc6238", "throttle_window_s": 90_000}]},
            "windows of at most 43200 s",
        ),
        ({"study": "\x1b[2J"}, "printable characters"),
        ({"policies": [{"name": "\x1b[2J", "profile": "rfc6238"}]}, "printable characters"),
        ({"crystals": {"c": {"spread": "-4 ppm"}}}, "greater than or equal to 0"),
        ({"crystals": {"c": {"tolerance": "0 ppm"}}}, "greater than 0"),
        ({"tokens": "0"}, "greater than or equal to 1"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_what_does_not_fit_is_said(told, said):
    with pytest.raises(ValidationError, match="validation error") as caught:
        Study.model_validate(told)
    assert said in str(caught.value)


@pytest.mark.parametrize("model", [Attacker, Crystal, Policy, Study, Typing])
@pytest.mark.parametrize("figure", [10**30, -(10**30), float("inf"), float("nan")])
def test_every_figure_has_a_least_and_a_most(model, figure):
    """The kernel counts in 64 bits, and what has no end is computed for ever."""
    numbers = {
        name
        for name, field in model.model_fields.items()
        if {"int", "float"} & {*re.findall(r"\w+", repr(field.annotation))} and name != "seed"
    }
    told = {"name": "a", "profile": "rfc6238"} if model is Policy else {}
    for name in numbers:
        for written in (figure, f"{figure:f} ppm", f"{figure:f} C"):
            with pytest.raises(ValidationError):
                model.model_validate({**told, name: written})
    assert numbers


def test_a_make_of_ones_own_may_be_named():
    study = Study.model_validate({"crystals": {"ours": {"spread": "2 ppm"}}, "crystal": "ours"})
    assert study.crystals["ours"].spread == 2.0


def test_a_policy_is_its_profile_with_its_changes():
    policy = Policy(name="own", profile="rfc6238", window_back=3, drift_memory=False)
    profile = policy.figures
    assert (profile.name, profile.window_back, profile.window_ahead) == ("own", 3, 1)
    assert not profile.drift_memory
    assert profile.pair_back == RFC6238.pair_back
