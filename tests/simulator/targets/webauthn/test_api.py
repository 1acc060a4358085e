"""What is an answer of the FIDO server-test API, and what is an error."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfalab.simulator.environment.target import TargetGone
from mfalab.simulator.targets.webauthn import api
from mfalab.simulator.targets.webauthn.api import (
    Answer,
    CreationOptions,
    HttpServer,
    NotTheApi,
    RequestOptions,
    ask,
    options_of,
)

CHALLENGE = "uhUjPNlZfvn7onwuhNdsLPkkE5Fv-lUN"
CREATION = {
    "challenge": CHALLENGE,
    "rp": {"name": "Example Corporation"},
    "user": {"id": "S3932ee31vKEC0JtJMIQ", "name": "alice", "displayName": "Alice"},
    "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
}


class Canned:
    """Answers all that is posted alike."""

    def __init__(self, status: int, body: bytes) -> None:
        self.said = status, body

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        return self.said


def asked(status: int, body: Any) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ask(Canned(status, raw), "/assertion/result", {})


@pytest.mark.parametrize(
    ("status", "body", "accepted", "message"),
    [
        (200, {"status": "ok", "errorMessage": ""}, True, ""),
        (400, {"status": "failed", "errorMessage": "no such key"}, False, "no such key"),
        (200, {"status": "failed", "errorMessage": "no such key"}, False, "no such key"),
        (403, {"status": "failed"}, False, "refused, no reason given"),
        (422, {"status": "failed", "errorMessage": 7}, False, "refused, no reason given"),
    ],
)
def test_answers(status: int, body: Any, accepted: bool, message: str) -> None:
    answer = asked(status, body)
    assert answer.accepted == accepted
    assert accepted or answer.message == message


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (500, {"status": "failed", "errorMessage": "database is locked"}, "answers with 500"),
        (503, b"", "answers with 503"),
        (302, {"status": "ok"}, "answers with 302"),
        (404, b"<h1>Not Found</h1>", "404 and no JSON: <h1>Not Found"),
        (200, b"", "200 and no JSON"),
        (200, b"[" * 100_000, "200 and no JSON"),
        (200, b"\xff\xfe\xfd", "200 and no JSON"),
        (200, [], "no `status`, ok or failed"),
        (400, {"error": "nope"}, "no `status`, ok or failed"),
        (200, {"status": True}, "no `status`, ok or failed"),
        (400, {"status": "ok"}, "400 and says ok"),
    ],
)
def test_what_is_no_answer_is_an_error(status: int, body: Any, told: str) -> None:
    with pytest.raises(NotTheApi, match=f"^/assertion/result .*{told}"):
        asked(status, body)


@given(st.integers(100, 599), st.binary(max_size=60) | st.sampled_from([b"{}", b"null", b'"ok"']))
def test_whatever_comes_back_is_told(status: int, body: bytes) -> None:
    with pytest.raises(NotTheApi):
        asked(status, body)


def test_options_have_the_defaults_of_the_api() -> None:
    creation = options_of(CreationOptions, "/", Answer(True, "", {**CREATION, "status": "ok"}))
    assert creation == {
        **CREATION,
        "excludeCredentials": [],
        "authenticatorSelection": {},
        "attestation": "none",
        "extensions": {},
    }
    request = options_of(RequestOptions, "/", Answer(True, "", {"challenge": CHALLENGE}))
    assert request == {
        "challenge": CHALLENGE,
        "allowCredentials": [],
        "userVerification": "preferred",
        "extensions": {},
    }


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"challenge": "short"}, "challenge: a challenge has 16 bytes at least"),
        ({"challenge": CHALLENGE + "=="}, "challenge: it is no base64url"),
        ({"challenge": None}, "challenge: "),
        ({"user": {"id": "", "name": "a", "displayName": "A"}}, "user.id: it is no base64url"),
        ({"user": "alice"}, "user: "),
        ({"rp": {}}, "rp.name: Field required"),
        ({"excludeCredentials": [{"type": "public-key", "id": 7}]}, "excludeCredentials.0.id: "),
        ({"pubKeyCredParams": {}}, "pubKeyCredParams: "),
    ],
)
def test_options_that_are_none(change: dict[str, Any], told: str) -> None:
    with pytest.raises(NotTheApi, match=told):
        options_of(CreationOptions, "/attestation/options", Answer(True, "", CREATION | change))


class Handler(BaseHTTPRequestHandler):
    """Gives a cookie, and says which one it was given."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        said = {"status": "ok", "cookie": self.headers["Cookie"]}
        body = json.dumps(said).encode()
        self.send_response({"/refused": 400, "/moved": 303}.get(self.path, 200))
        self.send_header("Set-Cookie", "session=1; Path=/; Secure; HttpOnly; SameSite=Strict")
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(body * 40_000 if self.path == "/long" else body)

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()
        thread.join()


def test_session_keeps_its_cookie_and_no_other_has_it(url: str) -> None:
    one, other = HttpServer(url).session(), HttpServer(url).session()
    assert json.loads(one.post("/a", b"{}")[1])["cookie"] is None
    assert json.loads(one.post("/a", b"{}")[1])["cookie"] == "session=1"
    assert json.loads(other.post("/a", b"{}")[1])["cookie"] is None


def test_server_that_is_not_there_is_told_by_the_systems_words() -> None:
    with pytest.raises(TargetGone, match="reached: Connection refused"):
        HttpServer("http://127.0.0.1:1").session().post("/x", b"{}")


def test_http_says_what_it_says(url: str) -> None:
    session = HttpServer(url).session()
    assert session.post("/refused", b"{}")[0] == 400
    assert session.post("/moved", b"{}")[0] == 303
    with pytest.raises(OSError, match="longer than"):
        session.post("/long", b"{}")
    assert api.PATIENCE_S <= 30
