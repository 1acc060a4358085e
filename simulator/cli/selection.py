"""The arguments that choose cases: paths, words and tags."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from mfalab.simulator.cli.common import argument, option

if TYPE_CHECKING:
    from mfalab.simulator.scenario_files.loader import Case

_OPERATOR = re.compile(r"(^|[\s(])not\s|\s(and|or)\s")
"""What makes an expression for `pytest -k`."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which cases a command is about; the shipped suites when nothing is named."""

    paths: tuple[str, ...] = argument(nargs=-1, metavar="[PATH]...")
    words: tuple[str, ...] = option(
        "-k", multiple=True, metavar="TEXT", help="Only cases whose id, title or tags say it."
    )
    tags: tuple[str, ...] = option("-t", "--tag", multiple=True, help="Only cases with this tag.")

    def cases(self, suite: str = "") -> list[Case]:
        """The chosen cases.

        Args:
            suite: the shipped suite that is meant when nothing is named; all when left out.

        Raises:
            UsageError: there is none.
            ProblemsFound: a scenario is wrong.
        """
        from mfalab.simulator.scenario_files.suites import collect, select, shipped

        paths = self.paths or ((str(shipped() / suite),) if suite else ())
        cases = select(collect(paths), words=self.words, tags=self.tags)
        if not cases:
            for word in self.words:
                if _OPERATOR.search(word):
                    raise click.UsageError(
                        f"no case says {word!r}: -k takes a text as it is, and all of several; "
                        "pytest takes expressions: pytest scenarios -k 'car and not sms'"
                    )
            raise click.UsageError("no case is left: look at the words behind -k and -t")
        return cases
