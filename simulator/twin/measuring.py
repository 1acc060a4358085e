"""From readings to offset, rate and temperature slope with limits.

A reading is interval-censored: it says that the offset lay within about one step size, and nothing
about where. Least squares through the middles of the intervals would need the moments of reading to
fall evenly on the steps, which a person who reads at nine sharp does not do, and it would throw
away that a few readings close to a step change say nearly everything: their error shrinks with
1 / n, not with 1 / sqrt(n). So the likelihood itself is used, a product of trapezoids over the
unknowns (`matching.Trapezoid`), with a flat prior for the offset and data-sheet priors for what
readings cannot tell (`model`). Its limits are those between which the posterior has the stated
share of its weight, as draws give them (`sampling`); with exact moments they are the set of clocks
that no reading contradicts, trimmed to that share. Chance comes from a stream, so the same readings
give the same figures.

How long a person takes from seeing to typing is known as a range only. Two parts of it are kept
apart. The scatter from one reading to the next is in the trapezoids; for a straight ramp the square
of the score equals the curvature (both 1 / u^2), so rate and slope have honest limits whatever the
distribution within the range is. The habit, which is common to all readings of one kind, cancels
from the rate and shifts the offset; it is an unknown of its own, anywhere in the range.

Wrong codes fit no step, or one far from the line on which most readings lie. Readings are set aside
one by one, the worst first, until the rest can all be true at once. If that takes too many, no
clock of steady rate made them, and the error says what kind of clock would.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil, log2

from mfalab.devices.otp.seed import OtpKind, OtpSeed
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.entropy import EntropySource
from mfalab.simulator.language.units import format_duration, format_instant
from mfalab.simulator.twin.algebra import Vector, dot
from mfalab.simulator.twin.errors import (
    ClockStepped,
    ClockStopped,
    NoStraightLine,
    SeedFitsNoCode,
    TooFewReadings,
)
from mfalab.simulator.twin.fitting import Row, inner_point, midway, violation
from mfalab.simulator.twin.matching import SLACK_S, Match, Trapezoid, match_codes
from mfalab.simulator.twin.model import Climatology, Model, Parameter
from mfalab.simulator.twin.readings import CodeReading, Temperature
from mfalab.simulator.twin.sampling import draw

__all__ = [
    "DEFAULT_LEVEL",
    "DEFAULT_SEARCH_S",
    "Estimate",
    "Fitted",
    "Measurement",
    "SetAside",
    "measure",
]

DEFAULT_LEVEL = 0.99
DEFAULT_SEARCH_S = 86_400
LEAST_READINGS = 3
DEFAULT_DRAWS = 2500
_STEEPEST_PPM = 1000.0
_MOST_PAIRS = 800
_MOST_SET_ASIDE = 0.2


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its limits: the median of what is possible, and the level's share around it."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float], level: float) -> "Estimate":
        """The estimate that draws give."""
        ordered = sorted(values)
        return cls(
            quantile(ordered, 0.5),
            quantile(ordered, (1 - level) / 2),
            quantile(ordered, (1 + level) / 2),
        )


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which this share of sorted values lies."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


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


@dataclass(frozen=True, slots=True)
class Measurement:
    """What readings tell about a clock.

    Args:
        level: the share of what is possible between each figure's limits.
        offset_s: believed minus true time at the last reading.
        rate_ppm: mean rate over the measurement, at the temperatures that there were.
        slope_ppm_per_c: slope of the rate against temperature, at the mean temperature; None if
            none is fitted.
        turnover_c: the temperature at which the crystal is fastest; None likewise.
        fitted: the readings that were used.
        set_aside: those that were not.
        model: what was fitted.
        draws: values of the model's unknowns, each as likely as the next.
        period_s: step size.
        notes: what a reader should know, as sentences.
    """

    level: float
    offset_s: Estimate
    rate_ppm: Estimate
    slope_ppm_per_c: Estimate | None
    turnover_c: Estimate | None
    fitted: tuple[Fitted, ...]
    set_aside: tuple[SetAside, ...]
    model: Model
    draws: tuple[Vector, ...]
    period_s: int
    notes: tuple[str, ...]

    def offsets_at(self, t_s: float) -> list[float]:
        """The offset in seconds at a time after the last reading, for each of the draws."""
        row = self.model.row(t_s)
        size = len(row)
        return [dot(row, values[:size]) for values in self.draws]


def measure(
    readings: Sequence[CodeReading],
    temperatures: Sequence[Temperature],
    seed: OtpSeed,
    chance: EntropySource,
    *,
    level: float = DEFAULT_LEVEL,
    crystal: str = "quartz",
    made_ns: int | None = None,
    search_s: int = DEFAULT_SEARCH_S,
    draws: int = DEFAULT_DRAWS,
) -> Measurement:
    """Fit a clock to the codes that it showed.

    Args:
        readings: in the order of time.
        temperatures: in the order of time; none if they are not known.
        seed: of the token, time-based.
        chance: where the stream for the draws comes from.
        level: the share of what is possible between the limits, such as 0.99.
        crystal: a name of `OSCILLATORS`.
        made_ns: when the token was made, if that is known.
        search_s: how far off its clock may be.
        draws: how many; the limits of 99 % take some thousand.

    Raises:
        TooFewReadings: fewer than three.
        SeedFitsNoCode: the seed made fewer than half of the codes.
        NoStraightLine: as its subclass says, or for no reason that is known.
        ValueError: the seed is for event-based codes.
    """
    if seed.kind is not OtpKind.TOTP:
        raise ValueError("the seed is for event-based codes, and those tell nothing about a clock.")
    if len(readings) < LEAST_READINGS:
        raise TooFewReadings(len(readings), LEAST_READINGS)
    matches = match_codes(readings, seed, ceil(search_s / seed.period_s))
    known = [match for match in matches if match.steps]
    if 2 * len(known) < len(matches):
        raise SeedFitsNoCode(len(known), len(matches), format_duration(search_s * NS_PER_S))
    if len(known) < LEAST_READINGS:
        raise TooFewReadings(len(known), LEAST_READINGS)
    searched = format_duration(search_s * NS_PER_S)
    aside = [
        SetAside(match.reading, f"the seed makes no such code within {searched}")
        for match in matches
        if not match.steps
    ]
    _require_moving(known)
    climate = None
    start_ns, end_ns = known[0].reading.at_ns, known[-1].reading.at_ns
    if temperatures and end_ns > start_ns:
        climate = Climatology(temperatures, start_ns, end_ns)
    model = Model(start_ns, end_ns, crystal=crystal, made_ns=made_ns, climate=climate)
    fit = _Fit(known, model)
    fit.settle()
    aside += fit.aside
    drawn = draw(fit.rows, fit.parameters, fit.point, chance.stream("draws"), count=draws)
    habit = chance.stream("habit")
    for values in drawn:
        values[0] += habit.uniform(-fit.shift_s, fit.shift_s)
    by_name = {each.name: [values[k] for values in drawn] for k, each in enumerate(fit.parameters)}
    slope = turnover = None
    if model.fits_temperature:
        assert climate is not None
        slope = Estimate.of(by_name["slope_ppm_per_c"], level)
        turnover = Estimate.of(
            [
                climate.mean_c - each / (2 * bend)
                for each, bend in zip(
                    by_name["slope_ppm_per_c"], by_name["bend_ppm_per_c2"], strict=True
                )
            ],
            level,
        )
    return Measurement(
        level=level,
        offset_s=Estimate.of(by_name["offset_s"], level),
        rate_ppm=Estimate.of(by_name["rate_ppm"], level),
        slope_ppm_per_c=slope,
        turnover_c=turnover,
        fitted=tuple(fit.fitted),
        set_aside=tuple(sorted(aside, key=lambda each: each.reading.at_ns)),
        model=model,
        draws=tuple(drawn),
        period_s=seed.period_s,
        notes=tuple(_notes(model, temperatures)),
    )


def _notes(model: Model, temperatures: Sequence[Temperature]) -> list[str]:
    notes = []
    climate = model.climate
    if climate is None or not temperatures:
        notes.append(
            "No temperatures are known, so the rate is that of wherever the token was meanwhile."
        )
    elif not climate.varies:
        notes.append(
            f"The temperature stayed between {climate.coldest_c:g} and {climate.warmest_c:g} C, "
            "too even to tell what it does to the clock."
        )
    elif not model.fits_temperature:
        notes.append(f"A {model.crystal} oscillator does not mind the temperature; none is fitted.")
    elif climate.longest_gap_s > 6 * 3600:
        gap = format_duration(round(climate.longest_gap_s) * NS_PER_S)
        notes.append(
            f"Temperatures are known up to {gap} apart; a straight line is assumed between them."
        )
    return notes


def _require_moving(matches: Sequence[Match]) -> None:
    """Refuse codes of one step that were read at times which no running clock can join.

    Raises:
        ClockStopped: three readings or more, or all since some time, show one step.
    """
    for step in {step for match in matches for step in match.steps}:
        same = [match for match in matches if step in match.steps]
        first, last = same[0].reading, same[-1].reading
        apart_s = (last.first_ns - first.last_ns) / NS_PER_S
        # Twice: a clock that is slow by a thousand ppm shows a code hardly longer.
        if apart_s <= 2 * same[0].trapezoids[0].width or len(same) < LEAST_READINGS:
            continue
        raise ClockStopped(
            len(same), len(matches), format_instant(first.at_ns), format_instant(last.at_ns)
        )


class _Fit:
    """Readings on the way to a point that satisfies them.

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
