"""What a study's chunks share is what the study says."""

from dataclasses import fields

import numpy as np
import pytest

from mfalab.simulator.fleet import simulate
from mfalab.simulator.fleet.prepared import cohorts, months, precision_for
from mfalab.simulator.fleet.presets import CRYSTALS
from mfalab.simulator.fleet.study import Study


def study(**told: object) -> Study:
    return Study.model_validate(
        {
            "tokens": 700,
            "fleets": 2,
            "climate": {"office": "70 %", "car": "30 %"},
            "habit": {"weekly": "50 %", "shifts": "50 %"},
            **told,
        }
    )


def test_tokens_are_shared_out_to_one():
    for tokens in (1, 2, 7, 700, 10_001):
        assert sum(each.tokens for each in cohorts(study(tokens=tokens))) == tokens
    by_climate = {"office": 0, "car": 0}
    for each in cohorts(study()):
        by_climate[each.climate] += each.tokens
    assert by_climate == {"office": 490, "car": 210}


def test_months_are_those_of_the_calendar():
    firsts, of_day = months(study(begins="2024-01-01"))
    assert [str(each) for each in firsts[:4]] == [
        "2024-01-01",
        "2024-02-01",
        "2024-03-01",
        "2024-04-01",
    ]
    assert (of_day[30], of_day[31], of_day[59], of_day[60]) == (0, 1, 1, 2)


@pytest.mark.parametrize("crystal", sorted(CRYSTALS))
def test_usual_clocks_are_computed_in_single_precision(crystal):
    told = Study.model_validate({"crystal": crystal, "years": 10})
    assert precision_for(told) == "single"


@pytest.mark.parametrize(
    ("crystal", "years"),
    [
        ({"offset": "9000 ppm"}, 1.0),
        ({"offset": "-300 ppm"}, 5.0),
        ({"ageing": "100 ppm"}, 10.0),
        ({"parabola": -1}, 10.0),
        ({"wander": "5 ppm"}, 10.0),
    ],
    ids=str,
)
def test_clock_that_single_precision_cannot_hold_gets_double(crystal, years):
    told = study(crystals={"wild": crystal}, crystal="wild", climate="60 C", years=years, tokens=50)
    assert precision_for(told) == "double"
    *_, own = simulate.simulate(told)
    *_, double = simulate.simulate(told, precision="double")
    assert all(
        np.array_equal(getattr(own, each.name), getattr(double, each.name))
        for each in fields(simulate.Tallies)
    )
