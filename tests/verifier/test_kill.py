"""A sample of `make kill`: nothing acknowledged is lost, no code is good twice, a lie is found."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("kill.py")
ROUNDS = 20


def kill(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_nothing_acknowledged_is_lost_and_no_code_is_good_again_after_kill_9(
    kind: str, request: pytest.FixtureRequest
) -> None:
    db = kind
    if kind == "postgresql":
        server: Any = request.getfixturevalue("postgresql")
        db = server.socket_url
    done = kill("--rounds", f"{ROUNDS}", "--db", db)
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.splitlines()[-1]
    counts = [int(number.replace(",", "")) for number in re.findall(r"[\d,]*\d", last)]
    rounds, acknowledged, created, enabled, _, deleted, replayed = counts
    assert rounds == ROUNDS
    assert acknowledged > 10 * ROUNDS
    assert min(created, enabled, deleted) > 0
    assert replayed > ROUNDS


@pytest.mark.slow
def test_acknowledgement_that_came_too_early_is_found_and_can_be_run_again() -> None:
    done = kill("--rounds", "40", "--lie")
    assert done.returncode == 1, done.stdout
    found, again = done.stdout.splitlines()[-2:]
    assert "accepted codes are not marked as used" in found
    number = re.match(r"round (\d+): ", found)
    assert number is not None
    assert f"--first {number[1]} --rounds 1 --seed round --db sqlite --lie" in again


@pytest.mark.slow
def test_code_of_two_steps_of_one_window_is_no_finding() -> None:
    """As in round 7083, where the code of a used step is also that of one that was not used."""
    done = kill("--first", "7083", "--rounds", "1")
    assert done.returncode == 0, done.stdout
