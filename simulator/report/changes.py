"""What changed from one run to another, case by case: what got worse, better, and other."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from mfalab.simulator.report.model import Case, Report, Run, Verdict
from mfalab.simulator.report.text import duration_text, printable

LEAST_SLOWER_NS = 500_000_000
"""A case that takes less than this longer is no slower: a machine's load alone does that."""


class Change(StrEnum):
    """How a case changed."""

    NEWLY_FAILED = "newly failed"
    NO_LONGER_RUN = "no longer run"
    SLOWER = "slower"
    NEWLY_PASSED = "newly passed"
    NEWLY_RUN = "newly run"
    OTHER_REFUSAL = "other refusal"

    @property
    def is_worse(self) -> bool:
        """Whether a build should stop for it."""
        return self in {Change.NEWLY_FAILED, Change.NO_LONGER_RUN, Change.SLOWER}


@dataclass(frozen=True, slots=True)
class ChangedCase:
    """One change of one case; `before` and `after` say what it was and what it is."""

    case: str
    change: Change
    before: str
    after: str
    reproduce: str = ""


def changes(before: Run, after: Run, *, slower: float) -> tuple[ChangedCase, ...]:
    """The changes between two runs, in the order of `Change` and then of the cases.

    Args:
        before: the run to compare with.
        after: the run in question.
        slower: a case is slower when its wall time grew by this factor, and by half a second.
    """
    found = [
        change
        for row in Report((before, after)).rows
        for change in _of_case(*row.cases, slower=slower)
    ]
    order = list(Change)
    return tuple(sorted(found, key=lambda each: order.index(each.change)))


def _of_case(before: Case | None, after: Case | None, *, slower: float) -> Iterator[ChangedCase]:
    known = after or before
    assert known is not None, "a row has at least one case"

    def changed(change: Change, was: str, now: str, reproduce: str = "") -> ChangedCase:
        return ChangedCase(known.id, change, was, now, reproduce)

    ran, runs = _ran(before), _ran(after)
    if not runs:
        if ran:
            yield changed(Change.NO_LONGER_RUN, _said(before), _said(after))
        return
    assert after is not None, "a case that runs is there"
    if after.verdict.is_bad and not (ran and before is not None and before.verdict.is_bad):
        yield changed(Change.NEWLY_FAILED, _said(before), _said(after), after.reproduce)
    elif not ran:
        yield changed(Change.NEWLY_RUN, _said(before), _said(after))
    elif before is not None and before.verdict.is_bad and not after.verdict.is_bad:
        yield changed(Change.NEWLY_PASSED, _said(before), _said(after))
    if not ran or before is None:
        return
    outcomes = {step.number: step.outcome for step in before.steps}
    for step in after.steps:
        was = outcomes.get(step.number, step.outcome)
        if was != step.outcome:
            where = f"step {step.number}: "
            yield changed(Change.OTHER_REFUSAL, where + was, where + step.outcome)
            break  # what follows, follows from it
    was_ns, is_ns = before.wall_duration_ns, after.wall_duration_ns
    if is_ns - was_ns > LEAST_SLOWER_NS and is_ns > slower * was_ns:
        yield changed(Change.SLOWER, duration_text(was_ns), duration_text(is_ns))


def _ran(case: Case | None) -> bool:
    return case is not None and case.verdict is not Verdict.SKIPPED


def _said(case: Case | None) -> str:
    if case is None:
        return "not there"
    why = case.why.split("\n")[0]
    return f"{case.verdict.value}: {why}" if why else case.verdict.value


def changes_text(before: Run, after: Run, found: tuple[ChangedCase, ...]) -> str:
    """The changes for people, with a line that repeats each case that newly failed."""
    lines = []
    for each in found:
        lines.append(f"{each.change.value:13}  {printable(each.case)}")
        lines.append(f"{'before':>13}  {printable(each.before)}")
        lines.append(f"{'after':>13}  {printable(each.after)}")
        if each.reproduce:
            lines.append(f"{'reproduce':>13}  {printable(each.reproduce)}")
        lines.append("")
    cases = len(Report((before, after)).rows)
    changed = len({each.case for each in found})
    worse = len({each.case for each in found if each.change.is_worse})
    plural = "s" if cases != 1 else ""
    lines.append(
        f"{cases} case{plural}: {worse} worse, {changed - worse} otherwise changed, "
        f"{cases - changed} alike"
    )
    return "\n".join(lines) + "\n"
