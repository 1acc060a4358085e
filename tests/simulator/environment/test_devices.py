"""Devices as people have them."""

from collections.abc import Callable
from typing import Any

import pytest

from mfalab import Lab, ScenarioError
from mfalab.simulator.environment.devices import CodeDevice, HeldDevice, HeldKey, showing_codes
from mfalab.simulator.environment.outcome import Prevented

Labs = Callable[..., Lab]


class Asking:
    """A ceremony that says in which way a device takes part."""

    def read_code(self, device: CodeDevice) -> str:
        return f"reads {device.name}"

    def await_code(self, device: HeldDevice) -> str:
        return f"waits for {device.name}"

    def sign(self, device: HeldDevice) -> str:
        return f"signs with {device.name}"


def test_each_kind_takes_part_in_its_own_way(lab_with: Labs) -> None:
    lab = lab_with("fob", "hotp", "app", "sms", "key")
    ways = [device.take_part(Asking()) for device in lab.devices.values()]
    assert ways == ["reads fob", "reads hotp", "reads app", "waits for sms", "signs with key"]


def test_key_shows_no_codes(lab_with: Labs) -> None:
    lab = lab_with("key", "fob")
    assert showing_codes(lab.device("fob")) is lab.device("fob")
    with pytest.raises(Prevented, match="key is a security key and shows no codes"):
        showing_codes(lab.device("key"))


def test_time_step_is_that_of_what_counts_time(lab_with: Labs) -> None:
    lab = lab_with("fob", "hotp", "app", "sms", "key")
    steps = {name: device.period_s for name, device in lab.devices.items()}
    assert steps == {"fob": 30, "hotp": None, "app": 30, "sms": None, "key": None}


def test_event_based_token_shows_another_code_at_each_press(lab_with: Labs) -> None:
    hotp = lab_with("hotp").code_device("hotp")
    assert hotp.until_next_code_ns == 0
    following = hotp.code_at(1)
    assert (hotp.code(), hotp.code()) != (following, following)


@pytest.mark.parametrize("name", ["fob", "hotp"])
def test_wrong_code_is_none_that_a_window_holds(lab_with: Labs, name: str) -> None:
    device = lab_with(name).code_device(name)
    first = 0 if name == "hotp" else -12
    assert device.wrong_code() not in {device.code_at(step) for step in range(first, 13)}


def test_wrong_code_of_a_phone_is_none_of_its_inbox(lab_with: Labs) -> None:
    lab = lab_with("sms")
    phone = lab.sms_phone("sms")
    for code in ("111111", "111118"):
        lab.messaging.send_sms(str(phone.thing.number), f"{code} is your code")
        lab.wait(for_="10 min")
    assert phone.code() == "111118"
    assert phone.code_at(-1) == "111111"
    assert phone.wrong_code() not in phone.thing.codes()
    for away in (-2, 1):
        with pytest.raises(Prevented, match="sms holds 2 codes, there is none at"):
            phone.code_at(away)


def test_inbox_of_a_broken_phone_is_not_counted(lab_with: Labs) -> None:
    lab = lab_with("sms", "fob")
    assert lab.device("sms").codes_received == 0
    lab.break_(device="sms")
    assert lab.device("sms").codes_received is None
    assert lab.device("fob").codes_received is None


def test_serial_number_is_there_once_the_device_has_one(lab_with: Labs) -> None:
    lab = lab_with("app", "fob")
    with pytest.raises(ScenarioError, match="app has no serial number yet; create it first"):
        lab.device("app").known_serial()
    serial = lab.device("fob").known_serial("bob")
    assert lab.device("fob").answers_to(serial)
    assert not lab.device("app").answers_to(serial)


def a_key(name: str = "key") -> HeldKey:
    access: Any = None
    return HeldKey(name, "alice", access)


def test_key_has_a_registration_for_each_person() -> None:
    key = a_key()
    key.register("alice", "A", "credential of alice")
    key.register("bob", "B")
    assert (key.known_serial("alice"), key.known_serial("bob")) == ("A", "B")
    assert key.known_serial() == key.known_serial("ada") == "B"  # the newest
    assert key.answers_to("A")
    assert not key.answers_to("C")
    assert key.known_credential("alice") == "credential of alice"
    with pytest.raises(ScenarioError, match="key is not registered for bob"):
        key.known_credential("bob")


def test_key_without_a_pin_says_how_to_get_one() -> None:
    with pytest.raises(ScenarioError, match="key has no PIN; give it one with `pin` or set_pin"):
        a_key().known_pin()


def test_copy_of_a_key_goes_its_own_way_afterwards() -> None:
    source, copy = a_key(), a_key("copy")
    source.register("alice", "A", "credential")
    source.pin, source.fingers = "2468", ["thumb"]
    copy.become_copy_of(source, copy.access)
    assert (copy.known_pin(), copy.fingers, copy.known_serial("alice")) == ("2468", ["thumb"], "A")
    source.register("bob", "B")
    source.fingers.append("index")
    assert (copy.fingers, copy.serials) == (["thumb"], {"alice": "A"})
