"""A relying party with py_webauthn, tested in Chromium with a simulated security key.

The page and its WebAuthn are the browser's own; only the security key is simulated. Playwright
drives Debian's chromium (apt-get install chromium) or its own (playwright install chromium).

    $ pytest test_key_browser.py
"""

import threading
from collections.abc import Iterator
from typing import Any

import flask
import pytest
import webauthn
from webauthn.helpers.structs import PublicKeyCredentialDescriptor
from werkzeug.serving import make_server

from mfalab import KeyBrowser
from mfalab.devices.ctap.user import absent

PAGE = """<!doctype html><title>Shop</title>
<button onclick="act('create')">Register</button> <button onclick="act('get')">Sign in</button>
<output></output>
<script>
const read = { create: "parseCreationOptionsFromJSON", get: "parseRequestOptionsFromJSON" };
async function act(kind) {
  const output = document.querySelector("output");
  output.textContent = "Touch your key";
  try {
    const options = await (await fetch("/" + kind)).json();
    const publicKey = PublicKeyCredential[read[kind]](options);
    const credential = await navigator.credentials[kind]({ publicKey });
    const headers = { "Content-Type": "application/json" };
    const body = JSON.stringify(credential);
    output.textContent = await (await fetch("/" + kind, { method: "POST", headers, body })).text();
  } catch (error) {
    output.textContent = error.name;
  }
}
</script>"""


def create_app() -> flask.Flask:
    """Your application: one user, who has one security key."""
    app = flask.Flask(__name__)
    known: dict[str, Any] = {}

    @app.get("/")
    def page() -> str:
        return PAGE

    @app.get("/create")
    def creation() -> flask.Response:
        options = webauthn.generate_registration_options(
            rp_id="localhost", rp_name="Shop", user_name="alice"
        )
        known["challenge"] = options.challenge
        return flask.Response(webauthn.options_to_json(options), content_type="application/json")

    @app.post("/create")
    def created() -> str:
        known["key"] = webauthn.verify_registration_response(
            credential=flask.request.json,
            expected_challenge=known.pop("challenge"),
            expected_rp_id="localhost",
            expected_origin=flask.request.host_url.rstrip("/"),
        )
        return "Registered"

    @app.get("/get")
    def request() -> flask.Response:
        listed = [PublicKeyCredentialDescriptor(id=known["key"].credential_id)]
        options = webauthn.generate_authentication_options(
            rp_id="localhost", allow_credentials=listed
        )
        known["challenge"] = options.challenge
        return flask.Response(webauthn.options_to_json(options), content_type="application/json")

    @app.post("/get")
    def signed_in() -> str:
        webauthn.verify_authentication_response(
            credential=flask.request.json,
            expected_challenge=known.pop("challenge"),
            expected_rp_id="localhost",
            expected_origin=flask.request.host_url.rstrip("/"),
            credential_public_key=known["key"].credential_public_key,
            credential_current_sign_count=known["key"].sign_count,
        )
        return "Signed in"

    return app


@pytest.fixture
def site() -> Iterator[str]:
    server = make_server("127.0.0.1", 0, create_app(), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://localhost:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


def says(page: Any, text: str) -> None:
    page.get_by_text(text, exact=True).wait_for(timeout=10_000)


@pytest.fixture
def page(key_browser: KeyBrowser, site: str) -> Any:
    """The site, where the key is registered."""
    page = key_browser.new_page()
    page.goto(site)
    page.get_by_role("button", name="Register").click()
    says(page, "Registered")
    return page


def test_alice_signs_in(page: Any) -> None:
    page.get_by_role("button", name="Sign in").click()
    says(page, "Signed in")


def test_alice_mistypes_the_pin(page: Any, key_browser: KeyBrowser) -> None:
    key_browser.key = key_browser.add_key(pin="2468")
    key_browser.pin = ["1111", "2468"]
    page.get_by_role("button", name="Register").click()
    says(page, "Registered")
    assert key_browser.journal[-1].pins_typed == 2


def test_page_asks_for_a_touch_until_the_key_is_touched(page: Any, key_browser: KeyBrowser) -> None:
    key_browser.key.user = absent
    with key_browser.hold():
        page.get_by_role("button", name="Sign in").click()
        key_browser.wait_for_prompt()
        says(page, "Touch your key")
        key_browser.key.touch()
        says(page, "Signed in")


def test_key_is_pulled_out(page: Any, key_browser: KeyBrowser) -> None:
    key_browser.key.unplug()
    page.get_by_role("button", name="Sign in").click()
    says(page, "NotAllowedError")
