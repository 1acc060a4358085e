"""The fixture `key_browser`: Chromium, driven by Playwright, whose pages meet a simulated key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Playwright

    from mfalab.simulator.bridge.chromium import BridgedChromium
    from mfalab.simulator.bridge.key_browser import KeyBrowser


def _failed(text: str) -> BaseException:
    """What `pytest.fail` raises. Raise it from None: pytest shows the error behind it otherwise."""
    return pytest.fail.Exception(text, pytrace=False)


@pytest.fixture(scope="session")
def mfa_playwright(request: pytest.FixtureRequest) -> Iterator[Playwright]:
    """Playwright's sync API, of which a process has one: pytest-playwright's, or else our own.

    Where your tests start Playwright by themselves, override this fixture with what they start.
    """
    if request.config.pluginmanager.hasplugin("playwright"):
        yield request.getfixturevalue("playwright")
        return
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise _failed("key_browser needs Playwright: pip install 'mfalab[browser]'") from None
    manager = sync_playwright()
    try:
        playwright = manager.__enter__()
    except Error:
        raise _failed(
            "key_browser cannot start Playwright, which runs in this process already: "
            "let your fixture mfa_playwright return what you have started"
        ) from None
    yield playwright
    manager.__exit__(None, None, None)


@pytest.fixture(scope="session")
def mfa_chromium_options() -> dict[str, Any]:
    """How `key_browser` starts Chromium; override it: `executable`, `headless`, `args`."""
    return {}


@pytest.fixture(scope="session")
def _mfa_chromium(
    mfa_playwright: Playwright, mfa_chromium_options: dict[str, Any]
) -> Iterator[BridgedChromium]:
    from mfalab.simulator.bridge.chromium import BridgeUnavailable, bridged_chromium

    try:
        bridge = bridged_chromium(mfa_playwright, **mfa_chromium_options)
        chromium = bridge.__enter__()
    except BridgeUnavailable as error:
        raise _failed(f"key_browser: {error}") from None
    yield chromium
    bridge.__exit__(None, None, None)


@pytest.fixture
def key_browser(
    request: pytest.FixtureRequest, _mfa_chromium: BridgedChromium, mfa_seed: int
) -> Iterator[KeyBrowser]:
    """Chromium whose pages meet a simulated security key: `page = key_browser.new_page()`.

    The key is of CTAP 2.1 and has no PIN; `key_browser.key = key_browser.add_key(pin="2468")` and
    `key_browser.pin = "2468"` change that. Chromium is started once and shared; keys, pages and
    the journal are this test's. It needs the extra `browser`.
    """
    from mfalab.simulator.bridge.key_browser import KeyBrowser
    from mfalab.simulator.pytest_plugin.fixtures import name_of

    seed = f"{mfa_seed} {name_of(request.node)}"
    with KeyBrowser(_mfa_chromium, seed=seed) as key_browser:
        yield key_browser
