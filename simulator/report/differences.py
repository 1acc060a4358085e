"""What a system under test does otherwise than scenarios state, each once, the commonest first.

A case ends at the first step that ends otherwise, so one difference may hide another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from mfalab.simulator.report.model import Case, Note
from mfalab.simulator.report.text import printable

FAULT = "records a fault"
"""What a log says where a target gave what is of no use, and the case went on."""
_CODE = re.compile(r"refused: (\w+)")
_MOST = 160


class Difference(NamedTuple):
    """One thing that is otherwise: in which step or operation, and how."""

    where: str
    expected: str
    got: str


@dataclass(slots=True)
class Differences:
    """The differences of a run, with the cases that show each."""

    found: dict[Difference, list[Case]] = field(default_factory=dict)

    def add(self, case: Case) -> None:
        """Take a case that did not pass; one of its story that is of use is a fault."""
        for event in case.events:
            if isinstance(event, Note) and event.what == FAULT:
                told = [str(event.detail.get(key, "")) for key in Difference._fields[1:]]
                self._add(Difference(str(event.detail.get("operation", "")), *told), case)
                break
        step = case.failed_step
        if step is None:
            if not case.events or not case.why.startswith("expected "):
                self._add(Difference("furnishing", "a case that can begin", case.why), case)
            return
        got = _got(step.outcome, step.message)
        if not step.outcome and step.why:
            got = step.why  # there was no verdict
        elif step.expected != "accepted" and not _CODE.search(step.expected):
            got = step.outcome
        self._add(Difference(step.do, *_shortened(step.expected, got, step.outcome)), case)

    def rows(self) -> list[tuple[Difference, list[Case]]]:
        """Each difference with its cases; those of most cases first."""
        return sorted(self.found.items(), key=lambda each: (-len(each[1]), each[0]))

    def text(self) -> str:
        """The differences for a terminal; nothing when there are none."""
        lines: list[str] = []
        for (where, expected, got), cases in self.rows():
            count = f"{len(cases)} case{'s' * (len(cases) != 1)}"
            lines += [
                f"{count:>9}  {printable(where)}",
                f"{'':9}  expected {printable(expected)}",
                f"{'':9}  got      {printable(got)}",
                f"{'':9}  as in    {printable(cases[0].id)}",
            ]
        return "\n".join(lines) + "\n" if lines else ""

    def _add(self, difference: Difference, case: Case) -> None:
        short = Difference(*(_within(part) for part in difference))
        self.found.setdefault(short, []).append(case)


def _got(outcome: str, message: str) -> str:
    if outcome == "accepted" or not outcome:
        return outcome
    return f"refused: {outcome}" + (f" {message!r}" if message else "")


def _shortened(expected: str, got: str, outcome: str) -> tuple[str, str]:
    """Expectations and ends by their codes, where the codes alone differ."""
    code = _CODE.search(expected)
    if code is None or code[1] == outcome or not outcome:
        return expected, got
    return code[0], got.partition(" '")[0].partition(' "')[0]


def _within(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _MOST else f"{text[: _MOST - 3]}..."
