"""The relying party that is served beside the account."""

import json
import urllib.request
from typing import Any

import pytest

from mfalab import Browser, Entropy, SecurityKey
from mfalab.simulator.serving.endpoint import open_endpoint
from mfalab.simulator.serving.fido import at_origin, origin_of
from mfalab.simulator.serving.server import Server, listen, url_of
from mfalab.verifier import AWS_IMMEDIATE


@pytest.fixture
def browser(security_key: SecurityKey) -> Browser:
    """Ours; a plugin may have another of this name."""
    return Browser(security_key)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://127.0.0.1:8765", "http://localhost:8765"),
        ("http://[::1]:8765", "http://localhost:8765"),
        ("http://0.0.0.0:80", "http://localhost:80"),
        ("http://localhost:8765", "http://localhost:8765"),
        ("http://lab.example:8765", "http://lab.example:8765"),
        ("http://192.0.2.1:8765", "http://192.0.2.1:8765"),
    ],
)
def test_origin_of_a_server(url: str, origin: str) -> None:
    assert origin_of(url) == origin


def test_served_beside_the_account(browser: Browser) -> None:
    """A key is registered and signs in over HTTP, and the account knows nothing of it."""
    listener = listen("127.0.0.1", 0)
    url = url_of(listener)
    browser.origin = origin_of(url)
    endpoint = open_endpoint(
        ":memory:",
        profile="rfc6238",
        virtual=False,
        users={"alice": False},
        url=url,
        random_bytes=Entropy(1).random_bytes("test"),
    )
    server = Server(endpoint.application, listener)
    server.start()
    cookie = ""

    def post(path: str, body: Any) -> Any:
        nonlocal cookie
        headers = {"Content-Type": "application/json", "Cookie": cookie}
        request = urllib.request.Request(f"{url}{path}", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            cookie = answer.headers.get("Set-Cookie", cookie)
            return json.load(answer)

    try:
        options = post("/attestation/options", {"username": "alice", "displayName": "Alice"})
        assert options["rp"]["id"] == "localhost"
        assert {each["alg"] for each in options["pubKeyCredParams"]} >= {-7, -8, -35, -257}
        post("/attestation/result", browser.create(options))
        options = post("/assertion/options", {"username": "alice"})
        assert post("/assertion/result", browser.get(options)) == {
            "status": "ok",
            "errorMessage": "",
        }
    finally:
        server.stop()
    alice = endpoint.account.users["alice"]
    assert endpoint.verifier.iam(alice).list_mfa_devices()["MFADevices"] == []


def test_profile_at_an_origin() -> None:
    profile = at_origin(AWS_IMMEDIATE, "http://[::1]:8765")
    assert (profile.rp_id, profile.origins) == ("::1", ("http://[::1]:8765",))
    assert profile.app_id is None
