"""The console in Chromium: every flow with simulated devices, wrong and right, and one story."""

import csv
from pathlib import Path
from typing import Any

import pytest

from mfalab.verifier import SmsMode, UserVerification

pytestmark = pytest.mark.slow

BAD_CODE = "Authentication code for device is not valid."
PHONE = {"kind": "totp_app", "owner": "alice"}
FOB = {"kind": "hardware_totp", "owner": "alice"}


def test_story_of_a_fob(console: Any, at_console: Any) -> None:
    """Enrol, drift, refused, Troubleshoot, resync, lose, administrator, replace by a phone."""
    serial = console.device("fob", **FOB, drift="20 ppm")["serial"]
    alice = at_console()
    alice.give_password("alice")
    assert "without MFA" in alice.text
    alice.begin("hardware", "fob")
    alice.fill(serial="GAHT-made-up", code1="000000", code2="000001")
    alice.press("Add MFA")
    assert alice.error == "MFA Device with serial number GAHT-made-up does not exist."
    alice.fill(serial=serial)
    alice.type_pair("fob", "Add MFA")
    assert alice.done == "The MFA device was assigned."
    assert serial in alice.text
    alice.press("Sign out")

    console.advance("90 d")
    alice.give_password("alice")
    for _ in range(3):
        console.advance()
        alice.type_code("fob")
        assert alice.error == BAD_CODE
    alice.follow("Troubleshoot MFA")
    alice.type_pair("fob", "Resynchronize")
    assert alice.done == "The device was resynchronized. Now sign in with its next code."
    console.advance()
    alice.type_code("fob")
    assert "signed in with MFA" in alice.text
    alice.press("Sign out")

    console.step("lose", who="alice", device="fob")
    alice.give_password("alice")
    alice.fill(code="123456")
    alice.press("Submit")
    assert alice.error == BAD_CODE

    ada = at_console()
    ada.give_password("ada")
    ada.open("/users?mfa=Hardware")
    ada.follow("alice")
    ada.follow(serial)
    ada.press("Remove MFA device")
    assert ada.done == "The MFA device was removed."

    console.device("phone", **PHONE)
    alice.give_password("alice")
    assert "without MFA" in alice.text
    alice.begin("virtual", "phone")
    alice.scan("phone")
    alice.type_pair("phone", "Add MFA")
    alice.press("Sign out")
    alice.give_password("alice")
    console.advance()
    alice.type_code("phone")
    assert "signed in with MFA" in alice.text


