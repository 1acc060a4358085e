"""Scenarios say the same of a verifier in the process and on the wire, and leave nothing behind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfalab.simulator.environment.outcome import ExpectationFailed
from mfalab.simulator.environment.target import NotOffered, TargetFailed
from mfalab.simulator.eventlog import Event
from mfalab.simulator.lab import Lab
from mfalab.simulator.language.setting import Setting
from mfalab.simulator.runner import case_events, run_case
from mfalab.simulator.scenario_files.loader import Case
from mfalab.simulator.scenario_files.suites import collect, shipped
from mfalab.simulator.targets.aws.http import response
from mfalab.simulator.targets.aws.system import Address, AwsSystem, connect
from mfalab.simulator.targets.aws.target import AwsTarget
from mfalab.verifier import ServiceError

PLAIN = "replay-and-race/same-code-twice-at-sts"
CASES = 115
"""So many cases, at least, can be played on a wire."""


@pytest.fixture(scope="module")
def every_case() -> list[Case]:
    return collect([str(shipped())])


@pytest.fixture
def system(served: Any) -> AwsSystem:
    return connect(Address.of(f"aws:{served.url}"))


def one(cases: list[Case], name: str) -> Case:
    return next(case for case in cases if case.id == name)


def verdict(events: list[Event]) -> str:
    return f"{events[-1]['verdict']} {events[-1]['why']}".strip()


def lab_of(system: AwsSystem, **words: Any) -> Lab:
    setting = {"people": {"alice": {}, "ada": {"role": "administrator"}}, **words}
    return Lab(Setting.model_validate(setting), system=system)


def test_same_verdicts(served: Any, system: AwsSystem, every_case: list[Case]) -> None:
    """Case by case; what is skipped on the wire has a sentence."""
    played, other = 0, []
    for case in every_case:
        wire = run_case(case, system=system)
        if wire[-1]["verdict"] == "skipped":
            assert str(wire[-1]["why"]).startswith(f"{system.label} cannot "), case.id
            continue
        played += 1
        if verdict(wire) != verdict(run_case(case)):
            other.append(f"{case.id}: {verdict(wire)}")
        assert served.left() == [], case.id
    assert other == []
    assert played >= CASES


def test_names_are_the_scenarios_above_the_port(system: AwsSystem, served: Any) -> None:
    lab = lab_of(
        system,
        accounts={"main": {"id": "123456789012"}},
        devices={"phone": {"kind": "totp_app", "owner": "alice"}},
        roles={"ops": {}},
        groups={"staff": {"members": ["alice"]}},
    )
    lab.enable(who="alice", device="phone")
    assert lab.device("phone").serial == "arn:aws:iam::123456789012:mfa/phone"
    assert lab.roles["ops"] == "arn:aws:iam::123456789012:role/ops"
    users = lab.list_devices(who="alice").data
    assert [each["UserName"] for each in users] == ["alice"]
    assert all("mfalab-" in name for name in served.left())
    lab.target.close()
    assert served.left() == []


def test_rules_are_set_for_a_case_and_given_back(system: AwsSystem, served: Any) -> None:
    usual = served.endpoint.verifier.profile
    lab = lab_of(system, verifier={"window_back": "7 steps"})
    assert served.endpoint.verifier.profile.window_back == 7
    assert lab.target.profile.window_back == 7
    lab.change_verifier(to={"window_back": "1 step", "window_ahead": "9 steps"})
    now = served.endpoint.verifier.profile
    assert (now.window_back, now.window_ahead) == (1, 9)
    lab.target.close()
    assert served.endpoint.verifier.profile == usual


def test_rules_that_cannot_be_given_back_are_not_set(system: AwsSystem, served: Any) -> None:
    usual = served.endpoint.verifier.profile
    with pytest.raises(NotOffered, match="cannot be rid again of hardware_window_back"):
        lab_of(system, verifier={"hardware_window_back": "7 steps"})
    assert served.endpoint.verifier.profile == usual
    assert served.left() == []


def test_two_cases_at_once_do_not_meet(system: AwsSystem, served: Any) -> None:
    labs = [lab_of(system, devices={"phone": {"kind": "totp_app", "owner": "alice"}}) for _ in "ab"]
    for lab in labs:
        lab.enable(who="alice", device="phone")
        lab.list_virtual_devices(who="ada", devices=["phone"])
    for lab in labs:
        lab.target.close()
    assert served.left() == []


def test_passwords_are_not_those_of_the_lab(system: AwsSystem, served: Any) -> None:
    """A seed is public, and a user with a password of it would open a real console."""
    lab = lab_of(system)
    console = served.endpoint.verifier.console
    (alice,) = [name for name in served.left() if name.endswith("-alice")]
    with pytest.raises(ServiceError):
        console.sign_in(system.account, alice, lab.person("alice").password)
    lab.target.close()


@pytest.mark.parametrize("end", [KeyboardInterrupt, GeneratorExit, RuntimeError])
def test_an_interrupted_case_leaves_nothing(
    system: AwsSystem, served: Any, every_case: list[Case], end: type[BaseException]
) -> None:
    events = case_events(one(every_case, PLAIN), system=system)
    for event in events:
        if event["kind"] == "step_finished":
            break
    assert served.left() != []
    with pytest.raises(end):
        events.throw(end())
    assert served.left() == []


def test_a_setting_that_fails_leaves_nothing(system: AwsSystem, served: Any) -> None:
    with pytest.raises(TargetFailed, match="refuses create_user to the administrator"):
        lab_of(system, people={"alice": {}, "bob": {"user_name": "not allowed"}})
    assert served.left() == []


def test_a_setting_that_fails_and_leaves_something(
    system: AwsSystem, served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are told: why it failed, and what is there now."""
    send = system.wire.transport

    def without_key(request: Any) -> Any:
        if "CreateAccessKey" in str(request.body) or "DeleteUser" in str(request.body):
            return response(request.url, 503, {}, b"")
        return send(request)

    system.wire.transport = without_key
    with pytest.raises(TargetFailed) as failed:
        lab_of(system, people={"alice": {}})
    assert "answered CreateAccessKey with HTTP 503; could not be removed from" in str(failed.value)
    (alice,) = served.left()
    assert f": user {alice}; " in str(failed.value)
    served.endpoint.verifier.iam(served.endpoint.account.users["ada"]).delete_user(UserName=alice)


