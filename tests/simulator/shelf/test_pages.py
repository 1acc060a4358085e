"""The page of the shelf: its headers, and what is clicked on it in Chromium."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mfalab.simulator.runner import run_case
from mfalab.simulator.scenario_files.loader import load_cases
from mfalab.simulator.shelf import pages
from mfalab.simulator.shelf.story import OTHERWISE
from mfalab.verifier.wire.messages import Request

from ..served import Served, serving  # noqa: TID252 - tests are no package
from .test_ceremonies import CREATE

SIZES = {"wide": (1280, 900), "narrow": (400, 800)}


def test_files_come_with_a_strict_policy() -> None:
    for path in ("/shelf", "/shelf/", "/shelf/shelf.css", "/shelf/shelf.js", pages.KEYS):
        response = pages.answer(Request("GET", path))
        headers = dict(response.headers)
        assert response.status == 200
        assert response.body
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert (headers["x-frame-options"], headers["referrer-policy"]) == ("DENY", "no-referrer")
    assert not pages.answer(Request("HEAD", "/shelf")).body
    assert pages.answer(Request("POST", "/shelf")).status == 405
    for path in ("/shelfish", "/shelf/../api.py", "/shelf/%2e%2e/api.py", "/shelf/icon"):
        assert pages.answer(Request("GET", path)).status == 404


def test_page_has_nothing_inline_and_nothing_foreign() -> None:
    page = pages.answer(Request("GET", "/shelf")).body.decode()
    script = pages.answer(Request("GET", "/shelf/shelf.js")).body.decode()
    assert not re.search(r"<script(?! src=)| style=| on\w+=|<style", page)
    assert not re.search(r"https?://", page + script)
    assert "innerHTML" not in script


class Clicked:
    """A page of the shelf in a browser, with what its console said."""

    def __init__(self, served: Served, page: Any) -> None:
        self.served, self.page = served, page
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(served.told["shelf"])
        page.get_by_text("Connected", exact=True).wait_for()

    def put(self, kind: str, **fields: str) -> str:
        self.page.select_option("select[name=kind]", kind)
        self.page.select_option("select[name=owner]", "alice")
        for name, value in fields.items():
            self.page.fill(f"input[name={name}]", value)
        name: str = self.page.input_value("input[name=name]")
        self.page.get_by_role("button", name="Put it there").click()
        self.page.get_by_role("heading", name=name, exact=True).wait_for()
        return name

    def push(self, label: str) -> None:
        self.page.get_by_label(label, exact=True).click()

    def open(self, name: str) -> None:
        self.page.locator(f"summary[aria-label$=' {name}']").click()

    def advance(self, by: str) -> None:
        self.page.get_by_role("button", name=by, exact=True).click()
        self.page.wait_for_selector("#advance:not([inert])")

    def device(self, name: str) -> Any:
        return self.served.json("GET", f"devices/{name}")

    def lit(self, name: str) -> str:
        """What a token's display shows, on the page and to a program."""
        shown = self.page.locator("article", has=self.page.locator(f"#device-{name}"))
        code: str = self.served.json("GET", f"devices/{name}/code")["code"]
        shown.locator(".lit .digits", has_text=code).wait_for()
        return code


@pytest.fixture(scope="module")
def clicked(browser: Any) -> Iterator[Clicked]:
    with serving("alice") as served:
        page = browser.new_page(accept_downloads=True)
        yield Clicked(served, page)
        page.close()


