"""Steps about time."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from mfalab import Lab, ScenarioError
from mfalab.simulator.abilities import Ability, Need
from mfalab.simulator.steps.timing import SetClock, Wait

Labs = Callable[..., Lab]
S = 10**9


def offset_s(lab: Lab, device: str) -> float:
    clock = lab.device(device).clock
    assert clock is not None
    return clock.offset_ns() / S


def test_time_passes_for_a_duration_or_until_an_instant(lab_with: Labs) -> None:
    lab = lab_with(start="2026-03-02T09:00:00Z")
    start_ns = lab.timeline.now_ns()
    lab.wait(for_="90 s")
    assert lab.timeline.now_ns() == start_ns + 90 * S
    lab.wait(until="2026-03-02T09:10:00Z")
    assert lab.timeline.now_ns() == start_ns + 600 * S
    with pytest.raises(ScenarioError, match=r"2026-03-02T09:00:00\.000Z has passed: it is"):
        lab.wait(until="2026-03-02T09:00:00Z")


def test_next_code_is_another_one_and_may_begin_with_zero(lab_with: Labs) -> None:
    lab = lab_with("fob")
    before = lab.code_device("fob").code()
    lab.wait(until_next="code", of="fob")
    assert lab.code_device("fob").code() != before
    lab.wait(until_next="leading zero", of="fob")
    assert lab.code_device("fob").code().startswith("0")


def test_budget_is_new_at_the_begin_of_the_verifiers_window(lab_with: Labs) -> None:
    lab = lab_with(verifier={"throttle_window": "60 s", "clock": {"offset": "7 s"}})
    lab.wait(until_next="budget")
    assert lab.server_clock.now_ns() % (60 * S) == 0


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"for": "1 s", "until": "2026-03-02T09:00:00Z"},
        {"for": "1 s", "of": "fob"},
        {"until_next": "code"},
        {"until_next": "budget", "of": "fob"},
    ],
)
def test_wait_has_one_end(words: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Wait.model_validate(words)


@pytest.mark.parametrize(
    ("words", "needs"),
    [
        ({"for": "10 min"}, []),
        ({"for": "11 min"}, [Need(Ability.LONG_WAIT)]),
        ({"until_next": "budget"}, [Need(Ability.LONG_WAIT)]),
        ({"for": "9 s"}, [Need(Ability.RESET_DEADLINE)]),
        ({"for": "11 s"}, []),
    ],
)
def test_wait_needs_patience_or_exact_time(words: dict[str, str], needs: list[Need]) -> None:
    assert list(Wait.model_validate(words).needs()) == needs


def test_token_in_another_climate_drifts_away(lab_with: Labs) -> None:
    lab = lab_with("fob", "app")
    lab.travel(device="fob", climate="-20 C")
    lab.wait(for_="100 d")
    assert offset_s(lab, "fob") < -60
    with pytest.raises(ScenarioError, match="app has no quartz clock that feels the climate"):
        lab.travel(device="app", climate="car")


@pytest.mark.parametrize("device", ["fob", "app"])
def test_clock_is_set_or_jumps(lab_with: Labs, device: str) -> None:
    lab = lab_with(device)
    before_s = offset_s(lab, device)
    lab.set_clock(device=device, by="-95 s")
    assert offset_s(lab, device) == pytest.approx(before_s - 95)
    lab.set_clock(device=device, to="1970-01-01T00:00:00Z")
    assert lab.device(device).clock.now_ns() == 0  # type: ignore[union-attr]


def test_drift_of_a_quartz_changes_from_now_on(lab_with: Labs) -> None:
    """What it is off by stays; the same device of a lab with another drift is so from the start."""
    lab = lab_with("fob")
    lab.wait(for_="100 d")
    before_s = offset_s(lab, "fob")
    lab.set_clock(device="fob", drift="60 ppm")
    assert offset_s(lab, "fob") == before_s
    lab.wait(for_="100 d")
    lab.set_clock(device="fob", drift="-60 ppm")
    gained_s = offset_s(lab, "fob") - before_s
    assert 400 < gained_s < 600
    lab.wait(for_="100 d")
    assert offset_s(lab, "fob") - before_s - gained_s < -400


def test_phone_goes_by_the_network_again(lab_with: Labs) -> None:
    lab = lab_with("app")
    lab.set_clock(device="app", by="1 h")
    lab.set_clock(device="app", network="on")
    lab.wait(for_="2 d")
    assert abs(offset_s(lab, "app")) < 5
    lab.set_clock(device="app", network="airplane")


@pytest.mark.parametrize(
    ("device", "words"),
    [
        ("fob", {"network": "on"}),
        ("key", {"by": "1 s"}),
        ("app", {"drift": "9 ppm"}),
    ],
)
def test_clock_that_is_not_there_is_not_changed(
    lab_with: Labs, device: str, words: dict[str, Any]
) -> None:
    with pytest.raises(ScenarioError, match=f"{device} has no clock that can be changed like this"):
        lab_with(device).set_clock(device=device, **words)


def test_clock_is_changed_in_one_way_at_a_time() -> None:
    with pytest.raises(ValidationError, match="takes exactly one of to, by, network, drift"):
        SetClock.model_validate({"device": "app", "by": "1 s", "network": "on"})


def test_verifiers_clock_moves_at_once_or_gradually(lab_with: Labs) -> None:
    lab = lab_with()
    lab.set_verifier_clock(by="10 s")
    assert lab.server_clock.offset_ns() == 10 * S
    lab.set_verifier_clock(by="-10 s", over="100 s")
    lab.wait(for_="50 s")
    assert lab.server_clock.offset_ns() == 5 * S
