"""Sign-in by password, and what is asked for after it."""

from typing import Any

import pytest

from mfalab.verifier import ServiceError, SmsMode

WRONG = "Your authentication information is incorrect. Please try again."
BAD_CODE = "Authentication code for device is not valid."


def test_user_without_a_device_is_signed_in_without_mfa(pages: Any) -> None:
    browser = pages.signed_in()
    assert "Welcome, alice" in browser.text
    assert "without MFA" in browser.text


def test_account_may_be_named_by_the_link(pages: Any) -> None:
    browser = pages.browser().get("/console/sign-in?account=my-alias")
    assert browser.form().fields["account"] == "my-alias"


@pytest.mark.parametrize(
    ("account", "user", "password"),
    [
        ("123456789012", "alice", "wrong"),
        ("123456789012", "nobody", "alice pw"),
        ("no-such-account", "alice", "alice pw"),
        ("", "", ""),
    ],
)
def test_refusal_never_says_what_exists(pages: Any, account: str, user: str, password: str) -> None:
    """Text and status are one for all, and so are the fields that are kept."""
    browser = pages.browser().get("/console/sign-in")
    browser.submit(account=account, user=user, password=password)
    assert (browser.error, browser.status) == (WRONG, 200)
    kept = browser.form().fields
    assert (kept["account"], kept["user"], kept["password"]) == (account, user, "")


def test_refusal_costs_the_same_work_whoever_exists(pages: Any, calls_of: Any) -> None:
    """Counted calls of one whole exchange, the redirect's page included."""
    work = []
    for user in ("alice", "alice", "nobody"):
        browser = pages.browser().get("/console/sign-in")
        work.append(
            calls_of(
                lambda browser=browser, user=user: browser.submit(
                    account="123456789012", user=user, password="wrong"
                )
            )
        )
    assert abs(work[2] - work[1]) < 40, work


def test_code_on_the_second_page_wrong_then_right(pages: Any) -> None:
    token = pages.company.enrol()
    browser = pages.password()
    assert browser.at("/mfa")
    browser.submit("code", code=token.wrong_code())
    assert browser.error == BAD_CODE
    assert browser.at("/mfa")
    pages.company.clock.advance(30)
    browser.submit("code", code=f" {token.code()} ")
    assert browser.at("/home")
    assert "signed in with MFA" in browser.text


def test_kind_is_chosen_when_there_are_several(pages: Any) -> None:
    company = pages.company
    phone, fob = company.enrol(), company.ship()
    company.enable(fob)
    browser = pages.password()
    assert "Choose the type of MFA device" in browser.text
    browser.submit("kind", kind="hardware")
    assert "hardware token" in browser.text
    browser.submit("code", code=phone.code(1))
    assert browser.error == BAD_CODE
    browser.submit("virtual")
    assert "authenticator app" in browser.text
    browser.submit("code", code=phone.code(1))
    assert browser.at("/home")


def test_any_of_several_devices_of_a_kind(pages: Any) -> None:
    company = pages.company
    company.enrol()
    second = company.enrol(name="second")
    browser = pages.password()
    browser.submit("code", code=second.code(1))
    assert browser.at("/home")


def test_kind_that_is_none(pages: Any) -> None:
    pages.company.enrol()
    pages.company.insert_key()
    browser = pages.password()
    browser.submit("kind", kind="palm reader")
    assert browser.error == "Choose the kind of MFA device to sign in with."


@pytest.mark.parametrize("response", ["", "{", "[" * 20_000, "7", '{"id": 1}'])
def test_assertion_that_is_none(pages: Any, response: str) -> None:
    """It is refused, and the page asks again with another challenge."""
    pages.company.insert_key()
    browser = pages.password()
    before = browser.form("response").data["data-options"]
    browser.submit("response", response=response)
    assert browser.error == "Authentication with the security key failed. Try again."
    assert browser.form("response").data["data-options"] != before


