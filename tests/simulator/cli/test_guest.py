"""`mfalab guest boot` and `mfalab guest kernel`; the guest itself is played."""

import click
import pytest
from click.testing import CliRunner, Result

from mfalab.simulator import guest
from mfalab.simulator.cli import command
from mfalab.simulator.cli.guest import COMMANDS


class PlayedGuest:
    """Stands for `guest.boot`; writes down what it was asked for."""

    ended: guest.Ended | guest.GuestError = guest.Ended(0, b"", b"")

    def __call__(self, words, *, on_out, on_err, tell, **options):
        self.words, self.options = words, options
        tell("it boots")
        if isinstance(self.ended, Exception):
            raise self.ended
        on_out(self.ended.out)
        on_err(self.ended.err)
        return self.ended


@pytest.fixture
def played(monkeypatch) -> PlayedGuest:
    made = PlayedGuest()
    monkeypatch.setattr(guest, "boot", made)
    return made


def run(*words: object) -> Result:
    return CliRunner().invoke(COMMANDS["guest"], [str(word) for word in words])


def test_the_group_is_part_of_the_command_line():
    assert command.get_command(click.Context(command), "guest") is COMMANDS["guest"]


def test_a_shell_gets_the_terminal_and_ends_with_0(played, monkeypatch):
    asked = {}
    monkeypatch.setattr(guest, "shell", lambda **options: asked.update(options))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    with pytest.raises(SystemExit) as ended:
        COMMANDS["guest"].main(["boot", "--cpus", "3"], standalone_mode=False)
    assert ended.value.code == 0
    assert asked["cpus"] == 3
    assert not hasattr(played, "words")


def test_output_and_exit_code_are_the_commands(played):
    played.ended = guest.Ended(7, b"said\n", b"complained\n")
    result = run("boot", "--", "fido2-token", "-L")
    assert (result.exit_code, result.stdout) == (7, "said\n")
    assert result.stderr == "guest: it boots\ncomplained\n"
    assert played.words == ("fido2-token", "-L")


def test_options_reach_the_guest(played, tmp_path, monkeypatch):
    monkeypatch.setenv("KNOWN", "here")
    run(
        *("boot", "--memory", "4G", "--cpus", 1, "--share", tmp_path, "--timeout", 60),
        *("--env", "KNOWN", "--env", "OTHER=a=b", "true"),
    )
    assert played.options == {
        "share": (tmp_path,),
        "memory": "4G",
        "cpus": 1,
        "timeout_s": 60.0,
        "env": {"KNOWN": "here", "OTHER": "a=b"},
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("boot", "--env", "NOWHERE", "true"), "write NOWHERE=VALUE"),
        (("boot", "--env", "a b=1", "true"), "no name of a variable"),
        (("boot", "--share", "/nowhere", "true"), "does not exist"),
        (("boot",), "a shell needs a terminal"),
    ],
)
def test_wrong_usage_boots_nothing(played, monkeypatch, words, said):
    monkeypatch.delenv("NOWHERE", raising=False)
    result = run(*words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not hasattr(played, "words")


def test_missing_parts_are_exit_code_3(played):
    played.ended = guest.GuestNotReady("The guest needs busybox.", "Install with: apt")
    result = run("boot", "true")
    assert result.exit_code == 3
    assert result.stderr.endswith("Error: The guest needs busybox. Install with: apt\n")


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        (guest.GuestTooSlow(60.0), "did not end within 60 s"),
        (guest.GuestDied("Kernel panic"), "Its console said last: Kernel panic"),
    ],
)
def test_guest_that_does_not_end_well_is_exit_code_1(played, ended, said):
    played.ended = ended
    result = run("boot", "true")
    assert result.exit_code == 1
    assert said in result.stderr


def test_kernel_that_cannot_be_fetched_is_exit_code_3(monkeypatch):
    def offline(tell):
        raise guest.GuestNotReady("apt-get could not.", "Try again.")

    monkeypatch.setattr(guest, "kernel", offline)
    result = run("kernel")
    assert (result.exit_code, result.stderr) == (3, "Error: apt-get could not. Try again.\n")
