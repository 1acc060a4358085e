"""Cases into events: nothing but the seed decides, and nothing ends in a traceback."""

import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pytest

from mfalab.simulator import runner
from mfalab.simulator.eventlog import CaseLog, Event, encode
from mfalab.simulator.runner import case_events, run, run_case
from mfalab.simulator.scenario_files import loader
from mfalab.simulator.scenario_files.loader import Case
from mfalab.simulator.scenario_files.suites import shipped
from mfalab.simulator.scheduling.workers import AHEAD, Borrowed
from mfalab.simulator.steps.timing import Wait
from mfalab.verifier import otp

Cases = Callable[..., list[Case]]
Story = Callable[..., str]


def stable(events: Iterator[Event] | Sequence[Event]) -> list[str]:
    """The lines of the log without what depends on the wall clock."""
    return [
        encode({key: value for key, value in event.items() if not key.startswith("wall_")})
        for event in events
    ]


@pytest.fixture(scope="module")
def some_cases(shipped_cases: list[Case]) -> list[Case]:
    """A few shipped cases of every topic, and all races."""
    topics: dict[str, list[Case]] = {}
    for case in shipped_cases:
        topics.setdefault(case.topic, []).append(case)
    some = [case for topic in topics.values() for case in topic[:: max(1, len(topic) // 3)]]
    races = [
        case for case in shipped_cases if any(step.do == "race" for step in case.scenario.steps)
    ]
    return [*some, *(case for case in races if case not in some)]


@pytest.mark.slow
def test_same_seed_makes_the_same_log_in_any_order_and_number_of_processes(
    some_cases: list[Case],
) -> None:
    first = stable(run(some_cases, seed=7))
    assert stable(run(some_cases, seed=7, jobs=2)) == first
    by_case = {case.id: stable(run_case(case, 7)) for case in reversed(some_cases)}
    assert [line for case in some_cases for line in by_case[case.id]] == first[1:-1]


@pytest.mark.usefixtures("compiled_codes")
def test_log_is_the_same_whichever_key_schedule_computes_the_codes(
    shipped_cases: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    topics = {"one-time-codes", "drift", "enrolment", "replay-and-race"}
    some = [case for case in shipped_cases if case.topic in topics][::4]
    logs = []
    for compiled in (False, True):
        monkeypatch.setattr(otp, "COMPILED", compiled)
        otp.key_schedule.cache_clear()
        logs.append([stable(run_case(case, 7)) for case in some])
    otp.key_schedule.cache_clear()
    assert len(some) > 10
    assert logs[0] == logs[1]


def test_another_seed_makes_another_log(story: Story, cases: Cases) -> None:
    (case,) = cases(story("{do: enable, who: alice, device: fob}"))
    assert stable(run_case(case, 1)) != stable(run_case(case, 2))


def test_case_does_not_depend_on_where_its_file_lies(story: Story, cases: Cases) -> None:
    """Only topic and name seed it, so that a copy of the suites runs alike elsewhere."""
    text = story("{do: enable, who: alice, device: fob}")
    (one,), (other,) = cases(text, "here/topic/x"), cases(text, "there/topic/x")
    assert one.id == other.id
    different = {"file", "reproduce"}
    for left, right in zip(run_case(one), run_case(other), strict=True):
        for key in left.keys() - different - {"wall_duration_ns"}:
            assert repr(left[key]) == repr(right[key])


def test_run_begins_and_ends_with_its_own_events(story: Story, cases: Cases) -> None:
    found = cases(
        story(
            "{do: wait, name: pause, for: 1 s}",
            "{do: sign_in, who: alice, password: wrong, expect: accepted}",
            more="matrix: {fob.drift: [1 ppm, 2 ppm]}\n",
        )
    )
    events = list(run(found, seed=3))
    assert events[0]["kind"] == "run_started"
    assert (events[0]["seed"], events[0]["cases"]) == (3, 2)
    last = events[-1]
    assert last["kind"] == "run_finished"
    assert [last[key] for key in ("passed", "failed", "errors", "skipped")] == [0, 2, 0, 0]


@pytest.mark.parametrize("jobs", [1, 2])
def test_run_that_stops_at_a_failure_is_finished_all_the_same(
    story: Story, cases: Cases, jobs: int
) -> None:
    """`-x --format json` once printed the last case instead of the summary."""
    more = "matrix: {fob.drift: [1 ppm, 2 ppm, 3 ppm]}\n"
    found = cases(story("{do: sign_in, who: alice, password: wrong}", more=more))
    events = list(run(found, jobs=jobs, stop_at_failure=True))
    assert [event["kind"] for event in events].count("case_finished") == 1
    assert (events[-1]["kind"], events[-1]["failed"]) == ("run_finished", 1)


def test_failing_case_gives_its_whole_account(story: Story, cases: Cases) -> None:
    (case,) = cases(
        story(
            "{do: enable, who: alice, device: fob}",
            "{do: sign_in, who: alice, with: fob, code: wrong}",
            "{do: wait, for: 1 d}",
        )
    )
    events = run_case(case, 5)
    finished = [event for event in events if event["kind"] == "step_finished"]
    assert [(event["step"], event["verdict"]) for event in finished] == [
        (1, "passed"),
        (2, "failed"),
    ]
    assert finished[1]["outcome"] == "InvalidAuthenticationCode"
    assert finished[1]["expected"] == "accepted"
    assert finished[1]["message"]
    last = events[-1]
    assert last["verdict"] == "failed"
    assert last["why"].startswith(
        "topic/story.scenario.yaml:8: step 2 (sign_in): expected accepted, got refused: Invalid"
    )
    assert last["reproduce"] == "mfalab run topic/story.scenario.yaml::story --seed 5"
    lanes = {belief["lane"] for belief in last["believed"]}
    assert {"fob", "app", "verifier"} <= lanes
    started = next(event for event in events if event["kind"] == "step_started")
    assert (started["line"], started["text"]) == (7, "{do: enable, who: alice, device: fob}")


def test_case_is_quoted_for_the_shell(story: Story, cases: Cases) -> None:
    more = "matrix: [{case: it's a $case, fob.drift: 1 ppm}]\n"
    (case,) = cases(story("{do: sign_in, who: alice, password: wrong}", more=more))
    command = run_case(case)[-1]["reproduce"]
    assert command == (
        """mfalab run 'topic/story.scenario.yaml::story[it'"'"'s a $case]' --seed 1"""
    )


def test_failed_look_does_not_tell_the_outcome_of_the_step_before(
    story: Story, cases: Cases
) -> None:
    (case,) = cases(
        story(
            "{do: sign_in, who: alice, password: wrong, expect: {refused: any}}",
            "{do: list_devices, who: alice, devices: [fob]}",
        )
    )
    finished = [event for event in run_case(case) if event["kind"] == "step_finished"]
    assert finished[0]["outcome"] != "accepted"
    told = [finished[1][key] for key in ("expected", "outcome", "message")]
    assert told == ["devices fob", "none", ""]
    assert finished[1]["why"] == "expected devices fob, got none"


@pytest.mark.parametrize(
    ("step", "verdict", "why"),
    [
        ("{do: who_am_i, who: alice, times: 3, every: 1 d, expect: {refused: any}}", "failed", 1),
        ("{do: wait, until: 2026-03-03T09:00:00Z, times: 3, every: 1 d}", "error", 3),
    ],
)
def test_why_names_the_occurrence_that_failed(
    story: Story, cases: Cases, step: str, verdict: str, why: int
) -> None:
    (case,) = cases(story(step))
    events = run_case(case)
    *_, step_finished, finished = (
        event for event in events if event["kind"] in ("step_finished", "case_finished")
    )
    assert finished["verdict"] == verdict
    assert step_finished["why"].startswith(f"occurrence {why} of 3, at 2026-03-")
    assert step_finished["why"] in finished["why"]
    assert [event["kind"] for event in events].count("step_started") == 1


def test_story_that_makes_no_sense_is_an_error(story: Story, cases: Cases) -> None:
    (case,) = cases(story("{do: try_again, who: alice, with: fob}"))
    events = run_case(case)
    last = events[-1]
    assert last["verdict"] == "error"
    (step,) = (event for event in events if event["kind"] == "step_finished")
    assert (step["expected"], step["outcome"]) == ("accepted", "")
    assert last["why"].endswith(
        "step 1 (try_again): alice has no sign-in page open; add a sign_in step"
    )


def test_defect_in_a_step_is_an_error_without_a_traceback(
    story: Story, cases: Cases, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Wait, lab: Any) -> None:
        raise KeyError("a defect")

    monkeypatch.setattr(Wait, "perform", broken)
    (case,) = cases(story("{do: wait, for: 1 s}", "{do: wait, for: 1 s}"))
    events = run_case(case)
    assert [event["kind"] for event in events].count("step_finished") == 1
    last = events[-1]
    assert last["verdict"] == "error"
    assert "defect in mfalab: KeyError: 'a defect' (test_runner.py:" in last["why"]
    assert "\n" not in last["why"]
    assert last["believed"]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (
            "accounts: {one: {id: '123456789012'}, two: {id: '123456789012'}}\n",
            "this setting cannot be: Account",
        ),
        ("phones: {}\nroles: {dev: {max_session: 1 s}}\n", "max_session_s is 1"),
        ("roles: {al_ice: {}, AL_ICE: {}}\n", "the verifier refuses this setting: EntityAlready"),
    ],
)
def test_setting_that_cannot_be_is_an_error_before_the_first_step(
    story: Story, cases: Cases, monkeypatch: pytest.MonkeyPatch, more: str, why: str
) -> None:
    """It once was a traceback. What a file shows to be wrong is told when it is read."""
    monkeypatch.setattr(loader, "refused_names", lambda scenario: ())
    (case,) = cases(story("{do: wait, for: 1 s}", more=more))
    events = run_case(case)
    assert [event["kind"] for event in events] == ["case_started", "case_finished"]
    assert events[-1]["verdict"] == "error"
    assert why in events[-1]["why"]
    assert events[-1]["why"].startswith("topic/story.scenario.yaml:")


def test_events_travel_between_processes_with_their_secrets(story: Story, cases: Cases) -> None:
    (case,) = cases(story("{do: enable, who: alice, device: fob}"))
    events = run_case(case)
    assert stable(pickle.loads(pickle.dumps(events))) == stable(events)
    assert "******" in "".join(stable(events))


@pytest.mark.slow
def test_no_secret_of_the_shipped_suites_is_in_the_log(some_cases: list[Case]) -> None:
    for case in some_cases[::2]:
        lines = "".join(encode(event) for event in run_case(case))
        for word in ("Base32StringSeed", "SecretAccessKey", "otpauth://"):
            assert word not in lines


def test_shipped_folder_is_the_package() -> None:
    assert (shipped() / "__init__.py").is_file()


@pytest.mark.slow
def test_the_log_of_all_suites_is_the_same_whatever_the_order_of_sets(tmp_path: Path) -> None:
    """Workers forked from one process share its hash seed, and hid a note built from a set.

    So the two runs are processes of their own, with hash seeds of their own.
    """
    logs = []
    for hash_seed in ("1", "2"):
        log = tmp_path / f"{hash_seed}.jsonl"
        command = ["run", "--seed", "7", "-j", hash_seed, "-q", "--log", str(log)]
        subprocess.run(
            [sys.executable, "-c", "from mfalab.simulator.cli import main; main()", *command],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            check=True,
        )
        logs.append(re.sub(r'"wall_\w+":\d+', "", log.read_text()))
    assert logs[0] == logs[1]


@pytest.mark.parametrize("times", [10, 30, 90])
def test_events_of_one_occurrence_are_held_however_many_there_are(
    story: Story, cases: Cases, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    held: list[int] = []
    add = CaseLog.add

    def counted(log: CaseLog, *arguments: Any, **fields: Any) -> None:
        add(log, *arguments, **fields)
        held.append(len(log.events))

    monkeypatch.setattr(CaseLog, "add", counted)
    sign_in = f"{{do: sign_in, who: alice, with: fob, times: {times}, every: 1 d}}"
    (case,) = cases(story("{do: enable, who: alice, device: fob}", sign_in))
    told = [event["kind"] for event in case_events(case)]
    assert told[-1] == "case_finished"
    assert len(told) > 4 * times
    assert max(held) < 60  # of which a clock's line is most


@pytest.mark.parametrize("count", [20, 40, 80])
def test_cases_under_way_are_bounded_whatever_their_number(
    story: Story, cases: Cases, count: int
) -> None:
    under_way: list[int] = [0]

    class Taken(Future[Any]):
        """A result that was not asked for yet."""

        def result(self, timeout: float | None = None) -> Any:
            under_way.append(under_way[-1] - 1)
            return super().result(timeout)

    class Pool(Executor):
        """Runs at once what it is given."""

        def submit(self, fn: Any, /, *given: Any, **words: Any) -> Any:
            under_way.append(under_way[-1] + 1)
            future = Taken()
            future.set_result(fn(*given, **words))
            return future

    text = story("{do: wait, for: 1 s}", more=f"matrix: {{fob.drift: {list(drifts(count))}}}\n")
    some = cases(text)
    assert len(some) == count
    events = run(some, workers=Borrowed(Pool(), 2))
    verdicts = [each["verdict"] for each in events if each["kind"] == "case_finished"]
    assert verdicts == ["passed"] * count
    assert max(under_way) == 2 * AHEAD
    assert under_way[-1] == 0


def drifts(count: int) -> Iterator[str]:
    """As many drifts."""
    return (f"{number / 10} ppm" for number in range(count))


def test_workers_pack_what_is_long(
    story: Story, cases: Cases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads are workers as well, and a process runs one case at a time."""
    monkeypatch.setattr(runner, "HELD", 4)
    text = story(
        "{do: enable, who: alice, device: fob}",
        "{do: sign_in, who: alice, with: fob, times: 5, every: 1 d}",
        more="matrix: {fob.drift: [0 ppm, 1 ppm, 2 ppm]}\n",
    )
    some = cases(text)
    with ThreadPoolExecutor(3) as threads:
        told = list(run(some, seed=7, workers=Borrowed(threads, 3)))
        again = list(run(some, seed=7, workers=Borrowed(threads, 3)))
    by_processes = list(run(some, seed=7, jobs=2))
    assert stable(told) == stable(again) == stable(by_processes) == stable(run(some, seed=7))


def test_case_that_ends_its_worker_is_an_error_and_the_others_are_told(
    story: Story, cases: Cases
) -> None:
    """Out of memory, a crash in C: whatever ends a process must not end the run."""
    drift = {"case": "deadly", "fob.drift": "666 ppm"}
    text = story("{do: wait, for: 1 s}", more=f"matrix: [{{fob.drift: 1 ppm}}, {drift}]\n")
    some = cases(text)
    events = list(run(some, workers=DeadlyWorkers()))
    finished = [event for event in events if event["kind"] == "case_finished"]
    assert [event["verdict"] for event in finished] == ["passed", "error"]
    assert finished[1]["why"].endswith("the worker that ran it was lost, 3 times")
    assert finished[1]["reproduce"].startswith("mfalab run ")
    assert events[-1]["errors"] == 1
    first = next(event for event in events if event.get("case") == finished[1]["case"])
    assert first.keys() == events[1].keys()


class DeadlyWorkers(Borrowed):
    """Threads that say of one case what processes say when they are killed."""

    def __init__(self) -> None:
        super().__init__(ThreadPoolExecutor(1), 1)

    def submit(self, task: Any, argument: Any) -> Any:
        """Break at the one."""
        if "deadly" not in argument.id:
            return super().submit(task, argument)
        future: Future[Any] = Future()
        future.set_exception(BrokenProcessPool("killed"))
        return future

    def renew(self) -> None:
        """Go on."""

    def end(self) -> None:
        """End the threads."""
        self._executor.shutdown()