def test_resynchronisation_is_offered_after_refusals_and_heals(pages: Any) -> None:
    company = pages.company
    token = company.enrol()
    browser = pages.password()
    company.clock.advance(600)
    for _ in range(3):
        assert "Troubleshoot" not in browser.text
        browser.submit("code", code=token.wrong_code())
    browser.get("/console/mfa/troubleshoot")
    one, two = token.pair(7)
    browser.submit(code1=one, code2=one)
    assert browser.error == BAD_CODE
    browser.submit(code1=one, code2=two)
    assert browser.done == "The device was resynchronized. Now sign in with its next code."
    browser.submit("code", code=token.code(8))
    assert browser.at("/home")


def test_user_who_lost_the_device_is_sent_to_the_administrator(pages: Any) -> None:
    token = pages.company.enrol()
    browser = pages.password()
    for _ in range(3):
        browser.submit("code", code=token.wrong_code())
    browser.get("/console/mfa/troubleshoot")
    assert "Ask your administrator to deactivate the device." in browser.text
    assert "alternative factors" not in browser.text


def test_root_chooses_what_to_resynchronise(pages: Any) -> None:
    company = pages.company
    company.enrol_root()
    root = pages.password("root")
    root.get("/console/mfa/troubleshoot")
    assert root.form("code1")


class TestSms:
    def test_code_is_sent_at_once_and_may_be_resent(self, pages: Any) -> None:
        company = pages.company
        company.set(sms=SmsMode.PREVIEW)
        company.enrol_sms()
        browser = pages.password()
        assert "sent to your telephone" in browser.text
        browser.submit("Resend code")
        assert browser.error == "Rate exceeded"
        company.clock.advance(31)
        first = company.outbox.last_code()
        browser.submit("Resend code")
        assert "Only the newest one counts" in browser.done
        browser.submit("code", code=first)
        assert browser.error == BAD_CODE
        browser.submit("code", code=company.outbox.last_code())
        assert browser.at("/home")

    def test_users_whose_only_device_is_sms_are_stopped_once_it_has_ended(self, pages: Any) -> None:
        company = pages.company
        company.set(sms=SmsMode.PREVIEW)
        company.enrol_sms()
        company.set(sms=SmsMode.ENDED)
        browser = pages.password()
        assert "Text message (SMS) MFA has ended" in browser.text
        assert not browser.page.forms


class TestPasswords:
    def test_password_that_must_be_changed(self, pages: Any) -> None:
        company = pages.company
        company.iam("ada").update_login_profile(UserName="alice", PasswordResetRequired=True)
        browser = pages.password()
        assert browser.at("/mfa/password")
        browser.submit(old="alice pw", new="Better-than-1", again="Better-than-2")
        assert browser.error == "The two new passwords are not the same."
        browser.submit(old="wrong", new="Better-than-1", again="Better-than-1")
        assert browser.error == "The old password was incorrect."
        browser.submit(old="alice pw", new="weak", again="weak")
        assert browser.error == "Password does not conform to the account password policy."
        browser.submit(old="alice pw", new="Better-than-1", again="Better-than-1")
        assert browser.at("/home")

    def test_forgotten_password_of_root(self, pages: Any) -> None:
        browser = pages.browser().get("/console/sign-in/forgot")
        said = []
        for email in ("nobody@example.com", "root@example.com"):
            browser.get("/console/sign-in/forgot").submit(email=email)
            said.append(browser.done)
        assert len(set(said)) == 1
        (link,) = [each for each in pages.inbox().page.links if "reset" in each]
        browser.get(link).submit(new="Another-root-1", again="Another-root-1")
        assert browser.done == "The password was changed. Sign in with it."
        browser.submit(email="root@example.com", password="Another-root-1")
        assert browser.at("/home")
        browser.get(link).submit(new="Another-root-2", again="Another-root-2")
        assert "no longer valid" in browser.error

    def test_mailed_code_for_root_without_mfa(self, pages: Any) -> None:
        pages.company.set(root_mail_code=True)
        browser = pages.password("root")
        assert browser.at("/mfa/mail-code")
        browser.submit(code="000000")
        assert "not valid" in browser.error
        browser.submit(code=pages.company.outbox.mails[-1][3])
        assert browser.at("/home")

    def test_root_who_must_have_a_device_registers_one_first(self, pages: Any) -> None:
        company = pages.company
        company.set(root_mfa_required_from_ns=0, root_mfa_grace_s=0)
        browser = pages.password("root")
        assert browser.at("/assign")
        assert "must register an MFA device" in browser.text
        browser.submit("kind", name="root-phone", kind="virtual")
        serial = "arn:aws:iam::123456789012:mfa/root-phone"
        seed = next(word for word in browser.page.words if len(word) > 60 and word.isalnum())
        token = pages.token(serial, seed)
        one, two = token.pair()
        browser.submit(code1=one, code2=two)
        assert browser.at("/sign-in/root")
        assert browser.done == "The MFA device was registered. Sign in with it."
        pages.password("root", browser).submit("code", code=token.code(1))
        assert browser.at("/home")


