"""A measured fob becomes a device of a scenario."""

from dataclasses import replace
from pathlib import Path

import pytest

from mfalab.devices.otp.seed import OtpSeed
from mfalab.simulator.clocks import STEADY, QuartzClock
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.entropy import Entropy
from mfalab.simulator.runner import run
from mfalab.simulator.scenario_files.loader import load_cases
from mfalab.simulator.twin.describing import as_scenario
from mfalab.simulator.twin.measuring import measure
from mfalab.simulator.twin.prediction import predict
from mfalab.simulator.twin.readings import CodeReading, Timing
from mfalab.simulator.twin.telling import Account
from mfalab.verifier import PROFILES

START_NS = 1_772_442_000 * NS_PER_S


class At:
    def now_ns(self) -> int:
        return START_NS


def account_of(
    rate_ppm: float, profile: str, *, period_s: int = 30, token: str = "GAHT00000042"
) -> Account:
    clock = QuartzClock(At(), replace(STEADY, offset_ppm=rate_ppm), offset_ns=-100 * NS_PER_S)
    seed = OtpSeed(b"twelve and eight bytes", period_s=period_s)
    times = [START_NS + round(k * 66_700 * NS_PER_S) for k in range(30)]
    readings = [
        CodeReading(t, seed.code_at_step(seed.step_at(clock.believed_ns(t))), Timing(10**9, 0))
        for t in times
    ]
    measured = measure(readings, [], seed, Entropy(0), draws=400)
    found = predict(measured, PROFILES[profile], Entropy(0))
    return Account(token, measured, found, "from fob.csv")


def verdicts(text: str, folder: Path) -> list[str]:
    path = folder / "fob.scenario.yaml"
    path.write_text(text)
    return [
        str(event["verdict"])
        for event in run(load_cases(path), seed=3)
        if event["kind"] == "case_finished"
    ]


@pytest.mark.parametrize("rate_ppm", [-25.0, 18.0])
@pytest.mark.parametrize("profile", ["aws-immediate", "aws-observed", "rfc6238"])
def test_the_scenario_lives_through_what_was_predicted(tmp_path, rate_ppm, profile):
    text = as_scenario(account_of(rate_ppm, profile))
    assert "# until nothing can be accepted" in text
    assert verdicts(text, tmp_path) == ["passed"]


def test_a_step_of_a_minute_is_written(tmp_path):
    text = as_scenario(account_of(45.0, "aws-immediate", period_s=60))
    assert "    period: 60 s\n" in text
    assert verdicts(text, tmp_path) == ["passed"]


def test_a_fob_that_may_never_fail_is_only_used(tmp_path):
    text = as_scenario(account_of(0.0, "aws-immediate"))
    assert "resync," not in text.split("steps:")[1]
    assert verdicts(text, tmp_path) == ["passed"]


def test_a_seed_file_is_named_with_the_serial_number(tmp_path):
    (tmp_path / "seeds.csv").write_text(
        "serial,seed\nGAHT00000042," + b"twelve and eight bytes".hex() + "\n"
    )
    text = as_scenario(
        account_of(-25.0, "aws-immediate"), serial="GAHT00000042", seeds={"seeds": "seeds.csv"}
    )
    assert '    serial: "GAHT00000042"\n    seeds: "seeds.csv"\n' in text
    assert verdicts(text, tmp_path) == ["passed"]


def test_a_serial_number_too_short_for_the_verifier_is_left_out(tmp_path):
    text = as_scenario(
        account_of(-25.0, "aws-immediate"), serial="0042", seeds={"seeds": "seeds.csv"}
    )
    assert "seeds.csv" not in text
    assert verdicts(text, tmp_path) == ["passed"]


def test_it_says_in_a_comment_how_it_was_measured():
    text = as_scenario(account_of(-25.0, "aws-immediate"))
    comment = [line for line in text.splitlines() if line.startswith("#")]
    assert comment[0] == (
        "# Token GAHT00000042, measured by 30 readings over 22.39 d, from fob.csv;"
    )
    assert comment[1] == "# in brackets the limits with 99 % confidence."
    assert any("mean rate: -2" in line and " ppm (-" in line for line in comment)


def test_a_name_with_quotes_and_colons_stays_a_name(tmp_path):
    text = as_scenario(account_of(-25.0, "aws-immediate", token='AWS: "alice"\\'))
    assert verdicts(text, tmp_path) == ["passed"]
