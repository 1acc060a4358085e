"""The same scenario on a key that is there: what is played, what is skipped, what is refused."""

from collections.abc import Callable
from typing import Any

import pytest

from mfalab.devices.rig.board import BoardFaults
from mfalab.devices.rig.errors import RigVersionWrong
from mfalab.simulator.eventlog import Event
from mfalab.simulator.runner import run_case
from mfalab.simulator.workbench.key import WrongKey

from mfalab.simulator.workbench.bench import Bench  # isort: skip

Desk = Any

STORY = """\
scenario: A key is registered and signs in
people: {alice: {typing: instant}}
devices: {key: {kind: security_key, owner: alice%s}}
steps:
  - {do: sign_in, who: alice}
  - {do: enable, who: alice, device: key, using: console}
  - {do: sign_in, who: alice, with: key}
"""
AAGUID = "6d66616c-6162-4000-8000-000000000021"
OWN = f'port: "1-1", aaguid: "{AAGUID}", destructive: true'
LAB = """\
keys: {key: {at: "hid:ctap-2.1-pin", touch: "rig:1", power: "rig:1"%s}}
bind: {security_key: key}
"""


def verdict(events: list[Event]) -> tuple[str, str]:
    return events[-1]["verdict"], events[-1]["why"]


@pytest.fixture
def bench(desk: Desk) -> Callable[[str], Bench]:
    """A bench with one key of CTAP 2.1; the text says more of the key."""

    def opened(more: str = "") -> Bench:
        if not desk.keys:
            desk.put("ctap-2.1-pin")
        made: Bench = desk.bench(LAB % (f", {more}" if more else ""))
        desk.doors.callback(made.close)
        return made

    return opened


def test_scenario_is_played_on_a_real_key_touched_by_the_rig(desk: Desk, bench: Any) -> None:
    events = run_case(desk.case(STORY % ""), 1, bench())
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
    events = run_case(desk.case(STORY % ""), 1, opened)
    assert verdict(events) == ("passed", "")
    assert events[0]["bench"] == "simulated"


def test_model_may_stand_in_for_a_model(desk: Desk) -> None:
    desk.put("ctap-2.1-pin")
    events = run_case(desk.case(STORY % ""), 1, desk.bench('bind: {key: "sim:fido-2.0"}\n'))
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
    events = run_case(desk.case(STORY % spec), 1, desk.bench(f'bind: {{key: "sim:{model}"}}\n'))
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
    events = run_case(desk.case(STORY % spec + f"  - {step}\n"), 1, opened)
    assert verdict(events)[0] == "skipped"
    assert why in verdict(events)[1]
    assert desk.keys["ctap-2.1-pin"].state.writes == before


def test_destructive_key_is_made_as_the_scenario_wants_it_and_left_as_it_was(
    desk: Desk, bench: Any
) -> None:
    opened = bench(OWN)
    assert "all its credentials and its PIN are lost" in "".join(opened.warnings())
    wrong = "  - {do: type_pin, who: alice, device: key, key: {pin: wrong}, %s}\n"
    refused = "expect: {refused: PIN_INVALID}"
    checked = "  - {do: check_key, device: key, pin_retries: %d}\n"
    with_pin = STORY % ", pin: '2468'" + wrong % refused + checked % 7
    for number in (1, 2):  # the tries of the first are not missing in the second
        assert verdict(run_case(desk.case(with_pin, number), 1, opened)) == ("passed", "")
    assert verdict(run_case(desk.case(STORY % "", 3), 1, opened)) == ("passed", "")
    assert verdict(run_case(desk.case(with_pin, 4), 1, opened)) == ("passed", "")
    opened.close()
    assert not desk.keys["ctap-2.1-pin"].state.pin_is_set


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
    assert verdict(run_case(desk.case(STORY % "", 1), 1, opened))[0] == "passed"
    break_in(how, desk.board)
    ends = [verdict(run_case(desk.case(STORY % "", number), 1, opened)) for number in (2, 3, 4)]
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
        bench(OWN)
    assert desk.keys["ctap-2.1-pin"].state.writes == writes


def test_key_that_is_lost_is_one_error_and_then_a_reason_to_skip(desk: Desk, bench: Any) -> None:
    opened = bench()
    desk.keys["ctap-2.1-pin"].break_()
    ends = [verdict(run_case(desk.case(STORY % "", number), 1, opened)) for number in (1, 2)]
    assert [each for each, _ in ends] == ["error", "skipped"]
    assert "key (hid:ctap-2.1-pin) was lost" in ends[0][1]
    assert "key (hid:ctap-2.1-pin) was lost" in ends[1][1]


def test_another_key_than_the_file_means_is_not_touched(desk: Desk, bench: Any) -> None:
    desk.put("ctap-2.3")
    desk.keys["ctap-2.1-pin"] = desk.keys["ctap-2.3"]
    writes = desk.keys["ctap-2.3"].state.writes
    with pytest.raises(WrongKey, match=r"its AAGUID is 6d66616c.* and not .*Nothing was changed"):
        bench(OWN)
    assert desk.keys["ctap-2.3"].state.writes == writes


def with_a_pin(desk: Desk, pin: str) -> None:
    """Somebody's key: it has a PIN."""
    from fido2.ctap2.base import Ctap2
    from fido2.ctap2.pin import ClientPin

    desk.put("ctap-2.1-pin")
    ClientPin(Ctap2(desk.keys["ctap-2.1-pin"].device())).set_pin(pin)


def test_somebodys_key_is_not_reset_unless_its_pin_is_told(desk: Desk, bench: Any) -> None:
    with_a_pin(desk, "1357")
    with pytest.raises(WrongKey, match="it has a PIN, so it is somebody's key"):
        bench(OWN)
    assert desk.keys["ctap-2.1-pin"].state.pin_is_set


def test_wrong_pin_in_the_lab_file_costs_one_try(desk: Desk, bench: Any) -> None:
    with_a_pin(desk, "1357")
    with pytest.raises(WrongKey, match=r"is refused .* it had 8 tries left"):
        bench('pin: "9999"')
    assert desk.keys["ctap-2.1-pin"].state.pin_retries == 7


def test_pin_that_is_told_is_what_right_means(desk: Desk, bench: Any) -> None:
    with_a_pin(desk, "1357")
    events = run_case(desk.case(STORY % ", pin: '2468'"), 1, bench('pin: "1357"'))
    assert verdict(events) == ("passed", "")


def test_told_pin_is_on_the_key_again_afterwards(desk: Desk, bench: Any) -> None:
    with_a_pin(desk, "1357")
    opened = bench(OWN + ', pin: "1357"')
    assert verdict(run_case(desk.case(STORY % ", pin: '2468'"), 1, opened)) == ("passed", "")
    opened.close()
    assert bench('pin: "1357"').keys["key"].pin == "1357"
