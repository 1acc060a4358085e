"""The command group `lab`: benches and the files that describe them."""

from __future__ import annotations

from copy import copy
from pathlib import Path

import click

from mfalab.simulator.cli import guest
from mfalab.simulator.cli.common import A_FILE


@click.group()
def lab() -> None:
    """Look at a bench.

    \b
    mfalab lab check lab.yaml              is the file right, and is all of it there
    mfalab lab schema                      what editors check a lab file by
    """


@lab.command()
@click.argument("path", metavar="LAB.yaml", type=A_FILE)
@click.option("--file-only", is_flag=True, help="Look at the file and touch nothing.")
def check(path: Path, file_only: bool) -> None:
    """Check a lab file, then open its bench: every rig, key and token must be there.

    Keys are asked for getInfo, and a PIN that the file tells is typed once; nothing is changed.

    Exits with 2 when the file is wrong, with 3 when the bench is not ready.
    """
    from mfalab.simulator.cli.bench import opened_bench
    from mfalab.simulator.workbench.lab_reading import read_lab_file

    if file_only:
        read_lab_file(path)
        click.echo(f"{path}: nothing wrong")
        return
    from mfalab.simulator.cli.target import the_target

    system = the_target(None, lab_file=path)
    with opened_bench(path, 1) as bench:
        if system.address != "embedded":
            click.echo(f"target: {system.label}")
        for name, key in bench.keys.items():
            can = ", ".join(sorted(each.name.lower() for each in key.fixture.can))
            click.echo(f"{name}: {key.fixture.name}, {key.facts.versions[-1]}, can {can}")
        for name, token in bench.tokens.items():
            click.echo(f"{name}: {token.label}")
        click.echo(f"{path}: nothing wrong, all of it is there")


@lab.command()
def schema() -> None:
    """Print the JSON Schema of lab files, for editors."""
    from mfalab.simulator.cli.common import print_json
    from mfalab.simulator.scenario_files.schema import schema_of
    from mfalab.simulator.workbench.labfile import LabFile

    print_json(schema_of(LabFile))


for _command in (guest.boot, guest.kernel):
    _old = copy(_command)
    _old.hidden = True
    lab.add_command(_old)

COMMANDS = {"lab": lab}
"""Each command by its name."""
