"""Runs cases and turns what happens into events; one case is one lab and nothing is shared.

A case depends on its scenario, its id and the seed alone, so cases may run in any order and in
any number of processes: `run` hands their events back in the order of the cases.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from itertools import repeat
from traceback import extract_tb

from mfalab.simulator.clocks import WallClock
from mfalab.simulator.eventlog import Event
from mfalab.simulator.lab import Lab
from mfalab.simulator.loader import Case
from mfalab.simulator.outcome import ExpectationFailed, Outcome, ScenarioMistake
from mfalab.simulator.steps.base import Step

DEFAULT_SEED = 1
_WALL = WallClock()


def run(cases: Sequence[Case], *, seed: int = DEFAULT_SEED, jobs: int = 1) -> Iterator[Event]:
    """Run cases and yield the events of the whole run, `run_started` first.

    Args:
        cases: what to run.
        seed: all chance comes from it.
        jobs: number of processes.
    """
    began_ns = _WALL.now_ns()
    yield {
        "kind": "run_started",
        "seed": seed,
        "mfalab": version("mfalab"),
        "cases": len(cases),
        "wall_ns": began_ns,
    }
    counts = dict.fromkeys(("passed", "failed", "error", "skipped"), 0)
    for events in _in_order(cases, seed, jobs):
        yield from events
        counts[str(events[-1]["verdict"])] += 1
    yield {
        "kind": "run_finished",
        "passed": counts["passed"],
        "failed": counts["failed"],
        "errors": counts["error"],
        "skipped": counts["skipped"],
        "wall_duration_ns": _WALL.now_ns() - began_ns,
    }


def _in_order(cases: Sequence[Case], seed: int, jobs: int) -> Iterator[list[Event]]:
    if jobs == 1 or len(cases) < 2:
        yield from map(run_case, cases, repeat(seed))
        return
    with ProcessPoolExecutor(jobs) as pool:
        try:
            yield from pool.map(run_case, cases, repeat(seed), chunksize=4)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def run_case(case: Case, seed: int = DEFAULT_SEED) -> list[Event]:
    """Run one case and return its events, `case_started` first and `case_finished` last."""
    began_ns = _WALL.now_ns()
    lab = Lab(case.scenario, seed=seed, case=case.id)
    furnished, lab.log.events = lab.log.events, []
    lab.log.add(
        "case_started",
        lab.timeline.now_ns(),
        file=case.shown_as,
        name=case.name,
        params=case.params,
        line=case.line,
        scenario=case.scenario.scenario,
        topic=case.topic,
        source=case.scenario.source or "",
        tags=list(case.scenario.tags),
        profile=lab.verifier.profile.name,
        seed=seed,
        lanes=lab.lanes(),
    )
    lab.log.events += furnished
    verdict, why = "passed", ""
    for number, step in enumerate(case.scenario.steps, start=1):
        verdict, why = _run_step(lab, case, number, step)
        if verdict != "passed":
            break
    lab.log.add(
        "case_finished",
        lab.timeline.now_ns(),
        verdict=verdict,
        why=why,
        believed=lab.beliefs() if verdict != "passed" else [],
        reproduce=f"mfalab run {shlex.quote(case.node)} --seed {seed}",
        wall_duration_ns=_WALL.now_ns() - began_ns,
    )
    return lab.log.events


def _run_step(lab: Lab, case: Case, number: int, step: Step) -> tuple[str, str]:
    """Run one step; the verdict on the case so far, and why."""
    line, text = case.steps[number - 1]
    lab.log.add(
        "step_started", lab.timeline.now_ns(), step=number, do=step.do, line=line, text=text
    )
    outcome, verdict, why = Outcome(), "passed", ""
    try:
        outcome = lab.do(step)
    except ExpectationFailed as failure:
        verdict, why = "failed", str(failure)
        outcome = lab.last_outcome
    except ScenarioMistake as mistake:
        verdict, why = "error", str(mistake)
    except Exception as error:
        verdict, why = "error", _defect(error)
    lab.log.add(
        "step_finished",
        lab.timeline.now_ns(),
        step=number,
        verdict="passed" if verdict == "passed" else "failed",
        outcome=outcome.refused or "accepted",
        message=outcome.message,
        expected=str(step.expect),
        **({"why": why} if why else {}),
    )
    return verdict, f"{case.shown_as}:{line}: step {number} ({step.do}): {why}" if why else ""


def _defect(error: Exception) -> str:
    """A defect of mfalab itself in one line, with the place where it shows."""
    place = extract_tb(error.__traceback__)[-1]
    return (
        f"defect in mfalab: {type(error).__name__}: {error} "
        f"({place.filename.rpartition('/')[2]}:{place.lineno} in {place.name})"
    )
