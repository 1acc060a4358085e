"""The relying party that is served beside the account."""

import http.client
import json
import urllib.request
from typing import Any

import pytest

from mfalab import Browser, SecurityKey
from mfalab.simulator.serving.fido import at_origin, origin_of
from mfalab.verifier import AWS_IMMEDIATE

from ..served import serving  # noqa: TID252 - tests are no package


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
    cookie = ""

    def post(path: str, body: Any) -> Any:
        nonlocal cookie
        headers = {"Content-Type": "application/json", "Cookie": cookie}
        request = urllib.request.Request(f"{served.url}{path}", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            cookie = answer.headers.get("Set-Cookie", cookie)
            return json.load(answer)

    with serving("alice", profile="rfc6238") as served:
        browser.origin = origin_of(served.url)
        options = post("/attestation/options", {"username": "alice", "displayName": "Alice"})
        assert options["rp"]["id"] == "localhost"
        assert {each["alg"] for each in options["pubKeyCredParams"]} >= {-7, -8, -35, -257}
        post("/attestation/result", browser.create(options))
        options = post("/assertion/options", {"username": "alice"})
        assert post("/assertion/result", browser.get(options)) == {
            "status": "ok",
            "errorMessage": "",
        }
    alice = served.endpoint.account.users["alice"]
    assert served.endpoint.verifier.iam(alice).list_mfa_devices()["MFADevices"] == []


def test_profile_at_an_origin() -> None:
    profile = at_origin(AWS_IMMEDIATE, "http://[::1]:8765")
    assert (profile.rp_id, profile.origins) == ("::1", ("http://[::1]:8765",))
    assert profile.app_id is None


@pytest.mark.parametrize("host", ["evil.example", "evil@localhost:8765", "localhost:8765/", ""])
def test_no_name_of_a_stranger_reaches_it(host: str) -> None:
    """A page whose name was made to mean this machine is in its own origin, and may post JSON."""
    with serving("alice") as served:
        where = served.url.partition("//")[2]

        def status(host: str) -> int:
            connection = http.client.HTTPConnection(where, timeout=30)
            headers = {"Content-Type": "application/json", "Host": host}
            body = json.dumps({"username": "alice", "displayName": "Alice"})
            connection.request("POST", "/attestation/options", body, headers)
            answer = connection.getresponse()
            answer.read()
            connection.close()
            return answer.status

        assert status(where) == 200
        assert status(where.replace("127.0.0.1", "localhost")) == 200
        assert status(host) == 421
