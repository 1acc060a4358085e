"""The command group `key`: security keys that live in a file and can be plugged in."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mfalab.simulator.cli.common import A_FILE, FORMAT, print_json
from mfalab.simulator.cli.key_diff import diff
from mfalab.simulator.cli.key_file import (
    file_errors,
    make,
    open_key,
    serial,
)
from mfalab.simulator.cli.key_plug import plug
from mfalab.simulator.cli.key_test import key_test
from mfalab.simulator.cli.key_traces import record, show_trace

if TYPE_CHECKING:
    from mfalab.devices.security_key import SecurityKey

DEFAULT_MODEL = "ctap-2.1-pin"

_FILE = click.argument("path", metavar="FILE", type=A_FILE)


@click.group()
def key() -> None:
    """Make simulated security keys, look at them, and plug them in.

    \b
    mfalab key new my.key                  a new key, kept in a file
    mfalab key plug my.key --uhid          make it a device of this machine
    mfalab key plug my.key --udp 8111      offer it to other programs
    mfalab key info my.key                 what is on it
    """


for _command in (plug, record, show_trace, diff, key_test):
    key.add_command(_command)


@key.command()
@_FILE
@click.option("--model", default=DEFAULT_MODEL, show_default=True, help="A model, or a TOML file.")
@click.option("--seed", type=int, help="All its chance; without it, keys are unpredictable.")
def new(path: Path, model: str, seed: int | None) -> None:
    """Make a new key and keep it in FILE."""
    if path.exists():
        raise click.UsageError(f"{path} exists already; it was left as it is")
    with file_errors(path):
        described = make(path, model, seed)
    click.echo(f"{path}: a new {described.name} (plug it in with: mfalab key plug {path} --udp 0)")


@key.command()
@_FILE
@FORMAT
def info(path: Path, form: str) -> None:
    """Show what kind of key FILE holds and what is on it."""
    with file_errors(path):
        summary = _summary(open_key(path, look=True), serial(path))
    if form == "json":
        print_json(summary)
        return
    credentials = summary.pop("credentials")
    for name, value in summary.items():
        click.echo(f"{name.replace('_', ' '):<16} {_plain(value)}")
    click.echo(f"{'credentials':<16} {len(credentials)}")
    for each in credentials:
        click.echo(f"  {each['rp_id']}  {each['user']}  {each['id']}")


@key.command()
@_FILE
def reset(path: Path) -> None:
    """Make the key in FILE as it was when new: nothing on it, no PIN, other secrets."""
    with file_errors(path), closing(open_key(path, power_up=True)) as opened:
        opened.wipe()
    click.echo(f"{path}: as new; all credentials that it held are gone")


@key.command()
@FORMAT
def models(form: str) -> None:
    """List the models that come along."""
    from mfalab.devices.ctap.model import load_model, model_names

    described = {name: load_model(name) for name in model_names()}
    if form == "json":
        print_json(
            {name: {"name": m.name, "versions": m.versions} for name, m in described.items()}
        )
        return
    for name, model in described.items():
        click.echo(f"{name:<22} {model.name}; {', '.join(model.versions)}")


def _summary(opened: SecurityKey, serial_number: str) -> dict[str, Any]:
    model, state = opened.model, opened.state
    return {
        "model": model.name,
        "serial_number": serial_number,
        "versions": list(model.versions),
        "transports": [transport.value for transport in model.transports],
        "pin_set": state.pin_is_set,
        "pin_retries": state.pin_retries,
        "uv_retries": state.uv_retries,
        "fingers": list(state.fingers),
        "counter": state.counter,
        "slots": model.slots,
        "writes": state.writes,
        "credentials": [
            {"rp_id": rp_id, "user": user.hex(), "id": identity.hex()}
            for identity, rp_id, user in state.credentials
        ],
    }


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return (
        {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
    )


COMMANDS = {"key": key}
"""Each command by its name."""
