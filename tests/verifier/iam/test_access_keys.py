"""Access keys: two for each user, switched on and off, deleted for good."""

from typing import Any

import pytest

from mfalab.verifier import Credentials, ServiceError

NOBODY = ("InvalidClientTokenId", "The security token included in the request is invalid.", 403)


def made(answer: dict[str, Any]) -> Credentials:
    key = answer["AccessKey"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"])


def test_secret_is_shown_once(company: Any) -> None:
    answer = company.iam("ada").create_access_key(UserName="alice")["AccessKey"]
    assert set(answer) == {"UserName", "AccessKeyId", "Status", "SecretAccessKey", "CreateDate"}
    assert answer["Status"] == "Active"
    listed = company.iam("ada").list_access_keys(UserName="alice")
    assert not listed["IsTruncated"]
    for key in listed["AccessKeyMetadata"]:
        assert set(key) == {"UserName", "AccessKeyId", "Status", "CreateDate"}
    assert company.iam(made({"AccessKey": answer})).get_user()["User"]["UserName"] == "alice"


def test_a_user_has_two(company: Any, refused: Any) -> None:
    alice = company.iam("alice")
    second = made(alice.create_access_key())
    with refused("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2", 409):
        alice.create_access_key()
    alice.update_access_key(AccessKeyId=second.access_key_id, Status="Inactive")
    with refused("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2", 409):
        alice.create_access_key()
    alice.delete_access_key(AccessKeyId=second.access_key_id)
    alice.create_access_key()


def test_inactive_key_is_as_an_unknown_one(company: Any, refused: Any) -> None:
    key = {"UserName": "alice", "AccessKeyId": company.keys["alice"].access_key_id}
    company.iam("ada").update_access_key(**key, Status="Inactive")
    with refused(*NOBODY):
        company.iam("alice").get_user()
    (shown,) = company.iam("ada").list_access_keys(UserName="alice")["AccessKeyMetadata"]
    assert shown["Status"] == "Inactive"
    company.iam("ada").update_access_key(**key, Status="Active")
    company.iam("alice").get_user()


def test_session_outlives_the_key_that_began_it(company: Any, refused: Any) -> None:
    session = company.session()
    company.iam("alice").delete_access_key(AccessKeyId=company.keys["alice"].access_key_id)
    with refused(*NOBODY):
        company.iam("alice").get_user()
    assert company.sts(session).get_caller_identity()["Arn"].endswith("user/alice")


def test_keys_are_their_owners(company: Any, refused: Any) -> None:
    bobs = company.keys["bob"].access_key_id
    unknown = ("NoSuchEntity", f"The Access Key with id {bobs} cannot be found.", 404)
    for operation, more in (
        ("update_access_key", {"Status": "Inactive"}),
        ("delete_access_key", {}),
    ):
        with refused(*unknown):
            getattr(company.iam("alice"), operation)(AccessKeyId=bobs, **more)
        with pytest.raises(ServiceError, match="not authorized to perform: iam:"):
            getattr(company.iam("alice"), operation)(UserName="bob", AccessKeyId=bobs, **more)
    company.iam("bob").get_user()


def test_last_use(company: Any, clock: Any, refused: Any) -> None:
    bobs = company.keys["bob"].access_key_id
    never = {"ServiceName": "N/A", "Region": "N/A"}
    ada = company.iam("ada")
    asked = ada.get_access_key_last_used(AccessKeyId=bobs)
    assert asked == {"UserName": "bob", "AccessKeyLastUsed": never}
    clock.advance(60)
    company.sts("bob").get_caller_identity()
    used = ada.get_access_key_last_used(AccessKeyId=bobs)["AccessKeyLastUsed"]
    assert used.pop("LastUsedDate").isoformat() == "2026-03-02T09:01:00+00:00"
    assert used == {"ServiceName": "sts", "Region": "us-east-1"}
    with pytest.raises(ServiceError, match="GetAccessKeyLastUsed on resource: user bob because"):
        company.iam("alice").get_access_key_last_used(AccessKeyId=bobs)
    company.iam("bob").get_access_key_last_used(AccessKeyId=bobs)
    unknown = "AKIA" + "A" * 16
    with refused("NoSuchEntity", f"The Access Key with id {unknown} cannot be found.", 404):
        ada.get_access_key_last_used(AccessKeyId=unknown)


def test_key_of_another_account_is_unknown(company: Any) -> None:
    company.verifier.create_account("999999999999", root_email="o@o.example", root_password="o")
    foreign = company.verifier.create_access_key("999999999999").access_key_id
    with pytest.raises(ServiceError, match="cannot be found"):
        company.iam("ada").get_access_key_last_used(AccessKeyId=foreign)
    with pytest.raises(ServiceError, match="cannot be found"):
        company.iam("ada").delete_access_key(UserName="alice", AccessKeyId=foreign)


def test_roots_keys_have_no_user_name(company: Any) -> None:
    root = company.iam("root")
    answer = root.create_access_key()["AccessKey"]
    assert "UserName" not in answer
    assert len(root.list_access_keys()["AccessKeyMetadata"]) == 2
    root.delete_access_key(AccessKeyId=answer["AccessKeyId"])
    assert "UserName" not in root.get_access_key_last_used(
        AccessKeyId=company.keys["root"].access_key_id
    )
