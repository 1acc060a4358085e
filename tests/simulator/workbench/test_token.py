"""A token whose display is read: the lab begins now, and keeps step with the wall."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from mfalab.devices.otp.hotp import hotp
from mfalab.devices.rig import Function, Identity, Reading, Rig
from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.environment.outcome import Prevented
from mfalab.simulator.eventlog import Event
from mfalab.simulator.language.setting import HardwareTotpSpec
from mfalab.simulator.runner import run_case
from mfalab.simulator.scenario_files.loader import load_cases
from mfalab.simulator.workbench.bench import Bench
from mfalab.simulator.workbench.lab_reading import read_lab_file

S = 10**9
SECRET = b"12345678901234567890"
LAB = """\
lab: Desk
tokens: {fob: {at: manual, serial: GAHT00001, seeds: fobs.csv}}
bind: {hardware_totp: fob}
"""
STORY = """\
scenario: A token is enabled and signs in
people: {alice: {typing: 5 s}}
devices: {token: {kind: hardware_totp, owner: alice%s}}
steps:
  - {do: sign_in, who: alice}
  - {do: enable, who: alice, device: token}
  - {do: sign_in, who: alice, with: token}
  - {do: sign_in, who: alice, with: token, code: last, expect: {refused: any}}
  - {do: sign_in, who: alice, with: token, code: wrong, expect: {refused: any}}
"""


class LeapingWall:
    """A wall whose clock leaps instead of being waited for."""

    def __init__(self) -> None:
        self._now_ns = 1_800_000_000 * S
        self.waited_ns = 0

    def now_ns(self) -> int:
        return self._now_ns

    def wait(self, duration_ns: int) -> None:
        self._now_ns += duration_ns
        self.waited_ns += duration_ns


class Reader(Rig):
    """A person who reads a token that goes by the wall, some seconds off, and takes 2 s for it."""

    def __init__(self, wall: LeapingWall, offset_s: int = 0, confidence: float = 1.0) -> None:
        super().__init__("manual")
        self.period_s = 30
        self.wall = wall
        self.offset_s = offset_s
        self.confidence = confidence

    @property
    def functions(self) -> Mapping[Function, int]:
        return {Function.DISPLAY: 1}

    def _open(self) -> None: ...

    def _close(self) -> None: ...

    def _safe(self) -> None: ...

    def _identify(self) -> Identity:
        return Identity("", "", "", "")

    def _show(self, channel: int) -> None: ...

    def _read(self, channel: int) -> Reading:
        shown = hotp(SECRET, (self.wall.now_ns() // S + self.offset_s) // self.period_s)
        self.wall.wait(2 * S)
        return Reading(f"{shown[:3]} {shown[3:]}", self.confidence, 0)


@pytest.fixture
def wall() -> LeapingWall:
    return LeapingWall()


def played(folder: Path, wall: LeapingWall, rig: Rig, more: str = "") -> list[Event]:
    (folder / "fobs.csv").write_text(f"serial,seed\nGAHT00001,{SECRET.hex()}\n")
    (folder / "lab.yaml").write_text(LAB)
    story = folder / "desk" / "story.scenario.yaml"
    story.parent.mkdir()
    story.write_text(STORY % more)
    bench = Bench(read_lab_file(folder / "lab.yaml"), {"manual": rig})
    bench.tokens["fob"] = replace(bench.tokens["fob"], wall=wall)
    (case,) = load_cases(story)
    try:
        return run_case(case, 1, bench)
    finally:
        bench.close()


@pytest.mark.parametrize("phase_s", range(30))
def test_pair_of_codes_is_consecutive_wherever_the_token_is_in_its_step(
    tmp_path: Path, wall: LeapingWall, phase_s: int
) -> None:
    """The wait was a step, a second and the time of a reading: one pair in ten had a gap."""
    wall.wait(phase_s * S)
    events = played(tmp_path, wall, Reader(wall))
    assert (events[-1]["verdict"], events[-1]["why"]) == ("passed", "")


def test_real_token_plays_a_scenario_in_real_time(tmp_path: Path, wall: LeapingWall) -> None:
    began_ns = wall.now_ns()
    events = played(tmp_path, wall, Reader(wall))
    assert (events[-1]["verdict"], events[-1]["why"]) == ("passed", "")
    assert events[0]["bench"] == "manual:GAHT00001"
    assert events[0]["ts_ns"] == began_ns
    assert events[-1]["ts_ns"] - wall.now_ns() < 6 * S  # what is typed last is not waited for
    assert wall.waited_ns > 30 * S  # a pair takes a time step


def test_token_that_has_drifted_is_compared_with_its_own_steps(
    tmp_path: Path, wall: LeapingWall
) -> None:
    events = played(tmp_path, wall, Reader(wall, offset_s=75))
    assert (events[-1]["verdict"], events[-1]["why"]) == ("passed", "")


def test_display_that_cannot_be_read_hinders(tmp_path: Path, wall: LeapingWall) -> None:
    events = played(tmp_path, wall, Reader(wall, confidence=0.5))
    assert events[-1]["verdict"] == "failed"
    assert "NotReadable" in events[-1]["why"]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (", drift: 20 ppm", "is to have a drift of its own, and fob is as it is"),
        (", frozen: true", "is to have a frozen of its own"),
    ],
)
def test_what_a_real_token_cannot_be_is_skipped(
    tmp_path: Path, wall: LeapingWall, more: str, why: str
) -> None:
    events = played(tmp_path, wall, Reader(wall), more)
    assert events[-1]["verdict"] == "skipped"
    assert why in events[-1]["why"]


def test_display_of_another_time_step_is_told_with_the_one_that_fits(
    tmp_path: Path, wall: LeapingWall
) -> None:
    (tmp_path / "fobs.csv").write_text(f"serial,seed\nGAHT00001,{SECRET.hex()}\n")
    (tmp_path / "lab.yaml").write_text(LAB)
    rig = Reader(wall)
    rig.period_s = 60
    token = replace(
        Bench(read_lab_file(tmp_path / "lab.yaml"), {"manual": rig}).tokens["fob"], wall=wall
    )
    timeline = Timeline(wall.now_ns())
    held = token.hand_over("token", HardwareTotpSpec(owner="alice"), timeline)
    with pytest.raises(
        Prevented, match="with a time step of 60 s it has one, and 30 s are used; say `p"
    ):
        held.code_at(-1)
    (tmp_path / "lab.yaml").write_text(LAB.replace("fobs.csv}", "fobs.csv, period: 60 s}"))
    token = replace(
        Bench(read_lab_file(tmp_path / "lab.yaml"), {"manual": rig}).tokens["fob"], wall=wall
    )
    held = token.hand_over("token", HardwareTotpSpec(owner="alice"), timeline)
    assert held.code_at(-1) in {hotp(SECRET, timeline.now_ns() // S // 60 - n) for n in (1, 2)}
