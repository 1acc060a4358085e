"""A point that satisfies all readings, or as many as can be satisfied at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isinf

from mfalab.simulator.twin.algebra import Matrix, Vector, cholesky, dot, inverse_transposed, solve
from mfalab.simulator.twin.matching import Trapezoid
from mfalab.simulator.twin.model import Parameter

_SHARPNESS_S = 0.01
_ROUNDS = 80
_HALVINGS = 30
_FLAT_SD = 1e7


@dataclass(frozen=True, slots=True)
class Row:
    """A reading as an inequality: what its vector times the unknowns gives is within a trapezoid.

    Args:
        vector: what one unit of each unknown adds to the offset at the time of the reading.
        trapezoid: the offsets that the reading allows.
    """

    vector: Vector
    trapezoid: Trapezoid


def midway(rows: Sequence[Row], parameters: Sequence[Parameter]) -> Vector:
    """Least squares through the middles of the readings, as if their errors were normal."""
    weights = [12 / row.trapezoid.width**2 for row in rows]
    aims = [row.trapezoid.middle for row in rows]
    return _penalised(rows, aims, weights, parameters)


def inner_point(
    rows: Sequence[Row], parameters: Sequence[Parameter], start: Vector
) -> tuple[Vector, float]:
    """A point inside all readings, not quite at the edge of any, and how far it is outside.

    The second value is 0 if all can be satisfied; otherwise the largest violation in seconds where
    the sum of their squares is least.
    """
    point, worst = _settle(rows, parameters, start, 0.0)
    if worst > _SHARPNESS_S:
        return point, worst
    margin = 0.05  # deeper would press the unknowns away from what is likely beforehand
    while margin > 1e-6:
        tried, _ = _settle(rows, parameters, point, margin)
        inside = min(_depth(row, tried) for row in rows)
        if inside > 0.0:
            return tried, 0.0
        margin /= 2
    return point, max(worst, 1e-9)


def violation(row: Row, point: Sequence[float]) -> float:
    """By how many seconds a reading is missed; 0 if it is satisfied."""
    return abs(row.trapezoid.outside(dot(row.vector, point)))


def _depth(row: Row, point: Sequence[float]) -> float:
    """How far inside a reading the point is, in seconds; negative outside."""
    offset_s = dot(row.vector, point)
    return min(offset_s - row.trapezoid.low, row.trapezoid.high - offset_s)


def _settle(
    rows: Sequence[Row], parameters: Sequence[Parameter], start: Vector, margin: float
) -> tuple[Vector, float]:
    """Newton's method on the squared violations; the sum is convex and piecewise quadratic.

    `margin` is the share of each reading's width that both its ends are moved inwards.
    """
    bounds = [
        (
            row.trapezoid.low + margin * row.trapezoid.width,
            row.trapezoid.high - margin * row.trapezoid.width,
        )
        for row in rows
    ]
    weight = 1 / _SHARPNESS_S**2

    def cost(point: Vector) -> float:
        total = 0.0
        for row, (low, high) in zip(rows, bounds, strict=True):
            offset = dot(row.vector, point)
            if offset < low:
                total += (low - offset) ** 2
            elif offset > high:
                total += (offset - high) ** 2
        return weight * total + sum(
            ((value - each.mean) / each.sd) ** 2
            for value, each in zip(point, parameters, strict=True)
        )

    point, now = start, cost(start)
    for _ in range(_ROUNDS):
        active: list[Row] = []
        aims: Vector = []
        for row, (low, high) in zip(rows, bounds, strict=True):
            offset = dot(row.vector, point)
            if offset < low or offset > high:
                active.append(row)
                aims.append(low if offset < low else high)
        if not active:
            break
        # Where the active readings leave a direction free, stay where you are.
        target = _penalised(active, aims, [weight] * len(active), parameters, near=point)
        step = [to - at for to, at in zip(target, point, strict=True)]
        share = 1.0
        for _ in range(_HALVINGS):
            tried = [at + share * by for at, by in zip(point, step, strict=True)]
            cost_there = cost(tried)
            if cost_there < now:
                break
            share /= 2
        else:
            break
        improved = now - cost_there
        point, now = tried, cost_there
        if improved < 1e-9 * (1 + now):
            break
    return point, max((violation(row, point) for row in rows), default=0.0)


def round_axes(rows: Sequence[Row], parameters: Sequence[Parameter]) -> Matrix:
    """Directions, one per unknown, along which the readings' weight is about that of one sigma.

    They are the columns of the inverse of the transposed factor of the information matrix, with
    the readings' errors as if normal.
    """
    weights = [12 / row.trapezoid.width**2 for row in rows]
    matrix, _ = _equations(rows, [0.0] * len(rows), weights, parameters, None)
    scaled, scale = _scaled(matrix)
    return [
        [value * by for value, by in zip(axis, scale, strict=True)]
        for axis in inverse_transposed(cholesky(scaled))
    ]


def _penalised(
    rows: Sequence[Row],
    aims: Sequence[float],
    weights: Sequence[float],
    parameters: Sequence[Parameter],
    near: Sequence[float] | None = None,
) -> Vector:
    """Weighted least squares with what is known of the unknowns beforehand."""
    matrix, right = _equations(rows, aims, weights, parameters, near)
    scaled, scale = _scaled(matrix)
    found = solve(scaled, [value * by for value, by in zip(right, scale, strict=True)])
    return [value * by for value, by in zip(found, scale, strict=True)]


def _equations(
    rows: Sequence[Row],
    aims: Sequence[float],
    weights: Sequence[float],
    parameters: Sequence[Parameter],
    near: Sequence[float] | None,
) -> tuple[Matrix, Vector]:
    """The normal equations. What has no prior stays `near` where the rows leave it free."""
    size = len(parameters)
    matrix = [[0.0] * size for _ in range(size)]
    right = [0.0] * size
    for k, each in enumerate(parameters):
        sd, mean = each.sd, each.mean
        if isinf(sd):
            sd, mean = _FLAT_SD, near[k] if near is not None else 0.0
        matrix[k][k] += 1 / sd**2
        right[k] += mean / sd**2
    for row, aim, weight in zip(rows, aims, weights, strict=True):
        vector = row.vector
        for k in range(size):
            scaled = weight * vector[k]
            if scaled:
                line = matrix[k]
                for other in range(size):
                    line[other] += scaled * vector[other]
                right[k] += scaled * aim
    return matrix, right


def _scaled(matrix: Matrix) -> tuple[Matrix, Vector]:
    """The matrix with a unit diagonal, so that seconds and ppm weigh alike, and the factors."""
    scale = [matrix[k][k] ** -0.5 for k in range(len(matrix))]
    scaled = [
        [value * by * other for value, other in zip(line, scale, strict=True)]
        for line, by in zip(matrix, scale, strict=True)
    ]
    return scaled, scale