class TestVirtual:
    @pytest.fixture
    def alice(self, console: Any, at_console: Any) -> Any:
        """Alice has a phone, and is signed in with it."""
        console.device("phone", **PHONE)
        alice = at_console()
        alice.give_password("alice")
        alice.begin("virtual", "phone")
        alice.scan("phone")
        alice.fill(code1="000000", code2="000001")
        alice.press("Add MFA")
        assert alice.error == BAD_CODE
        alice.type_pair("phone", "Add MFA")
        alice.press("Sign out")
        alice.give_password("alice")
        console.advance()
        alice.type_code("phone")
        return alice

    def test_secret_key_is_shown_on_request(self, console: Any, at_console: Any) -> None:
        ada = at_console()
        ada.give_password("ada")
        ada.begin("virtual", "app", "?user=bob")
        assert not ada.page.locator("#seed").is_visible()
        ada.page.get_by_text("Show secret key").click()
        seed = ada.page.inner_text("#seed")
        console.device("app", kind="totp_app", owner="bob")
        uri = f"otpauth://totp/x?secret={seed}"
        console.json("POST", "devices/app/scan", {"uri": uri})
        ada.type_pair("app", "Add MFA")
        assert ada.done == "The MFA device was assigned."
        assert ada.page.url.endswith("/credentials?user=bob")

    def test_resync_tag_and_remove(self, console: Any, alice: Any) -> None:
        console.step("set_clock", device="phone", network="off")
        console.step("set_clock", device="phone", by="-10 min")
        alice.open("/credentials")
        alice.follow("phone")
        alice.type_pair("phone", "Resynchronize")
        assert alice.error == BAD_CODE  # older than the pair that enabled it
        console.advance("20 min")
        alice.type_pair("phone", "Resynchronize")
        assert alice.done == "The device was resynchronized."
        alice.fill(key="team", value="blue")
        alice.press("Add tag")
        assert "team blue" in alice.text
        alice.page.get_by_role("button", name="Remove the tag team").click()
        alice.page.wait_for_load_state("load")
        assert "No tags." in alice.text
        alice.press("Remove MFA device")
        assert alice.done.startswith("The MFA device was removed.")

    def test_cancelled_wizard_leaves_its_name_taken(self, alice: Any) -> None:
        alice.begin("virtual", "second")
        alice.follow("Cancel")
        alice.begin("virtual", "second")
        assert alice.error == "MFA device already exists."

    def test_access_keys_and_password(self, console: Any, alice: Any) -> None:
        alice.open("/credentials")
        alice.press("Create access key")
        assert "Secret access key" in alice.text
        alice.page.get_by_role("button", name="Deactivate").first.click()
        alice.page.wait_for_load_state("load")
        alice.page.get_by_role("button", name="Delete").first.click()
        alice.page.wait_for_load_state("load")
        assert alice.done == "The access key was deleted."
        alice.follow("Change password")
        old = console.told["users"]["alice"]["password"]
        alice.fill(old=old, new="weak", again="weak")
        alice.press("Change password")
        assert alice.error == "Password does not conform to the account password policy."
        alice.fill(old=old, new="Better-than-1", again="Better-than-1")
        alice.press("Change password")
        assert alice.done == "The password was changed."

    def test_back_button_and_second_tab(self, console: Any, alice: Any) -> None:
        """A page from before is asked for again; a tab that was left open may still be sent."""
        alice.open("/credentials")
        other = alice.page.context.new_page()
        other.goto(f"{console.origin}/console/password")
        alice.press("Create access key")
        alice.page.go_back()
        alice.page.go_back()
        alice.page.go_forward()
        alice.page.wait_for_load_state("load")
        assert "Secret access key" not in alice.text
        other.fill("#old", "wrong")
        other.fill("#new", "Better-than-1")
        other.fill("#again", "Better-than-1")
        other.get_by_role("button", name="Change password").click()
        other.wait_for_load_state("load")
        assert "The old password was incorrect." in other.inner_text("[role=alert]")


class TestSecurityKey:
    def test_register_refuse_and_sign_in(self, at_console: Any) -> None:
        alice = at_console()
        alice.give_password("alice")
        key = alice.security_key()
        alice.begin("fido", "key")
        alice.press("Register security key")
        assert alice.done == "The MFA device was assigned."
        assert ":u2f/user/alice/key-" in alice.text
        assert len(key.credentials()) == 1
        alice.press("Sign out")

        alice.give_password("alice")
        alice.press("Use security key")
        assert "signed in with MFA" in alice.text
        alice.begin("fido", "again")
        alice.press("Register security key")
        assert alice.error == "MFA Device for user alice already exists."

    def test_other_key_and_no_key(self, at_console: Any) -> None:
        alice = at_console()
        alice.give_password("alice")
        right = alice.security_key()
        alice.begin("fido", "key")
        alice.press("Register security key")
        credential = right.credentials()[0]
        alice.press("Sign out")
        right.take_out()
        alice.security_key()
        alice.give_password("alice")
        alice.press("Use security key")
        assert alice.error == "Authentication with the security key failed. Try again."
        assert credential["rpId"] == "localhost"

    def test_key_and_phone_are_chosen_between(self, console: Any, at_console: Any) -> None:
        ada = at_console()
        ada.give_password("ada")
        console.device("phone", **PHONE)
        ada.begin("virtual", "phone", "?user=alice")
        ada.scan("phone")
        ada.type_pair("phone", "Add MFA")
        ada.security_key()
        ada.begin("fido", "key", "?user=alice")
        ada.press("Register security key")
        assert "2 of 8 devices" in ada.text
        ada.press("Sign out")
        ada.give_password("alice")
        ada.page.check("input[value=fido]")
        ada.press("Next")
        ada.press("Authenticator app")
        console.advance()
        ada.type_code("phone")
        assert "signed in with MFA" in ada.text

    @pytest.mark.parametrize("pin", [True, False], ids=["with a PIN", "without a PIN"])
    def test_passkey_where_the_account_takes_them(
        self, console: Any, at_console: Any, pin: bool
    ) -> None:
        """A platform authenticator; its user is verified where it can, and where it must be."""
        wanted = UserVerification.REQUIRED if pin else UserVerification.PREFERRED
        console.set(passkeys=True, user_verification=wanted)
        alice = at_console()
        alice.give_password("alice")
        key = alice.security_key(transport="internal", hasUserVerification=pin, isUserVerified=pin)
        alice.begin("fido", "passkey")
        alice.press("Register security key")
        assert alice.done == "The MFA device was assigned."
        assert key.credentials()[0]["isResidentCredential"]
        alice.press("Sign out")
        alice.give_password("alice")
        if pin:
            key.set_verified(False)
            alice.press("Use security key")
            assert alice.error == "Authentication with the security key failed. Try again."
            key.set_verified(True)
        alice.press("Use security key")
        assert "signed in with MFA" in alice.text


