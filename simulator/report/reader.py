"""From the lines of event logs to the records of a report, in one pass.

A killed run leaves a log whose last line may be cut and whose last cases have no
`case_finished`; that is an ordinary input, not an error, and shows as the verdict
`interrupted`. Anything else that does not fit the schema is one `LogError`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping

from mfalab.simulator.report.builder import SCHEMA_VERSION, Keep, RunsBuilder
from mfalab.simulator.report.fields import EventError
from mfalab.simulator.report.model import Report


class LogError(ValueError):
    """A line that is not an event of this schema; its fields are the log, the line and why."""

    def __init__(self, log: str, line: int, why: str) -> None:
        super().__init__(log, line, why)
        self.log = log
        self.line = line
        self.why = why

    def __str__(self) -> str:
        return f"{self.log}:{self.line}: {self.why}"


def read_logs(
    logs: Iterable[tuple[str, Iterable[str]]], keep: Keep = lambda run, case: case
) -> Report:
    """Read several event logs into one report, in one pass.

    Args:
        logs: The name and the lines of each.
        keep: What is kept of each case; all that a report may show when left out.

    Raises:
        LogError: As `read_runs`.
    """
    builder = RunsBuilder(keep)
    for name, lines in logs:
        builder.begin_log(name)
        for number, event in _numbered(lines, name or "log"):
            try:
                builder.add(event)
            except EventError as error:
                raise LogError(name or "log", number, f"{error}.") from None
    return builder.build()


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
    return read_logs([(name if isinstance(name, str) else "", lines)])


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
