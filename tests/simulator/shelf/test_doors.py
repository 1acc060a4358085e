"""What goes through the doors of a verifier is heard."""

import pytest

from mfalab.simulator.shelf.doors import Heard
from mfalab.simulator.shelf.shelf import Shelf
from mfalab.verifier import ServiceError


def test_each_call_is_heard_with_its_end(shelf: Shelf) -> None:
    heard: list[Heard] = []
    verifier = shelf.lab.verifier
    verifier.ears = heard.append  # type: ignore[attr-defined]
    alice = shelf.lab.people["alice"]
    keys = verifier.create_access_key(alice.identity_id or "")
    verifier.iam(keys).list_mfa_devices()
    with pytest.raises(ServiceError):
        verifier.sts(keys).get_session_token(SerialNumber="GAHT12345678", TokenCode="123456")
    with pytest.raises(ServiceError):
        verifier.console.sign_in(alice.account_id, "alice", "wrong")
    with pytest.raises(ServiceError):
        verifier.authorize(keys, "ec2:TerminateInstances", "*")
    told = [(each.door, each.method, each.refusal and each.refusal.code) for each in heard]
    assert told == [
        ("iam", "list_mfa_devices", None),
        ("sts", "get_session_token", "AccessDenied"),
        ("console", "sign_in", "FailedAuthentication"),
        ("authorize", "authorize", "AccessDenied"),
    ]
    assert heard[2].given["user_name"] == "alice"
    assert "wrong" not in repr(heard)
    assert keys.secret_access_key not in repr(heard)
