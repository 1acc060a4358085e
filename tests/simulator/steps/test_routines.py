"""People live by their routines side by side, and a failure says whose and which time it was."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from mfalab import ExpectationFailed, Lab, ScenarioError

DAY = 86_400 * 10**9


def lab_of(drift: str = "0 ppm", **routines: dict[str, Any]) -> Lab:
    """A lab of alice with a fob and bob with an app, enabled and in the next hour."""
    lab = Lab.of(
        people={
            name: {"typing": "instant", **({"routine": routines[name]} if name in routines else {})}
            for name in ("alice", "bob")
        },
        devices={
            "fob": {"kind": "hardware_totp", "owner": "alice", "drift": drift, "climate": "25 C"},
            "app": {"kind": "totp_app", "owner": "bob"},
        },
    )
    lab.enable(who="alice", device="fob")
    lab.enable(who="bob", device="app")
    lab.wait(for_="1 h")
    return lab


def sign_ins(lab: Lab) -> list[tuple[str, int]]:
    """Who began to sign in, and when, by the first one's time."""
    begun = [
        (event["lane"], event["ts_ns"])
        for event in lab.journal.log.events
        if event.get("what") == "types name and password"
    ]
    return [(who, at - begun[0][1]) for who, at in begun]


def test_routines_go_on_side_by_side_in_the_order_of_time() -> None:
    lab = lab_of(
        alice={"signs_in": "fob", "every": "7 d", "for": "28 d"},
        bob={"signs_in": "app", "every": "10 d", "for": "30 d"},
    )
    assert lab.routine().accepted
    days = [(who, round(at / DAY)) for who, at in sign_ins(lab)]
    assert days == [
        ("alice", 0),
        ("bob", 0),
        ("alice", 7),
        ("bob", 10),
        ("alice", 14),
        ("bob", 20),
        ("alice", 21),
    ]


def test_jitter_is_a_persons_own_whoever_else_has_a_routine() -> None:
    alice = {"signs_in": "fob", "every": "1 wk", "for": "10 wk", "jitter": "3 h"}
    alone, both = (
        lab_of(alice=alice),
        lab_of(
            alice=alice, bob={"signs_in": "app", "every": "3 d", "for": "30 d", "jitter": "1 h"}
        ),
    )
    for lab in (alone, both):
        lab.routine()
    of_alice = [[at for who, at in sign_ins(lab) if who == "alice"] for lab in (alone, both)]
    gaps = [[later - one for one, later in pairwise(at)] for at in of_alice]
    assert gaps[0] == gaps[1]
    assert len(set(gaps[0])) == 9


def test_failing_occurrence_is_told_by_person_number_and_time() -> None:
    lab = lab_of(
        drift="-12 ppm",
        alice={"signs_in": "fob", "every": "30 d", "for": "900 d"},
        bob={"signs_in": "app", "every": "30 d", "for": "900 d"},
    )
    with pytest.raises(ExpectationFailed) as caught:
        lab.routine()
    number = sum(who == "alice" for who, _ in sign_ins(lab))
    assert 2 < number < 30
    told = next(note for note in caught.value.__notes__ if "occurrence" in note)
    assert told.startswith(f"alice's occurrence {number} of 30, at 202")


def test_routine_expects_what_its_step_says() -> None:
    lab = lab_of(alice={"signs_in": "fob", "every": "1 d", "for": "3 d"})
    lab.break_(device="fob")
    assert lab.routine(expect={"refused": "DeviceUnusable"}).refused == "DeviceUnusable"
    assert len(sign_ins(lab)) == 3


def test_without_a_routine_there_is_nothing_to_live_by() -> None:
    with pytest.raises(ScenarioError, match="no person has a routine"):
        lab_of().routine()


def test_routine_has_its_own_times() -> None:
    with pytest.raises(ScenarioError, match="a routine has its own every and for"):
        lab_of(alice={"signs_in": "fob", "every": "1 d", "for": "3 d"}).routine(
            times=2, every="1 d"
        )


@pytest.mark.parametrize("days", [20, 40, 80])
def test_work_grows_with_the_occurrences(days: int) -> None:
    lab = lab_of(
        alice={"signs_in": "fob", "every": "1 d", "for": f"{days} d"},
        bob={"signs_in": "app", "every": "1 d", "for": f"{days} d"},
    )
    before = len(lab.journal.log.events)
    lab.routine()
    assert (len(lab.journal.log.events) - before) / (2 * days) == pytest.approx(6, abs=1)
