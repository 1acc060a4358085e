"""Steps that manage a security key."""

from collections.abc import Callable
from typing import Any

import pytest

from mfalab import ExpectationFailed, Lab, ScenarioError
from mfalab.devices.ctap.faults import Lapse
from mfalab.simulator.abilities import Ability, Need
from mfalab.simulator.steps.security_keys import ResetKey

Labs = Callable[..., Lab]
AT_KEY = {"who": "alice", "device": "key"}


def a_key(lab_with: Labs, **spec: Any) -> Lab:
    return lab_with(devices={"key": {"kind": "security_key", "owner": "alice", **spec}})


def test_pin_is_set_changed_and_typed(lab_with: Labs) -> None:
    lab = a_key(lab_with)
    lab.check_key(device="key", pin_is_set=False)
    lab.set_pin(**AT_KEY, pin="2468")
    lab.set_pin(**AT_KEY, pin="1357")
    assert lab.security_key("key").pin == "1357"
    lab.type_pin(**AT_KEY)
    lab.check_key(device="key", pin_is_set=True, pin_retries=8)


def test_wrong_pins_cost_tries_and_the_last_answer_is_the_outcome(lab_with: Labs) -> None:
    lab = a_key(lab_with, pin="2468")
    blocked = {"refused": "PIN_AUTH_BLOCKED"}
    lab.type_pin(**AT_KEY, tries=3, key={"pin": "wrong"}, expect=blocked)
    lab.check_key(device="key", pin_retries=5)
    answers = [
        event["detail"]["code"]
        for event in lab.journal.log.events
        if event["kind"] == "note" and event["what"] == "answers"
    ]
    assert answers == ["PIN_INVALID", "PIN_INVALID"]


def test_reset_takes_all_and_only_soon_after_power_up(lab_with: Labs) -> None:
    lab = a_key(lab_with, pin="2468")
    lab.store_passkeys(**AT_KEY, count=2)
    lab.check_key(device="key", discoverable=2)
    lab.wait(for_="20 s")
    lab.reset_key(**AT_KEY, expect={"refused": "NOT_ALLOWED"})
    lab.key_power(device="key", to="cycle")
    lab.reset_key(**AT_KEY)
    assert lab.security_key("key").pin is None
    lab.check_key(device="key", discoverable=0, pin_is_set=False)


def test_reset_that_is_to_be_too_late_needs_a_key_that_can_be() -> None:
    in_time = ResetKey.model_validate(AT_KEY)
    late = ResetKey.model_validate({**AT_KEY, "expect": {"refused": "NOT_ALLOWED"}})
    assert set(in_time.needs()) == {Need(Ability.TOUCH, "key"), Need(Ability.RESET, "key")}
    assert set(late.needs()) == {*in_time.needs(), Need(Ability.LATE_RESET, "key")}


def test_touch_where_a_finger_is_wanted_is_told(lab_with: Labs) -> None:
    """python-fido2's CaptureError passed through, and the case was called a defect in mfalab."""
    lab = a_key(lab_with, model="ctap-2.1-bio", pin="2468")
    lab.add_finger(**AT_KEY, finger="thumb", expect={"refused": "FingerNotRead"})
    assert lab.security_key("key").fingers == []


def test_finger_is_enrolled_on_a_key_with_a_sensor(lab_with: Labs) -> None:
    lab = a_key(lab_with, model="ctap-2.1-bio", pin="2468")
    lab.add_finger(**AT_KEY, finger="thumb", key={"finger": "thumb"})
    assert lab.security_key("key").fingers == ["thumb"]
    plain = a_key(lab_with, pin="2468")
    plain.add_finger(**AT_KEY, finger="thumb", expect={"refused": "UNAUTHORIZED_PERMISSION"})
    assert plain.security_key("key").fingers == []


def test_key_of_the_u2f_api_signs_in_on_the_console(lab_with: Labs) -> None:
    lab = a_key(lab_with, model="u2f-2016")
    lab.register_u2f(**AT_KEY)
    lab.sign_in(who="alice", with_="key")


def test_stranger_registers_no_key(lab_with: Labs) -> None:
    lab = lab_with(
        people={"mallory": {"role": "stranger"}},
        devices={"key": {"kind": "security_key", "owner": "mallory"}},
    )
    with pytest.raises(ScenarioError, match="no identity for mallory"):
        lab.register_u2f(who="mallory", device="key")


def test_key_without_power_does_not_answer(lab_with: Labs) -> None:
    lab = a_key(lab_with)
    lab.key_power(device="key", to="off")
    lab.check_key(device="key", powered=False)
    lab.set_pin(**AT_KEY, pin="2468", expect={"refused": "KeyUnplugged"})
    lab.key_power(device="key", to="on")
    lab.set_pin(**AT_KEY, pin="2468")


def test_key_that_somebody_else_holds_is_not_used(lab_with: Labs) -> None:
    lab = a_key(lab_with)
    lab.set_pin(who="bob", device="key", pin="2468", expect={"refused": "NotHeld"})


def test_faults_are_those_that_are_named_and_no_others(lab_with: Labs) -> None:
    lab = a_key(lab_with)
    lab.key_fault(
        device="key",
        full_store=True,
        slow_crypto="2 s",
        missing=["credMgmt"],
        lapses=["token-survives-reset"],
    )
    faults = lab.security_key("key").access.simulated.faults
    assert (faults.full_store, faults.slow_crypto_ns) == (True, 2 * 10**9)
    assert faults.missing == frozenset({"credMgmt"})
    assert faults.lapses == frozenset({Lapse.TOKEN_SURVIVES_RESET})
    lab.store_passkeys(**AT_KEY, expect={"refused": "KEY_STORE_FULL"})
    lab.key_fault(device="key")
    lab.store_passkeys(**AT_KEY)


def test_client_gives_up_on_a_stalled_wire(lab_with: Labs) -> None:
    lab = a_key(lab_with)
    lab.wire_fault(device="key", stalled=True)
    lab.set_pin(**AT_KEY, pin="2468", expect={"refused": "NoAnswer"})


def test_state_that_differs_is_told(lab_with: Labs) -> None:
    lab = a_key(lab_with)
    lab.check_key(device="key", powered=True)
    with pytest.raises(ExpectationFailed, match="expected powered False, got True"):
        lab.check_key(device="key", powered=False)
