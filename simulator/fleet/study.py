"""A study as its file says it: so many tokens, of such a make, with such people, under policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from mfalab.simulator.clocks.climates import CLIMATES
from mfalab.simulator.clocks.durations import NS_PER_DAY, NS_PER_HOUR, NS_PER_S, NS_PER_WEEK
from mfalab.simulator.fleet.presets import CRYSTALS, HABITS
from mfalab.simulator.language.units import (
    Celsius,
    OutOfBounds,
    Ppm,
    Seconds,
    Share,
    Span,
    parse_celsius,
    parse_share,
    parse_span_ns,
)
from mfalab.simulator.language.words import Name, Strict, choice, nearest
from mfalab.verifier import PROFILES
from mfalab.verifier.profile import Profile, ThrottleRule

MOST_RECENT: Final = 12
"""So many attempts the kernel remembers for a window that slides."""
LONGEST_WINDOW_S: Final = 12 * 3600
"""Two logins of a habit are further apart, so no window counts attempts of both."""
_MOST_COUNTED: Final = 1_000_000
_LONGEST_S: Final = 100 * 365 * 86_400
"""The kernel counts nanoseconds in 64 bits."""
MOST_TOKENS: Final = 1_000_000_000
Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
DAYS: Final[tuple[Day, ...]] = get_args(Day)


def _mixture(value: Any) -> Any:
    """One name, or names with shares that make a whole."""
    if isinstance(value, str):
        return {value: 1.0}
    if not isinstance(value, Mapping):
        raise ValueError("write a NAME, or {NAME: 60 %, NAME: 40 %}")
    shares = {str(name): parse_share(share) for name, share in value.items()}
    if abs(sum(shares.values()) - 1) > 1e-9:
        total = 100 * sum(shares.values())
        raise ValueError(f"the shares make {total:g} %; they must make 100 %")
    return shares


Mixture = Annotated[dict[str, float], BeforeValidator(_mixture)]
"""Shares by name; together 1."""


def _range(value: Any) -> Any:
    """The ends of a range of durations such as `0 d to 26 wk`, in whole weeks."""
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a duration; write 26 wk, or 0 d to 26 wk")
    least, separator, most = value.partition(" to ")
    ends = (parse_span_ns(least), parse_span_ns(most if separator else least))
    if ends[1] < ends[0]:
        raise ValueError(f"{value!r} ends before it begins")
    return tuple(round(end / NS_PER_WEEK) for end in ends)


def _day(value: Any) -> Any:
    try:
        day = date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f"{value!r} is not a day; write it as 2026-01-05") from None
    if not 1970 <= day.year <= 2500:
        raise ValueError(f"{value} is too far away; a study begins between 1970 and 2500")
    if day.weekday():
        monday = date.fromordinal(day.toordinal() - day.weekday())
        raise ValueError(f"{value} is no Monday, and a study counts weeks; write {monday}")
    return day


def _printable(value: str) -> str:
    """A terminal takes other characters for orders."""
    if not value.isprintable():
        raise ValueError("write it with printable characters")
    return value


class Crystal(Strict):
    """A make of crystals: what its data sheet, or its owner, says of the spread."""

    offset: Ppm = 0.0
    """The rate in the middle, when new and at the turnover temperature."""
    spread: Annotated[Ppm, Field(ge=0)] = 4.0
    """Standard deviation of the rate."""
    tolerance: Annotated[Ppm, Field(gt=0)] = 12.0
    """Specimens further from the middle are sorted out."""
    turnover: Celsius = 25.0
    """The temperature at which it is fastest."""
    turnover_spread: Annotated[float, Field(ge=0, le=50)] = 1.7
    """Its standard deviation, in degrees."""
    parabola: Annotated[float, Field(le=0, ge=-1)] = -0.034
    """Coefficient of the temperature parabola, ppm per degree squared."""
    ageing: Ppm = 3.0
    """Change of the rate in the first year; half of all specimens age the other way."""
    wander: Annotated[Ppm, Field(ge=0)] = 0.01
    """Daily step of a random walk of the rate."""


class Typing(Strict):
    """How long it takes from reading a code until the verifier has it: lognormal."""

    median: Span = 9 * NS_PER_S
    """Half of all codes take less."""
    spread: Annotated[float, Field(ge=0, le=2)] = 0.4
    """Standard deviation of the logarithm; 0 takes the median always."""
    longest: Span = 45 * NS_PER_S
    """No code takes longer."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not 0 < self.median <= self.longest <= 600 * NS_PER_S:
            raise ValueError(
                "the median must be more than 0 s and the longest between it and 600 s"
            )
        return self


