"""Runs cases and turns what happens into events; one case is one lab and nothing is shared.

A case depends on its scenario, its id and the seed alone, so cases may run in any order and in
any number of processes: `run` hands their events back in the order of the cases.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from importlib.metadata import version
from itertools import repeat
from multiprocessing import parent_process
from pathlib import Path
from signal import SIG_DFL, SIGHUP, SIGINT, SIGTERM, signal
from threading import Thread
from traceback import extract_tb

from mfalab.devices.rig.errors import RigError
from mfalab.simulator.clocks import WallClock
from mfalab.simulator.environment.outcome import ExpectationFailed, Outcome, ScenarioError
from mfalab.simulator.environment.stand_ins import NO_STAND_INS, StandIns
from mfalab.simulator.eventlog import CaseLog, Event
from mfalab.simulator.lab import Lab
from mfalab.simulator.scenario_files.loader import Case
from mfalab.simulator.steps.base import Step
from mfalab.simulator.traces.recorder import RecordingFailed
from mfalab.simulator.workbench.bench import Bench, NotFit
from mfalab.simulator.workbench.key import BenchFailed
from mfalab.verifier import Conflict, ServiceError

DEFAULT_SEED = 1
_WALL = WallClock()


def run(
    cases: Sequence[Case],
    *,
    seed: int = DEFAULT_SEED,
    jobs: int = 1,
    stop_at_failure: bool = False,
    bench: Bench | None = None,
    record: Path | None = None,
) -> Generator[Event]:
    """Run cases and yield the events of the whole run, `run_started` first.

    Args:
        cases: what to run.
        seed: all chance comes from it.
        jobs: number of processes.
        stop_at_failure: whether the first case that does not pass is the last.
        bench: what stands for devices that its lab file binds; for one process.
        record: a folder for recordings of what security keys say; see `KeyRecording`.
    """
    began_ns = _WALL.now_ns()
    counts = dict.fromkeys(("passed", "failed", "error", "skipped"), 0)
    with ExitStack() as stack:
        # Processes are forked here, before the reader of the first event starts a thread.
        results = _in_order(stack, cases, seed, jobs, bench, record)
        yield {
            "kind": "run_started",
            "seed": seed,
            "mfalab": version("mfalab"),
            "cases": len(cases),
            "bench": "simulated" if bench is None else bench.label,
            "wall_ns": began_ns,
        }
        for events in results:
            yield from events
            verdict = str(events[-1]["verdict"])
            counts[verdict] += 1
            if stop_at_failure and verdict in {"failed", "error"}:
                break
    yield {
        "kind": "run_finished",
        "passed": counts["passed"],
        "failed": counts["failed"],
        "errors": counts["error"],
        "skipped": counts["skipped"],
        "wall_duration_ns": _WALL.now_ns() - began_ns,
    }


def _in_order(
    stack: ExitStack,
    cases: Sequence[Case],
    seed: int,
    jobs: int,
    bench: Bench | None,
    record: Path | None,
) -> Iterator[list[Event]]:
    """The events of each case, in the order of the cases, from as many processes as asked for."""
    if jobs == 1 or len(cases) < 2 or bench is not None:
        return map(run_case, cases, repeat(seed), repeat(bench), repeat(record))
    pool = ProcessPoolExecutor(min(jobs, len(cases)), initializer=_begin_worker)
    stack.callback(pool.shutdown, cancel_futures=True)
    return pool.map(run_case, cases, repeat(seed), repeat(None), repeat(record), chunksize=4)


def _begin_worker() -> None:
    """Make a signal end a worker without a traceback, and the end of its parent, too."""
    for each in (SIGINT, SIGTERM, SIGHUP):
        signal(each, SIG_DFL)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait until the parent is no more, whatever ended it, and end this process."""
    parent = parent_process()
    assert parent is not None, "a worker has a parent"
    parent.join()
    os._exit(1)


