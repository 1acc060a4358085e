"""Which readings can all be true at once.

Wrong codes fit no step, or one far from the line on which most readings lie. Readings are set aside
one by one, the worst first, until the rest can all be true at once. If that takes too many, no
clock of steady rate made them, and the error says what kind of clock would.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil, log2

from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.language.units import format_instant
from mfalab.simulator.twin.algebra import Vector, dot
from mfalab.simulator.twin.errors import ClockStepped, NoStraightLine
from mfalab.simulator.twin.fitting import Row, inner_point, midway, violation
from mfalab.simulator.twin.matching import SLACK_S, Match, Trapezoid
from mfalab.simulator.twin.model import Model, Parameter
from mfalab.simulator.twin.readings import CodeReading

LEAST_READINGS = 3
_STEEPEST_PPM = 1000.0
_MOST_PAIRS = 800
_MOST_SET_ASIDE = 0.2


@dataclass(frozen=True, slots=True)
class SetAside:
    """A reading that was not used, and why."""

    reading: CodeReading
    why: str


@dataclass(frozen=True, slots=True)
class Fitted:
    """A reading that was used: what it allows, at which time after the last reading (negative)."""

    reading: CodeReading
    t_s: float
    trapezoid: Trapezoid


class Selection:
    """The readings that can all be true at once, and a point that satisfies them.

    Args:
        matches: the readings with the steps that each may mean.
        model: what is fitted.

    Attributes:
        parameters: the model's unknowns, then a habit for each kind of reading.
        fitted: the readings that are left, with the step that each means.
        rows: their inequalities, and those of the habits' bounds.
        aside: what was set aside.
        point: satisfies all rows.
        shift_s: how far a habit common to all readings may shift the offset, either way.
    """

    def __init__(self, matches: Sequence[Match], model: Model) -> None:
        self.model = model
        self.parameters = list(model.parameters)
        self.aside: list[SetAside] = []
        self.fitted: list[Fitted] = []
        self.rows: list[Row] = []
        self.point: Vector = []
        self.shift_s = 0.0
        self._count = len(matches)
        self._tolerance_s = matches[0].period_s / 2
        self._habits: dict[int | None, int] = {}
        self._bounds: list[Row] = []
        self._matches = matches
        self._times = [(match.reading.at_ns - model.end_ns) / NS_PER_S for match in matches]
        self._find_habits()

    def settle(self) -> None:
        """Choose each reading's step, set the impossible aside, and find the point.

        Raises:
            NoStraightLine: too many are impossible.
        """
        offset_s, rate_ppm = self._consensus()
        far: list[tuple[Match, Fitted]] = []
        for match, t_s in zip(self._matches, self._times, strict=True):
            line_s = offset_s + rate_ppm * 1e-6 * t_s + self._nominal(t_s)
            best = min(match.trapezoids, key=lambda shape: abs(shape.outside(line_s)))
            fitted = Fitted(match.reading, t_s, best)
            if abs(best.outside(line_s)) > self._tolerance_s:
                far.append((match, fitted))
            else:
                self.fitted.append(fitted)
        most = self._most_set_aside
        if len(far) > most or len(self.fitted) < LEAST_READINGS:
            raise self._diagnosis(len(self.fitted))
        for _, each in far:
            self._put_aside(each, each.trapezoid.outside(self._line(offset_s, rate_ppm, each.t_s)))
        self.rows = [self._row(each) for each in self.fitted] + self._bounds
        point = midway(self.rows, self.parameters)
        while True:
            point, worst = inner_point(self.rows, self.parameters, point)
            if worst == 0.0:
                break
            count = len(self.fitted)
            index = max(range(count), key=lambda i: violation(self.rows[i], point))
            off_s = self.fitted[index].trapezoid.outside(dot(self.rows[index].vector, point))
            self._put_aside(self.fitted.pop(index), off_s)
            del self.rows[index]
            if len(self.aside) > most or len(self.fitted) < LEAST_READINGS:
                raise self._diagnosis(len(self.fitted))
        self.point = point

    @property
    def _most_set_aside(self) -> int:
        return max(1, int(_MOST_SET_ASIDE * self._count))

    def _put_aside(self, each: Fitted, off_s: float) -> None:
        side = "behind" if off_s > 0 else "ahead of"
        why = f"it is {abs(off_s):.1f} s {side} what the others allow"
        self.aside.append(SetAside(each.reading, why))

    def _find_habits(self) -> None:
        """One unknown for each kind of reading; kinds differ by how long the moment lies apart.

        A single kind shifts the offset and nothing else, so that is done afterwards (`shift`).
        """
        halves: dict[int | None, float] = {}
        for match in self._matches:
            kind, half_s = _kind(match.reading), match.reading.timing.span_ns / NS_PER_S / 2
            halves[kind] = max(halves.get(kind, 0.0), half_s)
        if len(halves) == 1:
            self.shift_s = next(iter(halves.values()))
            return
        halves.pop(None, None)
        size = len(self.parameters) + len(halves)
        for kind, half_s in halves.items():
            assert kind is not None
            at = self._habits[kind] = len(self.parameters)
            self.parameters.append(Parameter(f"habit_{kind}", 0.0, 10 * half_s))
            vector = [float(k == at) for k in range(size)]
            self._bounds.append(Row(vector, Trapezoid(-half_s, -half_s, half_s, half_s)))

    def _row(self, each: Fitted) -> Row:
        vector = self.model.row(each.t_s) + [0.0] * len(self._habits)
        at = self._habits.get(_kind(each.reading))
        if at is not None:
            vector[at] = 1.0
        return Row(vector, each.trapezoid)

    def _nominal(self, t_s: float) -> float:
        """What the temperature does to a crystal of the data sheet, so that a line is left."""
        if not self.model.fits_temperature:
            return 0.0
        row = self.model.row(t_s)
        climate = self.model.climate
        assert climate is not None
        bend = self.parameters[3].mean
        return bend * row[3] + 2 * bend * (climate.mean_c - 25.0) * row[2]

    def _line(self, offset_s: float, rate_ppm: float, t_s: float) -> float:
        return offset_s + rate_ppm * 1e-6 * t_s + self._nominal(t_s)

    def _consensus(self) -> tuple[float, float]:
        """Offset and rate of the line near which most readings lie.

        Lines through the middles of two readings each, the furthest apart first, are tried against
        all others.
        """
        nominal = [self._nominal(t_s) for t_s in self._times]
        points = [
            (index, t_s, shape.middle - nominal[index])
            for index, (match, t_s) in enumerate(zip(self._matches, self._times, strict=True))
            for shape in match.trapezoids
        ]
        pairs = sorted(
            (pair for pair in combinations(points, 2) if pair[0][1] < pair[1][1]),
            key=lambda pair: pair[0][1] - pair[1][1],
        )
        if len(pairs) > _MOST_PAIRS:
            # Every so many, so that no one bad reading is in all of them.
            pairs = pairs[:: ceil(len(pairs) / _MOST_PAIRS)]
        best, best_score = (points[-1][2], 0.0), (-1, 0.0)
        for (_, t_a, x_a), (_, t_b, x_b) in pairs:
            rate = (x_b - x_a) / (t_b - t_a)
            if abs(rate) > _STEEPEST_PPM * 1e-6:
                continue
            offset = x_b - rate * t_b
            near, missed = 0, 0.0
            for match, t_s, bent in zip(self._matches, self._times, nominal, strict=True):
                line_s = offset + rate * t_s + bent
                off = min(abs(shape.outside(line_s)) for shape in match.trapezoids)
                if off < self._tolerance_s:
                    near += 1
                    missed += off
            if (near, -missed) > best_score:
                best, best_score = (offset, rate * 1e6), (near, -missed)
        return best

    def _diagnosis(self, fitting: int) -> NoStraightLine:
        """What kind of clock would have shown these codes."""
        matches, times = self._matches, self._times
        plain = [Fitted(m.reading, t, m.trapezoids[0]) for m, t in zip(matches, times, strict=True)]
        rows = [self._row(each) for each in plain]
        found: tuple[int, float, int, float] | None = None
        for split in range(LEAST_READINGS, len(plain) - LEAST_READINGS + 1):
            after = [
                Row([*row.vector, float(index >= split)], row.trapezoid)
                for index, row in enumerate(rows)
            ]
            bounds = [Row([*row.vector, 0.0], row.trapezoid) for row in self._bounds]
            unknowns = [*self.parameters, Parameter("step_s", 0.0, 1e6)]
            missed, step_s = _misfits(after, bounds, unknowns, self._most_set_aside)
            if missed is not None and (found is None or missed < found[:2]):
                found = (*missed, split, step_s)
        if found is None:
            return NoStraightLine(fitting, self._count)
        count, _, split, step_s = found
        return ClockStepped(
            len(plain) - count,
            self._count,
            step_s,
            format_instant(plain[split - 1].reading.at_ns),
            format_instant(plain[split].reading.at_ns),
        )


def _misfits(
    rows: list[Row], bounds: list[Row], unknowns: list[Parameter], most: int
) -> tuple[tuple[int, float] | None, float]:
    """How many rows must go so that the rest can be satisfied, how much they missed, the step.

    None if more than `most` would have to.
    """
    rows = list(rows)
    gone, missed = 0, 0.0
    point = midway([*rows, *bounds], unknowns)
    while True:
        point, worst = inner_point([*rows, *bounds], unknowns, point)
        if worst == 0.0:
            return (gone, missed), point[-1]
        if gone == most:
            return None, 0.0
        index = max(range(len(rows)), key=lambda i: violation(rows[i], point))
        missed += violation(rows[index], point)
        gone += 1
        del rows[index]


def _kind(reading: CodeReading) -> int | None:
    """Readings whose moments are known about equally well; None if well enough for no habit."""
    span_s = reading.timing.span_ns / NS_PER_S
    return None if span_s <= 2 * SLACK_S else 2 * round(log2(span_s)) + reading.changed
