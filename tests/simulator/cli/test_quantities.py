"""Options that are numbers with units."""

import click
import pytest

from mfalab.simulator.cli.quantities import INSTANT, SPAN, STEPS
from mfalab.simulator.clocks.durations import NS_PER_DAY, NS_PER_S


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (SPAN, "90 s", 90 * NS_PER_S),
        (SPAN, "1 d", NS_PER_DAY),
        (INSTANT, "2026-03-02T09:00:00Z", 1_772_442_000 * NS_PER_S),
        (STEPS, "-2 steps", -2),
        (SPAN, 7, 7),
    ],
)
def test_a_number_is_read_with_its_unit_and_a_value_is_left_as_it_is(kind, text, value):
    assert kind.convert(text, None, None) == value


@pytest.mark.parametrize(
    ("kind", "text"), [(SPAN, "90"), (SPAN, "1 parsec"), (INSTANT, "9 o'clock"), (STEPS, "2 s")]
)
def test_what_is_no_quantity_is_wrong_usage(kind, text):
    with pytest.raises(click.BadParameter):
        kind.convert(text, None, None)
