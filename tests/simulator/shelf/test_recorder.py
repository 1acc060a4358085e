"""What is done on the shelf and at the doors is told, or said to be left out."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from mfalab.simulator.shelf.shelf import Shelf
from mfalab.simulator.shelf.story import write_story
from mfalab.verifier import Console, Iam, ServiceError, SignedIn, Sts, Verifier
from mfalab.verifier.recovery import RootRecovery

from .conftest import FOB, People, steps_of


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


def test_what_a_page_may_not_show_is_not_the_persons_doing(
    shelf: Shelf, with_password: People
) -> None:
    verifier = with_password.verifier
    page = verifier.console.sign_in(with_password.account, "alice", "Secret-of-alice-1")
    assert isinstance(page, SignedIn)
    for credentials in (page.credentials, with_password.keys["alice"]):
        with pytest.raises(ServiceError):
            verifier.iam(credentials).get_account_summary()
    assert shelf.notebook.omitted == {
        "get_account_summary (iam) was refused with AccessDenied": 1,  # by her access keys
    }


def test_defect_of_the_recorder_is_no_answer(
    shelf: Shelf, people: People, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def defect(heard: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(shelf.recorder, "hear", defect)
    assert people.verifier.sts(people.keys["alice"]).get_caller_identity()["Arn"]
    assert "defect of the recorder" in str(shelf.notebook.omitted)
    assert "ZeroDivisionError" in caplog.text


MALFORMED: list[dict[str, Any]] = [
    {},
    {"Tags": [], "TagKeys": []},
    *({"SerialNumber": "s", "Tags": tags, "TagKeys": tags} for tags in (7, "x", ["x"], [{}])),
    {"SerialNumber": ["s"], "AuthenticationCode1": {}, "AuthenticationCode2": None},
    {"UserName": 7, "VirtualMFADeviceName": [], "RoleArn": {}, "DurationSeconds": "long"},
    {"SerialNumber": "s", "TokenCode": 7, "Policy": [], "Name": {}, "ExternalId": 1},
]


@pytest.mark.parametrize("given", MALFORMED, ids=str)
def test_malformed_request_is_no_defect_of_the_recorder(
    shelf: Shelf, people: People, given: dict[str, Any]
) -> None:
    """It is refused, and no step says it; whoever sends it must not fill the log."""
    doors = {"iam": people.verifier.iam, "sts": people.verifier.sts}
    methods = [call for call in shelf.recorder.hearers if call[0] in doors]
    assert len(methods) > 10
    for door, method in methods:
        with suppress(ServiceError):
            getattr(doors[door](people.keys["ada"]), method)(**given)
    assert "defect" not in str(shelf.notebook.omitted)


def refused_calls(people: People) -> dict[str, Callable[[], object]]:
    """Calls that are refused for their form, each of which looks like a step."""
    ada = people.verifier.iam(people.keys["ada"])
    sts = people.verifier.sts(people.keys["alice"])
    fob, app = (people.shelf.device(name).known_serial() for name in ("fob", "app"))
    twice = [{"Key": "a", "Value": "b"}] * 2

    def tag(*tags: dict[str, object]) -> object:
        return ada.tag_mfa_device(SerialNumber=app, Tags=[*tags])

    def code(typed: Any) -> object:
        return sts.get_session_token(SerialNumber=fob, TokenCode=typed)

    return {
        "negative": lambda: sts.get_session_token(DurationSeconds=-1),
        "text": lambda: sts.get_session_token(DurationSeconds="long"),
        "fraction": lambda: sts.get_session_token(DurationSeconds=1000.0),
        "short code": lambda: code("12"),
        "no code": lambda: code(""),
        "number": lambda: code(123456),
        "pair": lambda: ada.resync_mfa_device(
            UserName="alice", SerialNumber=fob, AuthenticationCode1="1", AuthenticationCode2="2"
        ),
        "tag twice": lambda: tag(*twice),
        "tag without a key": lambda: tag({"Key": "", "Value": "b"}),
        "numbers in a tag": lambda: tag({"Key": 1, "Value": 2}),
        "tag of three": lambda: tag({"Key": "a", "Value": "b", "c": "d"}),
        "number of a tag": lambda: ada.untag_mfa_device(SerialNumber=app, TagKeys=[1]),
        "device without a name": ada.create_virtual_mfa_device,
        "tag twice on a new device": lambda: ada.create_virtual_mfa_device(
            VirtualMFADeviceName="new", Tags=twice
        ),
        "user without a name": sts.get_federation_token,
    }


@pytest.mark.parametrize("call", range(15))
def test_malformed_request_leaves_the_story_replayable(
    shelf: Shelf, people: People, call: int
) -> None:
    """One step that no file may have made a file of which nothing ran."""
    shelf.put({"fob": FOB, "app": {"kind": "totp_app", "owner": "ada"}})
    people.verifier.iam(people.keys["ada"]).create_virtual_mfa_device(VirtualMFADeviceName="x")
    shelf.scan("app", shelf.shown or b"")
    people.enable("fob")
    calls = list(refused_calls(people).values())
    assert len(calls) == 15
    with pytest.raises(ServiceError):
        calls[call]()
    assert len(steps_of(shelf)) in (2, 3)
    assert len(steps_of(shelf)) == 3 or "# not expressed: " in write_story(shelf)


UNTOLD = {
    ("console", "forgot_root_password"),
    ("console", "reset_root_password"),
    ("console", "submit_mail_code"),
    ("console", "update_root_phone"),
    ("sts", "assume_root"),
    ("sts", "get_access_key_info"),
}
"""What no step expresses; of IAM that is most."""


def test_each_operation_is_told_or_known_to_be_left_out(shelf: Shelf) -> None:
    doors: dict[str, type] = {
        "console": Console,
        "recovery": RootRecovery,
        "sts": Sts,
        "iam": Iam,
        "authorize": Verifier,
    }
    told = shelf.recorder.hearers.keys()
    assert [each for each in told if not callable(getattr(doors[each[0]], each[1], None))] == []
    offered = {
        (name, method)
        for name in ("console", "recovery", "sts")
        for method in dir(doors[name])
        if not method.startswith("_") and callable(getattr(doors[name], method))
    }
    looking = {("console", "devices"), ("console", "second_page"), ("console", "users")}
    assert offered - told - looking == UNTOLD
