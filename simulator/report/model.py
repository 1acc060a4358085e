"""What a report tells: runs, their cases, and what happened in each case, as frozen records."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import PurePath

SIMULATED = "simulated"
"""The bench of runs, and of cases, whose devices are all simulated; old logs say none."""


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
    """A person or a thing acts; `what` is short and in the present tense."""

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
    """One scenario with one set of parameters, from start to verdict.

    `events_left_out` and `measurements_left_out` count what the log has between the first and the
    last of those that are here.
    """

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
    bench: str = SIMULATED
    events_left_out: int = 0
    measurements_left_out: int = 0

    @property
    def failed_step(self) -> Step | None:
        """The first step that did not end well, or None."""
        return next((step for step in self.steps if step.verdict.is_bad), None)

    @property
    def true_duration_ns(self) -> int:
        """True time from the case's start to its end, in nanoseconds."""
        return self.end_ns - self.start_ns

    def without_story(self) -> "Case":
        """What counts and comparisons of runs need: no lanes, events, clocks, measurements."""
        return replace(self, lanes=(), events=(), clocks=(), measurements=(), believed=())

    def lane_label(self, lane_id: str) -> str:
        """The label of a lane, or its id when the case declared none."""
        return next((lane.label for lane in self.lanes if lane.id == lane_id), lane_id)


@dataclass(frozen=True, slots=True)
class Run:
    """One run: its seed and version, its cases, and its wall time unless it was killed.

    `bench` says what stood for devices, and `log` is the name of the file it was read from.
    """

    seed: str
    version: str
    planned: int
    wall_ns: int
    cases: tuple[Case, ...]
    wall_duration_ns: int | None
    bench: str = SIMULATED
    log: str = ""

    @property
    def interrupted(self) -> bool:
        """Whether the log ends before the run did."""
        return self.wall_duration_ns is None

    @property
    def counts(self) -> Counter[Verdict]:
        """Number of cases by verdict."""
        return Counter(case.verdict for case in self.cases)


class Agreement(StrEnum):
    """How a case ended in several runs, compared."""

    ALIKE = "alike"
    """With one verdict in all of them."""
    PARTIAL = "not in all runs"
    """With one verdict wherever it ran, but in some it was skipped, cut off or left out."""
    PARTED = "parted"
    """With different verdicts where it ran."""


@dataclass(frozen=True, slots=True)
class Row:
    """One case in all runs of a report: `cases` has None for each run that has it not."""

    cases: tuple[Case | None, ...]

    @property
    def case(self) -> Case:
        """The case in the first run that has it."""
        return next(case for case in self.cases if case is not None)

    @property
    def agreement(self) -> Agreement:
        """Whether its verdicts agree."""
        verdicts = [None if case is None else case.verdict for case in self.cases]
        if len(set(verdicts)) == 1:
            return Agreement.ALIKE
        judged = set(verdicts) - {None, Verdict.SKIPPED, Verdict.INTERRUPTED}
        return Agreement.PARTED if len(judged) > 1 else Agreement.PARTIAL


@dataclass(frozen=True, slots=True)
class Report:
    """One or several runs, in the order of their logs."""

    runs: tuple[Run, ...]

    @property
    def interrupted(self) -> bool:
        """Whether a log ends before its run did."""
        return any(run.interrupted for run in self.runs)

    @property
    def cases(self) -> tuple[Case, ...]:
        """The cases of all runs, in the order of the logs."""
        return tuple(case for run in self.runs for case in run.cases)

    @property
    def counts(self) -> Counter[Verdict]:
        """Number of cases by verdict, over all runs."""
        return Counter(case.verdict for case in self.cases)

    @property
    def labels(self) -> tuple[str, ...]:
        """What to call each run: its bench; its log where benches are equal; or its number."""
        labels = [run.bench for run in self.runs]
        for otherwise in (
            [PurePath(run.log).name for run in self.runs],
            [run.log for run in self.runs],
            [f"run {number}" for number in range(1, len(self.runs) + 1)],
        ):
            counts = Counter(labels)
            labels = [
                other if counts[label] > 1 and other else label
                for label, other in zip(labels, otherwise, strict=True)
            ]
        return tuple(labels)

    @property
    def rows(self) -> tuple[Row, ...]:
        """Each case once, side by side in all runs.

        A case is known by its id; where one run has two of an id, by its file as well.
        """
        twice = {
            case_id
            for run in self.runs
            for case_id, count in Counter(case.id for case in run.cases).items()
            if count > 1
        }
        found: dict[tuple[str, str], list[Case | None]] = {}
        for index, run in enumerate(self.runs):
            for case in run.cases:
                key = (case.id, case.file if case.id in twice else "")
                found.setdefault(key, [None] * len(self.runs))[index] = case
        return tuple(Row(tuple(cases)) for cases in found.values())
