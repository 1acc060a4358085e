"""Runs cases and turns what happens into events; one case is one lab and nothing is shared.

A case depends on its scenario, its id and the seed alone, so cases may run in any order and in
any number of processes: `run` hands their events back in the order of the cases.
"""

from __future__ import annotations

import pickle
import shlex
import zlib
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from threading import Lock
from traceback import extract_tb
from typing import Any

from mfalab.devices.rig.errors import RigError
from mfalab.simulator.abilities import find_lack
from mfalab.simulator.clocks import WallClock
from mfalab.simulator.environment.outcome import ExpectationFailed, Outcome, ScenarioError
from mfalab.simulator.environment.stand_ins import NO_STAND_INS, StandIns
from mfalab.simulator.environment.target import (
    NotOffered,
    SystemUnderTest,
    TargetFailed,
    TargetGone,
)
from mfalab.simulator.eventlog import CaseLog, Event
from mfalab.simulator.lab import Lab
from mfalab.simulator.scenario_files.loader import Case
from mfalab.simulator.scheduling.workers import (
    LOSSES,
    Processes,
    Workers,
    in_order,
)
from mfalab.simulator.steps.base import Step
from mfalab.simulator.targets.embedded import EMBEDDED
from mfalab.simulator.traces.recorder import RecordingFailed
from mfalab.simulator.workbench.bench import Bench, NotFit
from mfalab.simulator.workbench.key import BenchFailed
from mfalab.verifier import Conflict, ServiceError

DEFAULT_SEED = 1
HELD = 1_000
"""How many events of a case a worker holds as they are; the others are packed."""
_WALL = WallClock()
_ONE_CASE = Lock()
"""Where workers are threads, a process has one case at a time: clients' clocks are its own."""


def run(
    cases: Sequence[Case],
    *,
    seed: int = DEFAULT_SEED,
    jobs: int = 1,
    stop_at_failure: bool = False,
    bench: Bench | None = None,
    record: Path | None = None,
    system: SystemUnderTest = EMBEDDED,
    workers: Workers | None = None,
) -> Generator[Event]:
    """Run cases and yield the events of the whole run, `run_started` first.

    Args:
        cases: what to run.
        seed: all chance comes from it.
        jobs: number of processes.
        stop_at_failure: whether the first case that does not pass is the last.
        bench: what stands for devices that its lab file binds; for one process.
        record: a folder for recordings of what security keys say; see `KeyRecording`.
        system: what is under test.
        workers: what runs the cases in place of processes; ended with the run. Another machine
            records nothing.

    Raises:
        SchedulingFailed: there are no workers left, or they cannot run cases.
        TargetGone: the system under test is not there any more; the case that found it is the last.
    """
    began_ns = _WALL.now_ns()
    counts = dict.fromkeys(("passed", "failed", "error", "skipped"), 0)
    gone = ""
    with ExitStack() as stack:
        # Processes are forked here, before the reader of the first event starts a thread.
        results = _in_order(stack, cases, seed, jobs, bench, record, system, workers)
        yield {
            "kind": "run_started",
            "seed": seed,
            "mfalab": version("mfalab"),
            "cases": len(cases),
            "bench": _played_on("simulated" if bench is None else bench.label, system),
            "target": system.label,
            "wall_ns": began_ns,
        }
        for events in results:
            for event in events:
                yield event
            verdict = str(event["verdict"])
            counts[verdict] += 1
            gone = str(event.get("target_gone", ""))
            if gone:
                break
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
    if gone:
        raise TargetGone(gone)


def _in_order(
    stack: ExitStack,
    cases: Sequence[Case],
    seed: int,
    jobs: int,
    bench: Bench | None,
    record: Path | None,
    system: SystemUnderTest,
    workers: Workers | None,
) -> Iterator[Iterable[Event]]:
    """The events of each case, in the order of the cases, from as many processes as asked for."""
    if workers is None:
        if jobs == 1 or len(cases) < 2 or bench is not None:
            return (case_events(case, seed, bench, record, system) for case in cases)
        workers = Processes(min(jobs, len(cases)))
    stack.callback(workers.end)
    task = partial(_told, seed=seed, record=record, system=system)
    lost = partial(_lost, seed=seed, system=system)
    return (told.events() for told in in_order(workers, task, cases, lost=lost))


