"""Chromium with our extension in it: its pages keep their WebAuthn and meet another authenticator.

The extension is a Manifest V3 extension with `chrome.webAuthenticationProxy`, written into a
temporary folder with the address of a loopback server of ours, and loaded over the DevTools
protocol. Each Playwright context has a profile of its own, and with it a worker of its own.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Condition
from typing import TYPE_CHECKING, Any, Final

from mfalab.simulator.bridge.server import Answer, BridgeServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Playwright

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_ATTACH_S: Final = 30.0


class BridgeUnavailable(Exception):
    """There is no Chromium whose pages could meet a simulated key. Args: why, in one line."""


class BridgedChromium:
    """A running Chromium with the extension.

    Args:
        browser: Chromium, driven by Playwright.

    Attributes:
        browser: the same.
        desk: who answers the extension now; None while there is none.
    """

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.desk: Answer | None = None
        self._changed = Condition()
        self._attached = 0
        self._failure: str | None = None

    def answer(self, what: str, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer the extension; called from the server's threads."""
        if what == "attached":
            with self._changed:
                self._attached += 1
                self._failure = self._failure or message.get("error")
                self._changed.notify_all()
            return {}
        if self.desk is None:
            raise LookupError("no test is running")
        return self.desk(what, message)

    def new_context(self, **options: Any) -> BrowserContext:
        """A context whose pages meet the key. Args: as `Browser.new_context` takes them.

        Raises:
            BridgeUnavailable: the extension cannot attach.
        """
        before = self._attached
        context = self.browser.new_context(**options)
        # Chromium starts the worker of a profile with its first page.
        first = context.new_page()
        try:
            self.wait_until_attached(before + 1)
        except BridgeUnavailable:
            context.close()
            raise
        first.close()
        return context

    def wait_until_attached(self, times: int) -> None:
        """Wait until workers of the extension have attached so many times.

        Raises:
            BridgeUnavailable: they do not.
        """
        with self._changed:
            # Nothing in this needs Playwright, whose loop stands still while this waits.
            came = self._changed.wait_for(lambda: self._attached >= times, _ATTACH_S)
        if not came or self._failure:
            raise BridgeUnavailable(f"the extension does not attach: {self._failure or 'no word'}")


@contextmanager
def bridged_chromium(
    playwright: Playwright,
    *,
    executable: str | Path | None = None,
    headless: bool = True,
    args: Sequence[str] = (),
) -> Iterator[BridgedChromium]:
    """Start Chromium with the extension, and end it.

    Args:
        playwright: a running Playwright; a process has one.
        executable: Chromium or Chrome; None for Playwright's own, or else the machine's.
        headless: False to look on.
        args: further arguments of Chromium, such as `--host-resolver-rules=...`.

    Raises:
        BridgeUnavailable: there is no Chromium, or it does not take the extension.
    """
    from playwright.sync_api import Error

    with ExitStack() as stack:
        found = _executable(playwright) if executable is None else str(executable)
        try:
            browser = playwright.chromium.launch(
                executable_path=found,
                headless=headless,
                ignore_default_args=["--disable-extensions"],
                args=[
                    "--disable-background-networking",
                    "--disable-gpu",
                    "--enable-unsafe-extension-debugging",
                    *args,
                ],
            )
        except Error as error:
            first = str(error).splitlines()[0]
            raise BridgeUnavailable(f"{found} does not start: {first}") from None
        stack.callback(browser.close)
        chromium = BridgedChromium(browser)
        server = BridgeServer(chromium.answer)
        stack.callback(server.close)
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="mfalab-key-")))
        _write_extension(folder, server.url)
        session = browser.new_browser_cdp_session()
        try:
            loaded = session.send(
                "Extensions.loadUnpacked", {"path": str(folder), "enableInIncognito": True}
            )
        except Error as error:
            first = str(error).splitlines()[0]
            raise BridgeUnavailable(f"{found} takes no extension: {first}") from None
        server.admit(f"chrome-extension://{loaded['id']}")
        chromium.wait_until_attached(1)  # the profile that no context has
        yield chromium


def _executable(playwright: Playwright) -> str:
    own = playwright.chromium.executable_path
    if Path(own).exists():
        return own
    for name in _NAMES:
        if (found := shutil.which(name)) is not None:
            return found
    raise BridgeUnavailable(
        "there is no Chromium: playwright install chromium, or apt-get install chromium"
    )


def _write_extension(folder: Path, url: str) -> None:
    source = resources.files("mfalab.simulator.bridge") / "extension"
    for name in ("manifest.json", "background.js"):
        (folder / name).write_text((source / name).read_text(encoding="utf-8"), encoding="utf-8")
    # The folder is readable by its owner only, as the address in it must be.
    (folder / "address.js").write_text(f'const BRIDGE = "{url}";\n', encoding="utf-8")