class TestSms:
    def test_user_with_sms_signs_in_and_is_found_later(self, console: Any, at_console: Any) -> None:
        console.set(sms=SmsMode.PREVIEW)
        console.device("mobile", kind="sms_phone", owner="alice", number="+15550123")
        alice = at_console()
        alice.give_password("alice")
        alice.begin("sms", "mobile")
        alice.fill(phone="+15550123")
        alice.press("Send code")
        console.advance("1 min")
        alice.fill(code=console.code("mobile"))
        alice.press("Activate")
        assert alice.done == "The MFA device was assigned."
        alice.press("Sign out")
        alice.give_password("alice")
        assert "sent to your telephone" in alice.text
        console.advance("1 min")
        alice.type_code("mobile")
        assert "signed in with MFA" in alice.text
        alice.press("Sign out")

        console.set(sms=SmsMode.ENDED)
        alice.give_password("alice")
        assert "Text message (SMS) MFA has ended" in alice.text
        ada = at_console()
        ada.give_password("ada")
        ada.open("/users")
        ada.page.select_option("#mfa", "SMS")
        ada.press("Show")
        assert "1 of 3 users" in ada.text
        ada.follow("alice")
        assert "SMS" in ada.text


class TestRoot:
    def test_alternative_factors(self, console: Any, at_console: Any) -> None:
        """Root lost the only device: mail, call, another device in its place."""
        console.device("old", kind="totp_app", owner="root")
        root = at_console()
        root.give_password("root")
        assert "The root user has no MFA." in root.text
        root.begin("virtual", "root-account-mfa-device")
        root.scan("old")
        root.type_pair("old", "Add MFA")
        root.press("Sign out")
        console.step("lose", who="root", device="old")

        root.give_password("root")
        root.follow("Troubleshoot MFA")
        root.press("Sign in using alternative factors")
        root.press("Send verification e-mail")
        inbox = at_console()
        inbox.page.goto(console.told["inbox"])
        inbox.page.get_by_role("link", name="Follow the link").wait_for()
        assert console.told["token"] not in inbox.page.url
        inbox.look()
        link = inbox.page.get_by_role("link", name="Follow the link").get_attribute("href")
        root.page.goto(console.origin + link)
        root.press("Confirm address")
        root.press("Call me now")
        digits = root.page.inner_text(".digits")
        inbox.open("/inbox")
        inbox.fill(digits="000000")
        inbox.press("Type them")
        assert inbox.error == "The digits that were entered are not valid."
        inbox.fill(digits=digits)
        inbox.press("Type them")
        root.press("Continue to the console")
        assert "without MFA" in root.text
        root.open("/credentials")
        root.follow("root-account-mfa-device")
        root.press("Remove MFA device")
        inbox.open("/inbox")
        assert "MFA device removed" in inbox.text

    def test_forgotten_password(self, console: Any, at_console: Any) -> None:
        root = at_console()
        root.open("/sign-in/root")
        root.follow("Forgot password?")
        root.fill(email="root@example.com")
        root.press("Send e-mail")
        inbox = at_console()
        inbox.page.goto(console.told["inbox"])
        inbox.page.get_by_role("link", name="Follow the link").click()
        inbox.fill(new="Another-root-1", again="Another-root-1")
        inbox.press("Reset password")
        root.fill(email="root@example.com", password="Another-root-1")
        root.press("Sign in")
        assert root.at("/home")

    def test_device_that_must_be_registered_and_mailed_code(
        self, console: Any, at_console: Any
    ) -> None:
        console.set(root_mail_code=True, root_mfa_required_from_ns=0, root_mfa_grace_s=0)
        root = at_console()
        root.give_password("root")
        inbox = at_console()
        inbox.page.goto(console.told["inbox"])
        inbox.page.get_by_text("Your verification code is").wait_for()
        root.fill(code="000000")
        root.press("Verify and continue")
        assert root.error
        code = inbox.page.get_by_text("Your verification code is").inner_text().split()[-1][:6]
        root.fill(code=code)
        root.press("Verify and continue")
        root.security_key()
        root.fill(name="root-key")
        root.page.check("input[value=fido]")
        root.press("Next")
        root.press("Register security key")
        assert root.done == "The MFA device was registered. Sign in with it."
        root.give_password("root")
        root.press("Use security key")
        assert "signed in with MFA" in root.text


