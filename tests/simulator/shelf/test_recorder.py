"""What is done becomes a story that is replayed with the same verdicts."""

import json
from base64 import b32decode
from collections.abc import Callable
from typing import Any

import pytest

from mfalab.devices.otp.seed import OtpSeed
from mfalab.simulator.shelf.recorder import MOST_OMITTED, MOST_STEPS, free_name
from mfalab.simulator.shelf.shelf import Shelf
from mfalab.simulator.shelf.story import write_story
from mfalab.verifier import Credentials, DeviceKind, SecondPage, ServiceError, SignedIn

from .conftest import FOB


class People:
    """What people do at the verifier of a shelf, as pages and programs do it for them."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf, self.verifier = shelf, shelf.lab.verifier
        self.account = shelf.lab.accounts["main"].id
        self.keys = {
            name: self.verifier.create_access_key(self.identity(name)) for name in ("alice", "ada")
        }

    def identity(self, name: str) -> str:
        return self.shelf.lab.people[name].identity_id or ""

    def code(self, name: str, steps: int = 0) -> str:
        return self.shelf.lab.code_device(name).code_at(steps)

    def enable(self, name: str, who: str = "alice") -> None:
        self.verifier.iam(self.keys[who]).enable_mfa_device(
            UserName=who,
            SerialNumber=self.shelf.device(name).known_serial(),
            AuthenticationCode1=self.code(name, -1),
            AuthenticationCode2=self.code(name),
        )

    def session(self, name: str, code: str, who: str = "alice") -> None:
        self.verifier.sts(self.keys[who]).get_session_token(
            SerialNumber=self.shelf.device(name).known_serial(), TokenCode=code
        )


@pytest.fixture
def people(shelf: Shelf) -> People:
    return People(shelf)


def steps_of(shelf: Shelf) -> list[str]:
    """The steps of the file, which must be replayed as they were recorded."""
    text = write_story(shelf)
    assert "# replayed otherwise" not in text, text
    return [line[4:] for line in text.partition("steps:\n")[2].splitlines() if line[:4] == "  - "]


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


def signed_in(people: People, password: str = "Secret-of-alice-1") -> SecondPage:
    page = people.verifier.console.sign_in(people.account, "alice", password)
    assert isinstance(page, SecondPage)
    return page


@pytest.fixture
def with_password(people: People) -> People:
    people.verifier.iam(people.keys["ada"]).update_login_profile(
        UserName="alice", Password="Secret-of-alice-1"
    )
    people.shelf.recorder.begin()
    return people


def test_sign_ins_are_one_step_or_two(shelf: Shelf, with_password: People) -> None:
    people, console = with_password, with_password.verifier.console
    shelf.put({"fob": FOB})
    with pytest.raises(ServiceError):
        console.sign_in(people.account, "alice", "something else")
    result = console.sign_in(people.account, "alice", "Secret-of-alice-1")
    assert isinstance(result, SignedIn)
    console.enable_device(
        result.credentials,
        serial=shelf.device("fob").known_serial(),
        code1=people.code("fob", -1),
        code2=people.code("fob"),
    )
    shelf.advance(60 * 10**9)
    page = signed_in(people)
    shelf.advance(5 * 10**9)
    with pytest.raises(ServiceError):
        console.submit_code(page.id, "000000")
    shelf.advance(5 * 10**9)
    assert isinstance(console.submit_code(page.id, people.code("fob")), SignedIn)
    signed_in(people)
    steps = steps_of(shelf)
    text = write_story(shelf)
    assert "ecret-of" not in text
    assert "something else" not in text
    failed = "refused: InvalidAuthenticationCode, decision: wrong"
    assert steps == [
        "{do: sign_in, who: alice, password: wrong, expect: {refused: FailedAuthentication}}",
        "{do: sign_in, who: alice}",
        "{do: enable, who: alice, using: console, device: fob, codes: [-1 steps, current]}",
        "{do: wait, for: 65 s}",
        f"{{do: sign_in, who: alice, with: fob, code: wrong, expect: {{{failed}}}}}",
        "{do: wait, until: 2026-03-02T09:01:10.000Z}",
        "{do: try_again, who: alice, with: fob}",
        "{do: sign_in, who: alice, expect: {refused: MfaRequired}}",
    ]


def test_roles_and_federated_users(shelf: Shelf, people: People) -> None:
    """A role is in the story with its trust policy; what it demands of MFA is judged again."""
    root = people.account
    alice = f"arn:aws:iam::{root}:user/alice"
    demands = {"Bool": {"aws:MultiFactorAuthPresent": True}}
    trust = {"Effect": "Allow", "Principal": {"AWS": alice}, "Action": "sts:AssumeRole"}
    role = people.verifier.create_role(
        root,
        "Deployer",
        trust_policy=json.dumps(
            {"Version": "2012-10-17", "Statement": {**trust, "Condition": demands}}
        ),
        policies=["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"],
        max_session_s=7200,
    )
    shelf.recorder.begin()
    shelf.put({"fob": FOB})
    people.enable("fob")
    arn = people.verifier.role_arn(role)
    sts = people.verifier.sts(people.keys["alice"])
    ask = {"RoleArn": arn, "RoleSessionName": "work"}
    with pytest.raises(ServiceError):
        sts.assume_role(**ask)
    shelf.advance(60 * 10**9)
    serial = shelf.device("fob").known_serial()
    mfa = {"SerialNumber": serial, "TokenCode": people.code("fob"), "DurationSeconds": 7200}
    session = Credentials.of(sts.assume_role(**ask, **mfa))
    people.verifier.authorize(session, "s3:ListAllMyBuckets")
    with pytest.raises(ServiceError):
        sts.assume_role(**ask, Tags=[{"Key": "a", "Value": "b"}])
    with pytest.raises(ServiceError):
        sts.get_federation_token(Name="visitor")
    ada = people.verifier.sts(people.keys["ada"])
    everything = '{"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
    made = Credentials.of(ada.get_federation_token(Name="visitor", Policy=everything))
    people.verifier.authorize(made, "s3:ListAllMyBuckets")
    steps, text = steps_of(shelf), write_story(shelf)
    refused = "expect: {refused: AccessDenied}}"
    alices = "who: alice, role: Deployer"
    visitor = "federated_user: visitor"
    policy = json.dumps(everything)
    assert steps[1:] == [
        f"{{do: assume_role, {alices}, {refused}",
        "{do: wait, for: 1 min}",
        f"{{do: assume_role, {alices}, with: fob, duration: 7200 s, as: session1}}",
        "{do: request, who: alice, action: s3:ListAllMyBuckets, using: session1}",
        f"{{do: get_federation_token, who: alice, {visitor}, {refused}",
        f"{{do: get_federation_token, who: ada, {visitor}, policy: {policy}, as: session2}}",
        "{do: request, who: ada, action: s3:ListAllMyBuckets, using: session2}",
    ]
    assert "policies: [AmazonS3ReadOnlyAccess]" in text
    assert "# not expressed: assume_role (sts): Tags cannot be given in a step\n" in text


@pytest.fixture
def locked_out(shelf: Shelf, people: People) -> Callable[[], str]:
    """Brings root, who has a fob, to the page of recovery by mail and telephone."""
    people.verifier.set_password(people.account, "Secret-of-root-1")
    console = people.verifier.console
    shelf.put({"fob": {**FOB, "owner": "root"}})
    first = console.sign_in_root("root@example.com", "Secret-of-root-1")
    assert isinstance(first, SignedIn)
    console.enable_device(
        first.credentials,
        serial=shelf.device("fob").known_serial(),
        code1=people.code("fob", -1),
        code2=people.code("fob"),
    )

    def begin() -> str:
        page = console.sign_in_root("root@example.com", "Secret-of-root-1")
        assert isinstance(page, SecondPage)
        recovery = console.recovery.start(page.id)
        shelf.advance(7 * 10**9)
        console.recovery.send_mail(recovery)
        return recovery

    return begin


def test_recovery_of_root_is_one_step(
    shelf: Shelf, people: People, locked_out: Callable[[], str]
) -> None:
    way = people.verifier.console.recovery
    recovery = locked_out()
    shelf.advance(90 * 10**9)
    way.follow_link(shelf.lab.messaging.mails[-1].token)
    digits = way.call(recovery)
    with pytest.raises(ServiceError):
        way.enter_digits(recovery, "000000" if digits != "000000" else "111111")
    shelf.advance(20 * 10**9)
    digits = way.call(recovery)
    way.enter_digits(recovery, digits)
    session = way.finish(recovery)
    shelf.advance(60 * 10**9)
    people.verifier.console.change_password(
        session.credentials, old_password="Secret-of-root-1", new_password="Secret-of-root-2"
    )
    steps = steps_of(shelf)
    assert steps[2:] == [
        "{do: sign_in, who: root, expect: {refused: MfaRequired}}",
        "{do: recover, who: root, call: wrong digits, wrong_digits: 1, mail_after: 90.000 s}",
        "{do: wait, until: 2026-03-02T09:02:57.000Z}",
        "{do: change_password, who: root}",
    ], steps


@pytest.mark.parametrize(
    ("late_s", "followed", "step"),
    [
        (100_000, True, "mail_after: 100000.000 s"),
        (1, False, "mail: not followed"),
    ],
)
def test_recovery_that_is_refused(
    shelf: Shelf,
    people: People,
    locked_out: Callable[[], str],
    late_s: int,
    followed: bool,
    step: str,
) -> None:
    way = people.verifier.console.recovery
    recovery = locked_out()
    shelf.advance(late_s * 10**9)
    token = shelf.lab.messaging.mails[-1].token
    with pytest.raises(ServiceError):
        way.follow_link(token) if followed else way.call(recovery)
    *_, last = steps_of(shelf)
    assert last.startswith(f"{{do: recover, who: root, {step}, expect: {{refused: ")


def test_typed_pins_that_no_key_has_are_not_written(shelf: Shelf) -> None:
    """Of simulated keys the PINs are in the file: without them nothing could be replayed."""
    shelf.put({"key": {"kind": "security_key", "owner": "alice", "pin": "1234"}})
    at_key = {"who": "alice", "device": "key"}
    shelf.step({"do": "type_pin", **at_key, "key": {"pin": "mybank77"}})
    shelf.step({"do": "set_pin", **at_key, "pin": "mb7"})
    shelf.step({"do": "set_pin", **at_key, "pin": "mybank78", "key": {"pin": "mybank77"}})
    shelf.step({"do": "set_pin", **at_key, "pin": "5678", "key": {"pin": "1234"}})
    shelf.step({"do": "type_pin", **at_key, "key": {"pin": "5678"}})
    steps = steps_of(shelf)
    assert "mb7" not in write_story(shelf)
    assert "mybank" not in write_story(shelf)
    assert [step.partition("device: key, ")[2] for step in steps] == [
        "key: {pin: wrong}, expect: {refused: PIN_INVALID}}",
        "pin: 111, expect: {refused: NotOffered}}",
        "pin: 11111111, key: {pin: wrong}, expect: {refused: PIN_INVALID}}",
        "pin: 5678, key: {pin: right}}",
        "key: {pin: right}}",
    ]


def test_event_based_token_may_be_pressed_for_nothing(shelf: Shelf, people: People) -> None:
    shelf.step({"do": "change_verifier", "to": {"hotp_tokens": True}})
    shelf.put({"counter": {"kind": "hardware_hotp", "owner": "alice"}})
    codes = [shelf.press("counter").thing.display for _ in range(4)]
    people.verifier.iam(people.keys["alice"]).enable_mfa_device(
        UserName="alice",
        SerialNumber=shelf.device("counter").known_serial(),
        AuthenticationCode1=codes[2],
        AuthenticationCode2=codes[3],
    )
    people.session("counter", shelf.press("counter").thing.display)
    for _ in range(200):
        shelf.press("counter")
    with pytest.raises(ServiceError):
        people.session("counter", shelf.press("counter").thing.display)
    steps_of(shelf)


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


def test_second_app_that_scans_is_a_clone(shelf: Shelf, people: People) -> None:
    shelf.put({name: {"kind": "totp_app", "owner": "alice"} for name in ("app", "copy")})
    people.verifier.iam(people.keys["alice"]).create_virtual_mfa_device(VirtualMFADeviceName="x")
    for name in ("app", "copy"):
        shelf.scan(name, shelf.shown or b"")
    people.enable("copy")
    assert steps_of(shelf) == [
        "{do: create, who: alice, device: app, device_name: x}",
        "{do: clone, device: app, to: copy}",
        "{do: enable, who: alice, device: copy, codes: [-1 steps, current]}",
    ]


def test_what_no_step_expresses_is_said(shelf: Shelf, people: People) -> None:
    iam = people.verifier.iam(people.keys["ada"])
    iam.create_group(GroupName="staff")
    with pytest.raises(ServiceError):
        iam.create_group(GroupName="staff")
    with pytest.raises(ServiceError):
        people.verifier.iam(people.keys["alice"]).list_roles()
    text = write_story(shelf)
    assert "# not expressed: create_group (iam)\n" in text
    assert "# not expressed: create_group (iam), refused with EntityAlreadyExists\n" in text
    assert "list_roles (iam) was refused with AccessDenied" in text
    assert steps_of(shelf) == ["{do: wait, for: 0 s}"]


def test_story_has_an_end(shelf: Shelf, people: People) -> None:
    sts = people.verifier.sts(people.keys["alice"])
    for _ in range(MOST_STEPS + 5):
        sts.get_caller_identity()
    assert len(shelf.recorder.entries) == MOST_STEPS
    assert list(shelf.recorder.omitted) == [f"what came after {MOST_STEPS} steps"]
    for number in range(2 * MOST_OMITTED):
        shelf.recorder.omit(str(number))
    assert len(shelf.recorder.omitted) == MOST_OMITTED + 1
    shelf.recorder.begin()
    assert not shelf.recorder.entries
    assert not shelf.recorder.omitted


def test_defect_of_the_recorder_is_no_answer(
    shelf: Shelf, people: People, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def defect(heard: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(shelf.recorder, "hear", defect)
    assert people.verifier.sts(people.keys["alice"]).get_caller_identity()["Arn"]
    assert "defect of the recorder" in str(shelf.recorder.omitted)
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    ("wanted", "taken", "free"),
    [
        ("fob", (), "fob"),
        ("fob", ("fob", "fob-2"), "fob-3"),
        ("7 of 9", (), "x-7-of-9"),
        ("", (), "x-"),
        ("a@b", (), "a-b"),
    ],
)
def test_free_names(wanted: str, taken: tuple[str, ...], free: str) -> None:
    assert free_name(wanted, taken) == free


def test_policies_that_the_file_does_not_have_are_said(shelf: Shelf, people: People) -> None:
    people.verifier.iam(people.keys["ada"]).attach_user_policy(
        UserName="alice", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    )
    shelf.recorder.begin()
    people.verifier.sts(people.keys["alice"]).get_caller_identity()
    people.verifier.sts(people.keys["ada"]).get_caller_identity()
    text = write_story(shelf)
    assert "# not expressed: the policies of alice\n" in text
    assert "ada: {typing: instant, role: administrator}" in text
