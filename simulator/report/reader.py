"""From the lines of event logs to the records of a report, in one pass.

A killed run leaves a log whose last line may be cut and whose last cases have no
`case_finished`; that is an ordinary input, not an error, and shows as the verdict
`interrupted`. Anything else that does not fit the schema is one `LogError`.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

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


class LogError(ValueError):
    """A line that is not an event of this schema; its fields are the log, the line and why."""

    def __init__(self, log: str, line: int, why: str) -> None:
        super().__init__(log, line, why)
        self.log = log
        self.line = line
        self.why = why

    def __str__(self) -> str:
        return f"{self.log}:{self.line}: {self.why}"


class EventError(ValueError):
    """An event that does not fit the schema, before its place in a log is known."""


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
    events: list[Event] = field(default_factory=list)
    clocks: list[ClockSample] = field(default_factory=list)
    measurements: list[Measurement] = field(default_factory=list)

    def add(self, event: Mapping[str, object]) -> None:
        """Take one event of this case after its start.

        Raises:
            EventError: A field is missing or has the wrong type, or the kind is unknown.
        """
        kind = _text(event, "kind")
        ts_ns = _integer(event, "ts_ns")
        self.last_ns = max(self.last_ns, ts_ns)
        match kind:
            case "clock":
                alive = _value(event, "alive") is True
                offset_s = _number_or_none(event, "offset_s")
                self.clocks.append(ClockSample(ts_ns, _text(event, "lane"), offset_s, alive))
            case "note":
                lane, what = _text(event, "lane"), _text(event, "what")
                self.events.append(Note(ts_ns, self.current_step, lane, what, _detail(event)))
            case "decision":
                self.events.append(
                    Decision(
                        ts_ns,
                        self.current_step,
                        _text(event, "lane"),
                        _text(event, "device"),
                        _text(event, "operation"),
                        _text(event, "outcome"),
                        _detail(event),
                    )
                )
            case "step_started":
                number = _integer(event, "step")
                self.current_step = number
                self.steps[number] = _OpenStep(
                    number,
                    _text(event, "do"),
                    _integer(event, "line"),
                    _text(event, "text"),
                    ts_ns,
                )
            case "step_finished":
                number = _integer(event, "step")
                _verdict(event)
                if number not in self.steps:
                    raise EventError(f"step {number} is finished here but was never started")
                self.steps[number].finished = event
            case "window":
                self.events.append(
                    Window(
                        ts_ns,
                        self.current_step,
                        _text(event, "lane"),
                        _number_or_none(event, "low_s"),
                        _number_or_none(event, "high_s"),
                        _text(event, "cause"),
                    )
                )
            case "measurement":
                self.measurements.append(
                    Measurement(
                        _text(event, "name"),
                        _measured(_value(event, "value")),
                        _text(event, "unit"),
                        _text(event, "limit"),
                        _verdict(event),
                        _integer(event, "step"),
                    )
                )
            case "ctap":
                command = _text(event, "command")
                if command != "KEEPALIVE":  # ten of them a second say nothing in a report
                    told = ("direction", "operation", "status", "parameters", "defect")
                    detail = {name: _text(event, name) for name in told if event.get(name)}
                    lane, step = _text(event, "lane"), self.current_step
                    self.events.append(Note(ts_ns, step, lane, f"CTAP: {command}", detail))
            case "case_finished":
                _verdict(event)
                _integer(event, "wall_duration_ns")
                self.finished = event
            case _:
                raise EventError(f'the kind "{kind}" is not in version {SCHEMA_VERSION}')

    def build(self) -> Case:
        """The case as far as it went; without `case_finished` its verdict is interrupted.

        Raises:
            EventError: A field of the case's start or end is missing or has the wrong type.
        """
        start, end = self.started, self.finished
        start_ns = _integer(start, "ts_ns")
        end_ns = max(start_ns, self.last_ns)
        return Case(
            id=_text(start, "case"),
            file=_text(start, "file"),
            name=_text(start, "name"),
            params=_text(start, "params"),
            line=_integer(start, "line"),
            scenario=_text(start, "scenario"),
            topic=_text(start, "topic"),
            source=_text(start, "source"),
            tags=tuple(as_text(tag) for tag in _list(start, "tags")),
            profile=_text(start, "profile"),
            seed=_text(start, "seed"),
            start_ns=start_ns,
            end_ns=end_ns,
            verdict=Verdict.INTERRUPTED if end is None else _verdict(end),
            why=(
                "The log ends before this case does: the run was killed."
                if end is None
                else _text(end, "why", "")
            ),
            reproduce="" if end is None else _text(end, "reproduce", ""),
            wall_duration_ns=0 if end is None else _integer(end, "wall_duration_ns"),
            lanes=tuple(
                Lane(_text(lane, "id"), _text(lane, "kind"), _text(lane, "label"))
                for lane in _objects(start, "lanes")
            ),
            steps=tuple(_step(step, end_ns) for _, step in sorted(self.steps.items())),
            events=tuple(self.events),
            clocks=tuple(self.clocks),
            measurements=tuple(self.measurements),
            believed=tuple(
                Belief(_text(item, "lane"), _number_or_none(item, "offset_s"), _text(item, "text"))
                for item in (_objects(end, "believed") if end and end.get("believed") else ())
            ),
            bench=_text(start, "bench", SIMULATED),
        )


def _step(step: _OpenStep, case_end_ns: int) -> Step:
    end = step.finished
    return Step(
        number=step.number,
        do=step.do,
        line=step.line,
        text=step.text,
        verdict=Verdict.INTERRUPTED if end is None else _verdict(end),
        outcome="" if end is None else _text(end, "outcome", ""),
        message="" if end is None else _text(end, "message", ""),
        expected="" if end is None else _text(end, "expected", ""),
        why="" if end is None else _text(end, "why", ""),
        start_ns=step.start_ns,
        end_ns=case_end_ns if end is None else _integer(end, "ts_ns"),
    )


@dataclass(slots=True)
class _RunBuilder:
    """Collects one run; cases keep the order in which they started."""

    started: Mapping[str, object]
    log: str
    cases: list[CaseBuilder] = field(default_factory=list)
    open: dict[str, CaseBuilder] = field(default_factory=dict)
    finished: Mapping[str, object] | None = None

    def add(self, event: Mapping[str, object]) -> None:
        """Take one event after the run's start."""
        kind = _text(event, "kind")
        if kind == "run_finished":
            _integer(event, "wall_duration_ns")
            self.finished = event
            return
        if self.finished is not None:
            raise EventError("this event comes after the end of its run")
        case_id = _text(event, "case")
        if kind == "case_started":
            if case_id in self.open:
                raise EventError(f'case "{case_id}" starts again before it has finished')
            builder = CaseBuilder(event, last_ns=_integer(event, "ts_ns"))
            builder.build()  # a malformed start is reported at its own line
            self.cases.append(builder)
            self.open[case_id] = builder
            return
        if case_id not in self.open:
            raise EventError(f'case "{case_id}" has not started, or has finished already')
        self.open[case_id].add(event)
        if kind == "case_finished":
            self.open.pop(case_id).build()

    def build(self) -> Run:
        """The run as far as it went."""
        end = self.finished
        return Run(
            seed=_text(self.started, "seed"),
            version=_text(self.started, "mfalab"),
            planned=_integer(self.started, "cases"),
            wall_ns=_integer(self.started, "wall_ns"),
            cases=tuple(case.build() for case in self.cases),
            wall_duration_ns=None if end is None else _integer(end, "wall_duration_ns"),
            bench=_text(self.started, "bench", SIMULATED),
            log=self.log,
        )


