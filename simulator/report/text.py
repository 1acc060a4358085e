"""Words that the terminal and JUnit XML share: durations, counts, and the account of a failure."""

import re
from collections.abc import Mapping

from mfalab.simulator.report.model import Case, Verdict

_SECOND_NS = 1_000_000_000
_UNITS = (
    ("y", 31_557_600 * _SECOND_NS),  # a Julian year, 365.25 days
    ("d", 86_400 * _SECOND_NS),
    ("h", 3_600 * _SECOND_NS),
    ("min", 60 * _SECOND_NS),
    ("s", _SECOND_NS),
    ("ms", 1_000_000),
)
_UNPRINTABLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def duration_text(duration_ns: int) -> str:
    """A duration in its largest unit, such as `4.1 s`, `400 d` or `212 y`."""
    for unit, size in _UNITS:
        if abs(duration_ns) >= size:
            value = duration_ns / size
            return f"{value:.0f} {unit}" if abs(value) >= 99.95 else f"{value:.1f} {unit}"
    return "0 s" if duration_ns == 0 else "< 1 ms"


def printable(text: str) -> str:
    r"""Text with control, direction-changing and lone surrogate characters spelt out.

    A scenario's title is foreign text; sent to a terminal as it is, it could move the cursor
    or hide a failure.
    """
    return _UNPRINTABLE.sub(lambda found: rf"\u{ord(found.group()):04x}", text)


def counts_text(counts: Mapping[Verdict, int]) -> str:
    """Counts by verdict, bad ones first, such as `2 failed, 130 passed`; without zeros."""
    order = (
        (Verdict.FAILED, "failed"),
        (Verdict.ERROR, "error"),
        (Verdict.INTERRUPTED, "interrupted"),
        (Verdict.PASSED, "passed"),
        (Verdict.SKIPPED, "skipped"),
    )
    parts = []
    for verdict, word in order:
        number = counts.get(verdict, 0)
        if number:
            plural = "s" if verdict is Verdict.ERROR and number > 1 else ""
            parts.append(f"{number} {word}{plural}")
    return ", ".join(parts) or "no cases"


def failure_account(case: Case) -> list[tuple[str, str]]:
    """Labelled lines that tell a failure: the step, expected and got, beliefs, how to reproduce.

    A label is empty where its line belongs to the one before. The text is not yet printable().
    """
    account: list[tuple[str, str]] = []
    step = case.failed_step
    if step is None:
        account.append(("where", f"{case.file}:{case.line}"))
    else:
        account += [
            ("step", f"{step.number} {step.do}, {case.file}:{step.line}"),
            ("", step.text.strip()),
        ]
        if step.expected or step.outcome:
            account += [("expected", step.expected or "nothing in particular")]
            account += [("got", step.outcome or "no outcome")]
        if step.message:
            account.append(("message", step.message))
        if step.why:
            account.append(("why", step.why))
    if case.why and not (step is not None and step.why and step.why in case.why):
        account.append(("why" if step is None or not step.why else "", case.why))
    account += [
        (
            "" if index else "believed",
            f"{case.lane_label(belief.lane)}: {belief_text(belief.text, belief.offset_s)}",
        )
        for index, belief in enumerate(case.believed)
    ]
    if case.reproduce:
        account.append(("reproduce", case.reproduce))
    return account


def belief_text(text: str, offset_s: float | None) -> str:
    """What a clock believed, followed by how wrong it was."""
    if offset_s is None:
        return text or "nothing"
    wrong = f"{offset_s:+.3f} s from true time"
    return f"{text} ({wrong})" if text else wrong
