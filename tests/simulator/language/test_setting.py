"""The setting of a story as typed models."""

from dataclasses import fields, replace
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from mfalab.simulator.language.setting import (
    DEFAULT_START_NS,
    HardwareHotpSpec,
    HardwareTotpSpec,
    ProfileChanges,
    SecurityKeySpec,
    Setting,
    VerifierSpec,
)
from mfalab.verifier import PROFILES, Delay, Profile

S = 10**9


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
def test_figures_of_a_profile_make_that_profile_again(profile: Profile) -> None:
    """What `mfalab profiles` prints may be written into a scenario as it is."""
    figures = VerifierSpec.figures(profile)
    assert len(figures) == len(fields(Profile)) - 1  # all but its name
    blank = replace(PROFILES["rfc6238"], name=profile.name)
    given = {word: value for word, value in figures.items() if value is not None}
    changed = ProfileChanges.model_validate(given).apply(blank)
    for word, value in given.items():
        assert VerifierSpec.figures(changed)[word] == value, word


def test_unit_of_a_figure_moves_from_its_name_to_its_value() -> None:
    spec = VerifierSpec.model_validate(
        {"profile": "rfc6238", "throttle_window": "2 min", "window_back": "1 step"}
    )
    assert spec.resolve() == replace(PROFILES["rfc6238"], throttle_window_s=120, window_back=1)
    assert VerifierSpec.figures(spec.resolve())["window_back"] == "1 step"


@pytest.mark.parametrize(
    ("word", "text", "field", "value"),
    [
        ("propagation_enable", "7 s to 9 s", "propagation_enable_s", Delay(7, 9)),
        ("propagation_enable", "8 s", "propagation_enable_s", Delay(8, 8)),
        (
            "root_mfa_required_from",
            "2026-03-02T09:00:00.000Z",
            "root_mfa_required_from_ns",
            DEFAULT_START_NS,
        ),
    ],
)
def test_delays_and_moments_are_figures_too(
    word: str, text: str, field: str, value: object
) -> None:
    profile = VerifierSpec.model_validate({word: text}).resolve()
    assert getattr(profile, field) == value
    assert VerifierSpec.figures(profile)[word] == text


def test_name_of_a_profile_is_enough() -> None:
    setting = Setting.model_validate({"verifier": "rfc6238"})
    assert setting.verifier.resolve() == PROFILES["rfc6238"]


def test_profile_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValidationError):
        VerifierSpec.model_validate({"throttle_window": "0 s"})


def test_empty_entry_is_one_with_the_defaults() -> None:
    setting = Setting.model_validate({"people": {"alice": None}, "phones": {"p": {}}})
    assert setting.people["alice"].role == "user"
    with pytest.raises(ValidationError, match="valid dictionary"):
        Setting.model_validate({"people": ["alice"]})


def test_device_is_chosen_by_its_kind() -> None:
    devices = {"fob": {"kind": "hardware_hotp", "owner": "a", "counter": 7}}
    fob = Setting.model_validate({"devices": devices}).devices["fob"]
    assert isinstance(fob, HardwareHotpSpec)
    assert fob.counter == 7


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"seeds": "a.csv"}, "a token from a seed file needs its serial"),
        ({"digits": 9}, "less than or equal to 8"),
        ({"drift": "3 s"}, "a drift has no unit 's'"),
    ],
)
def test_token_that_contradicts_itself_is_refused(spec: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        HardwareTotpSpec.model_validate({"owner": "alice", **spec})


def test_fingers_are_enrolled_with_a_pin() -> None:
    with pytest.raises(ValidationError, match="fingers are enrolled with a PIN"):
        SecurityKeySpec(owner="alice", fingers=["thumb"])
    assert SecurityKeySpec(owner="alice", fingers=["thumb"], pin="2468").fingers == ["thumb"]


def test_durations_are_nanoseconds() -> None:
    fob = TypeAdapter(HardwareTotpSpec).validate_python(
        {"owner": "alice", "period": "60 s", "offset": "-2 s", "age": "1 min"}
    )
    assert (fob.period, fob.offset, fob.age) == (60 * S, -2 * S, 60 * S)
