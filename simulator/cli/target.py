"""The system under test that a command is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mfalab.simulator.environment.target import SystemUnderTest


def the_target(text: str) -> SystemUnderTest:
    """What `--target` names.

    Raises:
        UsageError: it names nothing that can be tested.
        ProblemsFound: its target file is wrong.
    """
    from mfalab.simulator.workbench.target import BadTarget, system_under_test

    try:
        return system_under_test(text)
    except BadTarget as error:
        raise click.UsageError(f"--target: {error}") from None
