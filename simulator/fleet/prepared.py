"""What the chunks of a study share: its cohorts, its months, its precision and its tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product
from threading import Lock
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from mfalab.simulator.clocks.battery import Battery
from mfalab.simulator.clocks.climates import CLIMATES, Climate, Constant
from mfalab.simulator.clocks.durations import NS_PER_DAY, NS_PER_HOUR, NS_PER_S
from mfalab.simulator.clocks.quartz import DataSheet, Quartz, ageing_ppm
from mfalab.simulator.fleet import layout, tables
from mfalab.simulator.fleet.physics import CENTRE_C, TERMS, wander_table
from mfalab.simulator.fleet.policies import rows_of
from mfalab.simulator.fleet.presets import CRYSTALS, HABITS, Habit
from mfalab.simulator.fleet.study import DAYS, Study
from mfalab.simulator.language.units import parse_celsius

Precision = Literal["single", "double"]

_MORE_WEEKS: Final = 7
"""So long after the last week a climate goes on."""
_SHELF: Final = CLIMATES["drawer"]
_CELL_S: Final = {"single": 900, "double": 180}
_UNITS: Final = {"single": 1 << 16, "double": NS_PER_S}
_ABSENT: Final = {"single": -(1 << 31), "double": -(1 << 62)}
"""No clock is wrong by so many units."""
FLOAT_TYPES: Final = {"single": np.float32, "double": np.float64}
ERROR_TYPES: Final = {"single": np.int32, "double": np.int64}


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
        _, sums = prepared(study, "single").climate(climate)
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


class Prepared:
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
            self._climates[name] = table.astype(FLOAT_TYPES[self.precision]), sums
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
        units, of_float = _UNITS[self.precision], FLOAT_TYPES[self.precision]
        table, sums = self.climate(cohort.climate)
        constants[layout.C_MEAN_C] = sums[-1, 0] / (len(sums) - 1) / tables.WEEK_S
        rota = _rota(habit, study.period)
        windows, turned = self._windows(cohort, rota, constants)
        aged = np.zeros((*rota.shape[:2], 2 * ages), ERROR_TYPES[self.precision])
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
        return fitted.astype(FLOAT_TYPES[self.precision]), turned.astype(np.int64)


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


_PREPARED: Final[dict[tuple[str, Precision], Prepared]] = {}
_LOCK: Final = Lock()


def prepared(study: Study, precision: Precision) -> Prepared:
    """What the chunks of a study share; the last study's is kept in each process."""
    key = study.model_dump_json(), precision
    with _LOCK:
        if key not in _PREPARED:
            _PREPARED.clear()
            _PREPARED[key] = Prepared(study, precision)
        return _PREPARED[key]
