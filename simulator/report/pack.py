"""The data of the HTML report: compact JSON, so that a thousand scenarios stay below 2 MB.

Failing cases carry all that was held of them. Passing cases are summarised: plot samples
which a line through their neighbours shows as well are left out, and so is the middle of a very
long list of events. Times are milliseconds since the case's start, because a browser's numbers
cannot hold nanoseconds since the epoch.

The keys and the positions in the arrays are read by `assets/report.js` and its neighbours only.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from mfalab.simulator.report.fields import as_text
from mfalab.simulator.report.model import (
    SIMULATED,
    Case,
    ClockSample,
    Decision,
    Event,
    Note,
    Report,
    Run,
    Window,
)
from mfalab.simulator.report.text import printable

PASSING_EVENTS = 80
"""How many events of a passing case are kept; nothing went wrong, so a reader needs no more."""

_HEIGHT_PARTS = 250  # a plot's height divided by this is below one pixel on most screens
_REACH_PARTS = 25  # plots of very wrong clocks are logarithmic and show the window enlarged


class Packer:
    """Writes the data of a page as compact JSON in ASCII, case by case, and holds none of them.

    Args:
        write: takes each part; a page compresses it at once.
    """

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._between = b""
        write(b'{"cases":[')

    def add(self, run: int, case: Case) -> None:
        """Take the next case, of the run with that number, from 0."""
        self._write(self._between + _json(_case(case, run)))
        self._between = b","

    def close(self, report: Report) -> None:
        """Take the runs of these cases, and how they compare."""
        runs = [_run(run, label) for run, label in zip(report.runs, report.labels, strict=True)]
        self._write(b'],"runs":' + _json(runs))
        if len(report.runs) > 1:
            self._write(b',"rows":' + _json(_rows(report)))
        self._write(b"}")


def _json(content: object) -> bytes:
    shown = _shown(content)
    return json.dumps(shown, separators=(",", ":"), allow_nan=False, default=str).encode("ascii")


def _shown(value: object) -> object:
    """The value with every text printable: a title must not turn its neighbours around."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {printable(key): _shown(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(item) for item in value]
    return value


def _rows(report: Report) -> list[list[object]]:
    """For each case how it compares, and its place among all cases in each run, or null."""
    places = {id(case): place for place, case in enumerate(report.cases)}
    return [
        [
            row.agreement.value,
            [None if case is None else places[id(case)] for case in row.cases],
        ]
        for row in report.rows
    ]


def _run(run: Run, label: str) -> dict[str, object]:
    return {
        "label": label,
        "seed": run.seed,
        "version": run.version,
        "planned": run.planned,
        "started": run.wall_ns // 1_000_000,
        "wall": None if run.wall_duration_ns is None else _milliseconds(run.wall_duration_ns),
    }


def _case(case: Case, run: int) -> dict[str, object]:
    lanes = _Lanes(case)
    kept = case.verdict.is_bad
    events = case.events if kept else _ends(case.events, PASSING_EVENTS)
    packed: dict[str, object] = {
        "r": run,
        "id": case.id,
        "f": case.file,
        "p": case.params,
        "l": case.line,
        "s": case.scenario,
        "t": case.topic,
        "src": case.source,
        "tags": case.tags,
        "prof": case.profile,
        "on": "" if case.bench == SIMULATED else case.bench,
        "seed": case.seed,
        "t0": case.start_ns // 1_000_000,
        "d": _milliseconds(case.true_duration_ns),
        "w": _milliseconds(case.wall_duration_ns),
        "v": case.verdict.value,
        "why": case.why,
        "rep": case.reproduce,
        "st": [
            [
                step.number,
                step.do,
                step.line,
                step.text.strip(),
                step.verdict.value,
                step.outcome,
                step.message,
                step.expected,
                step.why,
                _milliseconds(step.start_ns - case.start_ns),
                _milliseconds(step.end_ns - case.start_ns),
            ]
            for step in case.steps
        ],
        "ev": [_event(event, case.start_ns, lanes) for event in events],
        "ck": _clocks(case, lanes, kept),
        "m": [
            [item.name, item.value, item.unit, item.limit, item.verdict.value, item.step]
            for item in case.measurements
        ],
        "bel": [
            [lanes.index(belief.lane), belief.offset_s, belief.text] for belief in case.believed
        ],
        "cut": case.events_left_out + len(case.events) - len(events),
        "mcut": case.measurements_left_out,
    }
    packed["ln"] = lanes.rows  # after everything that may have met an undeclared lane
    return {key: value for key, value in packed.items() if value not in ("", 0, [], ())} | {
        "r": run
    }


