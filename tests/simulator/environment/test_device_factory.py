"""Things as a setting describes them, with clocks, batteries and seeds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pskc import PSKC

from mfalab import Lab
from mfalab.devices.errors import DeviceUnusable
from mfalab.simulator.environment.devices import HeldToken
from mfalab.simulator.language.setting import Setting
from mfalab.verifier import MemoryStore
from mfalab.verifier.records import Device

Labs = Callable[..., Lab]
S = 10**9
SECRET = b"12345678901234567890"


def token(lab_with: Labs, **spec: Any) -> Lab:
    fob = {"kind": "hardware_totp", "owner": "alice", "crystal": "tcxo", "drift": "0 ppm"}
    return lab_with(devices={"fob": fob | spec})


def offset_s(lab: Lab, name: str = "fob") -> float:
    clock = lab.device(name).clock
    assert clock is not None
    return clock.offset_ns() / S


def test_clock_of_a_token_is_as_fast_and_as_far_ahead_as_it_is_said(lab_with: Labs) -> None:
    lab = token(lab_with, drift="100 ppm", offset="7 s")
    assert offset_s(lab) == pytest.approx(7.0)
    lab.wait(for_="1 d")
    assert offset_s(lab) == pytest.approx(7 + 8.64, abs=0.3)


def test_age_has_drifted_before_the_start(lab_with: Labs) -> None:
    assert offset_s(token(lab_with, drift="100 ppm", age="10 d")) == pytest.approx(86.4, abs=3)


def test_frozen_clock_stands_still_and_the_display_works(lab_with: Labs) -> None:
    lab = token(lab_with, frozen=True)
    code = lab.code_device("fob").code()
    lab.wait(for_="1 d")
    assert lab.code_device("fob").code() == code


@pytest.mark.parametrize("kind", ["hardware_totp", "hardware_hotp"])
def test_token_dies_with_its_battery_counted_from_the_day_it_was_made(
    lab_with: Labs, kind: str
) -> None:
    spec = {"kind": kind, "owner": "alice", "age": "3 d", "battery": "4 d"}
    lab = lab_with(devices={"fob": spec})
    assert lab.device("fob").alive
    lab.wait(for_="1 d")
    assert not lab.device("fob").alive
    with pytest.raises(DeviceUnusable):
        lab.code_device("fob").code()


def test_seed_goes_to_the_verifier_unless_the_maker_keeps_it(lab_with: Labs) -> None:
    lab = token(lab_with, serial="A1")
    assert [shipped.serial for shipped in lab.factory.shipped] == ["A1"]
    lab = token(lab_with, serial="A1", registered=False)
    assert lab.factory.shipped == []
    lab.enable(who="alice", device="fob", expect={"refused": "any"})


def test_token_is_made_from_its_makers_seed_file(lab_with: Labs, tmp_path: Path) -> None:
    seeds = tmp_path / "fobs.csv"
    seeds.write_text(f"serial,seed\nA1,{SECRET.hex()}\n")
    fob = token(lab_with, serial="A1", seeds=str(seeds)).device("fob")
    assert isinstance(fob, HeldToken)
    assert fob.thing.seed.secret == SECRET


def test_known_drift_of_the_seed_file_is_the_offset_unless_one_is_said(
    lab_with: Labs, tmp_path: Path
) -> None:
    made = PSKC()
    made.add_key(
        serial="A1",
        secret=SECRET,
        algorithm="urn:ietf:params:xml:ns:keyprov:pskc:totp",
        time_interval=60,
        time_drift=-7,
    )
    seeds = tmp_path / "fobs.xml"
    made.write(str(seeds))
    from_file = {"serial": "A1", "seeds": str(seeds)}
    assert offset_s(token(lab_with, **from_file)) == pytest.approx(-420)
    assert offset_s(token(lab_with, **from_file, offset="5 s")) == pytest.approx(5)
    assert token(lab_with, **from_file).factory.shipped[0].drift_steps == -7


@pytest.mark.parametrize(("profile", "centre"), [("rfc6238", -100), ("aws-immediate", 0)])
def test_verifier_with_drift_memory_begins_at_the_known_drift(
    tmp_path: Path, profile: str, centre: int
) -> None:
    made = PSKC()
    algorithm = "urn:ietf:params:xml:ns:keyprov:pskc:totp"
    made.add_key(serial="A1", secret=SECRET, algorithm=algorithm, time_drift=-100)
    made.write(str(tmp_path / "fobs.xml"))
    fob = {"kind": "hardware_totp", "owner": "alice", "serial": "A1", "drift": "0 ppm"}
    fob["seeds"] = str(tmp_path / "fobs.xml")
    store = MemoryStore()
    words = {"people": {"alice": {}}, "devices": {"fob": fob}, "verifier": profile}
    Lab(Setting.model_validate(words), store=store)
    with store.transaction() as tx:
        (device,) = tx.find(Device, serial="A1")
    assert (device.offset_steps, device.pair_offset_steps) == (centre, centre)


def test_event_based_token_begins_at_its_counter(lab_with: Labs) -> None:
    codes = []
    for counter in (0, 2):
        spec = {"kind": "hardware_hotp", "owner": "alice", "counter": counter}
        codes.append(lab_with(devices={"fob": spec}).code_device("fob").code_at(2 - counter))
    assert codes[0] == codes[1]


def test_apps_on_one_phone_share_its_clock_and_others_have_their_own(lab_with: Labs) -> None:
    app = {"kind": "totp_app", "owner": "alice"}
    lab = lab_with(
        phones={"phone": {"clock": "manual", "offset": "90 s"}},
        devices={"a": {**app, "on": "phone"}, "b": {**app, "on": "phone"}, "c": app},
    )
    assert lab.device("a").clock is lab.device("b").clock
    assert offset_s(lab, "a") == pytest.approx(90)
    assert abs(offset_s(lab, "c")) < 5
    assert list(lab.factory.phones) == ["phone", "c"]


def test_phone_in_airplane_mode_is_not_kept_by_the_network(lab_with: Labs) -> None:
    app = {"kind": "totp_app", "owner": "alice", "on": "phone"}
    offsets = []
    for clock in ("network", "airplane"):
        lab = lab_with(phones={"phone": {"clock": clock}}, devices={"app": app})
        lab.wait(for_="200 d")
        offsets.append(abs(offset_s(lab, "app")))
    assert offsets[0] < 5 < offsets[1]


def test_number_is_made_up_when_none_is_given(lab_with: Labs) -> None:
    numbers = [
        lab_with(devices={"sms": {"kind": "sms_phone", "owner": "alice", **more}})
        .sms_phone("sms")
        .thing.number
        for more in ({}, {"number": "+4930123456"})
    ]
    assert str(numbers[0]).startswith("+1202555")
    assert numbers[1] == "+4930123456"


def test_key_has_the_places_the_pin_and_the_fingers_that_are_said(lab_with: Labs) -> None:
    spec = {
        "kind": "security_key",
        "owner": "alice",
        "model": "ctap-2.1-bio",
        "pin": "2468",
        "fingers": ["thumb", "index"],
        "slots": 3,
    }
    key = lab_with(devices={"key": spec}).security_key("key")
    assert (key.known_pin(), key.fingers) == ("2468", ["thumb", "index"])
    assert key.access.simulated.model.slots == 3
    assert key.access.facts(None, counting=False).pin_is_set
