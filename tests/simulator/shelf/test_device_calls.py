"""What is done with devices becomes steps that are replayed with the same verdicts."""

from base64 import b32decode

import pytest

from mfalab.devices.otp.seed import OtpSeed
from mfalab.simulator.shelf.shelf import Shelf
from mfalab.simulator.shelf.story import write_story
from mfalab.verifier import DeviceKind, ServiceError, SignedIn

from .conftest import FOB, People, signed_in, steps_of


def test_drift_is_refused_and_resynchronised(shelf: Shelf, people: People) -> None:
    shelf.put({"fob": {**FOB, "drift": "45 ppm"}})
    people.enable("fob")
    shelf.advance(400 * 86_400 * 10**9)
    with pytest.raises(ServiceError):
        people.session("fob", people.code("fob"))
    people.verifier.iam(people.keys["ada"]).resync_mfa_device(
        UserName="alice",
        SerialNumber=shelf.device("fob").known_serial(),
        AuthenticationCode1=people.code("fob", -1),
        AuthenticationCode2=people.code("fob"),
    )
    shelf.advance(30 * 10**9)
    people.session("fob", people.code("fob"))
    with pytest.raises(ServiceError):
        people.session("fob", people.code("fob"))
    shelf.step({"do": "lose", "who": "alice", "device": "fob"})
    shelf.step({"do": "lose", "who": "alice", "device": "fob"})
    people.verifier.iam(people.keys["ada"]).deactivate_mfa_device(
        UserName="alice", SerialNumber=shelf.device("fob").known_serial()
    )
    refused = "expect: {refused: AccessDenied, decision: "
    assert steps_of(shelf) == [
        '{do: enable, who: alice, device: fob, codes: ["-1 steps", current]}'.replace('"', ""),
        "{do: wait, for: 400 d}",
        f"{{do: get_session, who: alice, with: fob, {refused}wrong}}}}",
        "{do: resync, who: ada, for: alice, device: fob, codes: [-1 steps, current]}",
        "{do: wait, for: 30 s}",
        "{do: get_session, who: alice, with: fob, as: session1}",
        f"{{do: get_session, who: alice, with: fob, {refused}replayed}}}}",
        "{do: lose, who: alice, device: fob}",
        "{do: lose, who: alice, device: fob, expect: {refused: NotHeld}}",
        "{do: deactivate, who: ada, for: alice, device: fob}",
    ]


def test_text_messages_are_waited_for(shelf: Shelf, with_password: People) -> None:
    people, console = with_password, with_password.verifier.console
    shelf.step({"do": "change_verifier", "to": {"sms": "preview"}})
    shelf.put({"sms": {"kind": "sms_phone", "owner": "alice"}})
    result = console.sign_in(people.account, "alice", "Secret-of-alice-1")
    assert isinstance(result, SignedIn)
    number = shelf.lab.sms_phone("sms").thing.number or ""
    serial = console.register_sms(result.credentials, phone=number)
    shelf.advance(10 * 10**9)
    console.confirm_sms(result.credentials, serial=serial, code=people.code("sms"))
    page = signed_in(people)
    console.choose(page.id, DeviceKind.SMS)
    shelf.advance(10 * 10**9)
    assert isinstance(console.submit_code(page.id, people.code("sms")), SignedIn)
    steps_of(shelf)


def test_real_phone_has_a_stand_in(shelf: Shelf, people: People) -> None:
    iam = people.verifier.iam(people.keys["alice"])
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName="My_phone")["VirtualMFADevice"]
    secret = made["Base32StringSeed"].decode()
    seed = OtpSeed(b32decode(secret + "=" * (-len(secret) % 8)))
    step = shelf.now_ns // (30 * 10**9)
    iam.enable_mfa_device(
        UserName="alice",
        SerialNumber=made["SerialNumber"],
        AuthenticationCode1=seed.code_at_step(step - 1),
        AuthenticationCode2=seed.code_at_step(step),
    )
    text = write_story(shelf)
    assert "# My_phone stands for a device that was not on the shelf." in text
    assert secret not in text
    assert seed.code_at_step(step) not in text
    assert steps_of(shelf) == [
        "{do: create, who: alice, device: My_phone, device_name: My_phone}",
        "{do: enable, who: alice, device: My_phone, codes: [-1 steps, current]}",
    ]
