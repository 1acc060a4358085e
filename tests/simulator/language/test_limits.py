"""Measurements against limits."""

import pytest
from pydantic import TypeAdapter, ValidationError

from mfalab.simulator.language.limits import Limit, LimitValue, Measurement

LIMIT: TypeAdapter[LimitValue] = TypeAdapter(Limit)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<= 2 steps", "<= 2 steps"),
        ("<=2steps", "<= 2 steps"),
        ("<= 1 step", "<= 1 steps"),
        (">= 90 s", ">= 90 s"),
        (">= 0.5 s", ">= 0.5 s"),
    ],
)
def test_limit_is_a_relation_a_number_and_a_unit(text: str, shown: str) -> None:
    assert str(LIMIT.validate_python(text)) == shown


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2 steps", "is not a limit; write <= 2 steps or >= 90 s"),
        ("< 2 steps", "is not a limit"),
        ("<= -2 steps", "is not a limit"),
        ("<= 2", "needs a unit, one of steps, s"),
        ("<= 2 min", "needs a unit, one of steps, s"),
        (2, "is not a limit"),
        (None, "is not a limit"),
    ],
)
def test_other_limits_are_refused(text: object, why: str) -> None:
    with pytest.raises(ValidationError) as caught:
        LIMIT.validate_python(text)
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("value", "limit", "verdict"),
    [
        (0.0, "<= 10 s", "passed"),
        (9.0, "<= 10 s", "passed"),
        (9.01, "<= 10 s", "marginal"),
        (10.0, "<= 10 s", "marginal"),
        (10.01, "<= 10 s", "failed"),
        (0.0, "<= 0 s", "passed"),
        (100.0, ">= 9 s", "passed"),
        (10.0, ">= 9 s", "passed"),
        (9.99, ">= 9 s", "marginal"),
        (9.0, ">= 9 s", "marginal"),
        (8.99, ">= 9 s", "failed"),
    ],
)
def test_value_near_its_limit_is_marginal(value: float, limit: str, verdict: str) -> None:
    measured = Measurement("offset", value, LIMIT.validate_python(limit))
    assert measured.verdict == verdict
    assert measured.met == (verdict != "failed")
