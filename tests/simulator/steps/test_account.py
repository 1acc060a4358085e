"""Steps about a whole account."""

from collections.abc import Callable

import pytest

from mfalab import ExpectationFailed, Lab, ScenarioError

Labs = Callable[..., Lab]


def test_summary_is_compared_entry_by_entry(lab_with: Labs) -> None:
    lab = lab_with("fob")
    lab.account_summary(who="ada", values={"MFADevicesInUse": 0, "Users": 3})
    lab.enable(who="alice", device="fob")
    with pytest.raises(ExpectationFailed, match="expected MFADevicesInUse 0, got 1"):
        lab.account_summary(who="ada", values={"MFADevicesInUse": 0})


def test_summary_has_no_entry_that_iam_does_not_know(lab_with: Labs) -> None:
    with pytest.raises(ExpectationFailed, match="expected Fobs 1, got None"):
        lab_with().account_summary(who="ada", values={"Fobs": 1})


def test_report_is_read_by_the_column_mfa_active(lab_with: Labs) -> None:
    lab = lab_with("fob")
    lab.enable(who="alice", device="fob")
    lab.credential_report(who="ada", mfa_active={"alice": "true", "bob": "false"})
    with pytest.raises(ExpectationFailed, match="expected mfa_active true for bob, got false"):
        lab.credential_report(who="ada", mfa_active={"bob": "true"})


def test_report_is_read_by_any_column(lab_with: Labs) -> None:
    lab = lab_with()
    told = {"bob": {"password_enabled": "true", "cert_1_active": "false"}}
    lab.credential_report(who="ada", columns=told)
    with pytest.raises(ExpectationFailed, match="expected cert_1_active true for bob, got false"):
        lab.credential_report(who="ada", columns={"bob": {"cert_1_active": "true"}})
    with pytest.raises(ScenarioError, match="no column 'cert_active'; did you mean"):
        lab.credential_report(who="ada", columns={"bob": {"cert_active": "true"}})


def test_report_that_was_never_generated_is_refused(lab_with: Labs) -> None:
    lab_with().credential_report(who="ada", generate=False, expect={"refused": "ReportNotPresent"})


def test_deleted_user_is_gone(lab_with: Labs) -> None:
    lab = lab_with()
    lab.list_devices(who="ada", for_="bob", devices=[])
    conflict = {
        "refused": "DeleteConflict",
        "message": "Cannot delete entity, must delete access keys first.",
    }
    lab.delete_user(who="ada", for_="bob", expect=conflict)
    lab.delete_user(who="ada", for_="bob", clear=True)
    lab.list_devices(who="ada", for_="bob", expect={"refused": "NoSuchEntity"})


def test_roots_new_telephone_is_the_one_that_rings(lab_with: Labs) -> None:
    people = {"root": {"role": "root"}, "ada": {"role": "administrator"}}
    lab = lab_with(people=people, devices={"app": {"kind": "totp_app", "owner": "root"}})
    for name in people:
        lab.sign_in(who=name)
    lab.enable(who="root", device="app")
    lab.update_root_phone(who="ada", number="+12025550123")
    lab.sign_in(who="root", expect={"refused": "MfaRequired"})
    lab.recover(who="root")
    assert [call.number for call in lab.messaging.calls] == ["+12025550123"]
