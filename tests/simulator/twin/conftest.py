"""Simulated fobs whose codes are read at known moments."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from mfalab.devices.otp.seed import OtpSeed
from mfalab.simulator.clocks import STEADY, TUNING_FORK, QuartzClock
from mfalab.simulator.clocks.base import DeviceClock
from mfalab.simulator.clocks.climates import CLIMATES
from mfalab.simulator.clocks.durations import NS_PER_DAY, NS_PER_S
from mfalab.simulator.entropy import Entropy
from mfalab.simulator.twin.measuring import measure
from mfalab.simulator.twin.prediction import predict
from mfalab.simulator.twin.readings import CodeReading, Temperature, Timing
from mfalab.simulator.twin.selecting import SetAside
from mfalab.simulator.twin.telling import Account
from mfalab.verifier import PROFILES

START_NS = 1_772_442_000 * NS_PER_S
"""2026-03-02T09:00:00Z."""


class At:
    """True time that a test sets."""

    def __init__(self, time_ns: int = START_NS) -> None:
        self.time_ns = time_ns

    def now_ns(self) -> int:
        return self.time_ns


@dataclass
class Fob:
    """A fob, what was read off it, and what is true of it."""

    clock: DeviceClock
    seed: OtpSeed
    readings: list[CodeReading]
    temperatures: list[Temperature]
    turnover_c: float = 25.0

    def offset_s(self, time_ns: int) -> float:
        return (self.clock.believed_ns(time_ns) - time_ns) / NS_PER_S

    def code_at(self, time_ns: int) -> str:
        return self.seed.code_at_step(self.seed.step_at(self.clock.believed_ns(time_ns)))


@pytest.fixture
def seed() -> OtpSeed:
    return OtpSeed(b"twelve and eight bytes")


@pytest.fixture
def read_off(seed: OtpSeed) -> Callable[..., list[CodeReading]]:
    """Exact readings of a clock at times in seconds after the start."""

    def read(clock: DeviceClock, *times_s: float) -> list[CodeReading]:
        times = [START_NS + round(t_s * NS_PER_S) for t_s in times_s]
        return [
            CodeReading(t, seed.code_at_step(seed.step_at(clock.believed_ns(t))), Timing(0, 0))
            for t in times
        ]

    return read


@pytest.fixture(scope="session")
def drawn_fob() -> Callable[..., Fob]:
    """A fob of drawn crystal, age, climates and journeys, read by a person or a rig of one kind."""

    def draw(number: int, kind: str, *, days: float, count: int) -> Fob:
        entropy = Entropy(number)
        story = entropy.stream("story")
        quartz = TUNING_FORK.draw(entropy.stream("crystal"))
        names = story.sample(sorted(CLIMATES), 3)
        at = At()
        clock = QuartzClock(
            at,
            quartz,
            climate=CLIMATES[names[0]],
            offset_ns=round(story.uniform(-300, 300) * NS_PER_S),
            made_ns=START_NS - round(story.uniform(0, 1500) * NS_PER_DAY),
            noise=entropy.stream("wander"),
        )
        stays = [(START_NS, clock.climate)]
        for name, moved in zip(
            names[1:], sorted(story.uniform(0, days) for _ in range(2)), strict=True
        ):
            at.time_ns = START_NS + round(moved * NS_PER_DAY)
            clock.travel(CLIMATES[name])
            stays.append((at.time_ns, clock.climate))
        seed = OtpSeed(entropy.random_bytes("seed")(20))
        end_ns = START_NS + round(days * NS_PER_DAY)
        moments = sorted(story.randrange(START_NS, end_ns) for _ in range(count))
        fob = Fob(clock, seed, [], [], quartz.turnover_c)
        for moment_ns in moments:
            fob.readings.append(_read(fob, moment_ns, kind, story.lognormvariate, story.uniform))
        for time_ns in range(START_NS, end_ns, 3600 * NS_PER_S):
            climate = [climate for since_ns, climate in stays if since_ns <= time_ns][-1]
            fob.temperatures.append(Temperature(time_ns, climate.temperature_c(time_ns)))
        return fob

    return draw


def _read(
    fob: Fob,
    moment_ns: int,
    kind: str,
    lognormal: Callable[[float, float], float],
    uniform: Callable[[float, float], float],
) -> CodeReading:
    if kind == "typed":  # with a habit, which the stated range only contains
        late_ns = round(min(lognormal(1.1, 0.4), 8.0) * NS_PER_S)
        return CodeReading(moment_ns + late_ns, fob.code_at(moment_ns), Timing(8 * NS_PER_S, 0))
    if kind == "watched":
        period_ns = fob.seed.period_s * NS_PER_S
        moment_ns += period_ns - fob.clock.believed_ns(moment_ns) % period_ns
        late_ns = round(uniform(0.1, 0.9) * NS_PER_S)
        code = fob.code_at(moment_ns + 10**7)  # drift moves the change by a millisecond
        return CodeReading(moment_ns + late_ns, code, Timing(NS_PER_S, 0), changed=True)
    late_ns = round(uniform(0.0, 0.2) * NS_PER_S)
    return CodeReading(moment_ns + late_ns, fob.code_at(moment_ns), Timing(NS_PER_S // 5, 0))


@pytest.fixture(scope="session")
def account_of() -> Callable[..., Account]:
    """The account of a fob of steady rate that is off by nothing at the first reading."""

    def make(rate_ppm: float, token: str = "0042", spacing_s: float = 66_700.0) -> Account:
        clock = QuartzClock(At(), replace(STEADY, offset_ppm=rate_ppm))
        seed = OtpSeed(b"twelve and eight bytes")
        times = [START_NS + round(k * spacing_s * NS_PER_S) for k in range(20)]
        readings = [
            CodeReading(t, seed.code_at_step(seed.step_at(clock.believed_ns(t))), Timing(10**9, 0))
            for t in times
        ]
        measured = measure(readings, [], seed, Entropy(0), draws=200)
        spoilt = SetAside(CodeReading(START_NS, "999999", Timing(0, 0), line=3), "it is <no> code")
        measured = replace(measured, set_aside=(spoilt,))
        found = [
            each for profile in PROFILES.values() for each in predict(measured, profile, Entropy(0))
        ]
        return Account(token, measured, found, "from fob.csv")

    return make


@pytest.fixture(scope="session")
def account(account_of: Callable[..., Account]) -> Account:
    return account_of(-11.0)
