"""Draws follow the distribution that readings and prior knowledge make."""

from math import inf, sqrt

import numpy as np
import pytest

from mfalab.simulator.entropy import Entropy
from mfalab.simulator.twin.fitting import Row
from mfalab.simulator.twin.matching import Trapezoid
from mfalab.simulator.twin.model import Parameter
from mfalab.simulator.twin.sampling import draw

OFFSET, RATE = Parameter("offset_s", 0.0, inf), Parameter("rate_ppm", 2.0, 0.5)


def drawn(rows, parameters, start, count=2000) -> np.ndarray:
    stream = Entropy("sampling").stream("draws")
    return np.array(draw(rows, parameters, start, stream, count=count))


def test_one_exact_reading_is_an_even_distribution():
    values = drawn([Row([1.0], Trapezoid(10.0, 10.0, 40.0, 40.0))], [OFFSET], [11.0])[:, 0]
    assert values.min() > 10.0
    assert values.max() < 40.0
    np.testing.assert_allclose(np.quantile(values, [0.1, 0.5, 0.9]), [13, 25, 37], atol=1.5)


def test_a_vague_reading_is_its_trapezoid():
    """A triangle from 0 to 2: its standard deviation is 1 / sqrt(6)."""
    values = drawn([Row([1.0], Trapezoid(0.0, 1.0, 1.0, 2.0))], [OFFSET], [0.5])[:, 0]
    assert values.mean() == pytest.approx(1.0, abs=0.04)
    assert values.std() == pytest.approx(1 / sqrt(6), rel=0.06)


def test_an_unknown_that_no_reading_touches_keeps_what_was_known_of_it():
    rows = [Row([1.0, 0.0], Trapezoid(0.0, 0.0, 1.0, 1.0))]
    values = drawn(rows, [OFFSET, RATE], [0.5, 2.0])[:, 1]
    assert values.mean() == pytest.approx(2.0, abs=0.05)
    assert values.std() == pytest.approx(0.5, rel=0.06)


def test_every_draw_is_inside_all_readings_those_far_away_too():
    shapes = [(0.0, 30.0, 1.0), (-400.0, 500.0, 1.0), (5.0, 35.0, -0.5), (20.0, 21.0, 0.2)]
    rows = [Row([1.0, slope], Trapezoid(low, low, high, high)) for low, high, slope in shapes]
    values = drawn(rows, [OFFSET, RATE], [20.2, 1.0])
    for (low, high, slope), _ in zip(shapes, rows, strict=True):
        offsets = values @ [1.0, slope]
        assert low < offsets.min()
        assert offsets.max() < high


def test_the_same_stream_gives_the_same_draws():
    rows = [Row([1.0], Trapezoid(0.0, 1.0, 3.0, 4.0))]
    assert np.array_equal(drawn(rows, [OFFSET], [2.0], 50), drawn(rows, [OFFSET], [2.0], 50))
