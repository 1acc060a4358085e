"""Runs a study: its tokens in chunks, each chunk by itself, and adds up what they count.

A chunk is a pure function of the study and its number, so it does not matter which are computed
first, where, or how many at once.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from hashlib import sha256
from itertools import product
from threading import Lock
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from mfalab.simulator.clocks.battery import Battery
from mfalab.simulator.clocks.climates import CLIMATES, Climate, Constant
from mfalab.simulator.clocks.durations import NS_PER_DAY, NS_PER_HOUR, NS_PER_S
from mfalab.simulator.clocks.quartz import DataSheet, Quartz, ageing_ppm
from mfalab.simulator.fleet import kernel, layout, tables, tokens
from mfalab.simulator.fleet.physics import CENTRE_C, TERMS, wander_table
from mfalab.simulator.fleet.policies import rows_of
from mfalab.simulator.fleet.presets import CRYSTALS, HABITS, Habit
from mfalab.simulator.fleet.study import DAYS, Study
from mfalab.simulator.language.units import parse_celsius
from mfalab.simulator.scheduling.workers import Borrowed, SchedulingFailed, Workers, in_order

Counts = NDArray[np.int64]
Precision = Literal["single", "double"]

BLOCK: Final = 1008
"""Tokens that are computed as lanes; no power of two, so that rows do not meet in the cache."""
CHUNK: Final = 32_768
"""Tokens of a chunk, at most."""
_MORE_WEEKS: Final = 7
"""So long after the last week a climate goes on."""
_SHELF: Final = CLIMATES["drawer"]
_CELL_S: Final = {"single": 900, "double": 180}
_UNITS: Final = {"single": 1 << 16, "double": NS_PER_S}
_ABSENT: Final = {"single": -(1 << 31), "double": -(1 << 62)}
"""No clock is wrong by so many units."""
_FLOATS: Final = {"single": np.float32, "double": np.float64}
_ERRORS: Final = {"single": np.int32, "double": np.int64}


@dataclass(frozen=True, slots=True)
class Cohort:
    """Tokens of one make, in one climate, of people of one habit.

    Attributes:
        number: among the study's.
        crystal: the name of their make.
        climate: its name.
        habit: its name.
        phase: in which week of the habit's cycle they begin.
        first: the number of its first token in its fleet.
        tokens: how many they are in each fleet.
    """

    number: int
    crystal: str
    climate: str
    habit: str
    phase: int
    first: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """Tokens that are computed together: some of one cohort in one fleet."""

    fleet: int
    cohort: Cohort
    first: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Tallies:
    """What was counted, over chunks.

    Attributes:
        counts: by policy, fleet, month and counter of `kernel`.
        first_refusals: tokens by policy and the week of their first refused code.
        clocks: sampled tokens by month and half step of clock error.
        gone: tokens by fleet, month and cause: dead, lost.
        tokens: how many tokens were simulated.
        logins: how many logins of tokens were computed.
    """

    counts: Counts
    first_refusals: Counts
    clocks: Counts
    gone: Counts
    tokens: int = 0
    logins: int = 0

    def __add__(self, other: Tallies) -> Tallies:
        return Tallies(
            self.counts + other.counts,
            self.first_refusals + other.first_refusals,
            self.clocks + other.clocks,
            self.gone + other.gone,
            self.tokens + other.tokens,
            self.logins + other.logins,
        )


def cohorts(study: Study) -> list[Cohort]:
    """The study's tokens by what they have in common; shares are met exactly, to one token."""
    kinds = [
        (crystal, climate, habit, phase, a * b * c / len(HABITS[habit].weeks))
        for (crystal, a), (climate, b), (habit, c) in product(
            study.crystal.items(), study.climate.items(), study.habit.items()
        )
        for phase in range(len(HABITS[habit].weeks))
    ]
    found: list[Cohort] = []
    first, due = 0, 0.0
    for crystal, climate, habit, phase, share in kinds:
        due += share
        last = round(due * study.tokens)
        if last > first:
            found.append(Cohort(len(found), crystal, climate, habit, phase, first, last - first))
        first = max(first, last)
    return found


def chunks(study: Study, size: int = CHUNK) -> Iterator[Chunk]:
    """All chunks of a study."""
    for fleet in range(study.fleets):
        for cohort in cohorts(study):
            for first in range(0, cohort.tokens, size):
                yield Chunk(fleet, cohort, first, min(size, cohort.tokens - first))