def read_logs(logs: Iterable[tuple[str, Iterable[str]]]) -> Report:
    """Read several event logs into one report.

    Args:
        logs: The name and the lines of each.

    Raises:
        LogError: As `read_runs`.
    """
    return Report(tuple(run for log, lines in logs for run in read_runs(lines, log=log).runs))


def read_runs(lines: Iterable[str], *, log: str | None = None) -> Report:
    """Read the lines of one event log, or of several concatenated ones.

    Args:
        lines: The lines, usually an open text file.
        log: Name of the log for error messages; by default the name of the file, if it has one.

    Returns:
        The runs in order. A run without `run_finished` is interrupted, and so is each of its
        cases without `case_finished`; a cut last line is dropped.

    Raises:
        LogError: A line is not an event of this schema's version, or there is no line.
    """
    name = log or getattr(lines, "name", None)
    place = name if isinstance(name, str) else "log"
    runs: list[_RunBuilder] = []
    for number, event in _numbered(lines, place):
        try:
            if _text(event, "kind") == "run_started":
                builder = _RunBuilder(event, name if isinstance(name, str) else "")
                builder.build()
                runs.append(builder)
            elif runs:
                runs[-1].add(event)
            else:
                raise EventError("an event comes before any run_started. The log's head is lost")
        except EventError as error:
            raise LogError(place, number, f"{error}.") from None
    return Report(tuple(run.build() for run in runs))


