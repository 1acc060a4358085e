"""Users and their credentials, furnished without the API."""

from typing import Any

import pytest

from mfalab.verifier import Credentials, ServiceError

ACCOUNT = "123456789012"


def test_furnished_user_is_as_one_by_the_api(company: Any) -> None:
    company.verifier.create_user(ACCOUNT, "carol", path="/team/")
    company.iam("ada").create_user(UserName="dave", Path="/team/")
    carol, dave = company.iam("ada").list_users(PathPrefix="/team/")["Users"]
    assert set(carol) == set(dave)
    assert carol["CreateDate"] == dave["CreateDate"]


def test_keys_are_counted_together(company: Any) -> None:
    """One was furnished with the company."""
    second = company.verifier.create_access_key(company.ids["alice"])
    assert isinstance(second, Credentials)
    with pytest.raises(ServiceError, match="AccessKeysPerUser: 2"):
        company.iam("ada").create_access_key(UserName="alice")
    with pytest.raises(ServiceError, match="AccessKeysPerUser: 2"):
        company.verifier.create_access_key(company.ids["alice"])


def test_console_removes_everything(company: Any) -> None:
    """Devices, keys and password go with the user, as the console's page says."""
    company.enrol()
    ada = company.signed_in("ada").credentials
    company.console.delete_user(ada, user_name="alice")
    left = company.everything()
    assert company.ids["alice"] not in {identity.id for identity in left["Identity"]}
    assert company.ids["alice"] not in {key.identity_id for key in left["AccessKey"]}
    assert all(device.owner_id is None and device.deleted_ns for device in left["Device"])
