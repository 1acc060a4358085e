"""The option `--scheduler`: a Dask cluster that runs what processes of this machine would."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mfalab.simulator.cli.common import not_ready

if TYPE_CHECKING:
    from mfalab.simulator.scheduling.workers import Workers


def the_cluster(address: str) -> Workers:
    """The workers of the cluster with a scheduler's address. Ends with one line if it cannot be."""
    try:
        from mfalab.simulator.scheduling.dask import DaskWorkers
    except ModuleNotFoundError as error:
        if error.name not in ("distributed", "dask"):
            raise
        not_ready("--scheduler needs Dask: pip install 'mfalab[cluster]'")
    from mfalab.simulator.scheduling.workers import BadAddress, SchedulingFailed

    try:
        return DaskWorkers(address)
    except BadAddress as mistake:
        raise click.UsageError(f"--scheduler: {mistake}") from None
    except SchedulingFailed as failure:
        not_ready(str(failure))
