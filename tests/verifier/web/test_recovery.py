"""Root signs in with alternative factors; the inbox shows what was sent, by its token."""

from typing import Any

import pytest


@pytest.fixture
def root(pages: Any) -> Any:
    """Root's browser on the page of the alternative factors."""
    pages.company.enrol_root()
    browser = pages.password("root")
    return browser.get("/console/mfa/troubleshoot").submit("Sign in using alternative factors")


def digits(browser: Any) -> str:
    return next(word for word in browser.page.words if len(word) == 6 and word.isdigit())


def test_whole_way(pages: Any, root: Any) -> None:
    inbox = pages.inbox()
    root.submit("Send verification e-mail")
    (link,) = [each for each in inbox.get("/console/inbox").page.links if "link" in each]
    root.get(link).submit("Confirm address")
    assert root.at("/recovery")
    root.submit("Call me now")
    shown = digits(root)
    root.submit("Continue to the console")
    assert "not possible now" in root.error
    inbox.get("/console/inbox").submit("call", digits="000000")
    assert inbox.error == "The digits that were entered are not valid."
    inbox.submit("call", digits=shown)
    assert inbox.done == "The digits were accepted. Go on in the console."
    root.submit("Continue to the console")
    assert root.at("/home")
    assert "Welcome, root" in root.text
    assert "without MFA" in root.text


def test_link_works_once_and_the_newest_only(pages: Any, root: Any) -> None:
    root.submit("Send verification e-mail")
    root.submit("Resend the e-mail")
    links = [each for each in pages.inbox().page.links if "link" in each]
    assert len(links) == 2
    for link, right in ((links[1], False), (links[0], True), (links[0], False)):
        root.get(link).submit("Confirm address")
        assert root.at("/recovery") is right
        assert bool(root.error) is not right


def test_looking_at_the_link_does_not_spend_it(pages: Any, root: Any) -> None:
    """Mail scanners follow links: only the page's button confirms."""
    root.submit("Send verification e-mail")
    (link,) = [each for each in pages.inbox().page.links if "link" in each]
    for _ in range(3):
        pages.browser().get(link)
    assert root.get(link).submit("Confirm address").at("/recovery")


def test_account_whose_factors_are_disabled_or_lack_a_telephone(pages: Any, root: Any) -> None:
    company = pages.company
    ada = company.signed_in("ada").credentials
    company.console.update_root_phone(ada, None)
    root.submit("Send verification e-mail")
    (link,) = [each for each in pages.inbox().page.links if "link" in each]
    root.get(link).submit("Confirm address").submit("Call me now")
    assert "no telephone number on file" in root.error


def test_recovery_belongs_to_the_browser_that_began_it(pages: Any, root: Any) -> None:
    assert pages.browser().get("/console/recovery").at("/sign-in")


class TestInbox:
    def test_is_closed_without_the_token(self, pages: Any, root: Any) -> None:
        root.submit("Send verification e-mail")
        browser = pages.browser().get("/console/inbox")
        assert "verification e-mail" not in browser.text
        browser.submit(token="guessed")
        assert browser.error == "This is not the control token of this server."
        assert "verification e-mail" not in browser.text
        browser.get("/console/inbox").submit(token="é")
        assert browser.error

    def test_is_for_this_machine_only(self, pages: Any) -> None:
        for client in ("192.0.2.7", "", None):
            browser = pages.browser(client=client).get("/console/inbox")
            browser.submit(token="the control token")
            assert browser.error == "This is not the control token of this server."

    def test_stays_open_through_sign_in_and_sign_out(self, pages: Any) -> None:
        browser = pages.inbox()
        pages.password("alice", browser)
        assert "Nothing has arrived" in browser.get("/console/inbox").text
        browser.sign_out()
        assert "Nothing has arrived" in browser.get("/console/inbox").text

    def test_cookie_from_before_opens_nothing(self, pages: Any, root: Any) -> None:
        root.submit("Send verification e-mail")
        for url in ("/console/inbox", None):
            mail = pages.mailbox.messages[0]
            here = pages.browser().get(url or f"/console/recovery/link?token={mail.token}")
            other = pages.browser()
            other.cookies = dict(here.cookies)
            here.submit(**({"token": "the control token"} if url else {}))
            assert here.status == 200
            assert not here.error
            assert not here.at("/sign-in")
            assert "verification" not in other.get("/console/inbox").text
            assert other.get("/console/recovery").at("/sign-in")

    def test_digits_for_a_call_that_is_none(self, pages: Any, root: Any) -> None:
        inbox = pages.inbox()
        form = next(form for form in root.page.forms if "form" in form.fields)
        token = inbox.get("/console/inbox").page.forms
        assert token == []
        root.get("/console/inbox").submit(token="the control token")
        fields = {"call": "99", "digits": "123456", "form": form.fields["form"]}
        form.action = "/console/inbox/digits"
        root.post(form, fields)
        assert root.error == "The call has expired. Ask for a new call."