@dataclass(frozen=True, slots=True)
class _Told:
    """What a worker says of a case.

    Attributes:
        first: its first events.
        packed: the others.
    """

    first: list[Event]
    packed: Sequence[bytes] = ()

    def events(self) -> Iterator[Event]:
        """All of them, one after the other."""
        yield from self.first
        for some in self.packed:
            yield from pickle.loads(zlib.decompress(some))  # noqa: S301 # see docs/cluster.md


def _told(case: Case, *, seed: int, record: Path | None, system: SystemUnderTest) -> _Told:
    """Run a case in a worker that holds a bounded number of its events unpacked."""
    with _ONE_CASE:
        events = case_events(case, seed, None, record, system)
        first = list(islice(events, HELD))
        chunks = iter(lambda: list(islice(events, HELD)), [])
        return _Told(first, [zlib.compress(pickle.dumps(some)) for some in chunks])


def _lost(case: Case, *, seed: int, system: SystemUnderTest) -> _Told:
    """What is said of a case that ended its worker again and again."""
    log, now_ns = CaseLog(case.id), case.scenario.start
    why = f"{case.shown_as}:{case.line}: the worker that ran it was lost, {LOSSES} times"
    log.add("case_started", now_ns, **_beginning(case, seed, NO_STAND_INS, system), lanes=[])
    log.add(
        "case_finished",
        now_ns,
        verdict="error",
        why=why,
        believed=[],
        reproduce=_command(case, seed, None, system),
        wall_duration_ns=0,
    )
    return _Told(list(log.take()))


def furnish(
    case: Case,
    seed: int = DEFAULT_SEED,
    stand_ins: StandIns = NO_STAND_INS,
    record: Path | None = None,
    system: SystemUnderTest = EMBEDDED,
) -> Lab:
    """The lab of a case, before its first step.

    Raises:
        ScenarioError: people or things are there that cannot be there together.
        TargetFailed: the system under test is broken, or not there.
    """
    try:
        return Lab(
            case.scenario,
            seed=seed,
            case=case.id,
            stand_ins=stand_ins,
            record=record,
            system=system,
        )
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
    system: SystemUnderTest = EMBEDDED,
) -> list[Event]:
    """Run one case and return its events, `case_started` first and `case_finished` last."""
    return list(case_events(case, seed, bench, record, system))


def case_events(
    case: Case,
    seed: int = DEFAULT_SEED,
    bench: Bench | None = None,
    record: Path | None = None,
    system: SystemUnderTest = EMBEDDED,
) -> Iterator[Event]:
    """Run one case and yield its events as `run_case`; those of one occurrence are held."""
    began_ns = _WALL.now_ns()
    lab: Lab | None = None
    verdict, why, gone, stand_ins = "passed", "", "", NO_STAND_INS
    try:
        lack = find_lack(case.scenario.needs(), system.offer)
        if lack is not None:
            raise NotFit(lack)
        if bench is not None:
            stand_ins = bench.stand_ins(case)
        lab = furnish(case, seed, stand_ins, record, system)
    except (NotFit, NotOffered) as reason:
        verdict, why = "skipped", str(reason)
    except (BenchFailed, RigError, RecordingFailed, TargetFailed) as failure:
        verdict, why, gone = "error", str(failure), _gone(failure)
    except ScenarioError as mistake:
        verdict, why = "error", f"{case.shown_as}:{case.line}: {mistake}"
    except Exception as error:
        verdict, why = "error", f"{case.shown_as}:{case.line}: {_defect(error)}"
    log = CaseLog(case.id) if lab is None else lab.journal.log
    furnished = log.take()
    log.add(
        "case_started",
        case.scenario.start if lab is None else lab.timeline.start_ns,
        **_beginning(case, seed, stand_ins, system),
        lanes=[] if lab is None else lab.lanes(),
    )
    yield from log.take()
    yield from furnished
    if lab is not None:
        try:
            for number, step in enumerate(case.scenario.steps, start=1):
                verdict, why, gone = yield from _step_events(lab, case, number, step)
                if verdict != "passed":
                    break
        except BaseException:
            with suppress(ExpectationFailed):
                lab.target.close()  # a run that is interrupted leaves nothing there either
            raise
        stand_ins.take_back()
        try:
            lab.target.close()
        except ExpectationFailed as failure:
            if verdict == "passed":
                verdict, why = "failed", str(failure)
        except TargetFailed as failure:
            verdict = "error" if verdict == "passed" else verdict
            why, gone = f"{why}; {failure}" if why else str(failure), gone or _gone(failure)
        if lab.recording is not None:
            lab.recording.close()
        for _ in lab.journal.draw_clocks():
            yield from log.take()
    log.add(
        "case_finished",
        case.scenario.start if lab is None else lab.timeline.now_ns(),
        verdict=verdict,
        why=why,
        believed=lab.journal.beliefs() if lab is not None and verdict != "passed" else [],
        reproduce=_command(case, seed, bench, system),
        **({"target_gone": gone} if gone else {}),
        wall_duration_ns=_WALL.now_ns() - began_ns,
    )
    yield from log.take()