def test_administrator(console: Any, at_console: Any, tmp_path: Path) -> None:
    ada = at_console()
    ada.give_password("ada")
    ada.follow("Account")
    assert "the root user has no MFA" in ada.text
    ada.press("Generate report")
    with ada.page.expect_download() as download:
        ada.page.get_by_role("link", name="Download CSV").click()
    path = tmp_path / "report.csv"
    download.value.save_as(path)
    assert download.value.suggested_filename.startswith("credential-report-")
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [row["user"] for row in rows] == ["<root_account>", "ada", "alice", "bob"]
    ada.open("/credentials?user=alice")
    ada.page.get_by_text("Set a password").click()
    ada.fill(new="From-admin-1", again="From-admin-1")
    ada.page.check("input[name=reset]")
    ada.press("Set password")
    alice = at_console()
    alice.open(f"/sign-in?account={console.told['account']}")
    alice.fill(user="alice", password="From-admin-1")
    alice.press("Sign in")
    assert alice.at("/mfa/password")
    alice.fill(old="From-admin-1", new="From-alice-1", again="From-alice-1")
    alice.press("Confirm password change")
    assert alice.at("/home")


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_and_have_contrast(
    console: Any, at_console: Any, width: int, scheme: str
) -> None:
    ada = at_console(width, scheme)
    ada.give_password("ada")
    ada.begin("virtual", f"a-device-with-a-rather-long-name-{scheme}")
    for path in (
        "/home", "/credentials", "/credentials?user=alice", "/assign", "/users", "/account",
        "/password", "/inbox",
    ):  # fmt: skip
        ada.open(path)
        ada.look()
        wide = ada.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, path


def test_keyboard_alone_signs_in(console: Any, at_console: Any) -> None:
    """The order of focus: skip link, brand, fields, button; an error takes the focus."""
    alice = at_console()
    alice.open(f"/sign-in?account={console.told['account']}")
    keyboard = alice.page.keyboard
    keyboard.press("Tab")
    assert alice.page.evaluate("document.activeElement.className") == "skip"
    keyboard.press("Tab")
    for text in ("", "alice", "wrong"):
        keyboard.press("Tab")
        if text:
            keyboard.type(text)
    with alice.page.expect_navigation():
        keyboard.press("Enter")
    assert alice.page.evaluate("document.activeElement.getAttribute('role')") == "alert"
    assert alice.page.title().startswith("Error: ")
    for text in ("", "", console.told["users"]["alice"]["password"]):
        keyboard.press("Tab")
        if text:
            keyboard.type(text)
    keyboard.press("Tab")
    with alice.page.expect_navigation():
        keyboard.press("Enter")
    assert alice.at("/home")


def test_session_cookie_is_hidden_from_scripts(at_console: Any) -> None:
    alice = at_console()
    alice.give_password("alice")
    assert alice.page.evaluate("document.cookie") == ""
    (cookie,) = alice.page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Lax", "/console")
