"""The command group `guest`: a machine for keys to be plugged into."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import click

from mfalab.simulator.cli.common import FAILED, gathered, not_ready, option


@click.group()
def guest() -> None:
    """Run programs on a kernel that has UHID, in a guest that is thrown away.

    \b
    mfalab guest boot -- fido2-token -L    run a program in a guest
    mfalab guest boot                      a shell in one
    mfalab guest kernel                    fetch its kernel beforehand
    """


@dataclass(frozen=True, slots=True)
class _Machine:
    """What the guest has."""

    memory: str = option(
        "--memory", default="1G", help="The guest's; what it writes is kept there, too."
    )
    cpus: int = option("--cpus", type=click.IntRange(1), default=2, help="Processors.")
    share: tuple[Path, ...] = option(
        "--share",
        multiple=True,
        metavar="DIR",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        help="A folder that the guest may write to; may be given several times.",
    )
    timeout_s: float | None = option(
        "--timeout", type=float, metavar="SECONDS", help="End it then, boot included."
    )
    names: tuple[str, ...] = option(
        "--env",
        multiple=True,
        metavar="NAME",
        help="A variable to hand on, or NAME=VALUE; may be given several times.",
    )

    def run(self, command: tuple[str, ...]) -> int:
        """Run a command in it, or a shell without one; the exit code."""
        from mfalab.simulator import guest as guests

        env = dict(_variable(name) for name in self.names)
        if not command:
            if not sys.stdin.isatty():
                raise click.UsageError("a shell needs a terminal; name a command to run")
            guests.shell(share=self.share, memory=self.memory, cpus=self.cpus, env=env, tell=_tell)
            return 0
        ended = guests.boot(
            command,
            share=self.share,
            memory=self.memory,
            cpus=self.cpus,
            timeout_s=self.timeout_s,
            env=env,
            on_out=lambda news: _pass_on(news, sys.stdout.buffer),
            on_err=lambda news: _pass_on(news, sys.stderr.buffer),
            tell=_tell,
        )
        return ended.code


@guest.command()
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@gathered(_Machine, "machine")
def boot(command: tuple[str, ...], machine: _Machine) -> None:
    """Run COMMAND in a throw-away guest; without one, a shell.

    The guest boots Debian's kernel over this machine's own files, in about ten seconds where its
    processor must be emulated and in two with KVM. COMMAND runs as root in this folder, with this
    Python first on its path, /dev/uhid, an empty home and the loopback interface. It may write
    anywhere; what it writes outside of --share folders is gone afterwards.

    \b
    mfalab guest boot -- fido2-token -L
    mfalab guest boot --share out -- sh -c 'mfalab --version > out/version'

    Ends with COMMAND's exit code. Exits with 1 when the guest ended first or took longer than
    --timeout, with 3 when something that it needs is missing: the message says what.
    """
    from mfalab.simulator.guest import GuestError, GuestNotReady

    try:
        with _interruptible():
            code = machine.run(command)
    except GuestNotReady as error:
        not_ready(str(error))
    except GuestError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(FAILED)
    sys.exit(code)


@guest.command()
def kernel() -> None:
    """Fetch the guest's kernel unless it is there, and say where it is.

    \b
    mfalab guest kernel

    It is kept in the user's cache and used for ever; delete the folder to fetch a newer one. Exits
    with 3 when it cannot be fetched.
    """
    from mfalab.simulator import guest as guests

    try:
        with _interruptible():
            click.echo(guests.kernel(_tell).folder)
    except guests.GuestNotReady as error:
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


COMMANDS = {"guest": guest}
"""Each command by its name."""
