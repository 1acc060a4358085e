"""When a token will have to be resynchronised.

With step size X, a code that is read and verified d later, and a verifier that remembers m steps,
z = x - d - m X decides: with a window of w steps every code is accepted while |z| <= w X, none from
|z| = (w + 1) X on, and every other one at |z| = (w + 1/2) X. That last one is the predicted day: a
person tries a second time, not a third.

m is what the last pair of codes left behind, a whole number of steps, so where within a step the
device was at that moment is part of the doubt. A verifier with drift memory moves m with each
success, as far as its limit: used every day, such a token has the window and the limit before it,
unused only the window. Without drift memory use changes nothing.

The future is that of the model: rate and temperature as they were on average, the ageing law, and a
random walk of the frequency; for each of the draws one future.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import floor, sqrt
from statistics import fmean

from mfalab.simulator.clocks.durations import NS_PER_DAY, NS_PER_S
from mfalab.simulator.entropy import EntropySource, Stream
from mfalab.simulator.twin.algebra import Vector, dot
from mfalab.simulator.twin.measuring import Measurement, quantile
from mfalab.verifier import Profile

HORIZON_DAYS = 3650
TYPING_S = 9.0
"""From reading a code to its verification: the median of typing and transport."""
_FUTURES = 2000
_STEP_DAYS = 10
_DAY_S = 86_400.0


class Use(StrEnum):
    """How a token is used until it fails."""

    ANY = "however it is used"
    IDLE = "not used until then"
    DAILY = "used every day"


@dataclass(frozen=True, slots=True)
class Day:
    """When something happens, in true time; None is not within ten years.

    Args:
        median_ns: as likely before as after.
        low_ns: the level's lower limit.
        high_ns: the level's upper limit.
    """

    median_ns: int | None
    low_ns: int | None
    high_ns: int | None


@dataclass(frozen=True, slots=True)
class Prediction:
    """What becomes of a token at one verifier, used in one way.

    Args:
        profile: the verifier's name.
        use: how it is used.
        first_refusal: from then on a code may be refused.
        resync: from then on every second code is refused: the predicted day.
        last_success: from then on no code is accepted.
        slow_s: offsets in seconds at which every second code is refused, on the slow side ...
        fast_s: ... and on the fast side, as means over what the verifier may remember.
    """

    profile: str
    use: Use
    first_refusal: Day
    resync: Day
    last_success: Day
    slow_s: float
    fast_s: float


def predict(
    measurement: Measurement,
    profile: Profile,
    chance: EntropySource,
    *,
    paired_ns: int | None = None,
    offset_steps: int | None = None,
    typing_s: float = TYPING_S,
) -> tuple[Prediction, ...]:
    """The days of resynchronisation; of a verifier with drift memory two, unused and used daily.

    A token that is used daily at a verifier whose drift memory has no limit has no such day.

    Args:
        measurement: what is known of the clock.
        profile: the verifier.
        chance: for the futures.
        paired_ns: when the last pair of codes was verified; by default at the last reading.
        offset_steps: what the verifier remembers, if that is known.
        typing_s: d, from reading a code to its verification.
    """
    stream = chance.stream("pairs")
    model, period_s = measurement.model, measurement.period_s
    paired_s = 0.0 if paired_ns is None else (paired_ns - model.end_ns) / NS_PER_S
    rows = [model.row(_DAY_S * day) for day in range(0, HORIZON_DAYS + 1, _STEP_DAYS)]
    past = model.row(paired_s)
    draws = measurement.draws[:: -(-len(measurement.draws) // _FUTURES)]
    futures: list[_Future] = []
    for number, values in enumerate(draws):
        if offset_steps is None:
            phase = stream.random()
            steps = floor(phase + (dot(past, values[: len(past)]) - typing_s) / period_s)
        else:
            steps = offset_steps
        walk = _walk(chance.stream(f"future {number}"), model.wander_ppm)
        futures.append(_Future(rows, values, walk, steps * period_s + typing_s))
    back = _given(profile.hardware_window_back, profile.window_back)
    ahead = _given(profile.hardware_window_ahead, profile.window_ahead)
    low = (1 - measurement.level) / 2

    def when(beyond: float) -> Day:
        days = sorted(
            future.first_outside(-(back + beyond) * period_s, (ahead + beyond) * period_s)
            for future in futures
        )
        return Day(
            *(
                _at(
                    model.end_ns, quantile(days, share) if days[-1] < _NEVER else _step(days, share)
                )
                for share in (0.5, low, 1 - low)
            )
        )

    centre_s = fmean(future.centre_s for future in futures)

    def used(use: Use, room: int) -> Prediction:
        return Prediction(
            profile.name,
            use,
            when(room),
            when(room + 0.5),
            when(room + 1.0),
            centre_s - (back + room + 0.5) * period_s,
            centre_s + (ahead + room + 0.5) * period_s,
        )

    if not profile.drift_memory:
        return (used(Use.ANY, 0),)
    if profile.drift_memory_limit_steps is None:
        return (used(Use.IDLE, 0),)
    return used(Use.IDLE, 0), used(Use.DAILY, profile.drift_memory_limit_steps)


_NEVER = float(10 * HORIZON_DAYS)


class _Future:
    """Offsets every few days from the last reading on, made as far as they are asked for.

    Args:
        rows: the model's at these days.
        values: its unknowns.
        walk: what a random walk adds.
        centre_s: the offset that the verifier expects.
    """

    def __init__(
        self, rows: Sequence[Vector], values: Vector, walk: Iterator[float], centre_s: float
    ) -> None:
        self.centre_s = centre_s
        self._rows = rows
        self._values = values[: len(rows[0])]
        self._walk = walk
        self._path: list[float] = []

    def first_outside(self, low_s: float, high_s: float) -> float:
        """Days until the offset leaves these bounds about what is expected."""
        low, high = self.centre_s + low_s, self.centre_s + high_s
        before = self._at(0)
        if not low < before < high:
            return 0.0
        for number in range(1, len(self._rows)):
            offset = self._at(number)
            if not low < offset < high:
                edge = low if offset <= low else high
                return _STEP_DAYS * (number - 1 + (edge - before) / (offset - before))
            before = offset
        return _NEVER

    def _at(self, number: int) -> float:
        path = self._path
        while len(path) <= number:
            path.append(dot(self._rows[len(path)], self._values) + next(self._walk))
        return path[number]


def _walk(stream: Stream, daily_ppm: float) -> Iterator[float]:
    """What a random walk of the frequency adds to the offset in seconds, every few days."""
    rate_ppm, offset_s = 0.0, 0.0
    step_ppm = daily_ppm * sqrt(_STEP_DAYS)
    while True:
        yield offset_s
        gained = stream.gauss(0.0, step_ppm)
        offset_s += (rate_ppm + gained / 2) * 1e-6 * _DAY_S * _STEP_DAYS
        rate_ppm += gained


def _step(ordered: Sequence[float], share: float) -> float:
    """As `quantile`, without a value between a day and never."""
    return ordered[round(share * (len(ordered) - 1))]


def _at(end_ns: int, days: float) -> int | None:
    return None if days >= _NEVER else end_ns + round(days * NS_PER_DAY)


def _given(figure: int | None, otherwise: int) -> int:
    return otherwise if figure is None else figure
