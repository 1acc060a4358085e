"""The kernel decides as the object model does: a fob, its clock, and the verifier's own rules."""

import numpy as np
import pytest

from mfalab.simulator.fleet import layout
from mfalab.simulator.fleet.simulate import chunks, run_chunk
from mfalab.simulator.fleet.study import Study
from mfalab.verifier import PROFILES

POLICIES = [
    *PROFILES,
    {"name": "one step, no memory", "profile": "rfc6238", "drift_memory": False},
    {"name": "wide", "profile": "rfc6238", "window_back": 6, "window_ahead": 5},
    {"name": "few tries", "profile": "aws-observed", "throttle_budget": 2, "window_back": 0},
    {
        "name": "delays at once",
        "profile": "rfc6238",
        "throttle_failures": 1,
        "throttle_delay_s": 3600,
        "drift_memory_limit_steps": 1,
    },
    {
        "name": "locks",
        "profile": "rfc6238",
        "drift_memory_limit_steps": 0,
        "throttle_failures_limit": 10,
    },
    {
        "name": "slides",
        "profile": "rfc6238",
        "throttle": "sliding-window",
        "throttle_budget": 2,
        "throttle_window_s": 90,
        "drift_memory_limit_steps": 1,
    },
    {
        "name": "forgets and forgives",
        "profile": "rfc6238",
        "drift_memory": False,
        "throttle_failures": 2,
        "throttle_failures_limit": 4,
        "throttle_failures_forgotten_s": 100,
        "pair_counts_as_attempt": False,
        "pair_forgives_failures": True,
    },
    {"name": "narrow resync", "profile": "aws-observed", "pair_back": 3, "pair_ahead": 3},
]


def study(tokens: int, **told: object) -> Study:
    told = {"fleets": 1, "seed": 5, "policies": POLICIES, **told}
    return Study.model_validate({"tokens": tokens, **told})


@pytest.mark.slow
@pytest.mark.parametrize(
    "told",
    [
        {
            "climate": {"office": "50 %", "car": "50 %"},
            "years": 3,
            "battery": {"life": "2 y", "spread": "60 d"},
        },
        {
            "climate": {"outdoors": "50 %", "45 C": "50 %"},
            "years": 1,
            "habit": "shifts",
            "tokens": 5,
        },
        {
            "crystal": {"digipass": "50 %", "tcxo": "50 %"},
            "climate": "pocket",
            "habit": "monthly",
            "years": 4,
            "shelf": "1 y to 3 y",
        },
        {
            "years": 2,
            "period": "60 s",
            "lost": "20 %",
            "help_desk": {"days": ["sunday"], "opens": "0 h", "closes": "1 h"},
        },
    ],
    ids=["weekly", "shifts", "monthly", "60-seconds"],
)
def test_every_decision_in_double_precision_is_that_of_the_object_model(told, differences):
    asked = study(**{"tokens": 12, **told})
    count, found = differences(asked)
    assert count > 10_000
    assert found == []


def traced(asked: Study, precision: str) -> dict[tuple[int, ...], int]:
    """What was decided, by policy, token, kind and instant."""
    (chunk,) = chunks(asked)
    rows = np.zeros((2_000_000, layout.TRACE_COLUMNS), np.int64)
    run_chunk(asked, chunk, precision=precision, trace=rows)
    rows = rows[: int((rows[:, 3] > 0).sum())]
    return {tuple(row[:4]): row[5] for row in rows.tolist()}


def test_single_precision_differs_in_one_decision_of_100_000_at_most():
    """Against double precision, which is the object model's; the first difference of each token."""
    count = differing = 0
    for seed, climate in ((1, "car"), (2, "pocket")):
        told = {"climate": climate, "seed": seed, "years": 5, "crystal": "digipass"}
        asked = study(400, **told, policies=["aws-observed", "rfc6238", "django-otp", "freeipa"])
        double, single = traced(asked, "double"), traced(asked, "single")
        wrong = {key[:2] for key in double.keys() ^ single.keys()}
        wrong |= {key[:2] for key in double.keys() & single.keys() if double[key] != single[key]}
        count += len(double)
        differing += len(wrong)
    assert count > 800_000
    assert differing <= count / 100_000
