"""What is held of a run does not grow with its events, and a case is let go of when it is over."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from mfalab.simulator.report.builder import KEPT, CaseBuilder, Ends, RunsBuilder
from mfalab.simulator.report.model import Case

Events = list[dict[str, Any]]


def test_ends_hold_the_first_and_the_last_and_count_what_is_between() -> None:
    ends = Ends[int](6)
    for number in range(4):
        ends.append(number)
    assert (list(ends), ends.left_out) == ([0, 1, 2, 3], 0)
    for number in range(4, 20):
        ends.append(number)
    assert (list(ends), ends.left_out) == ([0, 1, 2, 17, 18, 19], 14)


@pytest.mark.parametrize("count", [KEPT, 3 * KEPT, 9 * KEPT])
def test_a_case_of_any_length_holds_its_ends(drift_events: Events, count: int) -> None:
    note = next(event for event in drift_events if event["kind"] == "note")
    measured = {"name": "offset", "value": 1, "unit": "steps", "limit": "", "verdict": "passed"}
    builder = CaseBuilder(drift_events[0])
    for number in range(count):
        builder.add({**note, "what": f"act {number}"})
        builder.add({**note, "kind": "measurement", "step": 1, **measured})
    case = builder.build()
    assert (len(case.events), case.events_left_out) == (KEPT, count - KEPT)
    assert (len(case.measurements), case.measurements_left_out) == (KEPT, count - KEPT)
    assert case.events[0] != case.events[-1]


@pytest.mark.parametrize("count", [10, 20, 40])
def test_a_case_is_let_go_of_when_it_is_over(
    big_log: Callable[[int], list[str]], count: int
) -> None:
    held: list[int] = []
    builder = RunsBuilder(lambda run, case: held.append(len(case.events)) or case.without_story())
    for line in big_log(count):
        builder.add(json.loads(line))
    (run,) = builder.build().runs
    assert len(held) == len(run.cases) == count
    assert sum(held) > 10 * count
    assert sum(len(case.events) + len(case.clocks) + len(case.lanes) for case in run.cases) == 0


def test_cases_that_overlap_are_kept_in_the_order_of_their_starts(
    as_run: Callable[..., list[str]], drift_events: Events
) -> None:
    other = [{**event, "case": "other"} for event in drift_events]
    lines = as_run([drift_events[0], *other, *drift_events[1:]])
    kept: list[str] = []

    def keep(run: int, case: Case) -> Case:
        kept.append(case.id)
        return case

    builder = RunsBuilder(keep)
    for line in lines:
        builder.add(json.loads(line))
    assert kept == [drift_events[0]["case"], "other"]
    assert [case.id for case in builder.build().cases] == kept
