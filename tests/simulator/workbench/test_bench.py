"""The same scenario on a key that is there: what is played, what is skipped, what is refused."""

from typing import Any

import pytest

from mfalab.devices.rig.errors import RigVersionWrong
from mfalab.devices.rig.instrument import BoardFaults
from mfalab.simulator.eventlog import Event
from mfalab.simulator.runner import run_case

Desk = Any


def verdict(events: list[Event]) -> tuple[str, str]:
    return events[-1]["verdict"], events[-1]["why"]


def test_scenario_is_played_on_a_real_key_touched_by_the_rig(desk: Desk, bench: Any) -> None:
    events = run_case(desk.case(desk.story % ""), 1, bench())
    assert verdict(events) == ("passed", "")
    assert events[0]["bench"] == "hid:ctap-2.1-pin"
    assert {"id": "key", "kind": "device", "label": "key (security key, hid:ctap-2.1-pin)"} in (
        events[0]["lanes"]
    )
    assert "--lab" in events[-1]["reproduce"]
    assert desk.keys["ctap-2.1-pin"].state.counter >= 2


def test_unbound_device_is_simulated(desk: Desk, bench: Any) -> None:
    desk.put("ctap-2.1-pin")
    opened = desk.bench('bind: {other: "sim:ctap-2.1-pin"}\n')
    events = run_case(desk.case(desk.story % ""), 1, opened)
    assert verdict(events) == ("passed", "")
    assert events[0]["bench"] == "simulated"


def test_model_may_stand_in_for_a_model(desk: Desk) -> None:
    desk.put("ctap-2.1-pin")
    events = run_case(desk.case(desk.story % ""), 1, desk.bench('bind: {key: "sim:fido-2.0"}\n'))
    assert verdict(events) == ("passed", "")
    assert events[0]["bench"] == "sim:fido-2.0"


@pytest.mark.parametrize(
    ("model", "spec", "why"),
    [
        ("u2f-2016", "", "the scenario is about FIDO_2_1, and sim:u2f-2016 is U2F_V2"),
        ("ctap-2.1-pin", ", model: slots-25", "about the model slots-25, and sim:ctap-2.1-pin is"),
        ("enterprise", ", pin: '2468'", "a PIN of 4 code points, and sim:enterprise wants 6"),
        ("ctap-2.1-pin", ", pin: '2468', fingers: [thumb]", "sim:ctap-2.1-pin can be shown none"),
        ("always-uv", ", model: ctap-2.1-pin", "about the model ctap-2.1-pin, and sim:always-uv"),
    ],
)
def test_model_that_cannot_do_what_the_scenario_asks_does_not_stand_in(
    desk: Desk, model: str, spec: str, why: str
) -> None:
    """The lab file of an empty bench bound one model to all scenarios, and 34 cases failed."""
    desk.put("ctap-2.1-pin")
    events = run_case(
        desk.case(desk.story % spec), 1, desk.bench(f'bind: {{key: "sim:{model}"}}\n')
    )
    assert verdict(events)[0] == "skipped"
    assert why in verdict(events)[1]


@pytest.mark.parametrize(
    ("spec", "step", "why"),
    [
        ("", "{do: key_fault, device: key, counter_still: true}", "cannot be made faulty"),
        ("", "{do: wire_fault, device: key, lost: 50 %}", "cannot be given a bad wire"),
        ("", "{do: break, device: key}", "cannot be broken for a test"),
        ("", "{do: set_pin, who: alice, device: key, pin: '1234'}", "is not marked destructive"),
        (", pin: '1234'", "{do: sign_in, who: alice}", "is not marked destructive"),
        (", slots: 3", "{do: sign_in, who: alice}", "key has what it has"),
        (", model: u2f-2016", "{do: sign_in, who: alice}", "is about U2F_V2, and key is FIDO_2_1"),
        (", model: enterprise", "{do: sign_in, who: alice}", "has no option ep"),
        (
            "",
            "{do: sign_in, who: alice, with: key, key: {touch: declined}, expect: {refused: any}}",
            "cannot be told no by its user",
        ),
    ],
)
def test_what_a_real_key_cannot_do_is_skipped_with_its_reason(
    desk: Desk, bench: Any, spec: str, step: str, why: str
) -> None:
    opened = bench()
    before = desk.keys["ctap-2.1-pin"].state.writes
    events = run_case(desk.case(desk.story % spec + f"  - {step}\n"), 1, opened)
    assert verdict(events)[0] == "skipped"
    assert why in verdict(events)[1]
    assert desk.keys["ctap-2.1-pin"].state.writes == before


def break_in(how: str, board: Any) -> None:
    if how == "unplugged":
        board.unplug()
    else:
        board.faults = {
            "silent": BoardFaults(silent=True),
            "half lines": BoardFaults(half_lines=True),
            "garbage": BoardFaults(noise=b"\xff\x00?!\n"),
        }[how]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("unplugged", "rig rig is gone"),
        ("silent", "rig rig did not answer"),
        ("half lines", "rig rig answered"),
        ("garbage", "rig rig answered"),
    ],
)
def test_rig_that_breaks_is_one_error_and_then_a_reason_to_skip(
    desk: Desk, bench: Any, how: str, said: str
) -> None:
    opened = bench()
    assert verdict(run_case(desk.case(desk.story % "", 1), 1, opened))[0] == "passed"
    break_in(how, desk.board)
    ends = [
        verdict(run_case(desk.case(desk.story % "", number), 1, opened)) for number in (2, 3, 4)
    ]
    assert [each for each, _ in ends] == ["error", "skipped", "skipped"]
    assert said in ends[0][1]
    assert ends[1][1] == ends[2][1]
    assert ends[0][1].endswith(ends[1][1])
    opened.close()
    key = desk.keys["ctap-2.1-pin"]
    assert key.plugged  # safe: it has power, and nothing is on its button
    key.power_cycle()
    assert key.asks is None


def test_rig_with_another_firmware_is_refused_before_anything_is_touched(
    desk: Desk, bench: Any
) -> None:
    desk.put("ctap-2.1-pin")
    desk.board.faults = BoardFaults(version="2.0")
    writes = desk.keys["ctap-2.1-pin"].state.writes
    with pytest.raises(RigVersionWrong, match=r"speaks protocol version 2\.0"):
        bench(desk.own)
    assert desk.keys["ctap-2.1-pin"].state.writes == writes
