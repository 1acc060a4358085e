"""numpy judges the small dense algebra, on systems of seeded chance."""

import numpy as np
import pytest

from mfalab.simulator.twin.algebra import cholesky, dot, inverse_transposed, solve

SIZES = [1, 2, 5, 12]


def positive_definite(size: int, seed: int) -> np.ndarray:
    """A symmetric matrix whose condition number is at most about 1000."""
    chance = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(chance.normal(size=(size, size)))
    return rotation @ np.diag(chance.uniform(1e-3, 1.0, size)) @ rotation.T


@pytest.fixture(params=[(size, seed) for size in SIZES for seed in range(5)], ids=str)
def matrix(request: pytest.FixtureRequest) -> np.ndarray:
    return positive_definite(*request.param)


def test_the_scalar_product_is_numpys():
    chance = np.random.default_rng(0)
    a, b = chance.normal(size=(2, 12))
    assert dot(a.tolist(), b.tolist()) == pytest.approx(a @ b, rel=1e-13)


def test_the_factor_is_lower_triangular_and_numpys(matrix):
    lower = np.array(cholesky(matrix.tolist()))
    assert np.array_equal(lower, np.tril(lower))
    np.testing.assert_allclose(lower, np.linalg.cholesky(matrix), rtol=1e-11, atol=1e-13)


def test_a_system_is_solved_as_numpy_solves_it(matrix):
    right = np.random.default_rng(1).normal(size=len(matrix))
    found = solve(matrix.tolist(), right.tolist())
    np.testing.assert_allclose(found, np.linalg.solve(matrix, right), rtol=1e-10, atol=1e-11)


def test_the_columns_are_those_of_the_inverse_of_the_transposed_factor(matrix):
    lower = np.linalg.cholesky(matrix)
    columns = np.array(inverse_transposed(lower.tolist())).T
    np.testing.assert_allclose(columns, np.linalg.inv(lower.T), rtol=1e-10, atol=1e-11)
    np.testing.assert_allclose(columns @ columns.T, np.linalg.inv(matrix), rtol=1e-9, atol=1e-9)


def test_a_matrix_that_is_only_just_singular_has_a_factor_where_numpy_gives_up():
    """Two unknowns that the readings cannot tell apart, with rounding to the wrong side."""
    matrix = np.array([[1.0, 1.0], [1.0, 1.0 - 1e-15]])
    with pytest.raises(np.linalg.LinAlgError):
        np.linalg.cholesky(matrix)
    lower = np.array(cholesky(matrix.tolist()))
    assert lower[1, 1] == pytest.approx(1e-6, rel=1e-6)
    np.testing.assert_allclose(lower @ lower.T, matrix, atol=2e-12)
