"""Verdicts and declarations: what is understood, and what is refused."""

from typing import Any

import pytest

from mfalab.simulator.targets.otp.verifier import Capabilities, OtpVerifier, Verdict


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (True, Verdict(True)),
        (False, Verdict(False)),
        ("replayed", Verdict(False, "replayed")),
        (Verdict(True), Verdict(True)),
    ],
)
def test_verdicts(answer: object, verdict: Verdict) -> None:
    assert Verdict.of(answer) == verdict


@pytest.mark.parametrize("answer", [None, 0, 1, "", [], b"x", 200])
def test_anything_else_is_no_verdict(answer: object) -> None:
    with pytest.raises(ValueError, match="is no verdict"):
        Verdict.of(answer)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"digits": ()}, "digits must not be empty"),
        ({"window_back": -1}, "window_back is -1"),
        ({"lanes": 0}, "lanes is 0"),
        ({"resync_codes": 1}, "resync_codes is 1"),
    ],
)
def test_declaration_that_makes_no_sense(given: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Capabilities(**given)


def test_right_verifier_has_the_shape(right: type[Any]) -> None:
    assert isinstance(right(), OtpVerifier)
