"""What a target does otherwise, each once, in words that a reader learns from."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from mfalab.simulator.report import TerminalReporter, read_runs
from mfalab.simulator.report.differences import Difference, Differences

LONG = "refused: AccessDenied (403) 'User: x is not authorized'"


def case_of(name: str, *events: dict[str, Any], why: str = "why") -> list[dict[str, Any]]:
    common = {"v": 1, "case": f"topic/{name}", "ts_ns": 0}
    told = {"file": "x.scenario.yaml", "name": name, "params": "", "line": 1, "scenario": "A story"}
    told |= {"topic": "topic", "source": "", "tags": [], "profile": "x", "seed": 1, "lanes": []}
    end = {"verdict": "failed", "why": why, "believed": [], "reproduce": "", "wall_duration_ns": 1}
    return [
        {**common, "kind": "case_started", **told},
        *({**common, **event} for event in events),
        {**common, "kind": "case_finished", **end},
    ]


def step(do: str, expected: str, outcome: str, message: str = "", why: str = "") -> list[Any]:
    begun = {"kind": "step_started", "step": 1, "do": do, "line": 1, "text": ""}
    ended = {"kind": "step_finished", "step": 1, "verdict": "failed", "outcome": outcome}
    return [begun, {**ended, "message": message, "expected": expected, "why": why}]


FAULT = {
    "kind": "note",
    "lane": "verifier",
    "what": "records a fault",
    "detail": {"operation": "CreateX", "expected": "a picture", "got": "noise"},
}


def lines_of(target: str, *cases: list[dict[str, Any]]) -> Iterable[str]:
    yield json.dumps(
        {"v": 1, "kind": "run_started", "seed": 1, "mfalab": "0", "cases": len(cases)}
        | {"bench": target, "target": target, "wall_ns": 0}
    )
    yield from (json.dumps(event) for case in cases for event in case)
    ended = {"passed": 0, "failed": len(cases), "errors": 0, "skipped": 0, "wall_duration_ns": 1}
    yield json.dumps({"v": 1, "kind": "run_finished", **ended})


def differences(*cases: list[dict[str, Any]]) -> list[tuple[Difference, int]]:
    found = Differences()
    for case in read_runs(lines_of("moto", *cases)).cases:
        found.add(case)
    return [(difference, len(shown)) for difference, shown in found.rows()]


@pytest.mark.parametrize(
    ("told", "expected", "got"),
    [
        (("enable", LONG, "accepted"), "refused: AccessDenied", "accepted"),
        (("enable", LONG, "Other", "text"), "refused: AccessDenied", "refused: Other"),
        (("enable", LONG, "AccessDenied", "text"), LONG, "refused: AccessDenied 'text'"),
        (("enable", "accepted", "Other", "text"), "accepted", "refused: Other 'text'"),
        (("enable", "accepted", "", "", "HTTP  500:\nbad"), "accepted", "HTTP 500: bad"),
        (("list_devices", "devices a, b", "none"), "devices a, b", "none"),
        (("enable", "accepted", "", "", "x" * 500), "accepted", "x" * 157 + "..."),
    ],
)
def test_how_a_step_ended_otherwise(told: tuple[str, ...], expected: str, got: str) -> None:
    assert differences(case_of("a", *step(*told))) == [(Difference(told[0], expected, got), 1)]


def test_the_commonest_comes_first() -> None:
    accepted, refused = step("a", LONG, "accepted"), step("z", "accepted", "Other")
    found = differences(case_of("1", *accepted), case_of("2", *refused), case_of("3", *refused))
    assert [(difference.where, count) for difference, count in found] == [("z", 2), ("a", 1)]


def test_a_fault_counts_beside_what_follows_from_it_or_not() -> None:
    both = differences(case_of("1", FAULT, FAULT, *step("enable", LONG, "accepted")))
    assert [(difference.where, count) for difference, count in both] == [
        ("CreateX", 1),
        ("enable", 1),
    ]
    alone = differences(case_of("2", FAULT, why="expected a picture, got noise"))
    assert alone == [(Difference("CreateX", "a picture", "noise"), 1)]


def test_a_case_that_never_began() -> None:
    (found,) = differences(case_of("1", why="it refuses create_user"))
    assert found[0] == Difference("furnishing", "a case that can begin", "it refuses create_user")


@pytest.mark.parametrize(
    ("target", "verbosity", "told"),
    [("moto", 0, True), ("embedded", 0, False), ("moto", -1, False)],
)
def test_the_table_ends_a_run_of_another_target(
    target: str, verbosity: int, told: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("terminal") / "out"
    with path.open("w") as stream:
        reporter = TerminalReporter(stream, verbosity=verbosity, colour=False, is_tty=False)
        for line in lines_of(target, case_of("1", FAULT, *step("enable", LONG, "accepted"))):
            reporter.event(json.loads(line))
        reporter.close()
    text = path.read_text()
    assert ("what moto does otherwise:" in text) == told
    assert ("   1 case  CreateX\n" in text) == told
    assert ("          as in    topic/1\n" in text) == told