def read_events(lines: Iterable[str], log: str) -> Iterator[Mapping[str, object]]:
    """The events of a log as they stand, for one who follows them like those of a run.

    Raises:
        LogError: As `read_runs`, but for events in a wrong order.
    """
    return (event for _, event in _numbered(lines, log))


def _numbered(lines: Iterable[str], place: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Each event with the number of its line; only the last line may be cut."""
    cut = 0
    number = empty = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            empty += 1
            continue
        if cut:
            raise LogError(place, cut, "this line is cut. Only a log's last line may be.")
        try:
            event = _parse(line)
        except EventError as error:
            raise LogError(place, number, f"{error}.") from None
        if event is None and number - empty > 1:
            cut = number
        elif event is None:
            raise LogError(place, number, "this is no event log: its first line is no event.")
        else:
            yield number, event
    if number == empty:
        raise LogError(place, 1, "this log is empty: its run was ended before it began.")


def _parse(line: str) -> Mapping[str, object] | None:
    """One line's object, or None when the line is cut.

    A log that is appended to after a kill has a cut line with the next `run_started` on it.

    Raises:
        EventError: The line was never an event of this version.
    """
    if not line.startswith("{"):
        raise EventError("this line is not a JSON object")
    event = _object_or_none(line)
    if event is None and (at := line.rfind('{"')) > 0:
        event = _object_or_none(line[at:])
        if event is not None and event.get("kind") != "run_started":
            event = None
    if event is not None and event.get("v") != SCHEMA_VERSION:
        raise EventError(
            f"the schema version is {event.get('v')!r}, and this reader knows only "
            f"{SCHEMA_VERSION}. Make the report with the mfalab that wrote the log"
        )
    return event


def _object_or_none(text: str) -> Mapping[str, object] | None:
    """The object, or None where its text is cut.

    Raises:
        EventError: It is nested deeper, or has a longer number, than Python takes.
    """
    try:
        value: object = json.loads(text)
    except json.JSONDecodeError:
        return None
    except (ValueError, RecursionError):
        raise EventError("this line has a value that no event has") from None
    return value if isinstance(value, dict) else None


def as_text(value: object) -> str:
    """A JSON value as a reader wants it: text as it is, nothing as "", the rest as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=str)


_REQUIRED = object()


def _value(event: Mapping[str, object], key: str) -> object:
    if key not in event:
        raise EventError(f'{event.get("kind", "an object")} has no field "{key}"')
    return event[key]


def _text(event: Mapping[str, object], key: str, default: object = _REQUIRED) -> str:
    return as_text(_value(event, key) if default is _REQUIRED else event.get(key, default))


def _integer(event: Mapping[str, object], key: str) -> int:
    value = _value(event, key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise EventError(f'"{key}" is {value!r}, but must be an integer')
    return value


def _number_or_none(event: Mapping[str, object], key: str) -> float | None:
    value = _value(event, key)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise EventError(f'"{key}" is {value!r}, but must be a number or null')
    return float(value) if math.isfinite(value) else None


def _verdict(event: Mapping[str, object]) -> Verdict:
    value = _value(event, "verdict")
    try:
        return Verdict(str(value))
    except ValueError:
        raise EventError(f"the verdict is {value!r}, but must be one of {_VERDICTS}") from None


_VERDICTS = ", ".join(verdict.value for verdict in Verdict if verdict is not Verdict.INTERRUPTED)


def _measured(value: object) -> float | str | bool:
    if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return as_text(value)


def _detail(event: Mapping[str, object]) -> Mapping[str, object]:
    value = event.get("detail")
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise EventError(f'"detail" is {value!r}, but must be an object')
    return value


def _list(event: Mapping[str, object], key: str) -> Iterable[object]:
    value = _value(event, key)
    if not isinstance(value, list | tuple):
        raise EventError(f'"{key}" is {value!r}, but must be a list')
    return value


def _objects(event: Mapping[str, object], key: str) -> Iterable[Mapping[str, object]]:
    for item in _list(event, key):
        if not isinstance(item, Mapping):
            raise EventError(f'"{key}" holds {item!r}, but must hold objects')
        yield item
