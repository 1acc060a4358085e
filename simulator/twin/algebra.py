"""Small dense linear algebra: a dozen unknowns need no library of their own."""

from collections.abc import Sequence
from math import sqrt

Vector = list[float]
Matrix = list[list[float]]


def dot(a: Sequence[float], b: Sequence[float]) -> float:
    """The scalar product of two vectors of one length."""
    return sum(map(float.__mul__, a, b))


def cholesky(matrix: Sequence[Sequence[float]]) -> Matrix:
    """The lower triangular L with L L^T = `matrix`, which is symmetric.

    A pivot that rounding has brought to zero or below is replaced by a small part of its diagonal
    element, so a matrix that is only just not positive definite has a factor, too.
    """
    size = len(matrix)
    lower = [[0.0] * size for _ in range(size)]
    for row in range(size):
        for column in range(row + 1):
            rest = matrix[row][column] - dot(lower[row][:column], lower[column][:column])
            if row == column:
                lower[row][row] = sqrt(max(rest, 1e-12 * matrix[row][row], 1e-300))
            else:
                lower[row][column] = rest / lower[column][column]
    return lower


def solve(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> Vector:
    """The x with `matrix` x = `right`; the matrix is symmetric and positive definite."""
    lower = cholesky(matrix)
    y: Vector = []
    for row, line in enumerate(lower):
        y.append((right[row] - dot(line[:row], y)) / line[row])
    return _back(lower, y)


def inverse_transposed(lower: Matrix) -> Matrix:
    """The columns of the inverse of L^T, as a list of columns."""
    size = len(lower)
    return [_back(lower, [float(k == column) for k in range(size)]) for column in range(size)]


def _back(lower: Matrix, right: Sequence[float]) -> Vector:
    """The x with L^T x = `right`."""
    size = len(right)
    x = [0.0] * size
    for row in reversed(range(size)):
        known = sum(lower[below][row] * x[below] for below in range(row + 1, size))
        x[row] = (right[row] - known) / lower[row][row]
    return x
