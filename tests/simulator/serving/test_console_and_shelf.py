"""One story, clicked on the shelf and in the console, saved, and run as a scenario."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mfalab.simulator.runner import run_case
from mfalab.simulator.scenario_files.loader import load_cases

pytestmark = pytest.mark.slow


@pytest.fixture
def alice(console: Any, at_console: Any) -> Any:
    return at_console()


@pytest.fixture
def shelf(console: Any, alice: Any) -> Iterator[Any]:
    """The shelf in another tab of the same browser."""
    said: list[str] = []
    page = alice.page.context.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(console.told["shelf"])
    page.get_by_text("Connected", exact=True).wait_for()
    yield page
    assert said == []


def put(shelf: Any, kind: str, name: str) -> None:
    shelf.select_option("select[name=kind]", kind)
    shelf.select_option("select[name=owner]", "alice")
    shelf.fill("input[name=name]", name)
    shelf.get_by_role("button", name="Put it there").click()
    shelf.get_by_role("heading", name=name, exact=True).wait_for()


def advance(shelf: Any, by: str = "+30 s") -> None:
    shelf.get_by_role("button", name=by, exact=True).click()
    shelf.wait_for_selector("#advance:not([inert])")


def shown(shelf: Any, console: Any, name: str) -> str:
    """What a device shows on the page."""
    code: str = console.code(name)
    shelf.get_by_text(code, exact=True).wait_for()
    return code


def touch(alice: Any, shelf: Any, button: str) -> None:
    """Press a button of a page that asks for a security key, and touch the one that blinks."""
    alice.page.get_by_role("button", name=button, exact=True).click()
    shelf.locator(".blinking").wait_for()
    with alice.page.expect_navigation():
        shelf.get_by_label("Touch key", exact=True).click()
    alice.page.wait_for_load_state("load")


def test_story_in_both_is_replayed(console: Any, alice: Any, shelf: Any, tmp_path: Path) -> None:
    put(shelf, "totp_app", "app")
    put(shelf, "security_key", "key")
    shelf.get_by_label("The console on this server").check()

    alice.give_password("alice")
    alice.begin("virtual", "telephone")
    shelf.get_by_label("Scan what is shown now, with app").click()
    shelf.locator(".screen .code").wait_for()
    first = shown(shelf, console, "app")
    advance(shelf)
    alice.fill(code1=first, code2=shown(shelf, console, "app"))
    alice.press("Add MFA")
    assert alice.done == "The MFA device was assigned."
    alice.press("Sign out")

    advance(shelf)
    alice.give_password("alice")
    alice.fill(code="000000")
    alice.press("Submit")
    assert alice.error
    alice.fill(code=shown(shelf, console, "app"))
    alice.press("Submit")
    assert "signed in with MFA" in alice.text

    alice.begin("fido", "my-key")
    touch(alice, shelf, "Register security key")
    assert alice.done == "The MFA device was assigned."
    alice.press("Sign out")
    alice.give_password("alice")
    if alice.page.locator("input[value=fido]").count():
        alice.page.check("input[value=fido]")
        alice.press("Next")
    touch(alice, shelf, "Use security key")
    assert "signed in with MFA" in alice.text

    with shelf.expect_download() as download:
        shelf.get_by_role("button", name="Save as scenario").click()
    shelf.get_by_text("every step ended as recorded").wait_for()
    saved = tmp_path / "both.scenario.yaml"
    download.value.save_as(saved)
    text = saved.read_text()
    assert console.told["users"]["alice"]["password"] not in text
    steps = [line[4:] for line in text.partition("steps:\n")[2].splitlines()]
    refused = "expect: {refused: InvalidAuthenticationCode, decision: wrong}"
    wanted = [
        "{do: sign_in, who: alice}",
        "{do: create, who: alice, device: app, device_name: telephone, using: console}",
        "{do: enable, who: alice, using: console, device: app, codes: [-1 steps, current]}",
        "{do: sign_out, who: alice}",
        f"{{do: sign_in, who: alice, with: app, code: wrong, {refused}}}",
        "{do: try_again, who: alice, with: app}",
        "{do: enable, who: alice, using: console, device: key}",
        "{do: sign_out, who: alice}",
        "{do: sign_in, who: alice, with: key}",
    ]
    assert [step for step in steps if step.startswith("{do: ") and "do: wait" not in step] == wanted
    (case,) = load_cases(saved)
    end = run_case(case)[-1]
    assert end["verdict"] == "passed", end["why"]
