"""The command `serve`: the verifier as an AWS endpoint."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

import click

from mfalab.simulator.cli.common import A_FILE, gathered, not_ready, option


class _Place(click.ParamType[Path | str]):
    """A file, or the URL of a database."""

    name = "place"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Path | str:
        """Leave a URL as it is: it is no path, and must not be in an error."""
        return str(value) if "://" in str(value) else A_FILE.convert(value, param, ctx)


@dataclass(frozen=True, slots=True)
class _Server:
    """Where it listens, and what it serves."""

    host: str = option("--host", default="127.0.0.1", help="Address to listen on.")
    port: int = option(
        "--port", type=click.IntRange(0, 65535), default=8765, help="0 is any that is free."
    )
    db: Path | str = option(
        "--db",
        type=_Place(),
        default="mfalab.db",
        metavar="FILE|URL",
        help="SQLite file of all state, made if it is not there; or postgresql://user@host/name; "
        ":memory: keeps none.",
    )
    profile: str = option(
        "--profile",
        default="aws-immediate",
        metavar="NAME",
        help="Every figure of the verifier; mfalab profiles shows them.",
    )
    figures: tuple[str, ...] = option(
        "--figure",
        multiple=True,
        metavar="NAME=VALUE",
        help="A figure of the profile that is different, as a scenario writes it, such as "
        "passkeys=true or sms=preview; may be given several times.",
    )
    clock: str = option(
        "--clock",
        type=click.Choice(["system", "virtual"]),
        default="system",
        help="A virtual clock stands until it is moved.",
    )
    users: tuple[str, ...] = option(
        "--user",
        multiple=True,
        metavar="NAME",
        default=("alice",),
        help="An IAM user who manages own devices; may be given several times.",
    )
    administrators: tuple[str, ...] = option(
        "--administrator",
        multiple=True,
        metavar="NAME",
        help="An IAM user who may do everything; may be given several times.",
    )
    new_passwords: bool = option(
        "--new-passwords",
        is_flag=True,
        help="Set and tell other passwords; without it those of an earlier start stay.",
    )

    def figures_by_name(self) -> dict[str, str]:
        """The figures that are different."""
        found: dict[str, str] = {}
        for figure in self.figures:
            name, is_one, value = figure.partition("=")
            if not is_one or not name or name in found:
                raise click.UsageError(f"--figure: write NAME=VALUE once, not {figure!r}")
            found[name] = value
        return found

    def words(self) -> list[str]:
        """Its options, as they are typed."""
        words = [f"--host={self.host}", f"--port={self.port}", f"--db={self.db}"]
        words += [f"--profile={self.profile}", f"--clock={self.clock}"]
        words += [f"--figure={figure}" for figure in self.figures]
        words += [f"--user={name}" for name in self.users]
        words += [f"--administrator={name}" for name in self.administrators]
        return words + ["--new-passwords"] * self.new_passwords


@click.command()
@gathered(_Server, "server")
@click.option("--json", "as_json", is_flag=True, help="Say in JSON, in one line, what is served.")
@click.option(
    "--env",
    "as_env",
    is_flag=True,
    help="Serve in the background, and print the environment of the first user for a shell.",
)
def serve(server: _Server, as_json: bool, as_env: bool) -> None:
    """Serve AWS IAM and STS to AWS's clients, until Ctrl-C or SIGTERM.

    \b
    mfalab serve --user alice --clock virtual
    eval "$(mfalab serve --env)"; aws iam get-user; kill $MFALAB_PID

    It says the address, the account, the console, the shelf, and all keys and passwords: in one
    line, or at a terminal in rows.

    Exits with 3 when the address is taken, or --db cannot keep the records.
    """
    if as_env and as_json:
        raise click.UsageError("--env is for a shell and --json for a program: give one of them")
    if as_env:
        _in_background(server)
        return
    try:
        from mfalab.simulator.serving.endpoint import open_endpoint
        from mfalab.simulator.serving.server import Server, listen, url_of
    except ImportError as error:
        if error.name not in ("jinja2", "uvicorn"):
            raise
        not_ready(f"mfalab serve needs {error.name}: pip install 'mfalab[serve]'")
    from mfalab.simulator.entropy import SystemEntropy
    from mfalab.simulator.scenario_files.fragments import NotUnderstood
    from mfalab.verifier import PROFILES, ServiceError, StoreUnusable

    if server.profile not in PROFILES:
        known = ", ".join(PROFILES)
        raise click.UsageError(f"--profile: there is no {server.profile!r}; there are {known}")

    random_bytes = SystemEntropy().random_bytes("serve")
    try:
        listener = listen(server.host, server.port)
    except OSError as error:
        numbered = error.errno is not None and error.errno > 0  # of a name that is unknown, less
        why = os.strerror(error.errno or 0) if numbered else error.strerror
        not_ready(f"cannot listen on {server.host}, port {server.port}: {why}")
    with listener:
        try:
            endpoint = open_endpoint(
                server.db,
                profile=server.profile,
                virtual=server.clock == "virtual",
                users={
                    **dict.fromkeys(server.users, False),
                    **dict.fromkeys(server.administrators, True),
                },
                url=url_of(listener),
                random_bytes=random_bytes,
                new_passwords=server.new_passwords,
                figures=server.figures_by_name(),
            )
        except NotUnderstood as error:
            raise click.UsageError(f"--figure: {error}") from None
        except StoreUnusable as error:
            not_ready(f"--db: {error}")
        except ServiceError as error:
            raise click.UsageError(f"--user, --administrator: {error.message}") from None
        with endpoint:
            told = endpoint.told(url_of(listener))
            text = json.dumps(told) if as_json else as_text(told, in_rows=sys.stdout.isatty())
            click.echo(text)
            sys.stdout.flush()
            Server(endpoint.application, listener).run()


def as_text(told: Mapping[str, Any], *, in_rows: bool) -> str:
    """What is served: in one line, or in rows for people at a terminal.

    Args:
        told: what `--json` says.
        in_rows: whether each address and each secret has a line of its own.
    """
    people = [("root", told["root"]), *told["users"].items()]  # a user may be called root, too
    keys = [f"{name} {k['access_key_id']} {k['secret_access_key']}" for name, k in people]
    before = "(as told before: --new-passwords sets another)"
    passwords = [f"{each.get('email', name)} {each['password'] or before}" for name, each in people]
    first, between = ("\n    ", "\n    ") if in_rows else (" ", ", ")
    parts = (
        f"serving {told['endpoint']}, account {told['account']}",
        f"console {told['console']}",
        f"shelf {told['shelf']}",
        f"control token {told['token']}",
        f"access keys:{first}{between.join(keys)}",
        f"passwords:{first}{between.join(passwords)}",
    )
    return ("\n  " if in_rows else "; ").join(parts)


def _in_background(server: _Server) -> None:
    """Start another process that serves, and print what a shell needs to use it."""
    process = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "mfalab", "serve", "--json", *server.words()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout as out, process.stderr as err:
        line = out.readline()
        if not line:
            click.echo(err.read(), err=True, nl=False)
            click.echo(
                "false"
            )  # so that `eval` fails, too, and the shell's own variables stay unused
            sys.exit(process.wait())
    told = json.loads(line)
    first = next(iter(told["users"].values()), told["root"])
    values = {
        "AWS_ENDPOINT_URL": told["endpoint"],
        "AWS_ACCESS_KEY_ID": first["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": first["secret_access_key"],
        "AWS_DEFAULT_REGION": "us-east-1",
        "MFALAB_PID": str(process.pid),
        "MFALAB_TOKEN": told["token"],
    }
    click.echo("unset AWS_SESSION_TOKEN AWS_PROFILE")
    for name, value in values.items():
        click.echo(f"export {name}={quote(value)}")


COMMANDS = {"serve": serve}
"""Each command by its name."""
