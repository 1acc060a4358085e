"""Why readings make no measurement, in sentences that say what to do."""

import pytest

from mfalab.simulator.twin.errors import (
    ClockStepped,
    ClockStopped,
    NoStraightLine,
    SeedFitsNoCode,
    TooFewReadings,
)


@pytest.mark.parametrize(
    "error",
    [
        TooFewReadings(1, 3),
        SeedFitsNoCode(0, 9, "1 d"),
        NoStraightLine(4, 9),
        ClockStopped(4, 9, "a", "b"),
        ClockStepped(8, 9, 61.0, "a", "b"),
    ],
)
def test_errors_can_be_made_again_from_their_arguments(error):
    assert str(type(error)(*error.args)) == str(error)


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "no readings are too few"), (1, "1 reading is too"), (2, "2 readings are too few")],
)
def test_too_few_readings_are_counted(count, words):
    assert str(TooFewReadings(count, 3)).startswith(words)


def test_a_seed_of_another_token_made_none_of_the_codes():
    assert "made none of the 9 codes" in str(SeedFitsNoCode(0, 9, "1 d"))
    assert "made 2 of the 9 codes" in str(SeedFitsNoCode(2, 9, "1 d"))


def test_only_a_small_step_may_be_the_temperatures():
    assert "it is warmer or colder" in str(ClockStepped(8, 9, -119.0, "a", "b"))
    large = str(ClockStepped(8, 9, 120.0, "a", "b"))
    assert "warmer" not in large
    assert large.endswith(
        "stepped by about +120 s between a and b. To measure it as it runs "
        "since then, use --from b."
    )
