"""My security credentials, and a user's."""

import re
from typing import Any

import pytest

GATE = (
    "To complete this action, please ensure that you are authenticated with an MFA device "
    "that is enabled for this user."
)


def with_mfa(pages: Any) -> tuple[Any, Any]:
    """Alice's browser, signed in with her phone."""
    token = pages.company.enrol()
    browser = pages.password().submit("code", code=token.code(1))
    return browser.get("/console/credentials"), token


def open_device(browser: Any) -> Any:
    (link,) = [each for each in browser.page.links if each.startswith("/console/device?")]
    return browser.get(link)


def test_devices_are_listed_with_type_identifier_and_date(pages: Any) -> None:
    browser, token = with_mfa(pages)
    assert f"phone Virtual {token.serial} 2026-03-02 09:00 UTC" in browser.text
    assert "1 of 8 devices" in browser.text


def test_device_is_resynchronised(pages: Any) -> None:
    browser, token = with_mfa(pages)
    pages.company.clock.advance(600)
    open_device(browser)
    one, two = token.pair(4)
    browser.submit("code1", code1=two, code2=one)
    assert browser.error == "Authentication code for device is not valid."
    browser.submit("code1", code1=one, code2=two)
    assert browser.done == "The device was resynchronized."


def test_device_is_removed_with_its_entity(pages: Any) -> None:
    pages.company.enrol()
    browser = pages.signed_in("ada").get("/console/credentials?user=alice")
    open_device(browser).submit("Remove MFA device")
    assert browser.done == "The MFA device was removed."
    assert pages.company.iam("ada").list_virtual_mfa_devices()["VirtualMFADevices"] == []
    assert "No MFA devices" in browser.text


def test_device_stays_unassigned_where_policies_do_not_let_its_owner_delete_it(pages: Any) -> None:
    """A policy that lets users delete what is theirs does not cover what is nobody's."""
    browser, token = with_mfa(pages)
    open_device(browser).submit("Remove MFA device")
    assert browser.done.startswith("The MFA device was removed. It stays in the account,")
    (left,) = pages.company.iam("ada").list_virtual_mfa_devices()["VirtualMFADevices"]
    assert left == {"SerialNumber": token.serial}


def test_gate_of_self_management(pages: Any) -> None:
    """A session from before the device exists has no MFA: it may look, and not remove."""
    browser = pages.signed_in()
    pages.company.enrol()
    open_device(browser.get("/console/credentials")).submit("Remove MFA device")
    assert browser.error == GATE


def test_tags(pages: Any) -> None:
    browser, _ = with_mfa(pages)
    open_device(browser).submit("Add tag", key="team", value="blue & <b>green</b>")
    assert browser.error.startswith("1 validation error detected")
    browser.submit("Add tag", key="team", value="blue")
    assert browser.done == "The tag was saved."
    assert "team blue" in browser.text
    browser.submit("Remove")
    assert "No tags." in browser.text


def test_device_that_is_not_there(pages: Any) -> None:
    browser = pages.signed_in().get("/console/device?serial=arn:aws:iam::1:mfa/x")
    assert browser.status == 404
    assert browser.error == "MFA Device with serial number arn:aws:iam::1:mfa/x does not exist."


def test_access_keys(pages: Any) -> None:
    company = pages.company
    browser = pages.signed_in("bob").get("/console/credentials")
    browser.submit("Create access key")
    secret = re.search(r"Secret access key ([\w+/]{40})", browser.text)
    assert secret is not None
    assert secret[1] not in browser.get("/console/credentials").text
    browser.submit("Create access key")
    assert browser.error == "Cannot exceed quota for AccessKeysPerUser: 2"
    browser.submit("Deactivate")
    assert browser.done == "The access key is inactive now."
    browser.submit("Activate")
    browser.submit("Deactivate").submit("Delete")
    assert browser.done == "The access key was deleted."
    left = company.iam("ada").list_access_keys(UserName="bob")["AccessKeyMetadata"]
    assert len(left) == 1


@pytest.mark.parametrize("who", ["alice", "root"])
def test_own_password(pages: Any, who: str) -> None:
    browser = pages.signed_in(who).get("/console/password")
    browser.submit(old="wrong", new="Better-than-1", again="Better-than-1")
    assert browser.error == "The old password was incorrect."
    browser.submit(old=f"{who} pw", new="Better-than-1", again="Better-than-1")
    assert browser.done == "The password was changed."


def test_page_shows_what_policies_allow_and_says_what_they_do_not(pages: Any) -> None:
    company = pages.company
    document = (
        '{"Version": "2012-10-17", "Statement": {"Effect": "Deny", '
        '"Action": "iam:ListAccessKeys", "Resource": "*"}}'
    )
    company.iam("ada").put_user_policy(UserName="bob", PolicyName="p", PolicyDocument=document)
    browser = pages.signed_in("bob").get("/console/credentials")
    assert "No MFA devices" in browser.text
    assert "not authorized to perform: iam:ListAccessKeys" in browser.text


class TestAdministrator:
    def test_removes_a_lost_device_of_a_user(self, pages: Any) -> None:
        token = pages.company.enrol()
        browser = pages.signed_in("ada").get("/console/credentials?user=alice")
        open_device(browser).submit("Remove MFA device")
        assert browser.at("/credentials")
        assert pages.company.serials() == []
        assert token

    def test_sets_a_password_that_must_be_changed(self, pages: Any) -> None:
        browser = pages.signed_in("ada").get("/console/credentials?user=alice")
        browser.submit("Set password", new="From-admin-1", again="From-admin-1", reset="1")
        assert browser.done == "The password was set."
        assert "it must be changed at the next sign-in" in browser.text

    def test_sets_a_first_password(self, pages: Any) -> None:
        pages.company.verifier.create_user("123456789012", "keys-only")
        browser = pages.signed_in("ada").get("/console/credentials?user=keys-only")
        browser.submit("Set password", new="From-admin-1", again="From-admin-1")
        assert browser.done == "The password was set."

    def test_user_sees_nothing_of_others(self, pages: Any) -> None:
        pages.company.enrol("bob")
        browser = pages.signed_in().get("/console/credentials?user=bob")
        assert "Virtual" not in browser.text
        assert browser.text.count("not authorized to perform") == 3
        for user in ("bob", "nobody"):
            serial = "arn:aws:iam::123456789012:mfa/phone"
            browser.get(f"/console/device?user={user}&serial={serial}")
            assert browser.status == 403
