"""What a study may name: makes of crystals, habits of people.

Crystals beyond those of `simulator.clocks.quartz` are fitted to what owners and makers report of
tokens; no maker publishes the spread of its crystals. Each says what it is fitted to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from mfalab.simulator.clocks.quartz import OSCILLATORS, TUNING_FORK, DataSheet, ageing_ppm


def _fitted(sigma_ppm: float, limit_ppm: float, first_year_ppm: float) -> DataSheet:
    """A watch crystal with another spread of rates, and another ageing."""
    return replace(
        TUNING_FORK,
        typical=replace(TUNING_FORK.typical, ageing_ppm=ageing_ppm(first_year_ppm)),
        offset_sigma_ppm=sigma_ppm,
        offset_limit_ppm=limit_ppm,
    )


CRYSTALS: Final[Mapping[str, DataSheet]] = MappingProxyType(
    {
        **OSCILLATORS,
        "feitian-c200": _fitted(sigma_ppm=1.6, limit_ppm=4.8, first_year_ppm=0.5),
        "token2-classic": _fitted(sigma_ppm=3.8, limit_ppm=11.574, first_year_ppm=1.0),
        "safeid": _fitted(sigma_ppm=3.86, limit_ppm=7.72, first_year_ppm=1.0),
        "digipass": _fitted(sigma_ppm=7.7, limit_ppm=20.0, first_year_ppm=3.0),
    }
)
"""The crystals that a study may name."""

CRYSTAL_TEXTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "quartz": "an uncompensated watch crystal, by its data sheets",
        "tcxo": "temperature-compensated, DS3231 class: +-2 ppm",
        "mems": "a MEMS resonator, DS3231M class: +-5 ppm",
        "feitian-c200": "fitted: +-3 steps a year by the maker; of 1,500 tokens most within it, a "
        "good number outside, up to 8 steps after some years",
        "token2-classic": "fitted: about 2 min a year, at worst 1 s a day",
        "safeid": "fitted: about 1 s in 3 days, 1 min in 6 months",
        "digipass": "fitted: planned for at most 2 s a day",
    }
)
"""What each crystal is."""


@dataclass(frozen=True, slots=True)
class Login:
    """A login of a timetable: on which day, and when it begins; all in UTC.

    Args:
        day: 0 is Monday.
        from_hour: the earliest.
        to_hour: the latest, at most 24.
    """

    day: int
    from_hour: float
    to_hour: float


@dataclass(frozen=True, slots=True)
class Habit:
    """When people sign in.

    Args:
        weeks: the logins of each week of a cycle, in the order of time.
        attends: the share of these logins that take place.
        holiday_weeks: weeks away in one go, once in 52 weeks.
    """

    weeks: tuple[tuple[Login, ...], ...]
    attends: float = 1.0
    holiday_weeks: int = 0


_DAYS: Final = range(5)

HABITS: Final[Mapping[str, Habit]] = MappingProxyType(
    {
        "weekly": Habit(((Login(2, 8, 10),),)),
        "workdays": Habit(
            (tuple(Login(day, 8, 10) for day in _DAYS),), attends=0.9, holiday_weeks=4
        ),
        "shifts": Habit(
            (
                tuple(Login(day, 6, 7) for day in _DAYS),
                tuple(Login(day, 14, 15) for day in _DAYS),
                tuple(Login(day, 22, 23) for day in _DAYS),
            ),
            attends=0.95,
            holiday_weeks=4,
        ),
        "monthly": Habit(((Login(2, 8, 16),), (), (), ())),
        "seldom": Habit(((Login(2, 8, 16),),), attends=0.1, holiday_weeks=4),
    }
)
"""The habits that a study may name."""

HABIT_TEXTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "weekly": "every Wednesday between 8 and 10 h",
        "workdays": "nine of ten working days between 8 and 10 h, 4 weeks of holidays",
        "shifts": "early, late and night shift in turn, from Monday to Friday, 4 weeks of holidays",
        "monthly": "every fourth Wednesday",
        "seldom": "one Wednesday in ten, 4 weeks of holidays",
    }
)
"""What each habit is."""
