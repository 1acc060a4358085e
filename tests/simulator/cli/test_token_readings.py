"""The file of `token measure`: what is in it, and who may add to it."""

from pathlib import Path

import click
import pytest

from mfalab.devices.otp.seed import OtpSeed
from mfalab.simulator.cli.token_readings import Readings
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.twin.readings import Timing

SEED = OtpSeed(b"twelve and eight bytes")


def readings(path: Path, **values: object) -> Readings:
    usual = {
        "manual": False,
        "port": None,
        "channel": 1,
        "watch": False,
        "count": None,
        "every_ns": NS_PER_S,
        "reaction_ns": None,
        "uncertainty_ns": 2 * NS_PER_S,
    }
    return Readings(path=path, **{**usual, **values})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "fob.csv"
    path.write_text("time,code,temperature\n2026-03-02T09:00:00Z,123456,21\n")
    return path


def test_readings_have_the_stated_uncertainty_where_the_file_has_none(file):
    (reading,), (temperature,) = readings(file).read(SEED)
    assert reading.timing == Timing(2 * NS_PER_S, 2 * NS_PER_S)
    assert temperature.celsius == 21.0


def test_a_file_that_is_empty_or_not_there_yet_has_no_readings(file):
    assert readings(file).count_of(SEED) == 1
    file.write_text("")
    assert readings(file).count_of(SEED) == 0
    file.unlink()
    assert readings(file).count_of(SEED) == 0


def test_a_file_that_is_not_there_says_how_to_make_one(file):
    file.unlink()
    with pytest.raises(click.UsageError, match="Read codes into it with --manual or --rig"):
        readings(file).read(SEED)


@pytest.mark.parametrize(
    ("values", "grow"), [({}, False), ({"manual": True}, True), ({"port": "/dev/tty"}, True)]
)
def test_a_person_or_a_rig_adds_readings(file, values, grow):
    readings(file, **values).check()
    assert readings(file, **values).grow is grow


@pytest.mark.parametrize("values", [{"manual": True, "port": "x"}, {"watch": True}])
def test_options_that_do_not_go_together_are_wrong_usage(file, values):
    with pytest.raises(click.UsageError):
        readings(file, **values).check()


def test_an_interrupt_ends_the_command_and_says_what_is_there(file, monkeypatch, capsys):
    file.write_text("time,code,temperature,early_s,late_s,changed\n")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Readings, "_by_person", interrupted)
    with pytest.raises(SystemExit) as ended:
        readings(file, manual=True).add(SEED, 0)
    assert ended.value.code == 130
    assert "interrupted: 0 readings are in" in capsys.readouterr().err
