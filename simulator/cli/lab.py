"""The command group `lab`: benches, and machines for keys to be plugged into."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from mfalab.simulator.cli.common import FAILED, not_ready

__all__ = ["lab"]


@click.group()
def lab() -> None:
    """Look at a bench, or have a machine for keys to be plugged into.

    \b
    mfalab lab check lab.yaml              is the file right, and is all of it there
    mfalab lab boot -- fido2-token -L      run a program in a guest that has UHID
    mfalab lab boot                        a shell in one
    """


@lab.command()
@click.argument("path", metavar="LAB.yaml", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--file-only", is_flag=True, help="Look at the file and touch nothing.")
def check(path: Path, file_only: bool) -> None:
    """Check a lab file, then open its bench: every rig, key and token must be there.

    Keys are asked for getInfo, and a PIN that the file tells is typed once; nothing is changed.

    Exits with 2 when the file is wrong, with 3 when the bench is not ready.
    """
    from mfalab.simulator.cli.bench import opened_bench
    from mfalab.simulator.workbench.labfile import read_lab_file

    if file_only:
        read_lab_file(path)
        click.echo(f"{path}: nothing wrong")
        return
    with opened_bench(path, 1) as bench:
        for name, key in bench.keys.items():
            can = ", ".join(sorted(each.name.lower() for each in key.fixture.can))
            click.echo(f"{name}: {key.fixture.name}, {key.facts.versions[-1]}, can {can}")
        for name, token in bench.tokens.items():
            click.echo(f"{name}: {token.label}")
        click.echo(f"{path}: nothing wrong, all of it is there")


@lab.command()
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--memory",
    default="1G",
    show_default=True,
    help="The guest's; what it writes is kept there, too.",
)
@click.option("--cpus", type=click.IntRange(1), default=2, show_default=True, help="Processors.")
@click.option(
    "--share",
    multiple=True,
    metavar="DIR",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A folder that the guest may write to; may be given several times.",
)
@click.option(
    "--timeout", "timeout_s", type=float, metavar="SECONDS", help="End it then, boot included."
)
@click.option(
    "--env",
    "names",
    multiple=True,
    metavar="NAME",
    help="A variable to hand on, or NAME=VALUE; may be given several times.",
)
def boot(
    command: tuple[str, ...],
    memory: str,
    cpus: int,
    share: tuple[Path, ...],
    timeout_s: float | None,
    names: tuple[str, ...],
) -> None:
    """Run COMMAND in a throw-away guest; without one, a shell.

    The guest boots Debian's kernel over this machine's own files, in about ten seconds where its
    processor must be emulated and in two with KVM. COMMAND runs as root in this folder, with this
    Python first on its path, /dev/uhid, an empty home and the loopback interface. It may write
    anywhere; what it writes outside of --share folders is gone afterwards.

    \b
    mfalab lab boot -- fido2-token -L
    mfalab lab boot --share out -- sh -c 'mfalab --version > out/version'

    Ends with COMMAND's exit code. Exits with 1 when the guest ended first or took longer than
    --timeout, with 3 when something that it needs is missing: the message says what.
    """
    from mfalab.simulator import guest

    env = dict(_variable(name) for name in names)
    try:
        with _interruptible():
            if not command:
                if not sys.stdin.isatty():
                    raise click.UsageError("a shell needs a terminal; name a command to run")
                guest.shell(share=share, memory=memory, cpus=cpus, env=env, tell=_tell)
                return
            ended = guest.boot(
                command,
                share=share,
                memory=memory,
                cpus=cpus,
                timeout_s=timeout_s,
                env=env,
                on_out=lambda news: _pass_on(news, sys.stdout.buffer),
                on_err=lambda news: _pass_on(news, sys.stderr.buffer),
                tell=_tell,
            )
    except guest.GuestNotReady as error:
        not_ready(str(error))
    except guest.GuestError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(FAILED)
    sys.exit(ended.code)


@lab.command()
def kernel() -> None:
    """Fetch the guest's kernel unless it is there, and say where it is.

    \b
    mfalab lab kernel

    It is kept in the user's cache and used for ever; delete the folder to fetch a newer one. Exits
    with 3 when it cannot be fetched.
    """
    from mfalab.simulator import guest

    try:
        with _interruptible():
            click.echo(guest.kernel(_tell).folder)
    except guest.GuestNotReady as error:
        not_ready(str(error))


def _variable(name: str) -> tuple[str, str]:
    known, given, value = name.partition("=")
    if not given:
        if known not in os.environ:
            raise click.UsageError(f"there is no variable {known} to hand on; write {known}=VALUE")
        value = os.environ[known]
    if not known.isidentifier():
        raise click.UsageError(f"{known!r} is no name of a variable")
    return known, value


def _tell(line: str) -> None:
    click.echo(f"guest: {line}", err=True)


def _pass_on(news: bytes, to: BinaryIO) -> None:
    to.write(news)
    to.flush()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let a request to terminate or a closed terminal end the guest, as Ctrl-C does."""

    def leave(number: int, _frame: object) -> None:
        sys.exit(128 + number)

    before = {each: signal.signal(each, leave) for each in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


COMMANDS = {"lab": lab}
"""Each command by its name."""