def months(study: Study) -> tuple[list[date], NDArray[np.int32]]:
    """The first day of each calendar month of a study, and the month of each of its days."""
    days = (study.weeks + 6) * 7
    firsts: list[date] = []
    of_day = []
    for day in range(days):
        on = study.begins + timedelta(days=day)
        if day < (study.weeks + 1) * 7 and (not firsts or on.day == 1):
            firsts.append(on)
        of_day.append(len(firsts) - 1)
    return firsts, np.array(of_day, np.int32)


def crystal_of(study: Study, name: str) -> DataSheet:
    """The data sheet of a crystal that a study names."""
    if name not in study.crystals:
        return CRYSTALS[name]
    own = study.crystals[name]
    return DataSheet(
        Quartz(
            offset_ppm=own.offset,
            turnover_c=own.turnover,
            parabola_ppm_per_c2=own.parabola,
            ageing_ppm=ageing_ppm(own.ageing),
            wander_ppm=own.wander,
        ),
        offset_sigma_ppm=own.spread,
        offset_limit_ppm=own.tolerance,
        turnover_sigma_c=own.turnover_spread,
        turnover_limit_c=3 * own.turnover_spread,
    )


def climate_of(name: str) -> Climate:
    """The climate that a study names."""
    return CLIMATES[name] if name in CLIMATES else Constant(parse_celsius(name))


def precision_for(study: Study) -> Precision:
    """Single precision, unless a clock might be wrong by more than that can hold, which is 9 h."""
    days = 7 * (study.weeks + study.shelf[1] + _MORE_WEEKS)
    cell = Battery(0)
    for crystal, climate in product(study.crystal, study.climate):
        sheet = crystal_of(study, crystal)
        typical = sheet.typical
        _, sums = _prepared(study, "single").climate(climate)
        # No integral of (T - T0)^2 is greater than that of its parts (Minkowski).
        around_c = np.sqrt(sums[-1, 1] / (len(sums) - 1) / tables.WEEK_S)
        away_c = abs(typical.turnover_c - CENTRE_C) + sheet.turnover_limit_c
        most_ppm = (
            abs(typical.offset_ppm)
            + sheet.offset_limit_ppm
            + abs(typical.parabola_ppm_per_c2) * (around_c + away_c) ** 2
            + abs(typical.ageing_ppm) * np.log1p(typical.ageing_rate_per_day * days)
            + 6 * typical.wander_ppm * np.sqrt(days)
            + abs(typical.supply_ppm_per_v) * (cell.fresh_v + typical.supply_reference_v)
        )
        if most_ppm * 1e-6 * days * NS_PER_DAY / NS_PER_S > 2**31 / _UNITS["single"]:
            return "double"
    return "single"


