"""The console's security-key pages in Chromium, with our key: PIN, touch, power, several keys."""

from collections.abc import Callable
from typing import Any

import pytest

from mfalab.devices.ctap.user import absent, declining, touching
from mfalab.simulator.bridge.key_browser import KeyBrowser
from mfalab.verifier import UserVerification

from ..serving.conftest import AtConsole, console  # noqa: F401, TID252 - tests are no package

pytestmark = pytest.mark.slow

FAILED = "Authentication with the security key failed. Try again."


@pytest.fixture
def alice(
    key_browser: KeyBrowser,
    console: Any,  # noqa: F811 - the fixture
    violations: Callable[[Any], list[str]],
) -> AtConsole:
    """She has given her password, and begins to assign a key."""
    alice = AtConsole(console, key_browser.new_page(), violations, set())
    alice.give_password("alice")
    alice.begin("fido", "key")
    return alice


def registered(alice: AtConsole) -> None:
    alice.press("Register security key")
    assert alice.done == "The MFA device was assigned."
    alice.press("Sign out")
    alice.give_password("alice")


def signed_in(alice: AtConsole) -> bool:
    alice.press("Use security key")
    return "signed in with MFA" in alice.text


def test_register_and_sign_in(alice: AtConsole, key_browser: KeyBrowser) -> None:
    registered(alice)
    assert signed_in(alice)
    assert [(each.kind, each.outcome) for each in key_browser.journal] == [
        ("create", "answered"),
        ("get", "answered"),
    ]


@pytest.mark.parametrize("user", [absent, declining(), touching(after_ns=40 * 10**9)])
def test_touch_that_does_not_come_and_then_does(
    alice: AtConsole, key_browser: KeyBrowser, user: Any
) -> None:
    registered(alice)
    key_browser.key.user = user
    assert not signed_in(alice)
    assert alice.error == FAILED
    key_browser.key.user = touching()
    assert signed_in(alice)


def test_page_says_that_it_waits_for_the_key(alice: AtConsole, key_browser: KeyBrowser) -> None:
    registered(alice)
    key_browser.key.user = absent
    with key_browser.hold():
        alice.page.get_by_role("button", name="Use security key").click()
        key_browser.wait_for_prompt()
        assert "Waiting for your security key" in alice.text
        with alice.page.expect_navigation():
            key_browser.key.touch()
    assert "signed in with MFA" in alice.text


def test_key_that_is_pulled_out_and_another_key(alice: AtConsole, key_browser: KeyBrowser) -> None:
    registered(alice)
    key = key_browser.key
    key.unplug()
    assert not signed_in(alice)
    key_browser.key = key_browser.add_key()
    assert not signed_in(alice)
    assert alice.error == FAILED
    key.plug()
    key_browser.key = key
    assert signed_in(alice)


def test_pin_where_the_account_wants_the_user_verified(
    alice: AtConsole, key_browser: KeyBrowser
) -> None:
    alice.console.set(passkeys=True, user_verification=UserVerification.REQUIRED)
    key_browser.key = key_browser.add_key(pin="2468")
    key_browser.pin = ["1111", "2468"]
    alice.begin("fido", "key")
    registered(alice)
    assert signed_in(alice)
    assert [each.pins_typed for each in key_browser.journal] == [2, 2]
    alice.press("Sign out")
    alice.give_password("alice")
    key_browser.pin = None
    assert not signed_in(alice)
    assert alice.error == FAILED
