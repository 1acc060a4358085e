"""The journal: what is written down of clocks, decisions and windows."""

from collections.abc import Callable
from itertools import groupby
from typing import Any

import pytest

from mfalab import Lab
from mfalab.simulator.clocks.durations import NS_PER_S

Labs = Callable[..., Lab]


def events(lab: Lab, kind: str) -> list[dict[str, Any]]:
    return [event for event in lab.journal.log.events if event["kind"] == kind]


def test_every_clock_is_drawn_and_keys_have_none(lab_with: Labs) -> None:
    lab = lab_with("fob", "key", verifier={"clock": {"offset": "3 s"}})
    lab.wait(for_="1 d")
    lab.set_clock(device="fob", by="-95 s")
    lab.wait(for_="1 d")
    lab.break_(device="fob")
    lab.wait(for_="1 d")
    list(lab.journal.draw_clocks())
    start_ns, day_ns = lab.timeline.start_ns, 24 * 3600 * 10**9
    lines: dict[str, list[tuple[int, float, bool]]] = {"fob": [], "verifier": []}
    for event in events(lab, "clock"):
        point = (event["ts_ns"] - start_ns, round(event["offset_s"]), event["alive"])
        lines[event["lane"]].append(point)
    assert lines == {
        "fob": [
            (0, 0, True),
            (day_ns - 1, 0, True),
            (day_ns, -95, True),
            (2 * day_ns - 1, -95, True),
            (2 * day_ns, -95, False),
            (3 * day_ns, -95, False),
        ],
        "verifier": [(0, 3, True), (3 * day_ns, 3, True)],
    }


def test_what_lives_on_one_phone_goes_dark_and_comes_back_with_it(lab_with: Labs) -> None:
    phone = {"kind": "totp_app", "owner": "alice", "on": "phone"}
    lab = lab_with(phones={"phone": {}}, devices={"work": phone, "home": phone})
    for to in ("off", "on"):
        lab.wait(for_="1 h")
        lab.switch_phone(phone="phone", to=to)
    lab.wait(for_="1 h")
    list(lab.journal.draw_clocks())
    for lane in ("work", "home"):
        drawn = [event["alive"] for event in events(lab, "clock") if event["lane"] == lane]
        assert [alive for alive, _ in groupby(drawn)] == [True, False, True]


def test_battery_that_dies_during_a_wait_ends_the_line_at_its_instant(lab_with: Labs) -> None:
    fob = {"kind": "hardware_totp", "owner": "alice", "battery": "1 y"}
    lab = lab_with(devices={"fob": fob})
    lab.wait(for_="2 y")
    list(lab.journal.draw_clocks())
    year_ns = lab.devices["fob"].clock.supply.dies_ns - lab.timeline.start_ns
    ends = {
        event["ts_ns"] - lab.timeline.start_ns: event["alive"]
        for event in events(lab, "clock")
        if event["lane"] == "fob"
    }
    assert (ends[year_ns - 1], ends[year_ns]) == (True, False)


def test_log_of_clocks_grows_with_the_clocks_and_not_with_the_steps(lab_with: Labs) -> None:
    """Every step sampled every clock: with 250 people a log was 15 MB, with 1,000 it was 234."""

    def clock_events(people: int, steps: int) -> int:
        fobs = {
            f"fob{number}": {"kind": "hardware_totp", "owner": "alice"} for number in range(people)
        }
        lab = lab_with(devices=fobs)
        for _ in range(steps):
            lab.wait(for_="1 h")
        list(lab.journal.draw_clocks())
        return len(events(lab, "clock"))

    assert [clock_events(people, 8) for people in (10, 20, 40)] == [22, 42, 82]
    assert [clock_events(10, steps) for steps in (16, 32)] == [22, 22]


def test_beliefs_begin_with_true_time_and_know_the_windows(lab_with: Labs) -> None:
    lab = lab_with("fob", start="2026-03-02T09:00:00Z")
    lab.set_clock(device="fob", by="-60 s")
    lab.enable(who="alice", device="fob")
    true_time, fob, verifier = lab.journal.beliefs()
    assert (true_time["lane"], true_time["offset_s"]) == ("true time", None)
    assert fob["text"].endswith(", window from -4 to +0 time steps")
    assert (verifier["lane"], verifier["offset_s"]) == ("verifier", 0.0)


def test_window_is_written_down_in_seconds_when_it_moves(lab_with: Labs) -> None:
    lab = lab_with("fob", verifier={"clock": {"offset": "10 s"}})
    lab.enable(who="alice", device="fob")
    (window,) = events(lab, "window")
    assert window["cause"] == "enable"
    assert window["high_s"] - window["low_s"] == 120  # two time steps to each side
    assert (window["low_s"] + window["high_s"]) / 2 - 10 == (
        30 * lab.journal.window_centre_steps("fob")
    )
    lab.wait(for_="90 s")
    lab.sign_in(who="alice", with_="fob")
    assert len(events(lab, "window")) == 1  # it did not move


