"""The credential report, to the byte."""

import csv
import io
from typing import Any

import pytest

from mfalab.verifier import AWS_OBSERVED, Delay, ServiceError
from mfalab.verifier.records import PasswordPolicy

ACCOUNT = "123456789012"
HEADER = (
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,"
    "password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,"
    "access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,"
    "access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,"
    "access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,"
    "cert_1_last_rotated,cert_2_active,cert_2_last_rotated"
)
NOW = "2026-03-02T09:00:00Z"


def report(company: Any) -> str:
    content: bytes = company.iam("ada").get_credential_report()["Content"]
    return content.decode()


def rows(company: Any) -> dict[str, dict[str, str]]:
    return {row["user"]: row for row in csv.DictReader(io.StringIO(report(company)))}


def test_started_then_complete(company: Any) -> None:
    ada = company.iam("ada")
    assert ada.generate_credential_report() == {
        "State": "STARTED",
        "Description": "No report exists. Starting a new report generation task",
    }
    assert ada.generate_credential_report() == {"State": "COMPLETE"}
    answer = ada.get_credential_report()
    assert answer["ReportFormat"] == "text/csv"
    assert answer["GeneratedTime"].isoformat() == "2026-03-02T09:00:00+00:00"


def test_bytes(company: Any) -> None:
    company.iam("ada").generate_credential_report()
    none = "N/A,N/A,N/A"
    no_key = f"false,N/A,{none}"
    certificates = "false,N/A,false,N/A"
    user = f"{NOW},true,no_information,{NOW},N/A,false,true,{NOW}"
    used = f"{NOW},us-east-1,iam"
    root = f"{NOW},true,no_information,{NOW},not_supported,false,true,{NOW}"
    assert report(company) == "\n".join(
        [
            HEADER,
            f"<root_account>,arn:aws:iam::{ACCOUNT}:root,{root},{none},{no_key},{certificates}",
            f"ada,arn:aws:iam::{ACCOUNT}:user/ada,{user},{used},{no_key},{certificates}",
            f"alice,arn:aws:iam::{ACCOUNT}:user/alice,{user},{none},{no_key},{certificates}",
            f"bob,arn:aws:iam::{ACCOUNT}:user/bob,{user},{none},{no_key},{certificates}",
        ]
    )


def test_rows_are_sorted_without_case_and_names_are_quoted(company: Any) -> None:
    company.verifier.create_user(ACCOUNT, "Alicia")
    company.verifier.create_user(ACCOUNT, "b,c")
    company.iam("ada").generate_credential_report()
    assert list(rows(company)) == ["<root_account>", "ada", "alice", "Alicia", "b,c", "bob"]


@pytest.mark.parametrize(
    ("told", "columns"),
    [(True, ("true", NOW, "not_supported")), (False, ("not_supported",) * 3)],
)
def test_roots_password_by_era(company: Any, told: bool, columns: tuple[str, ...]) -> None:
    company.set(credential_report_root_password=told)
    company.iam("ada").generate_credential_report()
    row = rows(company)["<root_account>"]
    assert columns == tuple(
        row[f"password_{column}"] for column in ("enabled", "last_changed", "next_rotation")
    )
    assert row["password_last_used"] == "no_information"


def test_next_rotation_follows_the_password_policy(company: Any) -> None:
    with company.store.transaction() as tx:
        tx.insert(PasswordPolicy(ACCOUNT, 6, False, False, False, False, True, 90, None, False))
    company.iam("ada").generate_credential_report()
    assert rows(company)["alice"]["password_next_rotation"] == "2026-05-31T09:00:00Z"
    assert rows(company)["<root_account>"]["password_next_rotation"] == "not_supported"


def test_user_without_password_or_keys(company: Any) -> None:
    company.verifier.create_user(ACCOUNT, "robot")
    company.iam("ada").generate_credential_report()
    row = rows(company)["robot"]
    assert row["password_enabled"] == "false"
    assert row["password_last_used"] == row["password_last_changed"] == "N/A"
    assert row["access_key_1_active"] == "false"


@pytest.mark.parametrize("user", ["alice", "<root_account>"])
def test_mfa_and_password_use_show_in_the_next_report(company: Any, clock: Any, user: str) -> None:
    ada = company.iam("ada")
    ada.generate_credential_report()
    clock.advance(60)
    if user == "alice":
        company.signed_in()
        company.enrol()
    else:
        company.enrol_root()
    clock.advance(4 * 3600 - 60 - 1)
    assert ada.generate_credential_report() == {"State": "COMPLETE"}
    assert rows(company)[user]["mfa_active"] == "false"
    clock.advance(1)
    assert ada.generate_credential_report()["State"] == "STARTED"
    row = rows(company)[user]
    assert row["mfa_active"] == "true"
    assert row["password_last_used"] == "2026-03-02T09:01:00Z"


def test_no_report(company: Any) -> None:
    with pytest.raises(ServiceError) as caught:
        company.iam("ada").get_credential_report()
    assert caught.value.args == ("ReportNotPresent", "", 410)
    assert str(caught.value) == "ReportNotPresent"


def test_report_expires(company: Any, clock: Any) -> None:
    company.iam("ada").generate_credential_report()
    clock.advance(4 * 3600)
    with pytest.raises(ServiceError) as caught:
        company.iam("ada").get_credential_report()
    assert (caught.value.code, caught.value.status) == ("ReportExpired", 410)


def test_report_may_take_its_time(company: Any, clock: Any) -> None:
    company.set(credential_report_takes_s=Delay(10, 10))
    ada = company.iam("ada")
    assert ada.generate_credential_report()["State"] == "STARTED"
    clock.advance(9)
    assert ada.generate_credential_report() == {"State": "INPROGRESS"}
    with pytest.raises(ServiceError) as caught:
        ada.get_credential_report()
    assert (caught.value.code, caught.value.status) == ("ReportInProgress", 404)
    clock.advance(1)
    assert ada.generate_credential_report() == {"State": "COMPLETE"}


def test_only_administrators(company: Any) -> None:
    with pytest.raises(ServiceError, match="not authorized to perform: iam:GetCredentialReport"):
        company.iam("alice").get_credential_report()


@pytest.mark.parametrize(("end", "seconds"), [(b"\x00", 2), (b"\xff", 3)])
def test_report_of_aws_takes_two_to_three_seconds(
    company: Any, clock: Any, end: bytes, seconds: int
) -> None:
    company.verifier.profile = AWS_OBSERVED
    company.verifier._service.delays = lambda name: lambda count: end * count
    ada = company.iam("ada")
    ada.generate_credential_report()
    clock.advance(seconds - 0.001)
    assert ada.generate_credential_report() == {"State": "INPROGRESS"}
    clock.advance(0.001)
    assert ada.generate_credential_report() == {"State": "COMPLETE"}
    assert rows(company)["ada"]["mfa_active"] == "false"


@pytest.mark.parametrize(("end", "seconds"), [(b"\x00", 18), (b"\xff", 60)])
def test_use_of_a_key_is_told_late(company: Any, clock: Any, end: bytes, seconds: int) -> None:
    company.set(
        access_key_last_used_lag_s=AWS_OBSERVED.access_key_last_used_lag_s,
        credential_report_interval_s=1,
    )
    company.verifier._service.delays = lambda name: lambda count: end * count
    company.session("bob")
    told = []
    for pause in (seconds - 0.5, 0.5):
        clock.advance(pause)
        company.iam("ada").generate_credential_report()
        told.append(rows(company)["bob"]["access_key_1_last_used_date"])
        clock.advance(1)
    assert told == ["N/A", "2026-03-02T09:00:00Z"]
