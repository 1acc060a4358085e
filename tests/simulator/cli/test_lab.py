"""`mfalab lab check`, and the words of `mfalab guest` that were once part of this group."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from mfalab.simulator import guest
from mfalab.simulator.abilities import Ability
from mfalab.simulator.cli import bench, command
from mfalab.simulator.language.problems import ProblemsFound

LAB = """\
lab: desk
keys:
  office-key: {at: "sim:ctap-2.1-pin"}
bind:
  security_key: office-key
"""


def run(*words: object) -> Result:
    return CliRunner().invoke(command, ["lab", *map(str, words)])


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "lab.yaml"
    path.write_text(LAB)
    return path


def test_the_file_alone_can_be_checked(file):
    result = run("check", "--file-only", file)
    assert (result.exit_code, result.output) == (0, f"{file}: nothing wrong\n")


def test_an_open_bench_is_told_key_by_key(file, monkeypatch):
    fixture = SimpleNamespace(name="hid:12345678", can={Ability.TOUCH, Ability.POWER})
    key = SimpleNamespace(fixture=fixture, facts=SimpleNamespace(versions=["U2F_V2", "FIDO_2_1"]))
    token = SimpleNamespace(label="GAHT00000042, seed known")
    opened = SimpleNamespace(keys={"office-key": key}, tokens={"fob": token})
    monkeypatch.setattr(bench, "opened_bench", lambda path, seed: nullcontext(opened))
    assert run("check", file).output.splitlines() == [
        "office-key: hid:12345678, FIDO_2_1, can power, touch",
        "fob: GAHT00000042, seed known",
        f"{file}: nothing wrong, all of it is there",
    ]


def test_what_is_wrong_is_told_with_its_place(file):
    file.write_text(LAB.replace("{at:", "{att:"))
    for words in (["check", file], ["check", "--file-only", file]):
        with pytest.raises(ProblemsFound, match=r"lab\.yaml:3:\d+: "):
            CliRunner().invoke(command, ["lab", *map(str, words)], catch_exceptions=False)


def test_the_words_before_guest_was_a_group_still_work(monkeypatch):
    """`mfalab lab boot` and `mfalab lab kernel` may be in scripts of users."""
    asked = []

    def boot(words, **options):
        asked.append(words)
        return guest.Ended(7, b"", b"")

    monkeypatch.setattr(guest, "boot", boot)
    assert run("boot", "--", "fido2-token", "-L").exit_code == 7
    assert asked == [("fido2-token", "-L")]
    assert "Fetch the guest's kernel" in run("kernel", "--help").output


def test_the_words_before_guest_was_a_group_are_not_listed():
    listed = run("--help").output.split()
    assert "check" in listed
    assert not {"boot", "kernel"} & set(listed)