def test_window_ends_with_the_device(lab_with: Labs) -> None:
    lab = lab_with("fob")
    lab.journal.window_closed("fob")
    assert events(lab, "window") == []
    lab.enable(who="alice", device="fob")
    lab.journal.window_closed("fob")
    assert events(lab, "window")[-1]["low_s"] is None
    assert lab.journal.window_centre_steps("fob") == 0


def test_device_that_counts_no_time_has_no_window(lab_with: Labs) -> None:
    lab = lab_with("hotp", verifier="rfc6238")
    lab.enable(who="alice", device="hotp")
    lab.journal.window("hotp", "learned")
    assert events(lab, "window") == []


def test_decision_is_explained_by_its_steps(lab_with: Labs) -> None:
    lab = lab_with("fob")
    lab.enable(who="alice", device="fob")
    lab.sign_in(who="alice", with_="fob", code="wrong", expect={"refused": "any"})
    enabled, wrong = events(lab, "decision")
    assert (enabled["device"], enabled["outcome"]) == ("fob", "accepted")
    assert isinstance(enabled["detail"]["matched"], int)
    assert (wrong["outcome"], wrong["detail"]["matched"]) == ("wrong", None)
    low, high = wrong["detail"]["window"]
    assert high - low == 4
    assert lab.last_outcome.decision == "wrong"


def test_decision_on_a_signature_is_explained_by_what_it_showed(lab_with: Labs) -> None:
    lab = lab_with("key")
    lab.sign_in(who="alice")
    lab.enable(who="alice", device="key", using="console")
    detail = events(lab, "decision")[-1]["detail"]
    assert detail["user_present"] is True
    assert "cloned" not in detail  # what says nothing is left out


def test_nothing_is_decided_while_the_journal_looks_away(lab_with: Labs) -> None:
    lab = lab_with("fob")
    with lab.journal.looking_away():
        lab.enable(who="alice", device="fob")
    assert events(lab, "decision") == []
    lab.deactivate(who="ada", for_="alice", device="fob")
    lab.enable(who="alice", device="fob", codes="wrong", expect={"refused": "any"})
    assert len(events(lab, "decision")) == 1


@pytest.mark.parametrize(
    ("device", "step", "why"),
    [
        ("fob", {"code": "-16 steps"}, "fob showed step -16, the window was -2 to +2"),
        ("fob", {"code": "wrong"}, ""),
        ("fob", {"code": "123456"}, ""),
        (
            "fob",
            {"typed": "full-width"},
            (
                "fob showed step +0, the window was -2 to +2; "
                "the verifier has another seed, or something else was typed"
            ),
        ),
    ],
)
def test_wrong_code_is_explained_by_its_step_and_the_window(
    lab_with: Labs, device: str, step: dict[str, Any], why: str
) -> None:
    lab = lab_with(device)
    lab.enable(who="alice", device=device)
    lab.wait(for_="5 min")
    outcome = lab.sign_in(who="alice", with_=device, **step, expect={"refused": "any"})
    assert (outcome.decision, outcome.why) == ("wrong", why)


def test_slow_typing_does_not_move_the_step_that_was_shown(lab_with: Labs) -> None:
    lab = lab_with("fob")
    lab.enable(who="alice", device="fob")
    alice = lab.person("alice")
    alice.spec = alice.spec.model_copy(update={"typing": 100 * NS_PER_S})
    lab.wait(until_next="code", of="fob")
    outcome = lab.sign_in(who="alice", with_="fob", expect={"refused": "any"})
    assert outcome.why == "fob showed step -3, the window was -2 to +2"


def test_pair_is_explained_by_both_of_its_steps(lab_with: Labs) -> None:
    lab = lab_with("fob")
    outcome = lab.enable(who="alice", device="fob", codes="reversed", expect={"refused": "any"})
    assert "fob showed steps +0 and -1, the window was" in outcome.why
    assert outcome.why.endswith("; they are not consecutive")


def test_code_of_one_step_does_not_explain_the_next(lab_with: Labs) -> None:
    lab = lab_with("fob")
    lab.enable(who="alice", device="fob")
    lab.sign_in(who="alice", with_="fob", code="-16 steps", expect={"refused": "any"})
    outcome = lab.try_again(who="alice", with_="fob", code="wrong", expect={"refused": "any"})
    assert outcome.why == ""
