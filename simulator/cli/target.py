"""The system under test that a command is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from mfalab.simulator.cli.common import not_ready

if TYPE_CHECKING:
    from mfalab.simulator.environment.target import SystemUnderTest


def the_target(
    text: str,
    real_account: str | None = None,
    rehearsed: Callable[[object], None] | None = None,
) -> SystemUnderTest:
    """What `--target` names; an endpoint that is not there ends the command.

    Raises:
        UsageError: it names nothing that can be tested.
        ProblemsFound: its target file is wrong.
    """
    from mfalab.simulator.environment.target import TargetFailed
    from mfalab.simulator.workbench.target import BadTarget, system_under_test

    try:
        return system_under_test(text, real_account, rehearsed)
    except BadTarget as error:
        raise click.UsageError(f"--target: {error}") from None
    except TargetFailed as failure:
        not_ready(f"--target: {failure}")