class _Prepared:
    """What a study's chunks share; made once in a process."""

    def __init__(self, study: Study, precision: Precision) -> None:
        self.study, self.precision = study, precision
        self.firsts, self.months = months(study)
        typing = study.typing
        self.delays = tables.delay_table(
            typing.median / NS_PER_S, typing.spread, typing.longest / NS_PER_S, layout.TICKS
        )
        self.walk = wander_table()
        self.policies = rows_of(policy.figures for policy in study.policies)
        self._climates: dict[str, Any] = {}
        self._arounds: dict[int, layout.Surroundings] = {}
        self._life = tables.cut_normal_quantiles(
            study.battery.life / NS_PER_DAY,
            study.battery.spread / NS_PER_DAY,
            3 * study.battery.spread / NS_PER_DAY,
        )
        self._normal = tables.cut_normal_quantiles(0.0, 1.0, 6.0)
        self._lock = Lock()

    def climate(self, name: str) -> Any:
        """A climate's cells, and its integrals until each week begins."""
        if name not in self._climates:
            weeks = self.study.weeks + _MORE_WEEKS
            table, totals = tables.climate_table(
                climate_of(name), self.study.begin_ns, weeks, _CELL_S[self.precision]
            )
            each = totals[np.arange(weeks) % len(totals)]
            sums = np.concatenate((np.zeros((1, 2)), each.cumsum(0)))
            self._climates[name] = table.astype(_FLOATS[self.precision]), sums
        return self._climates[name]

    def around(self, cohort: Cohort) -> layout.Surroundings:
        """What a cohort's tokens share."""
        with self._lock:
            if cohort.number not in self._arounds:
                self._arounds[cohort.number] = self._make_around(cohort)
            return self._arounds[cohort.number]

    def _make_around(self, cohort: Cohort) -> layout.Surroundings:
        study = self.study
        sheet = crystal_of(study, cohort.crystal)
        typical = sheet.typical
        habit = HABITS[cohort.habit]
        cell = Battery(0)
        constants = np.zeros(layout.CONSTANTS)
        constants[layout.C_AGEING_PPM] = typical.ageing_ppm
        constants[layout.C_AGEING_RATE] = typical.ageing_rate_per_day
        constants[layout.C_PARABOLA] = typical.parabola_ppm_per_c2 * 1e-6
        constants[layout.C_WANDER_PPM] = typical.wander_ppm
        constants[layout.C_SHELF_C] = _SHELF.temperature_c(0)
        constants[layout.C_EXCESS_PPM] = typical.supply_ppm_per_v * (
            cell.fresh_v - typical.supply_reference_v
        )
        constants[layout.C_PUSHING_PPM] = typical.supply_ppm_per_v * (cell.fresh_v - cell.empty_v)
        constants[layout.C_LOSS] = -np.log1p(-min(study.lost, 1 - 1e-12))
        wholes = np.zeros(layout.WHOLES, np.int64)
        wholes[layout.W_SHELF_LEAST], wholes[layout.W_SHELF_MOST] = study.shelf
        wholes[layout.W_HOLIDAY] = habit.holiday_weeks
        wholes[layout.W_ATTENDS] = round(4096 * habit.attends)
        wholes[layout.W_PERIOD_S] = study.period // NS_PER_S
        wholes[layout.W_CELL_S] = _CELL_S[self.precision]
        wholes[layout.W_WEEKS] = study.weeks
        wholes[layout.W_TRIES] = study.tries
        wholes[layout.W_DESK_FROM_S] = study.help_desk.opens // NS_PER_S
        wholes[layout.W_DESK_TO_S] = study.help_desk.closes // NS_PER_S
        wholes[layout.W_DESK_DAYS] = sum(1 << DAYS.index(day) for day in set(study.help_desk.days))
        wholes[layout.W_BASE_S] = study.begin_ns // NS_PER_S
        wholes[layout.W_PHASE] = cohort.phase
        wholes[layout.W_ABSENT] = _ABSENT[self.precision]
        wholes[layout.W_AGES] = ages = study.weeks + study.shelf[1] + 2
        units, of_float = _UNITS[self.precision], _FLOATS[self.precision]
        table, sums = self.climate(cohort.climate)
        constants[layout.C_MEAN_C] = sums[-1, 0] / (len(sums) - 1) / tables.WEEK_S
        rota = _rota(habit, study.period)
        windows, turned = self._windows(cohort, rota, constants)
        aged = np.zeros((*rota.shape[:2], 2 * ages), _ERRORS[self.precision])
        paces = np.zeros((*rota.shape[:2], 3, 2 * ages), of_float)
        period_days = study.period / NS_PER_DAY
        a_day = abs(typical.ageing_ppm) * 0.0864 * units
        for week, slot in np.argwhere(rota[:, :, 2]):
            _, first, steps = rota[week, slot].tolist()
            half_days = steps * period_days / 2
            middle_days = first * period_days + half_days
            whole, pace = tables.ageing_table(
                a_day, typical.ageing_rate_per_day, ages, middle_days, half_days
            )
            # Half of all specimens age the other way.
            aged[week, slot] = np.rint(np.concatenate((whole, -whole)))
            pace = np.concatenate((pace, pace * [[-1], [-1], [1]]), axis=1)
            paces[week, slot] = pace
        quantiles = np.stack(
            (
                tables.cut_normal_quantiles(
                    typical.offset_ppm, sheet.offset_sigma_ppm, sheet.offset_limit_ppm
                ),
                tables.cut_normal_quantiles(
                    typical.turnover_c, sheet.turnover_sigma_c, sheet.turnover_limit_c
                ),
                self._life,
                self._normal,
            )
        )
        return layout.Surroundings(
            one=of_float(1),
            units=np.int64(units),
            constants=constants,
            wholes=wholes,
            climate=table,
            sums=sums,
            windows=windows,
            turned=turned,
            aged=aged,
            paces=paces,
            walk=self.walk,
            delays=self.delays,
            rota=rota,
            months=self.months,
            quantiles=quantiles,
        )

    def _windows(self, cohort: Cohort, rota: NDArray[np.int32], constants: tables.Floats) -> Any:
        """Both integrals of the temperature at each login, and what the second leaves out.

        From the first what the mean temperature makes is taken, which tokens have in their rate;
        the second is in units.
        """
        study = self.study
        week = np.arange(study.weeks + 1)[:, None]
        slot = np.arange(rota.shape[1])
        cycle = (week + cohort.phase) % len(rota)
        period_s = study.period // NS_PER_S
        from_s = week * tables.WEEK_S + rota[cycle, slot, 1].astype(np.int64) * period_s
        there = rota[cycle, slot, 2] > 0
        to_s = from_s + np.where(there, rota[cycle, slot, 2], 1) * period_s
        terms = TERMS[self.precision]
        fitted = tables.window_table(
            climate_of(cohort.climate), study.begin_ns, from_s.ravel(), to_s.ravel(), terms
        ).reshape(*from_s.shape, 2, terms)
        mean_c = constants[layout.C_MEAN_C]
        fitted[:, :, 0, 0] -= mean_c * (from_s + to_s) / 2
        fitted[:, :, 0, 1] -= mean_c * (to_s - from_s) / 2
        fitted[:, :, 1] *= constants[layout.C_PARABOLA] * _UNITS[self.precision]
        turned = np.floor(fitted[:, :, 1, 0])
        fitted[:, :, 1, 0] -= turned
        return fitted.astype(_FLOATS[self.precision]), turned.astype(np.int64)


