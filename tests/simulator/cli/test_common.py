"""What commands share: classes of options."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import click
import pytest
from click.testing import CliRunner

from mfalab.simulator.cli import command as command_group
from mfalab.simulator.cli import run as run_door
from mfalab.simulator.cli.common import argument, gathered, option
from mfalab.simulator.runner import DEFAULT_SEED


@dataclass(frozen=True, slots=True)
class Place:
    files: tuple[str, ...] = argument(nargs=-1)
    port: str | None = option("--rig", help="First.")
    channel: int = option("-c", "--channel", type=int, default=1, help="Second.")


@pytest.fixture
def command() -> click.Command:
    @click.command()
    @click.option("--before", help="Zeroth.")
    @gathered(Place, "place")
    @click.option("--after", help="Third.")
    def command(before: str | None, place: Place, after: str | None) -> None:
        """Print what it gets."""
        click.echo(f"{before} {place} {after}")

    return command


def test_a_command_gets_its_options_as_one_object(command):
    words = ["a", "--before", "x", "--rig", "/dev/tty", "-c", "3", "b"]
    said = CliRunner().invoke(command, words).output
    assert said == f"x {Place(('a', 'b'), '/dev/tty', 3)} None\n"


def test_options_are_shown_in_the_order_of_the_fields(command):
    said = CliRunner().invoke(command, ["--help"]).output
    places = [said.index(text) for text in ("Zeroth", "First", "Second", "Third")]
    assert places == sorted(places)


def test_a_mistake_in_a_gathered_option_names_it(command):
    ran = CliRunner().invoke(command, ["--channel", "x"])
    assert (ran.exit_code, "'-c' / '--channel'" in ran.output) == (2, True)


def test_the_seed_of_the_command_line_is_that_of_the_runner():
    (seed,) = [each for each in run_door.run_command.params if each.name == "seed"]
    assert seed.default == DEFAULT_SEED


def files_to_be(group: click.Group) -> Iterator[tuple[str, click.Parameter]]:
    """Every parameter of every command that names a file which need not be there yet."""
    for name in group.list_commands(click.Context(group)):
        found = group.get_command(click.Context(group), name)
        if isinstance(found, click.Group):
            yield from files_to_be(found)
        for each in found.params if found is not None else ():
            if isinstance(each.type, click.Path) and each.type.file_okay and not each.type.exists:
                yield f"{name} {each.name}", each


def test_hyphen_is_a_file_of_that_name_in_no_command():
    """`run --log -` once wrote a file called `-`."""
    found = dict(files_to_be(command_group))
    assert {"run log", "run html", "run junit", "report html", "eject output"} <= found.keys()
    for name, parameter in found.items():
        with pytest.raises(click.BadParameter, match=r"- is no file here; .* /dev/stdout"):
            pytest.fail(f"{name}: {parameter.type.convert('-', parameter, None)}")


@pytest.mark.slow
def test_help_needs_none_of_the_heavy_packages():
    program = (
        "import sys; from mfalab.simulator.cli import command\n"
        "command.main(['--help'], 'mfalab', standalone_mode=False)\n"
        "print(*{'simpy', 'pydantic', 'cryptography', 'rich', 'serial'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("Usage: mfalab")
    assert done.stdout.endswith("\n\n")


@pytest.mark.slow
def test_a_wrong_file_is_no_traceback_whichever_command_reads_it(tmp_path):
    """The exception was looked up in a module that `token measure` does not import.

    In a process of the tests that module was always there, so a real process is started.
    """
    (tmp_path / "fob.csv").write_text("time,code\nyesterday,123456\n")
    uri = "otpauth://totp/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    program = "from mfalab.simulator.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "token", "measure", "--file", "fob.csv", "--otpauth", uri],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("fob.csv:2:1: 'yesterday' is not a time")
    assert done.stderr.endswith("\n1 problem, nothing was run\n")