def test_who_is_no_administrator(
    served: Any, every_case: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    verifier = served.endpoint.verifier
    user = verifier.create_user(served.endpoint.account.id, "nobody")
    keys = verifier.create_access_key(user.id)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys.secret_access_key)
    system = connect(Address.of(f"aws:{served.url}"))
    try:
        told = verdict(run_case(one(every_case, PLAIN), system=system))
    finally:
        iam = verifier.iam(served.endpoint.account.users["ada"])
        iam.delete_access_key(UserName="nobody", AccessKeyId=keys.access_key_id)
        (attached,) = iam.list_attached_user_policies(UserName="nobody")["AttachedPolicies"]
        iam.detach_user_policy(UserName="nobody", PolicyArn=attached["PolicyArn"])
        iam.delete_user(UserName="nobody")
    assert told.startswith("error ")
    assert "refuses create_user to the administrator that its credentials should be of" in told


def test_a_fault_is_no_verdict(system: AwsSystem, every_case: list[Case]) -> None:
    """What an endpoint answers with 500 is an error, also where a refusal is what is expected."""
    case = one(every_case, "sessions-and-roles/role-wants-mfa[wrong code]")
    send = system.wire.transport

    def failing(request: Any) -> Any:
        if "AssumeRole" in str(request.body) and "TokenCode" in str(request.body):
            return response(request.url, 500, {}, b"database is locked")
        return send(request)

    system.wire.transport = failing
    told = verdict(run_case(case, system=system))
    assert told.startswith("error ")
    assert told.endswith("answered AssumeRole with HTTP 500: database is locked")


def test_a_picture_that_nobody_can_scan(
    system: AwsSystem, every_case: list[Case], served: Any
) -> None:
    """The case goes on with the secret typed in, and fails in the end."""
    send = system.wire.transport

    def blurring(request: Any) -> Any:
        answer = send(request)
        blurred = answer.content.replace(b"<QRCodePNG>", b"<QRCodePNG>AAAA")
        return response(request.url, answer.status_code, {}, blurred)

    system.wire.transport = blurring
    events = run_case(one(every_case, PLAIN), system=system)
    why = "a QRCodePNG that an app can scan, got bytes that are no picture of a code"
    assert verdict(events) == f"failed expected {why}"
    assert [event["what"] for event in events if event.get("what") == "records a fault"]
    assert served.left() == []


def test_more_is_not_offered(system: AwsSystem) -> None:
    target: Any = AwsTarget(system, lab_of(system).target.premises, "mfalab-x-")
    for use in (
        lambda: target.console,
        lambda: target.inject("x", ServiceError("x", "x", 400)),
        lambda: target.create_account("1" * 12, root_email="x", alias=None, partition="aws-cn"),
        lambda: target.mfa_context(None),
        lambda: replace(system, clock=None).announce([]),
    ):
        with pytest.raises(NotOffered):
            use()


def test_other_services(system: AwsSystem, served: Any) -> None:
    lab = lab_of(system)
    for action in ("s3:ListAllMyBuckets", "ec2:DescribeInstances", "ec2:TerminateInstances"):
        lab.request(who="ada", action=action)
        refused = lab.request(who="alice", action=action, expect={"refused": "AccessDenied"})
        assert refused.message.startswith("User: arn:aws:iam::")
        assert f"not authorized to perform: {action}" in refused.message
    instance = f"arn:aws:ec2:eu-west-1:{lab.accounts['main'].id}:instance/i-0123456789abcdef0"
    lab.request(who="ada", action="ec2:TerminateInstances", resource=instance)
    found = system.wire.call("ec2", "describe_instances", {})["Reservations"][0]["Instances"]
    assert found[0]["State"]["Name"] == "running", "each was a dry run"
    lab.target.close()


def test_a_race_has_one_winner(system: AwsSystem) -> None:
    lab = lab_of(system, devices={"phone": {"kind": "totp_app", "owner": "alice"}})
    lab.enable(who="alice", device="phone")
    lab.wait(for_="1 min")
    assert lab.race(who="ada", as_="alice", device="phone", requests=8).data == 1
    with pytest.raises(ExpectationFailed):
        lab.race(who="ada", as_="alice", device="phone", requests=8)
    lab.target.close()
