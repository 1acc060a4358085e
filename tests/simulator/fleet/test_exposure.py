"""What an attacker reaches, in the figures of the spec."""

from dataclasses import replace

import pytest

from mfalab.simulator.fleet.exposure import exposure_of, guesses_a_day
from mfalab.simulator.fleet.study import Study
from mfalab.verifier.profile import AWS_OBSERVED, RFC6238, ThrottleRule

FREE = replace(RFC6238, throttle=ThrottleRule.NONE)


def attacked(a_day: float, **told: object) -> Study:
    return Study.model_validate({"attacker": {"guesses_a_day": a_day}, **told})


@pytest.mark.parametrize(
    ("profile", "a_day", "chance"),
    [
        (FREE, 2880, 8.6e-3),
        (FREE, 3 * 2880, 2.6e-2),
        (FREE, 5 * 2880, 4.2e-2),
        (AWS_OBSERVED, 1e9, 2.1e-2),
    ],
)
def test_one_day_of_guessing_is_what_the_closed_form_says(profile, a_day, chance):
    """One, three or five guesses in 30 s at +-1; AWS at +-2 takes nine in 180 s."""
    found = exposure_of(profile, attacked(a_day), 1.0)
    in_a_day = 1 - (1 - found.in_a_year) ** (1 / 365.25)
    assert in_a_day == pytest.approx(chance, rel=0.03)


def test_a_fixed_window_looks_at_its_budget_and_no_more():
    assert guesses_a_day(AWS_OBSERVED, 1e9) == 9 * 480
    assert guesses_a_day(AWS_OBSERVED, 100) == 100


def test_a_delay_that_doubles_to_a_day_leaves_one_guess_a_day():
    assert guesses_a_day(RFC6238, 1e6) == 1
    assert guesses_a_day(replace(RFC6238, throttle_delay_limit_s=3600), 1e6) == 24


def test_a_token_that_locks_is_guessed_at_no_longer():
    locks = replace(RFC6238, throttle_failures_limit=100, throttle_delay_limit_s=60)
    found = exposure_of(locks, attacked(1e6), 5.0)
    assert found.in_the_study == found.in_a_year == pytest.approx(100 * 3e-6, rel=1e-3)


def test_no_guesses_are_no_exposure_and_a_window_of_all_codes_is_certain():
    assert exposure_of(FREE, attacked(0), 1.0).in_a_year == 0
    everything = replace(FREE, window_back=500_000, window_ahead=500_000)
    assert exposure_of(everything, attacked(1), 1.0).in_a_year == 1
