"""What no account here has: empty lists, for whom may ask."""

import inspect
from typing import Any

import pytest

from mfalab.verifier import ServiceError
from mfalab.verifier.iam.absent import Absent

LISTS = [
    name for name, _ in inspect.getmembers(Absent, lambda member: hasattr(member, "operation"))
]


@pytest.mark.parametrize("name", LISTS)
def test_list_is_empty(company: Any, name: str) -> None:
    company.verifier.create_role(
        "123456789012", "ops", trusts=["arn:aws:iam::123456789012:user/ada"]
    )
    given = {"RoleName": "ops"} if name.endswith("for_role") else {}
    answer = getattr(company.iam("ada"), name)(**given)
    assert [value for value in answer.values() if value] == []
    assert [] in answer.values()
    with pytest.raises(ServiceError) as caught:
        getattr(company.iam("alice"), name)(**given)
    assert caught.value.code == "AccessDenied"


@pytest.mark.parametrize("name", [name for name in LISTS if "instance" not in name])
def test_user_is_named_or_the_caller(company: Any, name: str) -> None:
    listed = getattr(company.iam("ada"), name)
    taken = inspect.signature(listed).parameters
    if "UserName" in taken:
        assert listed(UserName="alice")
        with pytest.raises(ServiceError, match="The user with name nobody cannot be found"):
            listed(UserName="nobody")


def test_role_must_be_there(company: Any) -> None:
    with pytest.raises(ServiceError) as caught:
        company.iam("ada").list_instance_profiles_for_role(RoleName="nobody")
    assert caught.value.code == "NoSuchEntity"
