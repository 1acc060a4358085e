"""Several runs side by side on a terminal: counts for each, and the cases in which they part."""

from collections import Counter

from mfalab.simulator.report.model import Agreement, Case, Report, Verdict
from mfalab.simulator.report.text import counts_text, duration_text, printable

_CELL = 14
_MARKS = {Agreement.PARTED: "!", Agreement.PARTIAL: " "}


def comparison(report: Report) -> str:
    """The runs of a report, numbered, and each case that did not end alike in all of them."""
    labels = [printable(label) for label in report.labels]
    wide = max(map(len, labels), default=0)
    lines = []
    for number, (run, label) in enumerate(zip(report.runs, labels, strict=True), start=1):
        wall_ns = run.wall_duration_ns
        took = "interrupted" if wall_ns is None else f"in {duration_text(wall_ns)}"
        lines.append(f"{number}  {label:{wide}}  {counts_text(run.counts)} {took}")
    rows = report.rows
    counts = Counter(row.agreement for row in rows)
    parted, partial = counts[Agreement.PARTED], counts[Agreement.PARTIAL]
    lines += ["", agreement_text(len(rows), parted, partial)]
    shown = sorted(
        (row for row in rows if row.agreement is not Agreement.ALIKE),
        key=lambda row: row.agreement is not Agreement.PARTED,
    )
    if shown:
        names = [printable(row.case.id) for row in shown]
        notes: dict[str, int] = {}
        table = [[_word(case, notes) for case in row.cases] for row in shown]
        wide = max(map(len, names))
        heads = "".join(f"{number:<{_CELL}}" for number in range(1, len(labels) + 1))
        lines += ["", f"  {'':{wide}}  {heads}".rstrip()]
        for row, name, words in zip(shown, names, table, strict=True):
            cells = "".join(f"{word:<{_CELL}}" for word in words)
            lines.append(f"{_MARKS[row.agreement]} {name:{wide}}  {cells}".rstrip())
        lines += ["", *(f"[{number}] {printable(why)}" for why, number in notes.items())]
    return "\n".join(lines).rstrip() + "\n"


def _word(case: Case | None, notes: dict[str, int]) -> str:
    """A verdict, with the number of the note that says why it was skipped."""
    if case is None:
        return "not run"
    why = case.why.split("\n")[0]
    if case.verdict is not Verdict.SKIPPED or not why:
        return case.verdict.value
    return f"{case.verdict.value} [{notes.setdefault(why, len(notes) + 1)}]"


def agreement_text(rows: int, parted: int, partial: int) -> str:
    """How many cases ended alike, part, and did not run everywhere."""
    if parted == partial == 0:
        return f"all {rows} cases ended alike" if rows != 1 else "the case ended alike"
    alike = rows - parted - partial
    return f"{rows} cases: {alike} alike, {parted} parted, {partial} not in all runs"
