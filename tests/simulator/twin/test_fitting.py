"""numpy judges the least squares; points inside all readings are judged by the readings."""

from math import inf, sqrt

import numpy as np
import pytest

from mfalab.simulator.twin.fitting import Row, inner_point, midway, round_axes, violation
from mfalab.simulator.twin.matching import Trapezoid
from mfalab.simulator.twin.model import Parameter


def reading(vector: list[float], low: float, high: float) -> Row:
    return Row(vector, Trapezoid(low, low, high, high))


class System:
    """Random rows about a random truth; what is known beforehand of all unknowns but two."""

    def __init__(self, seed: int, *, size: int = 6, count: int = 40, noise_s: float = 20.0) -> None:
        chance = np.random.default_rng(seed)
        self.vectors = chance.normal(size=(count, size))
        self.sds = np.array([inf, 100.0, *chance.uniform(0.5, 5.0, size - 2)])
        self.means = np.array([0.0, 0.0, *chance.normal(size=size - 2)])
        truth = self.means + np.where(np.isinf(self.sds), 50.0, self.sds) * chance.normal(size=size)
        self.widths = chance.uniform(2.0, 40.0, count)
        self.middles = self.vectors @ truth + noise_s * chance.normal(size=count)
        self.rows = [
            reading(vector.tolist(), middle - width / 2, middle + width / 2)
            for vector, middle, width in zip(self.vectors, self.middles, self.widths, strict=True)
        ]
        self.parameters = [
            Parameter(f"p{k}", float(mean), float(sd))
            for k, (mean, sd) in enumerate(zip(self.means, self.sds, strict=True))
        ]

    def stacked(self) -> tuple[np.ndarray, np.ndarray]:
        """Readings and prior knowledge as the rows of one plain least squares problem."""
        sigma = self.widths / sqrt(12)  # of an even distribution as wide
        known = np.isfinite(self.sds)
        prior = np.diag(1 / self.sds)[known]
        matrix = np.vstack([self.vectors / sigma[:, None], prior])
        right = np.concatenate([self.middles / sigma, self.means[known] / self.sds[known]])
        return matrix, right


@pytest.fixture(params=range(10))
def system(request: pytest.FixtureRequest) -> System:
    return System(request.param)


def test_midway_is_the_least_squares_of_numpy(system):
    expected, *_ = np.linalg.lstsq(*system.stacked())
    found = midway(system.rows, system.parameters)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_midway_does_not_mind_that_unknowns_are_of_very_different_size():
    """Seconds against ppm: a column is as small as 1e-6 of another."""
    system = System(3)
    scale = np.array([1.0, 1e-6, 1e6, 1.0, 1e-3, 1e3])
    system.vectors *= scale
    system.sds /= scale
    system.means /= scale
    system.rows = [
        Row(vector.tolist(), row.trapezoid)
        for vector, row in zip(system.vectors, system.rows, strict=True)
    ]
    system.parameters = [
        Parameter(each.name, float(mean), float(sd))
        for each, mean, sd in zip(system.parameters, system.means, system.sds, strict=True)
    ]
    matrix, right = system.stacked()
    columns = np.linalg.norm(matrix, axis=0)
    expected = np.linalg.lstsq(matrix / columns, right)[0] / columns
    np.testing.assert_allclose(midway(system.rows, system.parameters), expected, rtol=1e-9)


def test_round_axes_factor_the_covariance_that_numpy_finds(system):
    matrix, _ = system.stacked()
    axes = np.array(round_axes(system.rows, system.parameters)).T
    np.testing.assert_allclose(axes @ axes.T, np.linalg.inv(matrix.T @ matrix), rtol=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_a_point_is_found_inside_all_readings_that_have_one(seed):
    system = System(seed, noise_s=0.2)
    point, worst = inner_point(
        system.rows, system.parameters, midway(system.rows, system.parameters)
    )
    assert worst == 0.0
    offsets = system.vectors @ point
    assert np.all(np.abs(offsets - system.middles) < system.widths / 2)
    assert [violation(row, point) for row in system.rows] == [0.0] * len(system.rows)


def test_where_readings_exclude_each_other_the_squared_violations_are_least():
    """0 to 1 and 4 to 5 of one unknown: each is missed by 1.5 s, and numpy's middle is there."""
    rows = [reading([1.0], 0.0, 1.0), reading([1.0], 4.0, 5.0)]
    (point,), worst = inner_point(rows, [Parameter("offset_s", 0.0, inf)], [0.0])
    expected = np.linalg.lstsq(np.ones((2, 1)), np.array([1.0, 4.0]))[0][0]
    assert point == pytest.approx(expected, abs=1e-6)
    assert worst == pytest.approx(1.5, abs=1e-6)


def test_a_violation_is_how_far_a_point_is_outside():
    row = reading([2.0, -1.0], -3.0, 3.0)
    assert violation(row, [1.0, 0.0]) == 0.0
    assert violation(row, [4.0, 1.0]) == pytest.approx(4.0)
    assert violation(row, [-4.0, 0.0]) == pytest.approx(5.0)
