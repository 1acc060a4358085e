"""Commands as a verifier: exit statuses are verdicts, others are errors."""

import sys
from pathlib import Path

import pytest

from mfalab.simulator.environment.target import TargetGone
from mfalab.simulator.targets.otp.command import CommandVerifier
from mfalab.simulator.targets.otp.verifier import Capabilities, Verdict

PROGRAM = """
import sys
said = sys.stdin.read().split()
sys.stderr.write("it says so")
sys.exit({"000000": 0, "111111": 1}.get(said[-1] if said else "", int(sys.argv[1])))
"""


@pytest.fixture
def verifier(tmp_path: Path) -> CommandVerifier:
    program = tmp_path / "judge.py"
    program.write_text(PROGRAM)
    asked = (sys.executable, str(program))
    commands = {
        "enrol": (*asked, "0", "{account}", "{seed_base32}"),
        "attempt": (*asked, "7", "{account}", "{time}"),
        "resync": (*asked, "7"),
    }
    return CommandVerifier(Capabilities(lanes=4), commands)


def test_exit_status_is_the_verdict(verifier: CommandVerifier) -> None:
    verifier.set_time(1_500_000_000)
    verifier.enrol("alice", b"secret", "SHA1", 6, 30)
    assert verifier.attempt("alice", "000000") == Verdict(True)
    assert verifier.attempt("alice", "111111") == Verdict(False)
    assert verifier.resync("alice", ("333333", "000000")) == Verdict(True)
    together = verifier.attempt_together("alice", ["000000", "111111", "000000"])
    assert [each.accepted for each in together] == [True, False, True]
    verifier.revoke("alice")
    verifier.close()


def test_other_status_is_an_error(verifier: CommandVerifier) -> None:
    with pytest.raises(RuntimeError, match="command for attempt ended with 7: it says so"):
        verifier.attempt("alice", "222222")


def test_enrolment_that_fails_is_an_error(verifier: CommandVerifier) -> None:
    verifier.commands = {**verifier.commands, "enrol": verifier.commands["resync"]}
    with pytest.raises(RuntimeError, match="command for enrol ended with 7"):
        verifier.enrol("alice", b"secret", "SHA1", 6, 30)


def test_command_that_is_not_there_is_an_error(verifier: CommandVerifier) -> None:
    verifier.commands = {"attempt": ("no-such-program-here",)}
    with pytest.raises(TargetGone, match="there is no such program"):
        verifier.attempt("alice", "000000")
