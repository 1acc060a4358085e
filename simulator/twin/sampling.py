"""Draws from the posterior distribution of the unknowns.

The logarithm of the density is concave: logarithms of trapezoids, which are straight or concave,
and of normal distributions. So a slice along a line is one interval, and stepping along one axis
after the other (slice sampling, Neal 2003) reaches everything. The axes are those in which the
distribution is about round, learnt from earlier draws; steps then forget quickly where they began.
"""

from collections.abc import Sequence
from math import inf, isinf, log

from mfalab.simulator.entropy import Stream
from mfalab.simulator.twin.algebra import Vector, cholesky, dot
from mfalab.simulator.twin.fitting import Row, round_axes
from mfalab.simulator.twin.model import Parameter

_LEARNING = (100, 300)
_FAR = 1e4
_TINY = 1e-200


def draw(
    rows: Sequence[Row],
    parameters: Sequence[Parameter],
    start: Vector,
    stream: Stream,
    *,
    count: int,
) -> list[Vector]:
    """`count` draws, each a sweep over all axes after the one before.

    Args:
        rows: the readings.
        parameters: what is known beforehand.
        start: a point inside all readings.
        stream: chance.
        count: how many draws to return.
    """
    walker = _Walker(rows, parameters, start, stream)
    guessed = round_axes(rows, parameters)
    learnt = guessed
    for sweeps in _LEARNING:
        sets = walker.axes(guessed), walker.axes(learnt)
        seen = [walker.sweep(*sets) for _ in range(sweeps)]
        learnt = _spread(seen)
    is_near = [_is_near(row, seen) for row in rows]
    near = [row for row, close in zip(rows, is_near, strict=True) if close]
    draws = _walk(near, parameters, seen[-1], stream, guessed, learnt, count)
    far = [row for row, close in zip(rows, is_near, strict=True) if not close]
    if any(_is_reached(row, draws) for row in far):
        draws = _walk(rows, parameters, seen[-1], stream, guessed, learnt, count)
    return draws


def _walk(
    rows: Sequence[Row],
    parameters: Sequence[Parameter],
    start: Vector,
    stream: Stream,
    guessed: Sequence[Vector],
    learnt: Sequence[Vector],
    count: int,
) -> list[Vector]:
    walker = _Walker(rows, parameters, start, stream)
    wide, narrow = walker.axes(guessed), walker.axes(learnt)
    # Axes learnt from too short a walk could keep it from ever leaving: now and then the guess.
    return [
        walker.sweep(wide, narrow) if number % 4 == 0 else walker.sweep(narrow)
        for number in range(count)
    ]


def _is_near(row: Row, points: Sequence[Vector]) -> bool:
    """Whether the likelihood of a reading changes anywhere near these points."""
    offsets = [dot(row.vector, point) for point in points]
    low, high = min(offsets), max(offsets)
    room = (high - low) / 2
    return low - room < row.trapezoid.low_full or high + room > row.trapezoid.high_full


def _is_reached(row: Row, points: Sequence[Vector]) -> bool:
    """Whether the likelihood of a reading, left out because it was not near, was reached anyway."""
    offsets = [dot(row.vector, point) for point in points]
    return min(offsets) < row.trapezoid.low_full or max(offsets) > row.trapezoid.high_full


def _spread(points: Sequence[Vector]) -> list[Vector]:
    """Directions of one sigma: the columns of the factor of the points' covariance."""
    size, count = len(points[0]), len(points)
    means = [sum(point[k] for point in points) / count for k in range(size)]
    centred = [[point[k] - means[k] for point in points] for k in range(size)]
    scale = [(sum(v * v for v in column) / count) ** 0.5 or 1e-12 for column in centred]
    covariance = [
        [dot(centred[i], centred[j]) / count / (scale[i] * scale[j]) for j in range(size)]
        for i in range(size)
    ]
    # A few sweeps leave chance correlations; shrink them a little.
    keep = count / (count + 2.0 * size)
    for i in range(size):
        for j in range(size):
            if i != j:
                covariance[i][j] *= keep
    lower = cholesky(covariance)
    return [[lower[i][j] * scale[i] for i in range(size)] for j in range(size)]


