"""Devices, people and time beside a served verifier."""

import pytest

from mfalab.devices.otp.qr import write_qr
from mfalab.simulator.environment.outcome import ScenarioError
from mfalab.simulator.scenario_files.fragments import NotUnderstood
from mfalab.simulator.shelf.shelf import MOST_DEVICES, VERBS, NotNow, Shelf
from mfalab.simulator.steps import VOCABULARY

from .conftest import FOB, START_NS, make_shelf


class Wall:
    """A machine's clock that a test moves."""

    def __init__(self) -> None:
        self.ns = START_NS

    def now_ns(self) -> int:
        return self.ns

    def wait(self, duration_ns: int) -> None:
        self.ns += duration_ns


def test_people_are_those_of_the_account(shelf: Shelf) -> None:
    assert shelf.lab.people.keys() == {"root", "alice", "ada"}
    account = shelf.lab.accounts["main"].id
    for name in ("bob", "carol@example.com", "7of9"):
        shelf.lab.verifier.create_user(account, name)
    shelf.meet_people()
    assert {"bob", "carol-example-com", "x-7of9"} <= shelf.lab.people.keys()
    assert shelf.lab.people["carol-example-com"].user_name == "carol@example.com"
    shelf.put({"fob": {**FOB, "owner": "bob"}})


def test_people_stand_as_they_were_named_and_others_by_name(shelf: Shelf) -> None:
    """The first who is not root is the owner that the page proposes."""
    for name in ("mallory", "bob", "dave", "Carol"):
        shelf.lab.verifier.create_user(shelf.lab.accounts["main"].id, name)
    shelf.meet_people()
    assert list(shelf.lab.people) == ["root", "alice", "ada", "bob", "Carol", "dave", "mallory"]


def test_verbs_are_of_the_language() -> None:
    assert VOCABULARY.keys() >= VERBS


def test_all_devices_or_none(shelf: Shelf) -> None:
    with pytest.raises(NotUnderstood):
        shelf.put({"fob": FOB, "other": {**FOB, "drift": "fast"}})
    assert not shelf.lab.devices
    shelf.put({"fob": {**FOB, "serial": "GAHT00000001"}})
    for taken in (
        {"fob": FOB},
        {"new": FOB, "alice": FOB},
        {"x": {**FOB, "serial": "GAHT00000001"}},
    ):
        with pytest.raises(NotNow, match="there is a"):
            shelf.put(taken)
    twice = {name: {**FOB, "serial": "GAHT00000002"} for name in ("a", "b")}
    with pytest.raises(NotUnderstood, match="GAHT00000002"):
        shelf.put(twice)
    assert list(shelf.lab.devices) == ["fob"]


def test_there_is_an_end_of_room(shelf: Shelf) -> None:
    with pytest.raises(NotNow, match="room"):
        shelf.put({f"fob{number}": FOB for number in range(MOST_DEVICES + 1)})
    assert not shelf.lab.devices


def test_devices_share_a_phone(shelf: Shelf) -> None:
    shelf.put({"app": {"kind": "totp_app", "owner": "alice"}})
    shelf.put({"sms": {"kind": "sms_phone", "owner": "alice", "on": "app"}})
    assert shelf.step({"do": "break", "device": "app"}).accepted
    assert not shelf.device("sms").alive


def test_files_of_the_server_are_not_read(shelf: Shelf) -> None:
    with pytest.raises(NotUnderstood, match="seed files are not read"):
        shelf.put({"fob": {**FOB, "serial": "x", "seeds": "/etc/passwd"}})


def test_app_scans_what_the_verifier_made(shelf: Shelf) -> None:
    shelf.put({"app": {"kind": "totp_app", "owner": "alice"}})
    alice = shelf.lab.people["alice"]
    keys = shelf.lab.verifier.create_access_key(alice.identity_id or "")
    made = shelf.lab.verifier.iam(keys).create_virtual_mfa_device(VirtualMFADeviceName="phone")
    app = shelf.scan("app", made["VirtualMFADevice"]["QRCodePNG"])
    assert app.serial == made["VirtualMFADevice"]["SerialNumber"]
    assert len(app.code_at(0)) == 6
    uri = "otpauth://totp/elsewhere:me?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert shelf.scan("app", uri).serial is None
    assert shelf.scan("app", write_qr(uri)).serial is None


def test_press_and_touch_are_of_their_kinds(shelf: Shelf) -> None:
    shelf.put({"fob": FOB, "key": {"kind": "security_key", "owner": "alice"}})
    assert shelf.press("fob").thing.display
    with pytest.raises(ScenarioError, match="no button"):
        shelf.press("key")
    with pytest.raises(ScenarioError, match="no security key"):
        shelf.touch("fob")
    with pytest.raises(NotNow, match="blink"):
        shelf.touch("key")


def test_steps_are_those_of_things(shelf: Shelf) -> None:
    shelf.put({"fob": FOB})
    assert shelf.step({"do": "lose", "who": "alice", "device": "fob"}).accepted
    assert shelf.step({"do": "lose", "who": "alice", "device": "fob"}).refused == "NotHeld"
    assert shelf.step({"do": "find", "who": "ada", "device": "fob"}).accepted
    assert shelf.device("fob").holder == "ada"
    before = shelf.now_ns
    assert shelf.step({"do": "wait", "for": "1 h"}).accepted
    assert shelf.now_ns - before == 3600 * 10**9
    for wrong in ({"do": "sign_in", "who": "alice"}, {}, {"do": None}, {"do": ["lose"]}):
        with pytest.raises(NotUnderstood, match="is one of"):
            shelf.step(wrong)
    with pytest.raises(NotUnderstood, match="times: leave it out"):
        shelf.step({"do": "wait", "for": "1 h", "times": "3"})


def test_machine_time_is_followed_and_not_moved() -> None:
    wall = Wall()
    shelf = make_shelf(wall)
    shelf.put({"fob": FOB})
    first = shelf.press("fob").thing.display
    wall.ns += 40 * 10**9
    shelf.follow()
    assert shelf.now_ns == wall.ns
    assert shelf.press("fob").thing.display != first
    wall.ns -= 10**9
    shelf.follow()  # the machine's clock was set back: time here waits for it
    for moving in ({"do": "wait", "for": "1 h"}, {"do": "set_verifier_clock", "by": "1 h"}):
        with pytest.raises(ScenarioError, match="--clock virtual"):
            shelf.step(moving)
    with pytest.raises(ScenarioError, match="--clock virtual"):
        shelf.advance(1)