class TestSession:
    def test_cookie_changes_at_sign_in_and_at_sign_out(self, pages: Any) -> None:
        browser = pages.browser().get("/console/sign-in")
        (name,) = browser.cookies
        cookies = [browser.cookies[name]]
        pages.password("alice", browser)
        cookies.append(browser.cookies[name])
        browser.sign_out()
        cookies.append(browser.cookies[name])
        assert browser.done == "You are signed out."
        assert len(set(cookies)) == 3
        browser.cookies[name] = cookies[1]
        assert browser.get("/console/home").at("/sign-in")

    def test_sign_out_ends_the_session_in_the_store(self, pages: Any) -> None:
        company = pages.company
        browser = pages.signed_in()
        (session,) = company.everything()["Session"]
        assert session
        browser.sign_out()
        assert company.everything()["Session"] == []

    def test_another_sign_in_ends_the_session_before(self, pages: Any) -> None:
        browser = pages.signed_in("alice")
        form = browser.get("/console/password").form()
        form.action = "/console/sign-in"
        fields = {"account": "123456789012", "user": "bob", "password": "bob pw"}
        browser.post(form, {**form.fields, **fields})
        assert "Welcome, bob" in browser.text
        (session,) = pages.company.everything()["Session"]
        assert session.identity_id == pages.company.ids["bob"]

    def test_session_ends_after_its_hours(self, pages: Any) -> None:
        browser = pages.signed_in()
        pages.company.clock.advance(12 * 3600 + 1)
        browser.get("/console/credentials")
        assert browser.at("/sign-in")
        assert browser.error == "Your session has ended. Sign in again."

    def test_session_goes_on_without_its_device_and_ends_with_its_user(self, pages: Any) -> None:
        """AWS: what was issued stays valid after the device is removed."""
        company = pages.company
        token = company.enrol()
        browser = pages.password().submit("code", code=token.code(1))
        company.iam("ada").deactivate_mfa_device(UserName="alice", SerialNumber=token.serial)
        assert browser.get("/console/credentials").at("/credentials")
        company.delete_user()
        assert browser.get("/console/credentials").at("/sign-in")

    def test_second_page_expires(self, pages: Any) -> None:
        token = pages.company.enrol()
        browser = pages.password()
        pages.company.clock.advance(901)
        browser.submit("code", code=token.code())
        assert browser.at("/sign-in")
        assert "no longer valid" in browser.error
        assert browser.get("/console/mfa").at("/sign-in")


def test_fault_of_the_service(pages: Any) -> None:
    pages.company.verifier.inject("ConsoleLogin", ServiceError("ServiceFailure", "Oops.", 500))
    browser = pages.password()
    assert browser.error == "Oops."


def test_limits_of_attempts_are_those_of_the_profile(pages: Any) -> None:
    """The code's budget of nine in 180 s, and a lock where the profile has one."""
    token = pages.company.enrol()
    browser = pages.password()
    for _ in range(9):
        browser.submit("code", code=token.wrong_code())
        assert browser.error == BAD_CODE
    browser.submit("code", code=token.code(1))
    assert browser.error == "Rate exceeded"
    pages.company.clock.advance(180)
    pages.company.set(console_locked_after=10)
    browser.submit("code", code=token.wrong_code())
    browser.submit("code", code=token.code())
    locked = "Too many authentication codes were not valid. Try again later."
    assert browser.error == locked
    assert pages.password().error == locked
