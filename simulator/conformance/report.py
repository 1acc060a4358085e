"""What a run found, as plain values for JSON and for the page, and as lines for a terminal."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from mfalab.simulator.clocks.durations import NS_PER_MS
from mfalab.simulator.conformance.pins import Pin
from mfalab.simulator.conformance.run import Result, Run
from mfalab.simulator.conformance.suite import ConformanceTest
from mfalab.simulator.conformance.timings import Spread
from mfalab.simulator.conformance.verdicts import Verdict
from mfalab.simulator.report.files import write_whole
from mfalab.simulator.report.text import duration_text, printable
from mfalab.simulator.traces.dissect import dissect

_FORMAT: Final = "mfalab key test 1"
_MOST_LINES: Final = 400
_MOST_SINGLE: Final = 3
_ORDER: Final = (
    Verdict.FAILED,
    Verdict.ERROR,
    Verdict.INTERRUPTED,
    Verdict.PASSED,
    Verdict.SKIPPED,
)


def told_trace(result: Result) -> list[dict[str, Any]]:
    """What passed during a test, decoded and with secrets masked.

    Messages that repeat are told once with `times`. Only the last ones are told when there are very
    many; the first line says so then.
    """
    lines: list[dict[str, Any]] = []
    for message in dissect(result.frames):
        way = "to key" if message.is_request else "to host"
        channel = None if message.channel is None else f"{message.channel:08x}"
        line = {"way": way, "channel": channel, "text": message.summary}
        if lines and {key: lines[-1][key] for key in line} == line:
            lines[-1]["times"] += 1
            continue
        lines.append({"after_ns": message.ts_ns - result.started_ns, **line, "times": 1})
    left_out = len(lines) - _MOST_LINES
    if left_out <= 0:
        return lines
    said = {"way": "", "channel": None, "text": f"{left_out} messages before are left out"}
    return [{"after_ns": lines[left_out]["after_ns"], **said, "times": 1}, *lines[left_out:]]


def as_plain(run: Run) -> dict[str, Any]:
    """A run as values of JSON."""
    return {
        "format": _FORMAT,
        "mfalab": version("mfalab"),
        "device": run.device,
        "started_ns": run.started_ns,
        "lasted_ns": run.lasted_ns,
        "virtual": run.virtual,
        "destructive": run.destructive,
        "passed": run.passed,
        "ended": run.ended,
        "notes": list(run.notes),
        "key": _key(run),
        "counts": {verdict.value: run.counts[verdict] for verdict in _ORDER if run.counts[verdict]},
        "timings": [asdict(spread) for spread in run.spreads],
        "tests": [_test(result) for result in run.results],
    }


def write_json(run: Run, path: Path) -> None:
    """Write a run as JSON; an existing file is replaced."""
    text = json.dumps(as_plain(run), indent=2, ensure_ascii=False)
    write_whole(path, text + "\n")


def _key(run: Run) -> dict[str, Any]:
    facts = run.facts
    firmware = facts.info.get(0x0E)
    return {
        "versions": list(facts.versions) or (["U2F_V2"] if facts.u2f else []),
        "aaguid": facts.aaguid.hex(),
        "firmware": firmware if isinstance(firmware, int) else None,
        "options": dict(facts.options),
        "extensions": list(facts.extensions),
        "algorithms": list(facts.algorithms) if facts.ctap2 else [],
        "protocols": list(facts.protocols),
        "transports": list(facts.transports),
        "capabilities": None if facts.init is None else facts.init.capabilities,
        "trouble": facts.trouble,
    }


def described(test: ConformanceTest) -> dict[str, Any]:
    """A test as values of JSON."""
    needs = sorted(ability.name.lower() for ability in test.needs)
    return {
        "id": test.id,
        "chapter": test.chapter,
        "section": test.section,
        "behaviour": test.behaviour,
        "requirement": test.requirement,
        "needs": needs,
        "pin": None if test.pin is Pin.ANY else test.pin.name.lower(),
        "touches": test.touches,
        "destructive": test.destructive,
        "changes": test.changes,
        "lasts_s": test.lasts_s,
    }


def _test(result: Result) -> dict[str, Any]:
    told: dict[str, Any] = {
        **described(result.test),
        "verdict": result.verdict.value,
        "started_ns": result.started_ns,
        "lasted_ns": result.lasted_ns,
    }
    for name in ("why", "expected", "got"):
        if value := getattr(result, name):
            told[name] = value
    if result.frames:
        told["trace"] = told_trace(result)
    return told


# For a terminal.


def counts_text(counts: Mapping[Verdict, int]) -> str:
    """Counts by verdict, bad ones first: `2 failed, 261 passed, 162 skipped`."""
    parts = [f"{counts[verdict]} {verdict.value}" for verdict in _ORDER if counts.get(verdict)]
    return ", ".join(parts) or "no tests"


def headline(run: Run) -> str:
    """The run in one line."""
    return f"{run.device}: {counts_text(run.counts)}"


def summary(run: Run) -> Iterator[str]:
    """The run in lines: failures with what was expected, reasons of skips, timings, notes."""
    for result in run.results:
        if result.verdict in (Verdict.FAILED, Verdict.ERROR, Verdict.INTERRUPTED):
            yield from _failure(result)
    yield from _skips(run)
    if spreads := _told_spreads(run):
        head = "Timings in ms of virtual time" if run.virtual else "Timings in ms"
        yield f"{head:<54} {'median':>8} {'p95':>8} {'n':>5}"
        for spread in spreads:
            median, p95 = _ms_text(spread.median_ns), _ms_text(spread.p95_ns)
            yield f"  {spread.name:<52} {median:>8} {p95:>8} {spread.count:>5}"
        yield ""
    if run.ended:
        yield f"The run ended early: {printable(run.ended)}."
    yield from (printable(note) for note in run.notes)
    of_what = " of virtual time" if run.virtual else ""
    yield printable(headline(run)) + f" in {duration_text(run.lasted_ns)}{of_what}"


def _told_spreads(run: Run) -> list[Spread]:
    """The timings that mean something: a simulated key computes in no time of its own."""
    return [spread for spread in run.spreads if spread.most_ns or not run.virtual]


def _ms_text(duration_ns: int) -> str:
    return "< 0.1" if duration_ns < NS_PER_MS // 10 else f"{duration_ns / NS_PER_MS:.1f}"


def _skips(run: Run) -> Iterator[str]:
    """Reasons of skips, the frequent ones first; those of a single test are counted together."""
    reasons = Counter(result.why for result in run.results if result.verdict is Verdict.SKIPPED)
    if not reasons:
        return
    yield "Skipped:"
    single = [why for why, count in reasons.items() if count == 1]
    lumped = set(single) if len(single) > _MOST_SINGLE else set()
    for why, count in reasons.most_common():
        if why not in lumped:
            yield f"  {count:>4}  {printable(why)}"
    if lumped:
        yield f"  {len(lumped):>4}  for reasons of their own, which the reports name"
    yield ""


def _failure(result: Result) -> Iterator[str]:
    test = result.test
    yield f"{result.verdict.value.upper()} {test.id} ({test.section})"
    yield f"  {printable(test.behaviour)}"
    if result.expected:
        yield f"  expected  {printable(result.expected)}"
        yield f"  got       {printable(result.got)}"
    if result.why:
        yield f"  why       {printable(result.why)}"
    yield ""