def furnish(
    case: Case,
    seed: int = DEFAULT_SEED,
    stand_ins: StandIns = NO_STAND_INS,
    record: Path | None = None,
) -> Lab:
    """The lab of a case, before its first step.

    Raises:
        ScenarioError: people or things are there that cannot be there together.
    """
    try:
        return Lab(case.scenario, seed=seed, case=case.id, stand_ins=stand_ins, record=record)
    except ServiceError as refusal:
        why = f"the verifier refuses this setting: {refusal.code}: {refusal.message}"
        raise ScenarioError(why) from None
    except (Conflict, ValueError) as error:
        raise ScenarioError(f"this setting cannot be: {error}") from None


def run_case(
    case: Case,
    seed: int = DEFAULT_SEED,
    bench: Bench | None = None,
    record: Path | None = None,
) -> list[Event]:
    """Run one case and return its events, `case_started` first and `case_finished` last."""
    began_ns = _WALL.now_ns()
    lab: Lab | None = None
    verdict, why, stand_ins = "passed", "", NO_STAND_INS
    try:
        if bench is not None:
            stand_ins = bench.stand_ins(case)
        lab = furnish(case, seed, stand_ins, record)
    except NotFit as reason:
        verdict, why = "skipped", str(reason)
    except (BenchFailed, RigError, RecordingFailed) as failure:
        verdict, why = "error", str(failure)
    except ScenarioError as mistake:
        verdict, why = "error", f"{case.shown_as}:{case.line}: {mistake}"
    except Exception as error:
        verdict, why = "error", f"{case.shown_as}:{case.line}: {_defect(error)}"
    log = CaseLog(case.id) if lab is None else lab.journal.log
    furnished, log.events = log.events, []
    log.add(
        "case_started",
        case.scenario.start if lab is None else lab.timeline.start_ns,
        file=case.shown_as,
        name=case.name,
        params=case.params,
        line=case.line,
        scenario=case.scenario.scenario,
        topic=case.topic,
        source=case.scenario.source or "",
        tags=list(case.scenario.tags),
        profile=case.scenario.verifier.profile,
        seed=seed,
        bench=stand_ins.label,
        lanes=[] if lab is None else lab.lanes(),
    )
    log.events += furnished
    if lab is not None:
        for number, step in enumerate(case.scenario.steps, start=1):
            verdict, why = _run_step(lab, case, number, step)
            if verdict != "passed":
                break
        stand_ins.take_back()
        lab.journal.draw_clocks()
        if lab.recording is not None:
            lab.recording.close()
    log.add(
        "case_finished",
        case.scenario.start if lab is None else lab.timeline.now_ns(),
        verdict=verdict,
        why=why,
        believed=lab.journal.beliefs() if lab is not None and verdict != "passed" else [],
        reproduce=_command(case, seed, bench),
        wall_duration_ns=_WALL.now_ns() - began_ns,
    )
    return log.events


def _command(case: Case, seed: int, bench: Bench | None) -> str:
    """The line that runs a case again."""
    on = "" if bench is None else f" --lab {shlex.quote(bench.path)}"
    return f"mfalab run {shlex.quote(case.node)} --seed {seed}{on}"


def _run_step(lab: Lab, case: Case, number: int, step: Step) -> tuple[str, str]:
    """Run one step; the verdict on the case so far, and why."""
    line, text = case.steps[number - 1]
    lab.journal.log.add(
        "step_started", lab.timeline.now_ns(), step=number, do=step.do, line=line, text=text
    )
    outcome, verdict, why = Outcome(), "passed", ""
    expected, got = str(step.expect), "accepted"
    try:
        outcome = lab.do(step)
    except ExpectationFailed as failure:
        verdict, why = "failed", str(failure)
        outcome = lab.last_outcome
        # What a step looks at by itself is not what its `expect` is about.
        expected, got = failure.expected, failure.got
    except (ScenarioError, RigError, RecordingFailed) as mistake:
        verdict, why, got = "error", str(mistake), ""
    except Exception as error:
        verdict, why, got = "error", _defect(error), ""
    if why and lab.occurrence:
        why = f"{lab.occurrence}: {why}"
    lab.journal.log.add(
        "step_finished",
        lab.timeline.now_ns(),
        step=number,
        verdict="passed" if verdict == "passed" else "failed",
        outcome=outcome.refused or got,
        message=outcome.message,
        expected=expected,
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
