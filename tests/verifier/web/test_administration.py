"""What administrators look at."""

import csv
from typing import Any

from mfalab.verifier import SmsMode


def test_users_with_their_mfa_and_who_still_has_sms(pages: Any) -> None:
    company = pages.company
    company.set(sms=SmsMode.PREVIEW)
    company.enrol_sms("bob")
    company.enrol("alice")
    company.insert_key("alice")
    browser = pages.signed_in("ada").get("/console/users")
    assert "ada None" in browser.text
    assert "alice Virtual, Security key" in browser.text
    browser.get("/console/users?mfa=SMS")
    assert "1 of 3 users" in browser.text
    assert "bob SMS" in browser.text
    browser.get("/console/users?mfa=Security+key")
    assert "alice Virtual, Security key" in browser.text
    assert "bob" not in browser.text.replace("console", "")


def test_pages_are_for_those_whose_policies_allow_them(pages: Any) -> None:
    company = pages.company
    company.verifier.create_user("123456789012", "carol", password="carol pw", policies=[])
    browser = pages.signed_in("carol")
    for page, action in (("users", "ListUsers"), ("account", "GetAccountSummary")):
        browser.get(f"/console/{page}")
        assert browser.status == 403
        assert f"is not authorized to perform: iam:{action}" in browser.error


def test_alert_as_long_as_root_has_no_mfa(pages: Any) -> None:
    company = pages.company
    alert = "the root user has no MFA"
    assert alert in pages.signed_in("ada").get("/console/account").text
    assert alert in pages.signed_in("root").text.replace("The root", "the root")
    company.enrol_root()
    browser = pages.signed_in("ada")
    assert "no MFA" not in browser.text
    browser.get("/console/account")
    assert alert not in browser.text
    assert "MFA of the root user enabled" in browser.text


def test_summary_counts(pages: Any) -> None:
    pages.company.enrol()
    pages.company.create("left")
    browser = pages.signed_in("ada").get("/console/account")
    assert "MFA devices 2 MFA devices in use 1" in browser.text


def test_credential_report_is_downloaded(pages: Any) -> None:
    browser = pages.signed_in("ada").get("/console/account")
    assert "/console/account/report.csv" not in browser.page.links
    browser.submit("Generate report")
    assert browser.done == "The report is ready."
    assert "/console/account/report.csv" in browser.page.links
    given = browser.send("GET", "/console/account/report.csv")
    headers = dict(given.headers)
    assert headers["content-type"] == "text/csv"
    name = "credential-report-2026-03-02T090000Z.csv"
    assert headers["content-disposition"] == f'attachment; filename="{name}"'
    rows = list(csv.DictReader(given.body.decode().splitlines()))
    assert [row["user"] for row in rows] == ["<root_account>", "ada", "alice", "bob"]


def test_report_that_takes_its_time(pages: Any) -> None:
    from mfalab.verifier import Delay

    pages.company.set(credential_report_takes_s=Delay(2, 3))
    browser = pages.signed_in("ada").get("/console/account").submit("Generate report")
    assert browser.done == "The report is being generated (STARTED). Try again soon."
    assert browser.get("/console/account/report.csv").status == 404
    pages.company.clock.advance(4)
    browser.get("/console/account").submit("Generate report")
    assert browser.done == "The report is ready."


def test_telephone_of_root(pages: Any) -> None:
    browser = pages.signed_in("ada").get("/console/account").submit("phone", phone="+1 555 7")
    assert browser.done == "The telephone number of the root user was changed."
    (account,) = pages.company.everything()["Account"]
    assert account.root_phone == "+1 555 7"
    browser.submit("phone", phone=" ")
    (account,) = pages.company.everything()["Account"]
    assert account.root_phone is None


def test_user_is_deleted_with_the_name_typed(pages: Any) -> None:
    pages.company.enrol()
    browser = pages.signed_in("ada").get("/console/credentials?user=alice")
    browser.submit("Delete user", confirm="alicia")
    assert browser.error == "To delete the user, type its name."
    browser.submit("Delete user", confirm="alice")
    assert browser.at("/users")
    assert "alice" not in [word.strip() for word in browser.page.words]


def test_root_who_may_put_mfa_off_is_told_until_when(pages: Any) -> None:
    pages.company.set(root_mfa_required_from_ns=0)
    browser = pages.signed_in("root")
    assert "Register an MFA device by 2026-04-06 09:00 UTC." in browser.text


def test_pages_are_for_people_who_are_signed_in(pages: Any) -> None:
    for path in ("home", "users", "account", "account/report.csv"):
        assert pages.browser().get(f"/console/{path}").at("/sign-in")


def test_work_for_the_users_list_grows_with_the_users(
    pages: Any, calls_of: Any, assert_linear: Any
) -> None:
    work, known = [], 0
    for size in (20, 40, 80):
        for number in range(known, size):
            pages.company.iam("ada").create_user(UserName=f"user{number:03}")
        known = size
        browser = pages.signed_in("ada")
        browser.send("GET", "/console/users")  # the template is compiled once
        work.append(calls_of(lambda browser=browser: browser.send("GET", "/console/users")))
    assert_linear(work)
