"""A fleet: 100,000 tokens for a year of weekly logins, and one token by the object model."""

from typing import Any

from mfalab.devices.otp.seed import OtpSeed
from mfalab.devices.otp.token import HardwareToken
from mfalab.simulator.clocks.durations import NS_PER_S, NS_PER_WEEK
from mfalab.simulator.clocks.quartz import Quartz, QuartzClock
from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.fleet.simulate import simulate
from mfalab.simulator.fleet.study import Study
from mfalab.verifier import PROFILES, otp

SECRET = b"12345678901234567890"


def study(tokens: int, profile: str) -> Study:
    return Study.model_validate(
        {
            "tokens": tokens,
            "fleets": 1,
            "years": 1,
            "crystal": "feitian-c200",
            "policies": [profile],
        }
    )


def test_fleet_whose_logins_are_all_accepted(benchmark: Any) -> None:
    asked = study(100_000, "privacyidea")
    *_, last = benchmark.pedantic(
        lambda: list(simulate(asked, threads=1)), rounds=5, warmup_rounds=1
    )
    benchmark.extra_info["logins"] = last.logins
    assert last.tokens == 100_000


def test_fleet_with_retries_and_resynchronisations(benchmark: Any) -> None:
    asked = study(100_000, "aws-observed")
    *_, last = benchmark.pedantic(
        lambda: list(simulate(asked, threads=1)), rounds=5, warmup_rounds=1
    )
    benchmark.extra_info["logins"] = last.logins
    assert last.tokens == 100_000


def test_fleet_of_one_token_by_the_object_model(benchmark: Any) -> None:
    def year() -> int:
        timeline = Timeline(0)
        fob = HardwareToken("fob", OtpSeed(SECRET), QuartzClock(timeline, Quartz(offset_ppm=1.0)))
        window = PROFILES["privacyidea"].window_back
        accepted = 0
        for _ in range(52):
            timeline.advance(NS_PER_WEEK)
            code, step = fob.read_code(), timeline.now_ns() // (30 * NS_PER_S)
            found = otp.key_schedule(SECRET).values(step - window, step + window, 6)
            accepted += int(code) in found
        return accepted

    assert benchmark(year) == 52
