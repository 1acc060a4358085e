"""What was made is removed, the newest first; what was not made is left; the rest is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mfalab.simulator.environment.target import TargetFailed
from mfalab.simulator.targets.aws.made import Made
from mfalab.simulator.targets.aws.system import Address, connect
from mfalab.verifier import ServiceError, permissions

ALL = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


@pytest.fixture
def made(served: Any) -> Made:
    system = connect(Address.of(f"aws:{served.url}"))
    return Made(system.wire, system.account)


def do(made: Made, method: str, **parameters: Any) -> Any:
    with made.by(method, parameters):
        return made.wire.call("iam", method, parameters)


def furnish(made: Made) -> str:
    trust = permissions.trust_policy([f"arn:aws:iam::{made.account}:root"])
    do(made, "create_user", UserName="bob", Path="/staff/")
    do(made, "create_login_profile", UserName="bob", Password="Swordfish-1!")
    do(made, "create_access_key", UserName="bob")
    arn: str = do(made, "create_policy", PolicyName="all", Path="/p/", PolicyDocument=ALL)[
        "Policy"
    ]["Arn"]
    do(made, "attach_user_policy", UserName="bob", PolicyArn=arn)
    do(made, "create_group", GroupName="staff")
    do(made, "add_user_to_group", GroupName="staff", UserName="bob")
    do(made, "attach_group_policy", GroupName="staff", PolicyArn=arn)
    do(made, "create_role", RoleName="ops", AssumeRolePolicyDocument=trust)
    do(made, "attach_role_policy", RoleName="ops", PolicyArn=arn)
    do(made, "create_virtual_mfa_device", VirtualMFADeviceName="phone", Path="/d/")
    return arn


def test_everything_is_removed(served: Any, made: Made) -> None:
    furnish(made)
    assert len(served.left()) == 5
    made.remove()
    assert served.left() == []
    made.remove()  # and there is nothing to do a second time


def test_what_the_case_removed_itself_is_no_trouble(served: Any, made: Made) -> None:
    arn = furnish(made)
    for method, parameters in (
        ("detach_user_policy", {"UserName": "bob", "PolicyArn": arn}),
        ("delete_virtual_mfa_device", {"SerialNumber": f"arn:aws:iam::{made.account}:mfa/d/phone"}),
        ("delete_login_profile", {"UserName": "bob"}),
    ):
        do(made, method, **parameters)
    made.remove()
    assert served.left() == []


def test_what_was_refused_was_not_made(served: Any, made: Made) -> None:
    iam = served.endpoint.verifier.iam(served.endpoint.account.users["ada"])
    iam.create_user(UserName="bob")
    try:
        with pytest.raises(ServiceError, match="EntityAlreadyExists"):
            do(made, "create_user", UserName="bob")
        made.remove()
        assert served.left() == ["bob"]
    finally:
        iam.delete_user(UserName="bob")


def test_what_cannot_be_removed_is_listed(served: Any, made: Made) -> None:
    furnish(made)
    iam = served.endpoint.verifier.iam(served.endpoint.account.users["ada"])
    iam.put_user_policy(
        UserName="bob",
        PolicyName="inline",
        PolicyDocument=ALL,
    )
    try:
        with pytest.raises(TargetFailed) as failed:
            made.remove()
        assert str(failed.value).startswith(
            f"could not be removed from account {made.account}: user bob (DeleteConflict: "
        )
        assert served.left() == ["bob"]
    finally:
        iam.delete_user_policy(UserName="bob", PolicyName="inline")
        iam.delete_user(UserName="bob")


@pytest.mark.parametrize("end", [TargetFailed("it is gone"), KeyboardInterrupt()])
def test_an_end_in_between_lists_the_rest(
    served: Any, made: Made, monkeypatch: pytest.MonkeyPatch, end: BaseException
) -> None:
    arn = furnish(made)
    calls: list[str] = []
    call = made.wire.call

    def stubborn(service: str, method: str, parameters: Mapping[str, Any]) -> Any:
        calls.append(method)
        if len(calls) == 3:
            raise end
        return call(service, method, parameters)

    with monkeypatch.context() as patch:
        patch.setattr(type(made.wire), "call", lambda _, *given: stubborn(*given))
        with pytest.raises(TargetFailed) as failed:
            made.remove()
    assert len(calls) == 3, "nobody is asked again who does not answer"
    told = str(failed.value)
    for what in ("role ops", f"group policy staff {arn}", "access key bob", "user bob"):
        assert what in told
    assert told.endswith("it is gone" if isinstance(end, TargetFailed) else "it was interrupted")
    again = Made(made.wire, made.account)
    for method, parameters in (
        ("create_user", {"UserName": "bob"}),
        ("create_login_profile", {"UserName": "bob"}),
        ("create_access_key", {"UserName": "bob"}),
        ("create_policy", {"PolicyName": "all", "Path": "/p/"}),
        ("attach_user_policy", {"UserName": "bob", "PolicyArn": arn}),
        ("create_group", {"GroupName": "staff"}),
        ("add_user_to_group", {"GroupName": "staff", "UserName": "bob"}),
        ("attach_group_policy", {"GroupName": "staff", "PolicyArn": arn}),
        ("create_role", {"RoleName": "ops"}),
    ):
        with again.by(method, parameters):
            pass
    again.remove()
    assert served.left() == []
