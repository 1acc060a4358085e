"""Opening the bench of a lab file for a command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mfalab.simulator.cli.common import not_ready

if TYPE_CHECKING:
    from mfalab.devices.rig.rig import Rig
    from mfalab.simulator.workbench.bench import Bench
    from mfalab.simulator.workbench.labfile import LabFile


@contextmanager
def opened_bench(path: Path, seed: int) -> Iterator[Bench]:
    """The bench of a lab file, open, after what it may change for good was said.

    Raises:
        ProblemsFound: the file is wrong.
    """
    from mfalab.devices.errors import DeviceError
    from mfalab.devices.rig.errors import RigError
    from mfalab.simulator.workbench.bench import Bench
    from mfalab.simulator.workbench.key import BenchFailed
    from mfalab.simulator.workbench.lab_reading import read_lab_file

    lab = read_lab_file(path)
    try:
        bench = Bench(lab, rigs_of(lab), seed=seed, path=str(path))
    except DeviceError as error:
        not_ready(f"{path}: {error}")
    try:
        for warning in bench.warnings():
            click.echo(warning, err=True)
        yield bench
    finally:
        try:
            bench.close()
        except (BenchFailed, RigError) as error:
            click.echo(f"a key may not be as it was found: {error}", err=True)


def rigs_of(lab: LabFile) -> dict[str, Rig]:
    """The rigs that a lab file uses, not yet open; the person at the keyboard may be one."""
    used = {place.rig: None for _, place in lab.places()}
    if not used:
        return {}
    from mfalab.devices.rig import RigSpec, make_rig
    from mfalab.simulator.clocks import WallClock
    from mfalab.simulator.workbench.labfile import MANUAL

    rigs: dict[str, Rig] = {}
    for name in used:
        if name == MANUAL:
            spec = RigSpec(MANUAL, "manual")
        else:
            rig = lab.rigs[name]
            spec = RigSpec(name, rig.driver, port=rig.port, serial=rig.serial, options=rig.options)
        rigs[name] = make_rig(spec, clock=WallClock())
    return rigs
