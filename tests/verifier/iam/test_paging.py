"""Pages: they join to the whole, and a marker is one that was given out."""

from typing import Any

import pytest


def test_pages_join_to_the_whole(company: Any) -> None:
    for number in range(5):
        company.create(f"d{number}")
    seen, marker = [], None
    while True:
        page = company.iam("bob").list_virtual_mfa_devices(MaxItems=2, Marker=marker)
        seen += [device["SerialNumber"][-2:] for device in page["VirtualMFADevices"]]
        if not page["IsTruncated"]:
            break
        marker = page["Marker"]
    assert "Marker" not in page
    assert seen == ["d0", "d1", "d2", "d3", "d4"]


@pytest.mark.parametrize("marker", ["x", "abcd", "YWJjZA==", "é"])
def test_marker_that_was_not_given_out(company: Any, refused: Any, marker: str) -> None:
    with refused("ValidationError", "Invalid Marker.", 400):
        company.iam("bob").list_virtual_mfa_devices(Marker=marker)


def test_users_and_paging_by_name(company: Any) -> None:
    company.verifier.create_user("123456789012", "Bert", path="/team/")
    users = company.iam("alice").list_users()["Users"]
    assert [user["UserName"] for user in users] == ["ada", "alice", "Bert", "bob"]
    assert users[2]["Arn"] == "arn:aws:iam::123456789012:user/team/Bert"
