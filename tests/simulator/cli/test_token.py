"""`mfalab token measure`: exit codes, one clear error each, and no secret on the screen."""

import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pskc import PSKC

from mfalab.devices.otp.seed import OtpSeed
from mfalab.simulator.cli import token as door
from mfalab.simulator.clocks import STEADY, QuartzClock, wall
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.language.units import format_instant
from mfalab.simulator.scenario_files.loader import load_cases

DOCS = Path(__file__).parents[3] / "docs"
MFALAB = Path(sys.executable).with_name("mfalab")
START_NS = 1_772_442_000 * NS_PER_S
SECRET = b"twelve and eight bytes"
SERIAL = "GAHT00000042"


class At:
    def now_ns(self) -> int:
        return START_NS


def fob(rate_ppm: float = -11.0) -> tuple[QuartzClock, OtpSeed]:
    clock = QuartzClock(At(), replace(STEADY, offset_ppm=rate_ppm), offset_ns=-40 * NS_PER_S)
    return clock, OtpSeed(SECRET)


def csv(count: int, spacing_s: float = 66_700.0) -> str:
    clock, seed = fob()
    lines = ["time,code"]
    for k in range(count):
        at_ns = START_NS + round(k * spacing_s * NS_PER_S)
        code = seed.code_at_step(seed.step_at(clock.believed_ns(at_ns)))
        lines.append(f"{format_instant(at_ns)},{code}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def measure(in_process, monkeypatch, tmp_path) -> Callable[..., Any]:
    """Runs the command on `fob.csv` in an empty folder that has a seed file."""
    monkeypatch.chdir(tmp_path)
    Path("seeds.csv").write_text(f"serial,seed\n{SERIAL},{SECRET.hex()}\nother,{'ab' * 20}\n")
    # Few draws: this is about the door.
    from mfalab.simulator.twin import measuring

    whole = measuring.measure
    monkeypatch.setattr(measuring, "measure", lambda *a, **k: whole(*a, **{**k, "draws": 200}))

    def run(*arguments: object, serial: str = SERIAL, typed: str = "") -> Any:
        seeds = ["--seeds", "seeds.csv", "--serial", serial] if serial else []
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        ran = in_process("token", "measure", "--file", "fob.csv", *seeds, *arguments)
        assert SECRET.hex() not in ran.out + ran.err
        return ran

    return run


def test_a_file_of_readings_is_measured(measure):
    Path("fob.csv").write_text(csv(20))
    ran = measure("--profile", "aws-immediate", "--profile", "rfc6238")
    assert ran.code == 0
    assert re.search(r"^mean rate +-1\d", ran.out, re.MULTILINE)
    assert "rfc6238, used every day" in ran.out


def test_everything_is_written_at_once(measure):
    Path("fob.csv").write_text(csv(20))
    ran = measure("--html", "fob.html", "--scenario", "fob.scenario.yaml", "--format", "json")
    assert json.loads(ran.out)["readings"] == 20
    assert Path("fob.html").read_text().startswith("<!doctype html>")
    assert 'seeds: "seeds.csv"' in Path("fob.scenario.yaml").read_text()


def test_a_key_uri_does_as_well_and_is_not_printed(measure):
    Path("fob.csv").write_text(csv(20))
    base32 = OtpSeed(SECRET).secret_base32
    ran = measure("--otpauth", f"otpauth://totp/AWS:alice?secret={base32}", serial="")
    assert ran.code == 0
    assert ran.out.startswith("token AWS:alice: 20 readings")
    assert base32 not in ran.out + ran.err


@pytest.mark.parametrize(
    ("content", "arguments", "error"),
    [
        (csv(2), (), "Error: 2 readings are too few: offset and rate take at least 3"),
        ("time,code\n", (), "Error: no readings are too few"),
        (csv(20), ("--serial", "other"), "Error: the seed made none of the 20 codes"),
        (
            csv(20),
            ("--serial", "0000"),
            'Error: --serial: the seed file has no token "0000"; did you',
        ),
        (csv(3) + "yesterday,123456\n", (), "fob.csv:5:1: 'yesterday' is not a time"),
        (None, (), "Error: there is no fob.csv. Read codes into it with --manual or --rig"),
        (csv(20), ("--otpauth", "otpauth://totp/a"), "Error: say whose codes these are"),
        (csv(20), ("--watch",), "Error: --watch goes with --manual or --rig"),
        (csv(20), ("--manual", "--rig", "x"), "Error: --manual or --rig, one at a time"),
        (csv(20), ("--search", "90"), "Error: Invalid value for '--search': '90' has no unit"),
        (csv(20), ("--from", "2027-01-01T00:00:00Z"), "Error: no readings are too few"),
        (csv(20), ("--html", "no/where.html"), "Error: cannot write no/where.html"),
    ],
)
def test_each_mistake_is_one_clear_error_with_exit_2(measure, content, arguments, error):
    if content is not None:
        Path("fob.csv").write_text(content)
    ran = measure(*arguments)
    assert ran.code == 2
    assert error in ran.err


def test_a_stopped_clock_exits_with_1(measure):
    lines = csv(8).splitlines()
    stuck = lines[3].split(",")[1]
    lines[4:] = [f"{line.split(',')[0]},{stuck}" for line in lines[4:]]
    Path("fob.csv").write_text("\n".join(lines) + "\n")
    ran = measure("--search", "9 d")
    assert ran.code == 1
    assert ran.err.startswith("Error: the clock has stopped: 6 of 8 readings")


class WallThatLeaps:
    """A wall clock that shows a later day each time it is looked at."""

    def __init__(self, times) -> None:
        self.times = iter(times)

    def now_ns(self) -> int:
        return next(self.times)


def test_a_person_types_codes_and_goes_on_another_day(measure, monkeypatch):
    clock, seed = fob()
    moments = [START_NS + round(k * 61_300 * NS_PER_S) for k in range(10)]
    codes = [seed.code_at_step(seed.step_at(clock.believed_ns(t))) for t in moments]
    monkeypatch.setattr(wall, "WALL", WallThatLeaps(t + 2 * NS_PER_S for t in moments))
    first = measure("--manual", typed="\n".join(codes[:2]) + "\n")
    assert first.code == 2
    assert "2 readings are too few" in first.err
    monkeypatch.setattr(wall, "WALL", WallThatLeaps(t + 2 * NS_PER_S for t in moments[2:]))
    second = measure("--manual", "--readings", 8, typed="\n".join(codes[2:]) + "\n")
    assert second.code == 0, second.err
    assert "2 readings are in fob.csv" in second.err
    assert "reading 10: fits, " in second.err
    assert not any(code in second.err + second.out for code in codes)
    assert len(Path("fob.csv").read_text().splitlines()) == 11


def test_a_code_of_no_step_is_said_at_once(measure, monkeypatch):
    monkeypatch.setattr(wall, "WALL", WallThatLeaps([START_NS]))
    ran = measure("--manual", "--readings", 1, typed="000000\n")
    assert "reading 1: no code of this seed within a day; kept, and set aside later" in ran.err


def test_a_rig_that_is_not_there_exits_with_3_and_keeps_what_is_there(measure):
    Path("fob.csv").write_text("")
    ran = measure("--rig", "simrig://none")
    assert ran.code == 3
    assert ran.err.rstrip().endswith("The readings so far are in fob.csv.")


def test_a_rig_reads_the_display(measure, monkeypatch):
    """Through the whole way: door, driver, line, simulated board, token."""
    from mfalab.devices.otp.token import HardwareToken
    from mfalab.devices.rig.board import SimulatedBoard
    from mfalab.devices.rig.protocol_simrig import hosted
    from mfalab.devices.schedule import OwnTime

    time_now = OwnTime(START_NS)
    clock = QuartzClock(time_now, replace(STEADY, offset_ppm=30.0))
    fob_in_front = HardwareToken(SERIAL, OtpSeed(SECRET), clock)

    class Display:
        def show(self) -> None:
            fob_in_front.press()

        def read(self) -> tuple[str, float]:
            return fob_in_front.display, 0.99

    own = SimpleNamespace(now_ns=time_now.now_ns, wait=time_now.advance)
    monkeypatch.setattr(wall, "WALL", own)
    board = SimulatedBoard(time_now, display=[Display()])
    with hosted("twin", board) as url:
        ran = measure("--rig", url, "--readings", 12, "--every", "17 h")
    assert ran.code == 0, ran.err
    assert "reading 12 (12 of 12): fits" in ran.err
    rate = re.search(r"^mean rate +(\S+) ppm +(\S+) to (\S+) ppm", ran.out, re.MULTILINE)
    assert rate is not None
    assert float(rate[2]) <= 30 <= float(rate[3])


@pytest.mark.slow
def test_interrupted_typing_keeps_what_was_typed(tmp_path):
    (tmp_path / "seeds.csv").write_text(f"serial,seed\n{SERIAL},{SECRET.hex()}\n")
    words = ["token", "measure", "--file", "fob.csv", "--seeds", "seeds.csv"]
    process = subprocess.Popen(
        [MFALAB, *words, "--serial", SERIAL, "--manual"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stderr is not None
    process.stdin.write("123456\n")
    process.stdin.flush()
    while "reading 1:" not in process.stderr.readline():
        pass
    assert len((tmp_path / "fob.csv").read_text().splitlines()) == 2
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted: 1 readings are in fob.csv; the same command goes on" in err


@pytest.mark.slow
def test_the_example_of_the_documentation_is_what_it_says(tmp_path):
    for name in ("fob.csv", "seeds.csv"):
        (tmp_path / name).write_text((DOCS / "twin" / name).read_text())
    words = ["token", "measure", "--file", "fob.csv", "--seeds", "seeds.csv"]
    ran = subprocess.run(
        [MFALAB, *words, "--serial", "GAHT24001173", "--scenario", "fob.scenario.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    # Figures may differ in their last digits: sines and sums are the platform's.
    written = (tmp_path / "fob.scenario.yaml").read_text()
    assert shape(written) == shape((DOCS / "twin" / "fob.scenario.yaml").read_text())
    page = (DOCS / "twin.md").read_text()
    shown = re.search(
        r"```console\n\$ mfalab token measure --file fob.csv .*?\n(.*?)```", page, re.DOTALL
    )
    assert shown is not None
    table = shown[1].rstrip().split("\n\n")[-1]
    assert shape(table) in shape(ran.stdout)


def shape(text: str) -> str:
    return re.sub(r"\d+", "0", text)


def test_the_shipped_description_runs():
    from mfalab.simulator.runner import run
    from mfalab.simulator.scenario_files.loader import load_cases

    events = run(load_cases(DOCS / "twin" / "fob.scenario.yaml"))
    assert [e["verdict"] for e in events if e["kind"] == "case_finished"] == ["passed"]


def test_the_door_has_an_example_in_its_help(measure):
    assert door.COMMANDS["token"].commands.keys() == {"measure"}


def test_seed_under_a_pre_shared_key_is_measured_and_written_with_its_key(measure):
    made = PSKC()
    made.encryption.setup_preshared_key(key=bytes(16))
    made.mac.setup(key=bytes(16))
    made.add_key(serial=SERIAL, secret=SECRET, algorithm="urn:ietf:params:xml:ns:keyprov:pskc:totp")
    made.write("sealed.xml")
    Path("key.txt").write_text("00" * 16)
    Path("fob.csv").write_text(csv(20))
    sealed = ("--seeds", "sealed.xml", "--serial", SERIAL)
    ran = measure(*sealed, "--seeds-key", "key.txt", "--scenario", "fob.scenario.yaml", serial="")
    assert ran.code == 0, ran.err
    assert 'seeds_key: "key.txt"' in Path("fob.scenario.yaml").read_text()
    load_cases(Path("fob.scenario.yaml"))
    ran = measure(*sealed, "--seeds-key", "no.txt", serial="")
    assert ran.code == 2
    assert "Error: --seeds-key: the key file cannot be read: No such file" in ran.err
    ran = measure(*sealed, "--seeds-key", "key.txt", "--seeds-password", "p", serial="")
    assert "a seed file has one key: --seeds-key or --seeds-password" in ran.err


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--period", "60"), "--period: "),
        (("--digits", "12"), "--digits: "),
        (("--period", "60 s"), "the seed made none of the 20 codes"),  # it was 30 s, and is heard
    ],
)
def test_figures_that_the_seed_file_leaves_out_can_be_said(measure, arguments, error):
    Path("fob.csv").write_text(csv(20))
    ran = measure(*arguments)
    assert ran.code == 2
    assert error in ran.err
    assert measure("--period", "30 s", "--digits", "6").code == 0


def test_key_uri_says_its_own_figures(measure):
    Path("fob.csv").write_text(csv(20))
    ran = measure("--otpauth", "otpauth://totp/AWS:a?secret=AA", "--period", "60 s", serial="")
    assert "a key URI says its period; remove the option" in ran.err
