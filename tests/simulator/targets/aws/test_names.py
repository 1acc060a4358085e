"""What is sent has the prefix and the account's id, and what comes back has neither."""

from __future__ import annotations

from typing import Any

import pytest

from mfalab.simulator.targets.aws.names import Names

OWN, THEIRS = "123456789012", "999988887777"


@pytest.fixture
def names() -> Names:
    made = Names("mfalab-x-", THEIRS)
    made.call_account(OWN)
    return made


@pytest.mark.parametrize(
    ("own", "sent"),
    [
        (f"arn:aws:iam::{OWN}:user/alice", f"arn:aws:iam::{THEIRS}:user/mfalab-x-alice"),
        (f"arn:aws:iam::{OWN}:mfa/a/b/phone", f"arn:aws:iam::{THEIRS}:mfa/a/b/mfalab-x-phone"),
        (
            f"arn:aws:sts::{OWN}:assumed-role/ops/alice",
            f"arn:aws:sts::{THEIRS}:assumed-role/mfalab-x-ops/alice",
        ),
        (f"arn:aws:iam::{OWN}:root", f"arn:aws:iam::{THEIRS}:root"),
        ("arn:aws:iam::aws:policy/AdministratorAccess",) * 2,
        ("arn:aws:iam::*:mfa/*",) * 2,
        ("arn:aws:iam::*:user/${aws:username}",) * 2,
        ("arn:aws:iam::*:user/al*", "arn:aws:iam::*:user/mfalab-x-al*"),
        ("GAHT12345678",) * 2,
        (f'{{"AWS": ["{OWN}"]}}', f'{{"AWS": ["{THEIRS}"]}}'),
    ],
)
def test_texts_go_out_and_come_back(names: Names, own: str, sent: str) -> None:
    assert names.sent_text(own) == sent
    assert names.text(sent) == own


def test_a_longer_number_is_no_account(names: Names) -> None:
    assert names.sent_text(f"1{OWN}") == f"1{OWN}"


def test_parameters(names: Names) -> None:
    given = {
        "UserName": "alice",
        "VirtualMFADeviceName": "",
        "SerialNumber": "GAHT1",
        "RoleSessionName": "alice",
        "Path": "/x/",
        "Marker": None,
        "Tags": [],
        "MaxItems": 5,
    }
    assert names.call_token("GAHT1") == "mfalab-x-GAHT1"
    assert names.parameters(given) == {
        "UserName": "mfalab-x-alice",
        "VirtualMFADeviceName": "",
        "SerialNumber": "mfalab-x-GAHT1",
        "RoleSessionName": "alice",
        "Path": "/x/",
        "MaxItems": 5,
    }


def test_lists_of_the_account_show_what_is_of_the_case(names: Names) -> None:
    def device(name: str) -> dict[str, Any]:
        return {"SerialNumber": f"arn:aws:iam::{THEIRS}:mfa/{name}"}

    answer = {
        "VirtualMFADevices": [device("mfalab-x-phone"), device("mfalab-y-phone"), device("safe")],
        "Marker": "mfalab-x-phone",
    }
    assert names.answer(answer) == {
        "VirtualMFADevices": [{"SerialNumber": f"arn:aws:iam::{OWN}:mfa/phone"}],
        "Marker": "mfalab-x-phone",  # it is handed back as it is
    }
