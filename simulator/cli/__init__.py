"""The command line: thin doors, each loaded when it is opened.

Exit codes: 0 all passed, 1 something failed, 2 wrong usage or bad input, 3 the bench is not ready,
4 the disk took no more of a result, 130 interrupted (129 and 143 by SIGHUP and SIGTERM).
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from io import TextIOWrapper
from typing import Any

import click

from mfalab.simulator.cli.common import BAD_USAGE, FAILED, INTERRUPTED, NOT_WRITTEN
from mfalab.simulator.cli.endings import ended_cleanly
from mfalab.simulator.cli.outputs import is_full

__all__ = ["MODULES", "command", "main"]

_DOORS = {
    "run": ("run",),
    "suites": (
        "check",
        "list",
        "show",
        "schema",
        "explain",
        "steps",
        "profiles",
        "eject",
        "new",
        "where",
    ),
    "reports": ("report", "compare"),
    "key": ("key",),
    "devices": ("devices",),
    "lab": ("lab",),
    "guest": ("guest",),
    "token": ("token",),
    "rig": ("rig",),
    "serve": ("serve",),
    "fleet": ("fleet",),
}
MODULES = {name: module for module, names in _DOORS.items() for name in names}
"""The module of this package that has each command."""


def main() -> None:
    """Run the command line; interruption is an exit code, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        # What a terminal cannot write is spelt out, as cp1252 does with a title in Chinese.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    with ended_cleanly() as ended_by:
        _run(ended_by)


def _run(ended_by: list[int]) -> None:
    try:
        command.main(prog_name="mfalab", standalone_mode=False)
        sys.stdout.flush()  # here, where a full disk can still be told
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        sys.exit(128 + ended_by[0] if ended_by else INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(NOT_WRITTEN if error.exit_code == NOT_WRITTEN else BAD_USAGE)
    except OSError as error:
        if not is_full(error):
            raise
        _silence_output()
        where = f" {error.filename}" if error.filename else " the output"
        click.echo(f"Error: cannot write{where}: {error.strerror}", err=True)
        sys.exit(NOT_WRITTEN)
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


def _silence_output() -> None:
    """Let go of standard output: what is buffered would raise again when Python closes it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is asked for; for a word that is none, the nearest is offered."""
        if args and args[0] not in MODULES and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], MODULES, 1, 0.5)
            hint = f'did you mean "{near[0]}"?' if near else "mfalab -h lists all"
            ctx.fail(f'there is no command "{args[0]}"; {hint}')
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _silence_output()
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