class BatteryLife(Strict):
    """How long a token's cell lasts from manufacture: normal, cut off at three times the spread."""

    life: Span = 8 * 365 * NS_PER_DAY
    """The mean."""
    spread: Span = 365 * NS_PER_DAY // 2
    """The standard deviation."""

    @model_validator(mode="after")
    def _is_there(self) -> Self:
        if self.life - 3 * self.spread < NS_PER_DAY:
            raise ValueError("the life must be more than three times its spread, and a day")
        return self


class HelpDesk(Strict):
    """Who resynchronises tokens: a help desk with hours, in UTC."""

    days: list[Day] = Field(default_factory=lambda: list(DAYS[:5]), min_length=1)
    """When it is there."""
    opens: Span = 9 * NS_PER_HOUR
    """Since midnight."""
    closes: Span = 17 * NS_PER_HOUR
    """Since midnight; 24 h for all night."""

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> Self:
        if not self.opens < self.closes <= NS_PER_DAY:
            raise ValueError("the help desk must open before it closes, and close by 24 h")
        return self


class Policy(Strict):
    """A policy: a profile of the verifier, and what is different from it."""

    name: Annotated[str, Field(min_length=1, max_length=60), AfterValidator(_printable)]
    """What to call it in tables."""
    profile: str
    """The profile that it begins with; `mfalab profiles` lists them."""
    window_back: Annotated[int, Field(ge=0, le=500)] | None = None
    window_ahead: Annotated[int, Field(ge=0, le=500)] | None = None
    drift_memory: bool | None = None
    drift_memory_limit_steps: Annotated[int, Field(ge=0, le=1000)] | None = None
    window_growth_s_per_day: Annotated[int, Field(ge=0, le=3600)] | None = None
    pair_back: Annotated[int, Field(ge=0, le=10_000)] | None = None
    pair_ahead: Annotated[int, Field(ge=0, le=10_000)] | None = None
    pair_sets_offset: bool | None = None
    pair_counts_as_attempt: bool | None = None
    pair_consumes_codes: bool | None = None
    pair_forgives_failures: bool | None = None
    throttle: ThrottleRule | None = None
    throttle_budget: Annotated[int, Field(ge=1, le=_MOST_COUNTED)] | None = None
    throttle_window_s: Annotated[int, Field(ge=1, le=_LONGEST_S)] | None = None
    throttle_failures: Annotated[int, Field(ge=1, le=_MOST_COUNTED)] | None = None
    throttle_delay_s: Annotated[int, Field(ge=0, le=_LONGEST_S)] | None = None
    throttle_delay_limit_s: Annotated[int, Field(ge=0, le=_LONGEST_S)] | None = None
    throttle_failures_limit: Annotated[int, Field(ge=1, le=_MOST_COUNTED)] | None = None
    throttle_failures_forgotten_s: Annotated[int, Field(ge=1, le=_LONGEST_S)] | None = None

    @field_validator("profile")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in PROFILES:
            hint = nearest(value, PROFILES) or choice(PROFILES, "mfalab profiles")
            raise ValueError(f'there is no profile "{value}"{hint}')
        return value

    @model_validator(mode="after")
    def _can_be_counted(self) -> Self:
        figures = self.figures
        if (
            figures.throttle is ThrottleRule.SLIDING_WINDOW
            and figures.throttle_budget > MOST_RECENT
        ):
            raise ValueError(f"a window that slides holds at most {MOST_RECENT} attempts here")
        if figures.throttle_window_s > LONGEST_WINDOW_S:
            raise ValueError(
                f"attempts are counted in windows of at most {LONGEST_WINDOW_S} s here"
            )
        return self

    @property
    def figures(self) -> Profile:
        """The profile with its changes, as it is for hardware tokens."""
        changed = {
            name: value
            for name, value in self.model_dump(exclude={"name", "profile"}).items()
            if value is not None
        }
        profile = replace(PROFILES[self.profile], name=self.name)
        for word in ("window_back", "window_ahead", "pair_back", "pair_ahead"):
            figure = getattr(profile, f"hardware_{word}")
            if figure is not None:
                profile = replace(profile, **{word: figure, f"hardware_{word}": None})
        return replace(profile, **changed)


def _policy(value: Any) -> Any:
    return {"name": value, "profile": value} if isinstance(value, str) else value


class Attacker(Strict):
    """Who guesses codes."""

    guesses_a_day: Annotated[float, Field(ge=0, le=1e9)] = 100.0
    """Against each token, where the policy lets him."""