def _beginning(
    case: Case, seed: int, stand_ins: StandIns, system: SystemUnderTest
) -> dict[str, Any]:
    """What is known of a case before its lab is furnished."""
    return {
        "file": case.shown_as,
        "name": case.name,
        "params": case.params,
        "line": case.line,
        "scenario": case.scenario.scenario,
        "topic": case.topic,
        "source": case.scenario.source or "",
        "tags": list(case.scenario.tags),
        "profile": case.scenario.verifier.profile,
        "seed": seed,
        "bench": _played_on(stand_ins.label, system),
        "target": system.label,
    }


def _played_on(bench: str, system: SystemUnderTest) -> str:
    """What reports call a run: its bench, and what was tested where that is not ours."""
    if system.address == EMBEDDED.address:
        return bench
    return system.label if bench == "simulated" else f"{system.label}, {bench}"


def _command(case: Case, seed: int, bench: Bench | None, system: SystemUnderTest) -> str:
    """The line that runs a case again."""
    on = "" if bench is None else f" --lab {shlex.quote(bench.path)}"
    if system.address != EMBEDDED.address:
        on += f" --target {shlex.quote(system.address)}"
    return f"mfalab run {shlex.quote(case.node)} --seed {seed}{on}"


def _step_events(
    lab: Lab, case: Case, number: int, step: Step
) -> Generator[Event, None, tuple[str, str, str]]:
    """Run one step and yield its events; the verdict so far, why, and whether all is over."""
    line, text = case.steps[number - 1]
    log = lab.journal.log
    log.add("step_started", lab.timeline.now_ns(), step=number, do=step.do, line=line, text=text)
    outcome, verdict, why, gone = Outcome(), "passed", "", ""
    expected, got = str(step.expect), "accepted"
    try:
        for outcome in lab.occurrences(step):  # noqa: B007 # the last one counts
            yield from log.take()
    except ExpectationFailed as failure:
        verdict, why = "failed", str(failure)
        outcome = lab.last_outcome
        # What a step looks at by itself is not what its `expect` is about.
        expected, got = failure.expected, failure.got
    except (ScenarioError, RigError, RecordingFailed, TargetFailed) as mistake:
        verdict, why, got, gone = "error", str(mistake), "", _gone(mistake)
    except Exception as error:
        verdict, why, got = "error", _defect(error), ""
    if why and lab.occurrence:
        why = f"{lab.occurrence}: {why}"
    log.add(
        "step_finished",
        lab.timeline.now_ns(),
        step=number,
        verdict="passed" if verdict == "passed" else "failed",
        outcome=outcome.refused or got,
        message=outcome.message,
        expected=expected,
        **({"why": why} if why else {}),
    )
    yield from log.take()
    told = f"{case.shown_as}:{line}: step {number} ({step.do}): {why}" if why else ""
    return verdict, told, gone


def _gone(error: Exception) -> str:
    """What an error says, if it is that no other case will have a verdict either."""
    return str(error) if isinstance(error, TargetGone) else ""


def _defect(error: Exception) -> str:
    """A defect of mfalab itself in one line, with the place where it shows."""
    place = extract_tb(error.__traceback__)[-1]
    return (
        f"defect in mfalab: {type(error).__name__}: {error} "
        f"({place.filename.rpartition('/')[2]}:{place.lineno} in {place.name})"
    )