def _rota(habit: Habit, period_ns: int) -> NDArray[np.int32]:
    """The timetable of a habit, in time steps."""
    most = max(1, *(len(week) for week in habit.weeks))
    rota = np.zeros((len(habit.weeks), most, 3), np.int32)
    for week, logins in enumerate(habit.weeks):
        for slot, login in enumerate(logins):
            begins = round((24 * login.day + login.from_hour) * NS_PER_HOUR) // period_ns
            ends = round((24 * login.day + login.to_hour) * NS_PER_HOUR) // period_ns
            rota[week, slot] = login.day, begins, ends - begins
    return rota


_PREPARED: Final[dict[tuple[str, Precision], _Prepared]] = {}
_LOCK: Final = Lock()


def _prepared(study: Study, precision: Precision) -> _Prepared:
    """What the chunks of a study share; the last study's is kept in each process."""
    key = study.model_dump_json(), precision
    with _LOCK:
        if key not in _PREPARED:
            _PREPARED.clear()
            _PREPARED[key] = _Prepared(study, precision)
        return _PREPARED[key]


def _key(study: Study, chunk: Chunk) -> np.uint64:
    """The key of a cohort in a fleet; its tokens' follow from their numbers."""
    cohort = chunk.cohort
    told = (study.seed, chunk.fleet, cohort.crystal, cohort.climate, cohort.habit, cohort.phase)
    return np.uint64(int.from_bytes(sha256(repr(told).encode()).digest()[:8]))


def draw_tokens(
    study: Study, chunk: Chunk, precision: Precision = "double"
) -> tuple[NDArray[np.uint64], tables.Floats]:
    """The keys of a chunk's tokens, and what they are: a row each, of `layout.TOKEN`."""
    keys = np.zeros(chunk.tokens, np.uint64)
    drawn = np.zeros((len(layout.TOKEN), chunk.tokens))
    around = _prepared(study, precision).around(chunk.cohort)
    tokens.make_tokens(_key(study, chunk), chunk.first, around, keys, drawn)
    return keys, drawn.T


