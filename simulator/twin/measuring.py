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
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

from mfalab.devices.otp.seed import USUAL_PERIODS_S, OtpKind, OtpSeed
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.entropy import EntropySource
from mfalab.simulator.language.units import format_duration, format_instant
from mfalab.simulator.twin.algebra import Vector, dot
from mfalab.simulator.twin.errors import ClockStopped, SeedFitsNoCode, TooFewReadings
from mfalab.simulator.twin.matching import Match, match_codes
from mfalab.simulator.twin.model import Climatology, Model
from mfalab.simulator.twin.readings import CodeReading, Temperature
from mfalab.simulator.twin.sampling import draw
from mfalab.simulator.twin.selecting import LEAST_READINGS, Fitted, Selection, SetAside

DEFAULT_LEVEL = 0.99
DEFAULT_SEARCH_S = 86_400
DEFAULT_DRAWS = 2500


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
    known, aside = _known(readings, seed, search_s)
    _require_moving(known)
    climate = None
    start_ns, end_ns = known[0].reading.at_ns, known[-1].reading.at_ns
    if temperatures and end_ns > start_ns:
        climate = Climatology(temperatures, start_ns, end_ns)
    model = Model(start_ns, end_ns, crystal=crystal, made_ns=made_ns, climate=climate)
    chosen = Selection(known, model)
    chosen.settle()
    aside += chosen.aside
    drawn = draw(chosen.rows, chosen.parameters, chosen.point, chance.stream("draws"), count=draws)
    habit = chance.stream("habit")
    for values in drawn:
        values[0] += habit.uniform(-chosen.shift_s, chosen.shift_s)
    by_name = {
        each.name: [values[k] for values in drawn] for k, each in enumerate(chosen.parameters)
    }
    slopes = by_name.get("slope_ppm_per_c")
    return Measurement(
        level=level,
        offset_s=Estimate.of(by_name["offset_s"], level),
        rate_ppm=Estimate.of(by_name["rate_ppm"], level),
        slope_ppm_per_c=None if slopes is None else Estimate.of(slopes, level),
        turnover_c=_turnover_c(model, by_name, level),
        fitted=tuple(chosen.fitted),
        set_aside=tuple(sorted(aside, key=lambda each: each.reading.at_ns)),
        model=model,
        draws=tuple(drawn),
        period_s=seed.period_s,
        notes=tuple(_notes(model, temperatures)),
    )


def _known(
    readings: Sequence[CodeReading], seed: OtpSeed, search_s: int
) -> tuple[list[Match], list[SetAside]]:
    """The readings whose codes the seed makes within the search, and the others."""
    matches = match_codes(readings, seed, ceil(search_s / seed.period_s))
    known = [match for match in matches if match.steps]
    searched = format_duration(search_s * NS_PER_S)
    if 2 * len(known) < len(matches):
        hint = _other_period(readings, seed, search_s)
        raise SeedFitsNoCode(len(known), len(matches), searched, hint)
    if len(known) < LEAST_READINGS:
        raise TooFewReadings(len(known), LEAST_READINGS)
    aside = [
        SetAside(match.reading, f"the seed makes no such code within {searched}")
        for match in matches
        if not match.steps
    ]
    return known, aside


def _other_period(readings: Sequence[CodeReading], seed: OtpSeed, search_s: int) -> str:
    """Which other usual time step the codes have, as a sentence; a seed file may not say it."""
    for period_s in USUAL_PERIODS_S:
        if period_s == seed.period_s:
            continue
        other = replace(seed, period_s=period_s)
        matches = match_codes(readings, other, ceil(search_s / period_s))
        fitting = sum(bool(match.steps) for match in matches)
        if 2 * fitting >= len(matches):
            return (
                f"With a time step of {period_s} s instead of {seed.period_s} s it made {fitting}. "
                f"Say {period_s} s in the seed file or as --period: without, it counts as 30 s."
            )
    return ""


def _turnover_c(
    model: Model, by_name: Mapping[str, Sequence[float]], level: float
) -> Estimate | None:
    """Where the parabola of the rate against temperature has its top."""
    if not model.fits_temperature:
        return None
    assert model.climate is not None
    mean_c = model.climate.mean_c
    pairs = zip(by_name["slope_ppm_per_c"], by_name["bend_ppm_per_c2"], strict=True)
    return Estimate.of([mean_c - slope / (2 * bend) for slope, bend in pairs], level)


def _notes(model: Model, temperatures: Sequence[Temperature]) -> list[str]:
    notes = []
    climate = model.climate
    if climate is None or not temperatures:
        notes.append("No temperatures are known, so the rate is that of wherever the token was.")
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