_Axes = list[tuple[Vector, Vector]]


class _Walker:
    """The state of the walk: the point, and the offset of each reading there."""

    def __init__(
        self,
        rows: Sequence[Row],
        parameters: Sequence[Parameter],
        start: Vector,
        stream: Stream,
    ) -> None:
        self._rows = rows
        self._parameters = parameters
        self._stream = stream
        self._point = list(start)
        self._normal = [
            (k, each.mean, 1 / each.sd**2)
            for k, each in enumerate(parameters)
            if not isinf(each.sd)
        ]
        self._low = [row.trapezoid.low for row in rows]
        self._high = [row.trapezoid.high for row in rows]
        self._offsets = [dot(row.vector, start) for row in rows]

    def axes(self, directions: Sequence[Vector]) -> _Axes:
        """Directions, each with what it does to the offset of every reading."""
        return [(axis, [dot(row.vector, axis) for row in self._rows]) for axis in directions]

    def sweep(self, *sets: _Axes) -> Vector:
        """One step along each axis; the point after it."""
        for axes in sets:
            for axis, slopes in axes:
                self._step(axis, slopes)
        # Computed again from the point: what many small steps add up to is not exact.
        self._offsets = [dot(row.vector, self._point) for row in self._rows]
        return list(self._point)

    def _step(self, axis: Vector, slopes: Vector) -> None:
        offsets = self._offsets
        left, right = -_FAR, _FAR
        for offset, slope, low, high in zip(offsets, slopes, self._low, self._high, strict=True):
            if slope > 0.0:
                a, b = (low - offset) / slope, (high - offset) / slope
            elif slope < 0.0:
                a, b = (high - offset) / slope, (low - offset) / slope
            else:
                continue
            if a > left:  # noqa: PLR1730 - this is the innermost loop, and max() costs a call
                left = a
            if b < right:  # noqa: PLR1730 - as above
                right = b
        # Along the line the normal distributions are one parabola: half * at^2 + tilt * at.
        half = tilt = 0.0
        for k, mean, precision in self._normal:
            by = axis[k]
            half += precision * by * by
            tilt += precision * by * (self._point[k] - mean)
        half /= 2
        ramps = self._ramps(slopes, left, right)

        def height(at: float) -> float:
            product, total = 1.0, -(half * at + tilt) * at
            for start, slope in ramps:
                share = start + slope * at
                if share < 1.0:
                    if share <= 0.0:
                        return -inf
                    product *= share
                    if product < _TINY:
                        total += log(product)
                        product = 1.0
            return total + log(product)

        uniform = self._stream.random
        level = height(0.0) + log(1.0 - uniform())
        while True:
            at = left + (right - left) * uniform()
            if height(at) >= level:
                break
            if at < 0.0:
                left = at
            else:
                right = at
            if right - left < 1e-12:
                return
        self._point = [value + at * by for value, by in zip(self._point, axis, strict=True)]
        self._offsets = [offset + at * slope for offset, slope in zip(offsets, slopes, strict=True)]

    def _ramps(self, slopes: Vector, left: float, right: float) -> list[tuple[float, float]]:
        """Share of likelihood at 0 and its slope, for each ramp that the line can reach."""
        ramps = []
        for row, offset, slope in zip(self._rows, self._offsets, slopes, strict=True):
            at_left, at_right = offset + left * slope, offset + right * slope
            if at_left > at_right:
                at_left, at_right = at_right, at_left
            shape = row.trapezoid
            if at_left < shape.low_full and shape.low_full > shape.low:
                rise = shape.low_full - shape.low
                ramps.append(((offset - shape.low) / rise, slope / rise))
            if at_right > shape.high_full and shape.high > shape.high_full:
                fall = shape.high - shape.high_full
                ramps.append(((shape.high - offset) / fall, -slope / fall))
        return ramps
