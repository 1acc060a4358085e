"""From the events of logs to the records of a report, with a bounded part of each case in memory.

A run is read in one pass. Of a case that has finished, a caller keeps what it needs and lets go of
the rest; of one that is still open, the beginning and the end are held.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from mfalab.simulator.report import fields
from mfalab.simulator.report.fields import EventError
from mfalab.simulator.report.model import (
    SIMULATED,
    Belief,
    Case,
    ClockSample,
    Decision,
    Event,
    Lane,
    Measurement,
    Note,
    Report,
    Run,
    Step,
    Verdict,
    Window,
)

SCHEMA_VERSION = 1
KEPT = 2_000
"""How many events of a case are held, and how many measurements: half of them the first ones, half
the last ones. A page with more could not be read, and a log has them all."""

T = TypeVar("T")
Keep = Callable[[int, Case], Case]
"""Takes the number of a run, from 0, and one of its cases; returns what is kept of that."""


class Ends(Generic[T]):
    """The first and the last of many things, and how many were left out between them.

    Args:
        limit: how many are held; even.
    """

    def __init__(self, limit: int) -> None:
        self._first: list[T] = []
        self._last: deque[T] = deque(maxlen=limit // 2)
        self._limit = limit // 2
        self._count = 0

    def __iter__(self) -> Iterator[T]:
        yield from self._first
        yield from self._last

    def append(self, thing: T) -> None:
        """Take one more."""
        self._count += 1
        if len(self._first) < self._limit:
            self._first.append(thing)
        else:
            self._last.append(thing)

    @property
    def left_out(self) -> int:
        """How many are not held any more."""
        return self._count - len(self._first) - len(self._last)


@dataclass(slots=True)
class _OpenStep:
    """A step whose end has not been read yet."""

    number: int
    do: str
    line: int
    text: str
    start_ns: int
    finished: Mapping[str, object] | None = None


@dataclass(slots=True)
class CaseBuilder:
    """Collects the events of one case until its `case_finished`, or until the log ends."""

    started: Mapping[str, object]
    finished: Mapping[str, object] | None = None
    last_ns: int = 0
    steps: dict[int, _OpenStep] = field(default_factory=dict)
    current_step: int = 0
    events: Ends[Event] = field(default_factory=lambda: Ends(KEPT))
    clocks: list[ClockSample] = field(default_factory=list)
    measurements: Ends[Measurement] = field(default_factory=lambda: Ends(KEPT))

    def add(self, event: Mapping[str, object]) -> None:
        """Take one event of this case after its start.

        Raises:
            EventError: A field is missing or has the wrong type, or the kind is unknown.
        """
        kind = fields.text(event, "kind")
        ts_ns = fields.integer(event, "ts_ns")
        self.last_ns = max(self.last_ns, ts_ns)
        match kind:
            case "clock":
                alive = fields.value(event, "alive") is True
                offset_s = fields.number_or_none(event, "offset_s")
                self.clocks.append(ClockSample(ts_ns, fields.text(event, "lane"), offset_s, alive))
            case "note":
                lane, what = fields.text(event, "lane"), fields.text(event, "what")
                self.events.append(Note(ts_ns, self.current_step, lane, what, fields.detail(event)))
            case "decision":
                self.events.append(
                    Decision(
                        ts_ns,
                        self.current_step,
                        fields.text(event, "lane"),
                        fields.text(event, "device"),
                        fields.text(event, "operation"),
                        fields.text(event, "outcome"),
                        fields.detail(event),
                    )
                )
            case "step_started":
                number = fields.integer(event, "step")
                self.current_step = number
                self.steps[number] = _OpenStep(
                    number,
                    fields.text(event, "do"),
                    fields.integer(event, "line"),
                    fields.text(event, "text"),
                    ts_ns,
                )
            case "step_finished":
                number = fields.integer(event, "step")
                fields.verdict(event)
                if number not in self.steps:
                    raise EventError(f"step {number} is finished here but was never started")
                self.steps[number].finished = event
            case "window":
                self.events.append(
                    Window(
                        ts_ns,
                        self.current_step,
                        fields.text(event, "lane"),
                        fields.number_or_none(event, "low_s"),
                        fields.number_or_none(event, "high_s"),
                        fields.text(event, "cause"),
                    )
                )
            case "measurement":
                self.measurements.append(
                    Measurement(
                        fields.text(event, "name"),
                        fields.measured(fields.value(event, "value")),
                        fields.text(event, "unit"),
                        fields.text(event, "limit"),
                        fields.verdict(event),
                        fields.integer(event, "step"),
                    )
                )
            case "ctap":
                command = fields.text(event, "command")
                if command != "KEEPALIVE":  # ten of them a second say nothing in a report
                    told = ("direction", "operation", "status", "parameters", "defect")
                    detail = {name: fields.text(event, name) for name in told if event.get(name)}
                    lane, step = fields.text(event, "lane"), self.current_step
                    self.events.append(Note(ts_ns, step, lane, f"CTAP: {command}", detail))
            case "case_finished":
                fields.verdict(event)
                fields.integer(event, "wall_duration_ns")
                self.finished = event
            case _:
                raise EventError(f'the kind "{kind}" is not in version {SCHEMA_VERSION}')

    def build(self) -> Case:
        """The case as far as it went; without `case_finished` its verdict is interrupted.

        Raises:
            EventError: A field of the case's start or end is missing or has the wrong type.
        """
        start, end = self.started, self.finished
        start_ns = fields.integer(start, "ts_ns")
        end_ns = max(start_ns, self.last_ns)
        return Case(
            id=fields.text(start, "case"),
            file=fields.text(start, "file"),
            name=fields.text(start, "name"),
            params=fields.text(start, "params"),
            line=fields.integer(start, "line"),
            scenario=fields.text(start, "scenario"),
            topic=fields.text(start, "topic"),
            source=fields.text(start, "source"),
            tags=tuple(fields.as_text(tag) for tag in fields.list_of(start, "tags")),
            profile=fields.text(start, "profile"),
            seed=fields.text(start, "seed"),
            start_ns=start_ns,
            end_ns=end_ns,
            verdict=Verdict.INTERRUPTED if end is None else fields.verdict(end),
            why=(
                "The log ends before this case does: the run was killed."
                if end is None
                else fields.text(end, "why", "")
            ),
            reproduce="" if end is None else fields.text(end, "reproduce", ""),
            wall_duration_ns=0 if end is None else fields.integer(end, "wall_duration_ns"),
            lanes=tuple(
                Lane(fields.text(lane, "id"), fields.text(lane, "kind"), fields.text(lane, "label"))
                for lane in fields.objects(start, "lanes")
            ),
            steps=tuple(_step(step, end_ns) for _, step in sorted(self.steps.items())),
            events=tuple(self.events),
            clocks=tuple(self.clocks),
            measurements=tuple(self.measurements),
            believed=tuple(
                Belief(
                    fields.text(item, "lane"),
                    fields.number_or_none(item, "offset_s"),
                    fields.text(item, "text"),
                )
                for item in (fields.objects(end, "believed") if end and end.get("believed") else ())
            ),
            bench=fields.text(start, "bench", SIMULATED),
            events_left_out=self.events.left_out,
            measurements_left_out=self.measurements.left_out,
        )


def _step(step: _OpenStep, case_end_ns: int) -> Step:
    end = step.finished
    return Step(
        number=step.number,
        do=step.do,
        line=step.line,
        text=step.text,
        verdict=Verdict.INTERRUPTED if end is None else fields.verdict(end),
        outcome="" if end is None else fields.text(end, "outcome", ""),
        message="" if end is None else fields.text(end, "message", ""),
        expected="" if end is None else fields.text(end, "expected", ""),
        why="" if end is None else fields.text(end, "why", ""),
        start_ns=step.start_ns,
        end_ns=case_end_ns if end is None else fields.integer(end, "ts_ns"),
    )


class RunsBuilder:
    """Takes the events of logs, one by one, and makes the records of their runs.

    Args:
        keep: what is kept of each case as soon as it is over; all that was held when left out.
    """

    def __init__(self, keep: Keep = lambda run, case: case) -> None:
        self._keep = keep
        self._runs: list[_RunBuilder] = []
        self._log = ""
        self._begun = False

    def begin_log(self, name: str) -> None:
        """Take the events of another log from now on; its first one begins a run."""
        self._log, self._begun = name, False

    def add(self, event: Mapping[str, object]) -> None:
        """Take the next event.

        Raises:
            EventError: It does not fit the schema, or what came before.
        """
        if fields.text(event, "kind") == "run_started":
            builder = _RunBuilder(event, self._log, len(self._runs), self._keep)
            builder.build()
            self._runs.append(builder)
            self._begun = True
        elif self._begun:
            self._runs[-1].add(event)
        else:
            raise EventError("an event comes before any run_started. The log's head is lost")

    def build(self) -> Report:
        """The runs as far as they went; call it once."""
        return Report(tuple(run.build() for run in self._runs))


@dataclass(slots=True)
class _RunBuilder:
    """Collects one run; cases keep the order in which they started."""

    started: Mapping[str, object]
    log: str
    number: int
    keep: Keep
    kept: list[Case] = field(default_factory=list)
    begun: deque[CaseBuilder] = field(default_factory=deque)
    """Cases that are open, or over while an earlier one is open."""
    open: dict[str, CaseBuilder] = field(default_factory=dict)
    finished: Mapping[str, object] | None = None

    def add(self, event: Mapping[str, object]) -> None:
        """Take one event after the run's start."""
        kind = fields.text(event, "kind")
        if kind == "run_finished":
            fields.integer(event, "wall_duration_ns")
            self.finished = event
            return
        if self.finished is not None:
            raise EventError("this event comes after the end of its run")
        case_id = fields.text(event, "case")
        if kind == "case_started":
            if case_id in self.open:
                raise EventError(f'case "{case_id}" starts again before it has finished')
            builder = CaseBuilder(event, last_ns=fields.integer(event, "ts_ns"))
            builder.build()  # a malformed start is reported at its own line
            self.begun.append(builder)
            self.open[case_id] = builder
            return
        if case_id not in self.open:
            raise EventError(f'case "{case_id}" has not started, or has finished already')
        self.open[case_id].add(event)
        if kind != "case_finished":
            return
        self.open.pop(case_id).build()  # a malformed end, too
        while self.begun and self.begun[0].finished is not None:
            self.kept.append(self.keep(self.number, self.begun.popleft().build()))

    def build(self) -> Run:
        """The run as far as it went, with its open cases."""
        end = self.finished
        open_cases = [self.keep(self.number, case.build()) for case in self.begun]
        return Run(
            seed=fields.text(self.started, "seed"),
            version=fields.text(self.started, "mfalab"),
            planned=fields.integer(self.started, "cases"),
            wall_ns=fields.integer(self.started, "wall_ns"),
            cases=(*self.kept, *open_cases),
            wall_duration_ns=None if end is None else fields.integer(end, "wall_duration_ns"),
            bench=fields.text(self.started, "bench", SIMULATED),
            log=self.log,
        )
