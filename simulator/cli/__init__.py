"""The command line: thin doors, each loaded when it is opened.

Exit codes: 0 all passed, 1 something failed, 2 wrong usage or bad input, 3 the bench is not ready,
130 interrupted.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

import click

from mfalab.simulator.cli.common import BAD_USAGE, FAILED, INTERRUPTED

__all__ = ["MODULES", "command", "main"]

_DOORS = {
    "run": ("run",),
    "suites": (
        "check",
        "list",
        "show",
        "report",
        "schema",
        "steps",
        "profiles",
        "eject",
        "new",
        "where",
    ),
    "key": ("key",),
    "devices": ("devices",),
    "lab": ("lab",),
    "guest": ("guest",),
    "token": ("token",),
    "rig": ("rig",),
}
MODULES = {name: module for module, names in _DOORS.items() for name in names}
"""The module of this package that has each command."""


def main() -> None:
    """Run the command line; interruption is exit code 130, never a traceback."""
    try:
        command.main(prog_name="mfalab", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(BAD_USAGE)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except _raised_by("concurrent.futures.process", "BrokenProcessPool"):
        click.echo(
            "a worker process was ended from outside, out of memory perhaps; try -j 1", err=True
        )
        sys.exit(FAILED)
    except _raised_by("mfalab.simulator.language.problems", "ProblemsFound") as found:
        count = len(found.problems)
        click.echo(f"{found}\n{count} problem{'s' if count > 1 else ''}, nothing was run", err=True)
        sys.exit(BAD_USAGE)


def _raised_by(module: str, name: str) -> Any:
    """An exception of a module; empty if that is not loaded, because then nothing raised it."""
    return (getattr(sys.modules[module], name),) if module in sys.modules else ()


class _Doors(click.Group):
    """The group of all commands; a reader of our output who leaves early interrupts us."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands, in the order of their modules."""
        return list(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command, from its module."""
        if cmd_name not in MODULES:
            return None
        found = import_module(f"{__name__}.{MODULES[cmd_name]}").COMMANDS[cmd_name]
        assert isinstance(found, click.Command)
        return found

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # What is still buffered would raise again when Python closes its files.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(INTERRUPTED)


@click.group(
    cls=_Doors, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="mfalab", prog_name="mfalab")
def command() -> None:
    """Simulate MFA devices and people against a verifier, over years, in seconds.

    \b
    mfalab run                     the shipped suites
    mfalab run my/suites -k drift  your own, only what is about drift
    mfalab new first.scenario.yaml a scenario to start from
    """
