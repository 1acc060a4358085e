"""Addresses of pages, and what a page says of a refusal."""

from typing import Any

import pytest

from mfalab.verifier import ServiceError
from mfalab.verifier.web.exchange import address, is_over


def test_address_is_of_this_console_whatever_the_query() -> None:
    assert address("/home", {}) == "/console/home"
    hostile = {"user": "a&b=c#d\r\n", "serial": "//evil/?"}
    assert address("/x", hostile) == "/console/x?user=a%26b%3Dc%23d%0D%0A&serial=%2F%2Fevil%2F%3F"


@pytest.mark.parametrize(
    ("code", "over"), [("ExpiredToken", True), ("InvalidClientTokenId", True), ("Denied", False)]
)
def test_refusal_that_ends_a_session(code: str, over: bool) -> None:
    assert is_over(ServiceError(code, "", 403)) is over


def test_notice_is_said_once_and_on_its_own_page(pages: Any) -> None:
    browser = pages.signed_in()
    form = browser.get("/console/password").form()
    fields = {**form.fields, "old": "x", "new": "y", "again": "z"}
    browser.send(
        "POST",
        "/console/password",
        "&".join(f"{name}={value}" for name, value in fields.items()).encode(),
        origin="http://localhost:8765",
    )
    assert browser.get("/console/home").error == ""
    assert browser.get("/console/password").error == "The two new passwords are not the same."
    assert browser.get("/console/password").error == ""
