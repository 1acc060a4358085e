"""What clocks show, by the closed forms of a steady rate."""

import numpy as np
import pytest

from mfalab.simulator.fleet.simulate import simulate
from mfalab.simulator.fleet.study import Study


def steady(ppm: float) -> dict[str, object]:
    """A study of crystals that have no fault but their rate, typed in 9 s always."""
    exact = {"offset": f"{ppm} ppm", "spread": "0 ppm", "turnover_spread": 0, "parabola": 0}
    return {
        "crystals": {"exact": {**exact, "ageing": "0 ppm", "wander": "0 ppm"}},
        "crystal": "exact",
        "typing": {"median": "9 s", "spread": 0},
        "shelf": "0 d",
        "tries": 1,
        "years": 0.25,
        "policies": ["keycloak"],  # +-1, no memory, no resynchronisation
    }


def study(tokens: int, **told: object) -> Study:
    return Study.model_validate({"tokens": tokens, "fleets": 1, "seed": 5, **told})


def refusals(asked: Study) -> np.ndarray:
    *_, last = simulate(asked)
    return last.first_refusals[0]


@pytest.mark.parametrize(("ppm", "never", "always"), [(-20, 12.2, 29.5), (20, 22.6, 39.9)])
def test_days_to_the_first_refusal_are_those_of_the_closed_form(ppm, never, always):
    """20 ppm at +-1 without memory: refused at times from one day on, and always from another."""
    first = refusals(study(2000, **steady(ppm)))
    wednesdays = 7 * np.arange(len(first)) + 2 + 10 / 24
    assert first[wednesdays < never].sum() == 0
    assert first[7 * np.arange(len(first)) + 2 + 8 / 24 < always + 7].sum() == 2000


@pytest.mark.parametrize("ppm", [-15, -5, 8, 20])
def test_the_chance_to_be_accepted_falls_on_a_straight_line(ppm):
    """P = (w + 1) - |z| / X between w X and (w + 1) X, within five standard deviations."""
    tokens = left = 30_000
    first = refusals(study(tokens, **{**steady(ppm), "years": 0.6}))
    judged = 0
    for week, refused in enumerate(first[1:], 1):
        away = abs((7 * week + 2 + 9 / 24) * 0.0864 * ppm - 9)
        chance = min(1.0, max(0.0, 2 - away / 30))
        expected = left * (1 - chance)
        # The login may be an hour earlier or later; that moves z by less than 0.08 s.
        slack = left * 0.08 / 30 if 29 < away < 61 else 0
        assert abs(refused - expected) <= 5 * np.sqrt(left * chance * (1 - chance)) + slack + 3
        judged += 0 < chance < 1
        left -= refused
        if not left:
            break
    assert judged
