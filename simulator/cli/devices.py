"""The command `devices`: what is plugged into this machine."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from mfalab.simulator.cli.common import FORMAT, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mfalab.simulator.workbench.discovery import FoundKey, FoundReader, KeyInfo


@click.command()
@FORMAT
@click.option("--lab", "as_lab", is_flag=True, help="Print a lab file that uses it all.")
@click.option("--udev", is_flag=True, help="Print the udev rule that lets users open keys.")
def devices(form: str, as_lab: bool, udev: bool) -> None:
    """List security keys, card readers and rigs that are plugged in, and how to use them.

    Looking changes nothing: keys are asked for getInfo only.

    \b
    mfalab devices                   everything, with a lab file to paste
    mfalab devices --lab > lab.yaml  a lab file to start from
    mfalab run -t fido --lab lab.yaml
    """
    from mfalab.devices.rig.ports import entry, serial_ports, suggest
    from mfalab.simulator.workbench.discovery import (
        UDEV_RULE,
        as_lab_file,
        find_keys,
        find_readers,
    )

    if udev:
        click.echo(UDEV_RULE, nl=False)
        return
    keys, (cards, silence) = find_keys(), find_readers()
    rigs = [entry(spec) for spec in suggest(serial_ports())]
    lab_file = as_lab_file(keys, cards, rigs)
    if as_lab:
        click.echo(lab_file, nl=False)
    elif form == "json":
        listed = {
            "keys": [asdict(each) for each in keys],
            "readers": [asdict(each) for each in cards],
            "rigs": rigs,
        }
        print_json(listed)
    else:
        _show(keys, cards, silence, rigs)
        click.echo("\na lab file for it:\n")
        for line in lab_file.splitlines():
            click.echo(f"  {line}")


def _show(
    keys: Sequence[FoundKey], cards: Sequence[FoundReader], silence: str, rigs: Sequence[str]
) -> None:
    click.echo("keys" if keys else "keys: none")
    for found in keys:
        node = found.node
        serial = f", serial number {node.serial}" if node.serial else ""
        click.echo(f"  {node.path}  {node.name}, port {node.port}{serial}")
        click.echo(f"    {_plain(found.info) or found.trouble}")
    click.echo("readers" if cards else f"readers: none{f' ({silence})' if silence else ''}")
    for card in cards:
        click.echo(f"  {card.name}")
        click.echo(f"    {_plain(card.info) or card.trouble}")
    click.echo("rigs" if rigs else "rigs: none")
    for rig in rigs:
        click.echo(f"  {rig}")


def _plain(info: KeyInfo | None) -> str:
    if info is None:
        return ""
    pin = {None: "no PIN possible", True: "PIN set", False: "no PIN set"}[info.pin_is_set]
    aaguid = f", AAGUID {info.aaguid}" if info.aaguid else ""
    odd = f"; getInfo is not canonical CBOR: {info.not_canonical}" if info.not_canonical else ""
    return f"{', '.join(info.versions)}{aaguid}, {pin}{odd}"


COMMANDS = {"devices": devices}
"""Each command by its name."""
