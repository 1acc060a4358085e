"""Steps about time: waiting, other climates, clocks that are set, the verifier's own clock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from mfalab.simulator.abilities import Ability, Need
from mfalab.simulator.clocks import PhoneClock, QuartzClock
from mfalab.simulator.clocks.climates import climate
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.environment.environment import Environment
from mfalab.simulator.environment.outcome import ScenarioError
from mfalab.simulator.language.key_use import is_near
from mfalab.simulator.language.units import Celsius, Duration, Instant, Ppm, Span, format_instant
from mfalab.simulator.language.words import ClimateName, DeviceName
from mfalab.simulator.steps.base import PATIENCE_NS, Step
from mfalab.simulator.steps.refusals import READING

_RESET_NS = 10 * NS_PER_S
"""How long after power-up a key can be reset (CTAP 2.1 section 6.6)."""


class Wait(Step):
    """Let true time pass."""

    meets: ClassVar[frozenset[str]] = READING
    do: Literal["wait"] = "wait"
    for_: Annotated[Span | None, Field(alias="for")] = None
    """How long."""
    until: Instant | None = None
    """Until this true time."""
    until_next: Literal["code", "leading zero", "budget"] | None = None
    """Until a device shows its next code, or its next code that begins with 0, or until the
    verifier's next throttle window."""
    of: DeviceName | None = None
    """The device whose code is awaited."""

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        given = [word for word in (self.for_, self.until, self.until_next) if word is not None]
        if len(given) != 1:
            raise ValueError("wait takes exactly one of for, until, until_next")
        if (self.until_next in ("code", "leading zero")) != (self.of is not None):
            raise ValueError(
                "until_next: code and leading zero go with of: DEVICE, and nothing else does"
            )
        return self

    def needs(self) -> Iterator[Need]:
        """See `Step.needs`."""
        yield from super().needs()
        if self.for_ is None or self.for_ > PATIENCE_NS:
            yield Need(Ability.LONG_WAIT)
        if self.until is not None:
            yield Need(Ability.ANY_TIME)
        if is_near(self.for_, _RESET_NS):
            yield Need(Ability.RESET_DEADLINE)

    def perform(self, env: Environment) -> object:
        """See the class."""
        env.let_time_pass(self._duration_ns(env))
        if self.of is not None and self.until_next == "leading zero":
            device = env.code_device(self.of)
            while not device.code_at(0).startswith("0"):
                env.advance(device.until_next_code_ns + NS_PER_S // 10)
        return None

    def _duration_ns(self, env: Environment) -> int:
        if self.for_ is not None:
            return self.for_
        if self.until is not None:
            if self.until < env.timeline.now_ns():
                raise ScenarioError(
                    f"{format_instant(self.until)} has passed: it is "
                    f"{format_instant(env.timeline.now_ns())}"
                )
            return self.until - env.timeline.now_ns()
        if self.of is not None:
            return env.code_device(self.of).until_next_code_ns + NS_PER_S // 10
        window_ns = env.target.profile.throttle_window_s * NS_PER_S
        return window_ns - env.server_clock.now_ns() % window_ns


class Travel(Step):
    """Take a hardware token into another climate."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.TRAVEL,)
    do: Literal["travel"] = "travel"
    device: DeviceName
    climate: ClimateName | Celsius

    def perform(self, env: Environment) -> object:
        """See the class."""
        clock = env.device(self.device).clock
        if not isinstance(clock, QuartzClock):
            raise ScenarioError(f"{self.device} has no quartz clock that feels the climate")
        clock.travel(climate(self.climate))
        env.note(self.device, "travels", climate=str(self.climate))
        return None


class SetClock(Step):
    """Change a device's clock: its time, a quartz's drift, or a phone's network time."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.SET_CLOCK,)
    do: Literal["set_clock"] = "set_clock"
    device: DeviceName
    to: Instant | None = None
    """What it is to believe."""
    by: Duration | None = None
    """How far it jumps."""
    network: Literal["on", "off", "airplane"] | None = None
    """A phone's network time: on, off, or off because of airplane mode."""
    drift: Ppm | None = None
    """How fast a quartz runs from now on, at 25 C when new; what it is off by stays."""

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        words = (self.to, self.by, self.network, self.drift)
        if sum(word is not None for word in words) != 1:
            raise ValueError("set_clock takes exactly one of to, by, network, drift")
        return self

    def perform(self, env: Environment) -> object:
        """See the class."""
        clock = env.device(self.device).clock
        if isinstance(clock, PhoneClock) and self.drift is None:
            self._set_phone(clock)
        elif isinstance(clock, QuartzClock) and self.network is None:
            if self.drift is not None:
                clock.bend(self.drift)
            elif self.to is not None:
                clock.set_to(self.to)
            else:
                clock.step(self.by or 0)
        else:
            raise ScenarioError(f"{self.device} has no clock that can be changed like this")
        env.note(self.device, "has its clock changed", believes=format_instant(clock.now_ns()))
        return None

    def _set_phone(self, clock: PhoneClock) -> None:
        if self.to is not None:
            clock.set_by_hand(self.to)
        elif self.by is not None:
            clock.jump(self.by)
        elif self.network == "airplane":
            clock.airplane(True)
        else:
            clock.airplane(False)
            clock.network(self.network == "on")


class SetVerifierClock(Step):
    """Make the verifier's own clock wrong, at once or gradually."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.SERVER_CLOCK,)
    do: Literal["set_verifier_clock"] = "set_verifier_clock"
    by: Duration
    """How far it moves."""
    over: Span = 0
    """How long the move takes; at once when left out."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        if self.over:
            env.server_clock.slew(self.by, self.over)
        else:
            env.server_clock.step(self.by)
        env.note("verifier", "has its clock moved", by_s=self.by / NS_PER_S)
        for name in env.devices:
            env.journal.window(name, "verifier clock")
        return None
