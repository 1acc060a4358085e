"""What a report tells: runs, their cases, and what happened in each case, as frozen records."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a case, a step or a measurement ended; a case cut off by a kill is interrupted."""

    PASSED = "passed"
    MARGINAL = "marginal"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"

    @property
    def is_bad(self) -> bool:
        """Whether a reader must look at it."""
        return self in {Verdict.FAILED, Verdict.ERROR, Verdict.INTERRUPTED}


@dataclass(frozen=True, slots=True)
class Lane:
    """One row of the timeline: a person, a device, the verifier or a part of the world."""

    id: str
    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a scenario, with where it is written and how it ended."""

    number: int
    do: str
    line: int
    text: str
    verdict: Verdict
    outcome: str
    message: str
    expected: str
    why: str
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class Note:
    """Somebody or something acts; `what` is short and in the present tense."""

    ts_ns: int
    step: int
    lane: str
    what: str
    detail: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Decision:
    """The verifier's judgement of a code or a pair of codes; `device` is a lane id or empty."""

    ts_ns: int
    step: int
    lane: str
    device: str
    operation: str
    outcome: str
    detail: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ClockSample:
    """What a clock believed minus true time, in seconds; `None` when it believed nothing."""

    ts_ns: int
    lane: str
    offset_s: float | None
    alive: bool


@dataclass(frozen=True, slots=True)
class Window:
    """The offsets (seconds) which the verifier accepts for a device from `ts_ns` on."""

    ts_ns: int
    step: int
    lane: str
    low_s: float | None
    high_s: float | None
    cause: str


Event = Note | Decision | Window
"""What a timeline shows at one moment."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """A value that a step measured, with its unit and the limit it was judged by."""

    name: str
    value: float | str | bool
    unit: str
    limit: str
    verdict: Verdict
    step: int


@dataclass(frozen=True, slots=True)
class Belief:
    """What one clock believed when a case failed."""

    lane: str
    offset_s: float | None
    text: str


@dataclass(frozen=True, slots=True)
class Case:
    """One scenario with one set of parameters, from start to verdict."""

    id: str
    file: str
    name: str
    params: str
    line: int
    scenario: str
    topic: str
    source: str
    tags: tuple[str, ...]
    profile: str
    seed: str
    start_ns: int
    end_ns: int
    verdict: Verdict
    why: str
    reproduce: str
    wall_duration_ns: int
    lanes: tuple[Lane, ...]
    steps: tuple[Step, ...]
    events: tuple[Event, ...]
    clocks: tuple[ClockSample, ...]
    measurements: tuple[Measurement, ...]
    believed: tuple[Belief, ...]

    @property
    def failed_step(self) -> Step | None:
        """The first step that did not end well, or None."""
        return next((step for step in self.steps if step.verdict.is_bad), None)

    @property
    def true_duration_ns(self) -> int:
        """True time from the case's start to its end, in nanoseconds."""
        return self.end_ns - self.start_ns

    def lane_label(self, lane_id: str) -> str:
        """The label of a lane, or its id when the case declared none."""
        return next((lane.label for lane in self.lanes if lane.id == lane_id), lane_id)


@dataclass(frozen=True, slots=True)
class Run:
    """One run: its seed and version, its cases, and its wall time unless it was killed."""

    seed: str
    version: str
    planned: int
    wall_ns: int
    cases: tuple[Case, ...]
    wall_duration_ns: int | None

    @property
    def interrupted(self) -> bool:
        """Whether the log ends before the run did."""
        return self.wall_duration_ns is None

    @property
    def counts(self) -> Counter[Verdict]:
        """Number of cases by verdict."""
        return Counter(case.verdict for case in self.cases)


@dataclass(frozen=True, slots=True)
class Report:
    """One or several runs, in the order of their logs."""

    runs: tuple[Run, ...]

    @property
    def cases(self) -> tuple[Case, ...]:
        """The cases of all runs, in the order of the logs."""
        return tuple(case for run in self.runs for case in run.cases)

    @property
    def counts(self) -> Counter[Verdict]:
        """Number of cases by verdict, over all runs."""
        return Counter(case.verdict for case in self.cases)
