"""Take the pictures of docs/console.md: `make pictures`."""

from __future__ import annotations

import json
import shutil
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from mfalab.simulator.entropy import Entropy
from mfalab.simulator.serving.endpoint import open_endpoint
from mfalab.simulator.serving.server import Server, listen, url_of

DOCS = Path(__file__).parents[3] / "docs"


class Tour:
    """The five minutes of docs/console.md."""

    def __init__(self, page: Page, told: dict[str, Any]) -> None:
        self.page, self.told = page, told

    def ask(self, path: str, body: bytes | dict[str, Any] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self.told['token']}"}
        if isinstance(body, bytes):
            headers["Content-Type"] = "image/png"
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        url = f"{self.told['endpoint']}/_mfalab/{path}"
        with urllib.request.urlopen(urllib.request.Request(url, data, headers)) as answer:
            return json.load(answer)

    def code(self) -> str:
        self.ask("clock", {"advance": "30 s"})
        return str(self.ask("devices/phone/code")["code"])

    def press(self, name: str) -> None:
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=name, exact=True).first.click()

    def take(self, name: str) -> None:
        self.page.screenshot(path=DOCS / f"console-{name}.png", full_page=True)

    def sign_in(self, who: str) -> None:
        self.page.goto(f"{self.told['console']}/sign-in?account={self.told['account']}")
        self.page.fill("#user", who)
        self.page.fill("#password", self.told["users"][who]["password"])
        self.press("Sign in")

    def enrol(self) -> None:
        """Alice assigns her phone: the QR image is what the simulated app scans."""
        self.sign_in("alice")
        self.ask("devices", {"phone": {"kind": "totp_app", "owner": "alice"}})
        self.page.goto(f"{self.told['console']}/assign")
        self.page.fill("#name", "phone")
        self.press("Next")
        self.ask("devices/phone/scan", self.page.locator("img.qr").screenshot())
        self.page.fill("#code1", self.code())
        self.take("assign")
        self.page.fill("#code2", self.code())
        self.press("Add MFA")
        self.press("Sign out")

    def refused(self) -> None:
        self.sign_in("alice")
        self.page.fill("#code", "000000")
        self.press("Submit")
        self.take("second-page")

    def look_after(self) -> None:
        self.sign_in("ada")
        self.page.goto(f"{self.told['console']}/users")
        self.take("users")


def main() -> None:
    """Serve a console, and walk through it."""
    listener = listen("127.0.0.1", 0)
    endpoint = open_endpoint(
        ":memory:",
        profile="aws-immediate",
        virtual=True,
        users={"alice": False, "bob": False, "ada": True},
        url=url_of(listener),
        random_bytes=Entropy("pictures").random_bytes("tour"),
    )
    with Server(endpoint.application, listener), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 960, "height": 540})
        tour = Tour(page, endpoint.told(url_of(listener)))
        tour.enrol()
        tour.look_after()
        phone = browser.new_context(viewport={"width": 400, "height": 600}, color_scheme="dark")
        Tour(phone.new_page(), tour.told).refused()
        browser.close()


if __name__ == "__main__":
    main()
