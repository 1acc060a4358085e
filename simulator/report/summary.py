"""What a run says to programs: one JSON object with a verdict for each case, and why."""

import json
from collections.abc import Mapping
from typing import TextIO

from mfalab.simulator.report.builder import CaseBuilder
from mfalab.simulator.report.fields import as_text
from mfalab.simulator.report.model import SIMULATED, Case, Verdict


class SummaryReporter:
    """Follows the events of runs and writes their summary when they are over.

    The fields are in docs/event-log.md, under "For programs".

    Args:
        stream: Where to write.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._runs: list[dict[str, object]] = []
        self._cases: list[dict[str, object]] = []
        self._open: dict[str, CaseBuilder] = {}

    def event(self, event: Mapping[str, object]) -> None:
        """Take the next event, an object as written to the event log.

        Raises:
            EventError: The event does not fit the schema.
        """
        match event["kind"]:
            case "run_started":
                self._begin(event)
            case "run_finished":
                counted = ("passed", "failed", "errors", "skipped", "wall_duration_ns")
                self._runs[-1] |= {"interrupted": False} | {name: event[name] for name in counted}
            case "case_started":
                self._open[as_text(event["case"])] = CaseBuilder(event)
            case "case_finished":
                builder = self._open.pop(as_text(event["case"]))
                builder.add(event)
                self._cases.append(_case(builder.build()))
            case "step_started" | "step_finished":
                self._open[as_text(event["case"])].add(event)

    def _begin(self, event: Mapping[str, object]) -> None:
        self._keep_unfinished()
        self._cases = []
        self._runs.append(
            {
                "mfalab": event["mfalab"],
                "seed": event["seed"],
                "bench": event.get("bench", SIMULATED),
                "planned": event["cases"],
                "interrupted": True,
                "cases": self._cases,
            }
        )

    def _keep_unfinished(self) -> None:
        self._cases += [_case(builder.build()) for builder in self._open.values()]
        self._open.clear()

    def close(self) -> None:
        """Write the summary: an object for one run, a list for several."""
        self._keep_unfinished()
        told = self._runs[0] if len(self._runs) == 1 else self._runs
        self._stream.write(json.dumps(told, indent=2, ensure_ascii=True) + "\n")
        self._stream.flush()


def _case(case: Case) -> dict[str, object]:
    step = case.failed_step
    told: dict[str, object] = {
        "case": case.id,
        "verdict": case.verdict.value,
        "why": case.why,
        "file": case.file,
        "line": case.line if step is None else step.line,
        "scenario": case.scenario,
        "tags": list(case.tags),
        "device_life_ns": case.true_duration_ns,
        "wall_duration_ns": case.wall_duration_ns,
    }
    if step is not None:
        told["step"] = {
            "number": step.number,
            "do": step.do,
            "expected": step.expected,
            "outcome": step.outcome,
            "message": step.message,
            "why": step.why,
        }
    if case.verdict not in {Verdict.PASSED, Verdict.SKIPPED}:
        told["reproduce"] = case.reproduce
    return told