class Study(Strict):
    """How often the tokens of a fleet fall out of a verifier's window, and what that costs."""

    study: Annotated[str, Field(max_length=200), AfterValidator(_printable)] = "A fleet of tokens"
    """The question."""
    tokens: Annotated[int, Field(ge=1, le=MOST_TOKENS)] = 10_000
    """Tokens in a fleet."""
    fleets: Annotated[int, Field(ge=1, le=10_000)] = 20
    """So many such fleets are simulated; the quantiles are over them."""
    begins: Annotated[date, BeforeValidator(_day)] = date(2026, 1, 5)
    """The Monday on which all tokens are enrolled; the first logins are a week later."""
    years: Annotated[float, Field(gt=0, le=20)] = 5.0
    seed: int = 1
    """All chance."""
    crystals: dict[Name, Crystal] = Field(default_factory=dict)
    """Makes of one's own."""
    crystal: Mixture = Field(default_factory=lambda: {"quartz": 1.0})
    """The make of the crystals."""
    climate: Mixture = Field(default_factory=lambda: {"office": 1.0})
    """Where tokens are: a climate, or a temperature such as `21 C`."""
    habit: Mixture = Field(default_factory=lambda: {"weekly": 1.0})
    """When people sign in."""
    typing: Typing = Field(default_factory=Typing)
    battery: BatteryLife = Field(default_factory=BatteryLife)
    shelf: Annotated[tuple[int, int], BeforeValidator(_range)] = (0, 26)
    """How long tokens lay in a drawer between manufacture and enrolment; in whole weeks."""
    lost: Share = 0.0
    """The share of all tokens that is lost in a year."""
    tries: Annotated[int, Field(ge=1, le=20)] = 3
    """Codes that people try at one login before they ask for help."""
    help_desk: HelpDesk = Field(default_factory=HelpDesk)
    period: Seconds = 30 * NS_PER_S
    """The time step of the tokens."""
    digits: Annotated[int, Field(ge=6, le=10)] = 6
    policies: Annotated[
        list[Annotated[Policy, BeforeValidator(_policy)]], Field(min_length=1, max_length=100)
    ] = Field(
        default_factory=lambda: [
            Policy(name=each, profile=each) for each in ("aws-observed", "rfc6238")
        ]
    )
    """What is compared: profiles, or policies of one's own."""
    attacker: Attacker = Field(default_factory=Attacker)

    @field_validator("crystal")
    @classmethod
    def _crystals_are_known(cls, value: dict[str, float], told: Any) -> dict[str, float]:
        known = [*CRYSTALS, *told.data.get("crystals", {})]
        for name in value:
            if name not in known:
                raise ValueError(
                    f'there is no crystal "{name}"{nearest(name, known) or choice(known)}'
                )
        return value

    @field_validator("climate")
    @classmethod
    def _climates_are_known(cls, value: dict[str, float]) -> dict[str, float]:
        for name in value:
            if name not in CLIMATES:
                try:
                    parse_celsius(name)
                except OutOfBounds:
                    raise
                except ValueError:
                    hint = (
                        nearest(name, CLIMATES)
                        or f"{choice(CLIMATES)}, or a temperature such as 21 C"
                    )
                    raise ValueError(f'there is no climate "{name}"{hint}') from None
        return value

    @field_validator("habit")
    @classmethod
    def _habits_are_known(cls, value: dict[str, float]) -> dict[str, float]:
        for name in value:
            if name not in HABITS:
                raise ValueError(
                    f'there is no habit "{name}"{nearest(name, HABITS) or choice(HABITS)}'
                )
        return value

    @field_validator("period")
    @classmethod
    def _period_is_known(cls, value: int) -> int:
        if value not in (30 * NS_PER_S, 60 * NS_PER_S):
            raise ValueError("tokens have a time step of 30 s or 60 s")
        return value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        names = [policy.name for policy in self.policies]
        if len(set(names)) < len(names):
            raise ValueError("two policies have the same name")
        shortest = self.battery.life - 3 * self.battery.spread
        if self.shelf[1] * NS_PER_WEEK >= shortest:
            raise ValueError(
                "a battery may end on the shelf; shorten `shelf` or lengthen `battery`"
            )
        return self

    @property
    def weeks(self) -> int:
        """Weeks with logins; the one before is that of the enrolment."""
        return max(1, round(self.years * 365.25 / 7))

    @property
    def begin_ns(self) -> int:
        """00:00 UTC of the first day."""
        return (self.begins - date(1970, 1, 1)).days * NS_PER_DAY
