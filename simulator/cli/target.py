"""The system under test that a command is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mfalab.simulator.cli.common import not_ready

if TYPE_CHECKING:
    from mfalab.simulator.environment.target import SystemUnderTest


def the_target(
    text: str | None,
    real_account: str | None = None,
    rehearsed: Callable[[object], None] | None = None,
    *,
    lab_file: Path | None = None,
) -> SystemUnderTest:
    """What `--target` names, or else the lab file; an endpoint that is not there ends the command.

    Raises:
        UsageError: it names nothing that can be tested.
        ProblemsFound: its target file is wrong, or the lab file.
    """
    from mfalab.simulator.environment.target import TargetFailed
    from mfalab.simulator.workbench.target import BadTarget, system_under_test

    of_lab = None
    if text is None and lab_file is not None:
        from mfalab.simulator.workbench.lab_reading import read_lab_file

        of_lab = read_lab_file(lab_file).target
    try:
        named = text if text is not None else of_lab or "embedded"
        return system_under_test(named, real_account, rehearsed)
    except BadTarget as error:
        if of_lab is not None and lab_file is not None:
            from mfalab.simulator.workbench.lab_reading import target_problem

            raise target_problem(lab_file, str(error)) from None
        raise click.UsageError(f"--target: {error}") from None
    except TargetFailed as failure:
        not_ready(f"{'--target' if of_lab is None else lab_file}: {failure}")
