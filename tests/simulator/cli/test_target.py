"""`mfalab run --target`: a stranger's verifier is tested, and mistakes are told in one line."""

from pathlib import Path
from typing import Any

Cli = Any

STORY = """
scenario: A minimal story
people: {alice: {typing: instant}}
devices:
  fob: {kind: hardware_totp, owner: alice, drift: 0 ppm}
steps:
  - {do: enable, who: alice, device: fob}
  - {do: wait, for: 1 h}
  - {do: sign_in, who: alice, with: fob}
"""
VERIFIER = """
from mfalab.simulator.targets.otp.verifier import Capabilities

class No:
    capabilities = Capabilities()
    def set_time(self, now_ns): ...
    def enrol(self, account, seed, algorithm, digits, period_s): ...
    def attempt(self, account, code): return False
    def revoke(self, account): ...
    def close(self): ...
"""


def test_strangers_verifier_fails_what_it_does_wrong(mfalab: Cli, tmp_path: Path) -> None:
    story = tmp_path / "story.scenario.yaml"
    story.write_text(STORY)
    (tmp_path / "no.py").write_text(VERIFIER)
    result = mfalab("run", str(story), "--target", f"otp:{tmp_path / 'no.py'}:No")
    assert result.code == 1, result.err
    assert "refused, no reason given" in result.out
    assert f"--target otp:{tmp_path / 'no.py'}:No" in result.out


def test_target_that_is_none_is_a_mistake_of_use(mfalab: Cli) -> None:
    result = mfalab("run", "--target", "opt")
    assert result.code == 2
    assert 'Error: --target: "opt" is no target; did you mean "otp"?' in result.err


def test_target_without_a_name_is_not_ours(mfalab: Cli, tmp_path: Path) -> None:
    """As of a variable of a shell that is not set: the run was green, and tested our verifier."""
    story, lab = tmp_path / "story.scenario.yaml", tmp_path / "lab.yaml"
    story.write_text(STORY)
    lab.write_text("lab: desk\ntarget: embedded\n")
    for more in ((), ("--lab", str(lab))):
        result = mfalab("run", str(story), "--target", "", *more)
        assert result.code == 2
        assert 'Error: --target: "" is no target; write ' in result.err


def test_lab_file_names_the_target_and_the_flag_wins(mfalab: Cli, tmp_path: Path) -> None:
    story, lab = tmp_path / "story.scenario.yaml", tmp_path / "lab.yaml"
    story.write_text(STORY)
    (tmp_path / "no.py").write_text(VERIFIER)
    lab.write_text("lab: desk\ntarget: otp:no.py:No\n")
    result = mfalab("run", str(story), "--lab", str(lab))
    assert result.code == 1, result.err
    assert f"--lab {lab} --target otp:{tmp_path / 'no.py'}:No" in result.out
    result = mfalab("run", str(story), "--lab", str(lab), "--target", "embedded")
    assert result.code == 0, result.err
    result = mfalab("lab", "check", str(lab))
    assert (result.code, result.out.splitlines()[0]) == (0, f"target: {tmp_path / 'no.py'}:No")


def test_wrong_target_of_a_lab_file_is_told_with_its_place(mfalab: Cli, tmp_path: Path) -> None:
    lab = tmp_path / "lab.yaml"
    lab.write_text("lab: desk\ntarget: otp:none.py:Nothing\n")
    for words in (("run", "--lab", str(lab)), ("lab", "check", str(lab))):
        result = mfalab(*words)
        assert result.code == 2
        assert f"{lab}:2:9: there is no file {tmp_path / 'none.py'}" in result.err
