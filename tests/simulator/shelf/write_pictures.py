"""Take the picture of docs/shelf.md."""

from __future__ import annotations

import json
import shutil
import urllib.request
from pathlib import Path
from typing import Any

import boto3
from playwright.sync_api import Page, sync_playwright

from mfalab.simulator.entropy import Entropy
from mfalab.simulator.serving.endpoint import ServedEndpoint, open_endpoint
from mfalab.simulator.serving.server import Server, listen, url_of

DOCS = Path(__file__).parents[3] / "docs"
DEVICES = {
    "fob": {"kind": "hardware_totp", "owner": "alice", "drift": "45 ppm", "climate": "office"},
    "app": {"kind": "totp_app", "owner": "alice"},
    "phone": {"kind": "sms_phone", "owner": "alice"},
    "key": {"kind": "security_key", "owner": "alice"},
}
CEREMONY = {
    "create": {
        "rp": {"id": "site.example", "name": "Site"},
        "user": {"id": "dXNlcg", "name": "alice", "displayName": "Alice"},
        "challenge": "Y2hhbGxlbmdlLW9mLXNpeHRlZW4",
        "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
    },
    "origin": "https://site.example",
}


def main() -> None:
    """Serve, act, and take the picture."""
    listener = listen("127.0.0.1", 0)
    url = url_of(listener)
    endpoint = open_endpoint(
        ":memory:",
        profile="aws-immediate",
        virtual=True,
        users={"alice": False, "ada": True},
        url=url,
        random_bytes=Entropy("picture of the shelf").random_bytes("all"),
    )
    with Server(endpoint.application, listener), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        take(page, endpoint, endpoint.told(url))
        browser.close()


def take(page: Page, endpoint: ServedEndpoint, told: dict[str, Any]) -> None:
    """A fob that drifted out of its window, an app, an inbox, and a key that blinks."""

    def ask(path: str, body: object) -> Any:
        request = urllib.request.Request(
            f"{told['endpoint']}/_mfalab/{path}",
            json.dumps(body).encode(),
            {"Authorization": f"Bearer {told['token']}"},
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    page.goto(told["shelf"])
    ask("devices", DEVICES)
    uri = (
        "otpauth://totp/mfalab:alice@example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=mfalab"
    )
    ask("devices/app/scan", {"uri": uri})
    keys = told["users"]["ada"]
    iam = boto3.client(
        "iam",
        endpoint_url=told["endpoint"],
        region_name="us-east-1",
        aws_access_key_id=keys["access_key_id"],
        aws_secret_access_key=keys["secret_access_key"],
    )
    first = ask("devices/fob/press", {})["code"]
    ask("clock", {"advance": "30 s"})
    iam.enable_mfa_device(
        UserName="alice",
        SerialNumber=endpoint.shelf.device("fob").known_serial(),
        AuthenticationCode1=first,
        AuthenticationCode2=ask("devices/fob/press", {})["code"],
    )
    for _ in range(16):
        ask("clock", {"advance": "1 d"})
        page.wait_for_timeout(60)
    page.get_by_label("Press the button of fob").click()
    page.evaluate(
        "([body, token]) => { fetch('/_mfalab/webauthn',"
        " {method: 'POST', body, headers: {Authorization: `Bearer ${token}`}}) }",
        [json.dumps(CEREMONY), told["token"]],
    )
    page.wait_for_selector(".blinking")
    page.screenshot(path=DOCS / "shelf.png", full_page=True)


if __name__ == "__main__":
    main()