@pytest.mark.slow
def test_story_is_clicked_saved_and_run(clicked: Clicked, tmp_path: Path) -> None:
    page, served = clicked.page, clicked.served
    fob = clicked.put("hardware_totp", drift="100")
    app = clicked.put("totp_app")
    key = clicked.put("security_key", pin="")
    iam, sts = served.client("iam"), served.client("sts")

    # An app scans what is shown, and is enabled.
    serial = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"][
        "SerialNumber"
    ]
    page.get_by_label(f"Scan what is shown now, with {app}").click()
    page.locator(".screen .code").wait_for()
    codes = []
    for _ in range(2):
        codes.append(served.json("GET", f"devices/{app}/code")["code"])
        clicked.advance("+30 s")
    iam.enable_mfa_device(
        UserName="alice",
        SerialNumber=serial,
        AuthenticationCode1=codes[0],
        AuthenticationCode2=codes[1],
    )

    # A fob is pressed, enabled, drifts, and is refused.
    clicked.push(f"Press the button of {fob}")
    first = clicked.lit(fob)
    clicked.advance("+30 s")
    clicked.push(f"Press the button of {fob}")
    served.client("iam", "ada").enable_mfa_device(
        UserName="alice",
        SerialNumber=clicked.device(fob)["serial"],
        AuthenticationCode1=first,
        AuthenticationCode2=clicked.lit(fob),
    )
    clicked.advance("+30 d")
    page.locator(".outside .offset").wait_for()
    clicked.push(f"Press the button of {fob}")
    with pytest.raises(ClientError):
        sts.get_session_token(
            SerialNumber=clicked.device(fob)["serial"], TokenCode=clicked.lit(fob)
        )

    # It is lost, and found; another is broken.
    clicked.open(fob)
    clicked.push(f"Lose {fob}")
    page.get_by_label(f"{fob} is found by").select_option("ada")
    page.get_by_text("ada has it, it is alice's").wait_for()
    clicked.push(f"Give back {fob}")
    slider = page.get_by_label(re.compile(f"Temperature of {fob}"))
    slider.fill("40")
    clicked.push(f"Drop into water: {fob}")
    page.get_by_text("it does not work any more").wait_for()

    # A key blinks, and is touched.
    page.get_by_label("The console on this server").check()
    page.evaluate(
        "body => { window.asked = fetch('/_mfalab/webauthn', {method: 'POST', body,"
        " headers: {Authorization: 'Bearer ' + sessionStorage.getItem('mfalab-token')}})"
        ".then(answer => answer.status) }",
        json.dumps(
            {
                "create": {**CREATE, "rp": {"name": "x", "id": "site.example"}},
                "origin": "https://site.example",
            }
        ),
    )
    page.locator(".blinking").wait_for()
    clicked.push(f"Touch {key}")
    assert page.evaluate("() => window.asked") == 200
    page.wait_for_selector(".picture.key:not(.blinking)")

    # Refusals are said, and the story is saved.
    clicked.push(f"Touch {key}")
    page.get_by_role("alert").get_by_text("does not blink").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as scenario").click()
    page.get_by_text("every step ended as recorded").wait_for()
    saved = tmp_path / "story.scenario.yaml"
    download.value.save_as(saved)
    text = saved.read_text()
    assert OTHERWISE not in text
    for word in (
        "create",
        "enable",
        "wait",
        "refused: AccessDenied",
        "lose",
        "find",
        "give_back",
        "travel",
        "break",
    ):
        assert word in text
    (case,) = load_cases(saved)
    end = run_case(case)[-1]
    assert end["verdict"] == "passed", end["why"]
    origin = served.told["shelf"].partition("/shelf")[0]
    own = (origin, f"blob:{origin}")
    assert [each for each in clicked.asked if not each.startswith(own)] == []
    quiet = [each for each in clicked.said if "409 (Conflict)" not in each]
    assert quiet == []  # Chromium itself notes a refusal


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_page_is_for_everybody(
    clicked: Clicked, scheme: str, size: str, violations: Callable[[Any], list[str]]
) -> None:
    page = clicked.page
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme)
    if not clicked.served.json("GET", "devices")["devices"]:
        clicked.put("hardware_totp")
    page.evaluate(
        "() => document.querySelectorAll('details').forEach(each => { each.open = true })"
    )
    assert violations(page) == []
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width


@pytest.mark.slow
def test_page_without_its_token_says_so(clicked: Clicked, browser: Any) -> None:
    page = browser.new_page()
    page.goto(f"{clicked.served.url}/shelf")
    page.get_by_role("alert").get_by_text("the link in the start line").wait_for()
    page.close()
