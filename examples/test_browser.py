"""A browser signs in to the Flask application in login_app.py with a code from a simulated fob.

Playwright drives Debian's chromium (apt-get install chromium) or its own (playwright install
chromium).

    $ pytest test_browser.py
"""

import shutil
import threading
from collections.abc import Iterator

import pytest
from login_app import User, create_app
from playwright.sync_api import Page, Playwright
from werkzeug.security import generate_password_hash
from werkzeug.serving import make_server

from mfalab import LabClock
from mfalab.devices.otp.token import HardwareToken


@pytest.fixture
def site(fob: HardwareToken, clock: LabClock) -> Iterator[str]:
    """The application on a free port, in the fob's time."""
    seed = fob.seed.secret_base32
    app = create_app(
        {"bob": User(generate_password_hash("battery staple"), seed, enrolled=True)},
        now=clock.now,
    )
    server = make_server("127.0.0.1", 0, app)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(mfa_playwright: Playwright) -> Iterator[Page]:
    """A page of Playwright, of which a process has one: key_browser's is the same."""
    browser = mfa_playwright.chromium.launch(
        executable_path=shutil.which("chromium"), args=["--no-sandbox"]
    )
    yield browser.new_page()
    browser.close()


def test_bob_signs_in_with_the_code_on_his_fob(page: Page, site: str, fob: HardwareToken) -> None:
    page.goto(site)
    for code, status in [
        ("000000", "Wrong password or code"),
        (fob.read_code(), "Signed in as bob"),
    ]:
        page.get_by_label("User").fill("bob")
        page.get_by_label("Password").fill("battery staple")
        page.get_by_label("Code").fill(code)
        page.get_by_role("button", name="Sign in").click()
        assert page.get_by_role("status").inner_text() == status