def run_chunk(
    study: Study,
    chunk: Chunk,
    *,
    precision: Precision = "single",
    block: int = BLOCK,
    trace: Counts | None = None,
) -> Tallies:
    """Simulate the tokens of a chunk, under every policy.

    Args:
        study: the study.
        chunk: which tokens.
        precision: of clocks and temperatures.
        block: how many tokens are computed as lanes; it changes no result.
        trace: filled with a row for each code and pair, of `layout.TRACE_COLUMNS`.

    Raises:
        OverflowError: the trace has too few rows.
    """
    shared = _prepared(study, precision)
    around = shared.around(chunk.cohort)
    policies, weeks = len(study.policies), study.weeks
    months = len(shared.firsts)
    counts = np.zeros((policies, months, layout.COUNTERS), np.int64)
    gone = np.zeros((months, 2), np.int64)
    tally = layout.Tally(
        counts,
        np.zeros((policies, weeks + 1), np.int64),
        np.zeros((months, layout.BINS), np.int64),
        gone,
        np.zeros((0, layout.TRACE_COLUMNS), np.int64) if trace is None else trace,
        np.zeros(3, np.int64),
    )
    whole = chunk.tokens - chunk.tokens % block
    for first, count, lanes in ((0, whole, block), (whole, chunk.tokens - whole, 0)):
        if count:
            kernel.live(
                _key(study, chunk),
                chunk.first + first,
                count,
                first,
                around,
                shared.policies,
                _block(lanes or count, policies, precision),
                tally,
            )
    if trace is not None and tally.traced[0] > len(trace):
        raise OverflowError(f"the trace needs {tally.traced[0]} rows")
    by_fleet = np.zeros((policies, study.fleets, months, layout.COUNTERS), np.int64)
    by_fleet[:, chunk.fleet] = counts
    gone_of = np.zeros((study.fleets, months, 2), np.int64)
    gone_of[chunk.fleet] = gone
    logins = int(tally.traced[1])
    return Tallies(by_fleet, tally.first_refusals, tally.clocks, gone_of, chunk.tokens, logins)


def _block(lanes: int, policies: int, precision: Precision) -> layout.Block:
    """Room for the lanes of a block."""
    of_error, of_float = _ERRORS[precision], _FLOATS[precision]
    eights = np.zeros((lanes + 7) // 8, np.uint64)
    return layout.Block(
        drawn=np.zeros((len(layout.TOKEN), lanes)),
        errors=np.zeros((layout.ERRORS, lanes), of_error),
        floats=np.zeros((layout.FLOATS, lanes), of_float),
        wholes=np.zeros((layout.WHOLE_LANES, lanes), np.int32),
        words=np.zeros((2, lanes), np.uint32),
        keys=np.zeros(lanes, np.uint64),
        states=np.zeros((policies, layout.STATES, lanes), np.int64),
        offsets=np.zeros((policies, lanes), np.int32),
        anchors=np.zeros((policies, lanes), np.int32),
        standing=np.zeros((policies, lanes), np.uint8),
        base=np.zeros(lanes, of_error),
        missed=eights.view(np.uint8),
        eights=eights,
    )


def nothing(study: Study) -> Tallies:
    """The tallies of no chunk."""
    count = len(months(study)[0])
    policies, fleets = len(study.policies), study.fleets
    return Tallies(
        np.zeros((policies, fleets, count, layout.COUNTERS), np.int64),
        np.zeros((policies, study.weeks + 1), np.int64),
        np.zeros((count, layout.BINS), np.int64),
        np.zeros((fleets, count, 2), np.int64),
    )


def simulate(
    study: Study,
    *,
    workers: Workers | None = None,
    threads: int | None = None,
    precision: Precision | None = None,
    chunk: int = CHUNK,
) -> Generator[Tallies]:
    """Run a study; yields what is counted so far, after each chunk.

    Args:
        study: the study.
        workers: where chunks are computed, ended with the study; threads of this process by
            default.
        threads: how many of those; as many as there are processors by default.
        precision: of clocks and temperatures; what the study needs by default.
        chunk: tokens of a chunk, at most; it changes no result.

    Raises:
        SchedulingFailed: there are no workers left, or a chunk ended its worker again and again.
    """
    with ExitStack() as stack:
        if workers is None:
            count = threads or os.cpu_count() or 1
            pool = ThreadPoolExecutor(count)
            stack.callback(pool.shutdown, cancel_futures=True)
            workers = Borrowed(pool, count)
        stack.callback(workers.end)
        task = partial(run_chunk, study, precision=precision or precision_for(study))
        total = nothing(study)
        for counted in in_order(workers, task, chunks(study, chunk), lost=_lost):
            total = total + counted
            yield total


def _lost(chunk: Chunk) -> Tallies:
    """Give up: without these tokens the others are no answer."""
    last = chunk.first + chunk.tokens - 1
    raise SchedulingFailed(f"each worker that computed the tokens {chunk.first} to {last} was lost")