class _Lanes:
    """Lane ids as indices; a lane which the case did not declare is added at the end."""

    def __init__(self, case: Case) -> None:
        self.rows = [[lane.id, lane.kind, lane.label] for lane in case.lanes]
        self._indices = {lane.id: index for index, lane in enumerate(case.lanes)}

    def index(self, lane_id: str) -> int:
        if lane_id not in self._indices:
            self._indices[lane_id] = len(self.rows)
            self.rows.append([lane_id, "world", lane_id])
        return self._indices[lane_id]


def _event(event: Event, start_ns: int, lanes: _Lanes) -> list[object]:
    head = [_milliseconds(event.ts_ns - start_ns), event.step, lanes.index(event.lane)]
    if isinstance(event, Note):
        return ["n", *head, event.what, *([_detail(event.detail)] if event.detail else [])]
    if isinstance(event, Decision):
        device = lanes.index(event.device) if event.device else -1
        tail = [_detail(event.detail)] if event.detail else []
        return ["d", *head, device, event.operation, event.outcome, *tail]
    return ["w", *head, event.low_s, event.high_s, event.cause]


def _detail(detail: Mapping[str, object]) -> dict[str, str]:
    return {key: as_text(value) for key, value in detail.items()}


def _clocks(case: Case, lanes: _Lanes, kept: bool) -> list[list[object]]:
    """Per lane: its index, times, offsets, and the times at which it died or came back."""
    by_lane: dict[str, list[ClockSample]] = {}
    for sample in case.clocks:
        by_lane.setdefault(sample.lane, []).append(sample)
    rows: list[list[object]] = []
    for lane, samples in by_lane.items():
        shown = samples if kept else simplified(samples, _tolerance(case, lane, samples))
        rows.append(
            [
                lanes.index(lane),
                [_milliseconds(sample.ts_ns - case.start_ns) for sample in shown],
                [None if s.offset_s is None else _rounded(s.offset_s) for s in shown],
                [index for index, sample in enumerate(shown) if not sample.alive],
            ]
        )
    return rows


def _tolerance(case: Case, lane: str, samples: Sequence[ClockSample]) -> float:
    """How far (seconds) a line may pass from a sample that is left out."""
    heights = [sample.offset_s for sample in samples if sample.offset_s is not None]
    reach = 60.0
    for event in case.events:
        if isinstance(event, Window) and event.lane == lane:
            if event.low_s is None or event.high_s is None:
                continue
            heights += [event.low_s, event.high_s]
            reach = (event.high_s - event.low_s) / 2
    if not heights:
        return 0.0
    return min((max(heights) - min(heights)) / _HEIGHT_PARTS, reach / _REACH_PARTS)


def simplified(samples: Sequence[ClockSample], tolerance_s: float) -> list[ClockSample]:
    """The samples without those which lie within the tolerance of a line through their neighbours.

    The method of Ramer, Douglas and Peucker, with the distance taken along the offset's axis;
    the first and last sample of each stretch that is alive, dead or unknown are kept.
    """
    keep = {0, len(samples) - 1} if samples else set()
    for index in range(1, len(samples)):
        before, here = samples[index - 1], samples[index]
        if (before.alive, before.offset_s is None) != (here.alive, here.offset_s is None):
            keep |= {index - 1, index}
    edges = sorted(keep)
    stretches = list(pairwise(edges))
    while stretches:
        low, high = stretches.pop()
        left, right = samples[low], samples[high]
        if high - low < 2 or left.offset_s is None or right.offset_s is None:
            continue
        span_ns = max(right.ts_ns - left.ts_ns, 1)
        slope = (right.offset_s - left.offset_s) / span_ns
        distance, farthest = max(
            (abs((s.offset_s or 0.0) - left.offset_s - slope * (s.ts_ns - left.ts_ns)), index)
            for index, s in enumerate(samples[low + 1 : high], start=low + 1)
        )
        if distance > tolerance_s:
            keep.add(farthest)
            stretches += [(low, farthest), (farthest, high)]
    return [samples[index] for index in sorted(keep)]


def _ends(events: Sequence[Event], limit: int) -> Sequence[Event]:
    if len(events) <= limit:
        return events
    return [*events[: limit // 2], *events[-(limit - limit // 2) :]]


def _milliseconds(ns: int) -> int:
    return round(ns / 1_000_000)


def _rounded(offset_s: float) -> float:
    return round(offset_s, 3 if abs(offset_s) < 1_000 else 1)
