"""The FIDO server-test API: its shapes, its sessions, and clients that do not behave."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mfalab import Browser, SecurityKey
from mfalab.verifier import AWS_IMMEDIATE
from mfalab.verifier.webauthn.relying_party import RelyingParty
from mfalab.verifier.wire import fido
from mfalab.verifier.wire.fido import COOKIE, LONGEST_BODY, FidoApi
from mfalab.verifier.wire.messages import Request

SITE = "https://example.com"
RULES = replace(AWS_IMMEDIATE, rp_id="example.com", origins=(SITE,), app_id=None)
ALICE = {"username": "alice", "displayName": "Alice"}
PATHS = ("/attestation/options", "/attestation/result", "/assertion/options", "/assertion/result")


class StandingClock:
    def now_ns(self) -> int:
        return 10**18


class Client:
    """Posts JSON, and keeps its cookie."""

    def __init__(self, api: FidoApi) -> None:
        self.api = api
        self.cookie = ""

    def post(self, path: str, body: bytes | Mapping[str, Any], **more: str) -> dict[str, Any]:
        headers = {"content-type": "application/json", "cookie": self.cookie, **more}
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = self.api.answer(Request("POST", path, "", tuple(headers.items()), raw))
        for name, value in answer.headers:
            if name == "set-cookie":
                self.cookie = value.partition(";")[0]
        said: dict[str, Any] = json.loads(answer.body)
        assert (answer.status == 200) == (said["status"] == "ok")
        assert bool(said["errorMessage"]) == (said["status"] == "failed")
        return {**said, "http": answer.status}

    def enrol(self, browser: Browser, **asked: Any) -> dict[str, Any]:
        options = self.post("/attestation/options", {**ALICE, **asked})
        return self.post("/attestation/result", browser.create(options))

    def sign_in(self, browser: Browser) -> dict[str, Any]:
        options = self.post("/assertion/options", {"username": "alice"})
        return self.post("/assertion/result", browser.get(options))


def new_api() -> FidoApi:
    numbers = count(1)

    def random_bytes(size: int) -> bytes:
        return next(numbers).to_bytes(size)

    return FidoApi(RelyingParty(RULES, StandingClock(), random_bytes), random_bytes)


@pytest.fixture
def browser(security_key: SecurityKey) -> Browser:
    """Ours; a plugin may have another of this name."""
    return Browser(security_key)


@pytest.fixture
def client() -> Client:
    return Client(new_api())


def test_life_of_a_key(client: Client, browser: Browser) -> None:
    assert client.enrol(browser) == {"status": "ok", "errorMessage": "", "http": 200}
    assert client.sign_in(browser)["status"] == "ok"


def test_answer_as_the_alliance_writes_it(client: Client, browser: Browser) -> None:
    """`getClientExtensionResults` for the outputs, and neither rawId nor transports."""
    options = client.post("/attestation/options", ALICE)
    made = browser.create(options)
    spoken = {
        "id": made["id"],
        "response": {
            name: made["response"][name] for name in ("clientDataJSON", "attestationObject")
        },
        "getClientExtensionResults": {},
        "type": "public-key",
    }
    assert client.post("/attestation/result", spoken)["status"] == "ok"
    options = client.post("/assertion/options", {"username": "alice"})
    signed = browser.get(options)
    spoken = {
        "id": signed["id"],
        "response": {**signed["response"], "userHandle": ""},
        "getClientExtensionResults": {},
        "type": "public-key",
    }
    assert client.post("/assertion/result", spoken)["status"] == "ok"


def test_options_are_what_was_asked_for(client: Client) -> None:
    selection = {
        "requireResidentKey": False,
        "authenticatorAttachment": "cross-platform",
        "userVerification": "required",
    }
    extensions = {"example.extension": True}
    options = client.post(
        "/attestation/options",
        {
            **ALICE,
            "authenticatorSelection": selection,
            "attestation": "direct",
            "extensions": extensions,
        },
    )
    assert options["authenticatorSelection"] == selection
    assert (options["attestation"], options["extensions"]) == ("direct", extensions)
    assert options["rp"] == {"id": "example.com", "name": "Amazon Web Services"}
    assert (options["user"]["name"], options["user"]["displayName"]) == ("alice", "Alice")
    plain = client.post("/attestation/options", ALICE)
    assert plain["attestation"] == "none"
    assert "authenticatorSelection" not in plain


def test_verification_that_was_asked_for_is_required(client: Client, browser: Browser) -> None:
    selection = {"userVerification": "required"}
    options = client.post("/attestation/options", {**ALICE, "authenticatorSelection": selection})
    loose = {**options, "authenticatorSelection": {"userVerification": "discouraged"}}
    said = client.post("/attestation/result", browser.create(loose))
    assert said["errorMessage"].startswith("no-user-verification: ")
    client.enrol(browser)
    options = client.post(
        "/assertion/options", {"username": "alice", "userVerification": "required"}
    )
    assert options["userVerification"] == "required"
    said = client.post(
        "/assertion/result", browser.get({**options, "userVerification": "discouraged"})
    )
    assert said["errorMessage"].startswith("no-user-verification: ")


def test_challenge_is_answered_once_and_by_who_was_given_it(
    client: Client, browser: Browser
) -> None:
    client.enrol(browser)
    options = client.post("/assertion/options", {"username": "alice"})
    signed = browser.get(options)
    stranger = Client(client.api)
    no_session = stranger.post("/assertion/result", signed)
    assert no_session["errorMessage"].startswith("unknown-challenge: ")
    stranger.post("/assertion/options", {"username": "alice"})
    assert stranger.post("/assertion/result", signed)["errorMessage"].startswith(
        "unknown-challenge"
    )
    assert client.post("/assertion/result", signed)["status"] == "ok"
    assert client.post("/assertion/result", signed)["errorMessage"].startswith("replayed-challenge")


def test_refused_answer_spends_the_challenge(client: Client, browser: Browser) -> None:
    options = client.post("/attestation/options", ALICE)
    browser.origin = "https://login.example.com"
    said = client.post("/attestation/result", browser.create(options))
    assert said["errorMessage"].startswith("wrong-origin: ")
    browser.origin = SITE
    said = client.post("/attestation/result", browser.create({**options, "excludeCredentials": []}))
    assert said["errorMessage"].startswith("replayed-challenge: ")


def test_session_outlives_a_ceremony_and_is_told_once(client: Client, browser: Browser) -> None:
    client.enrol(browser)
    cookie = client.cookie
    assert cookie.startswith(f"{COOKIE}=")
    client.sign_in(browser)
    assert client.cookie == cookie
    client.cookie = f"other=1; {COOKIE}=made-up"
    client.post("/attestation/options", ALICE)
    assert client.cookie.startswith(f"{COOKIE}=")
    assert "made-up" not in client.cookie


def test_sessions_are_bounded(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fido, "MOST_SESSIONS", 3)
    for _ in range(10):
        client.cookie = ""
        client.post("/attestation/options", ALICE)
    assert len(client.api._sessions) == 3


def test_platform_key_where_another_was_asked_for(client: Client, browser: Browser) -> None:
    def built_in(**selection: str) -> dict[str, Any]:
        options = client.post(
            "/attestation/options", {**ALICE, "authenticatorSelection": selection}
        )
        made = browser.create(options)
        return client.post("/attestation/result", {**made, "authenticatorAttachment": "platform"})

    refused = built_in(authenticatorAttachment="cross-platform")
    assert refused["errorMessage"].startswith("platform-authenticator: ")
    assert built_in(userVerification="preferred")["status"] == "ok"


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("/attestation/options", {}, "username is to be a text"),
        ("/attestation/options", {"username": "alice"}, "displayName is to be a text"),
        ("/attestation/options", {**ALICE, "username": "x" * 257}, "username is to be"),
        ("/attestation/options", {**ALICE, "username": "\ud800"}, "username is to be"),
        ("/attestation/options", {**ALICE, "attestation": "loud"}, "attestation is one of none, "),
        ("/attestation/options", {**ALICE, "attestation": []}, "attestation is one of"),
        ("/attestation/options", {**ALICE, "extensions": 1}, "extensions is no object"),
        ("/attestation/options", {**ALICE, "authenticatorSelection": []}, "is no object"),
        (
            "/attestation/options",
            {**ALICE, "authenticatorSelection": {"authenticatorAttachment": "glued"}},
            "platform or cross-platform",
        ),
        (
            "/attestation/options",
            {**ALICE, "authenticatorSelection": {"userVerification": "a bit"}},
            "userVerification is one of required",
        ),
        ("/assertion/options", {"username": "nobody"}, "unknown-credential: no user 'nobody'"),
        ("/assertion/options", {"username": "a", "userVerification": 1}, "userVerification is"),
        ("/assertion/result", {}, "unknown-challenge: this session has asked for no options"),
        ("/attestation/options", b"{", "the body is no JSON"),
        ("/attestation/options", b"[" * 60_000, "the body is no JSON"),
        ("/attestation/options", b'{"username": NaN}', "the body is no JSON"),
        ("/attestation/options", b'{"username": ' + b"9" * 5000 + b"}", "the body is no JSON"),
        ("/attestation/options", b"\xff", "the body is no JSON"),
        ("/attestation/options", b"[]", "the body is no object"),
    ],
)
def test_refusals_say_what_is_wrong(client: Client, path: str, body: Any, told: str) -> None:
    said = client.post(path, body)
    assert said["http"] == 400
    assert told in said["errorMessage"]


def test_requests_that_are_none(client: Client) -> None:
    assert client.post("/attestation/other", {})["http"] == 404
    assert client.post("/attestation/options", b" " * (LONGEST_BODY + 1))["http"] == 413
    plain = {"content-type": "text/plain"}
    assert client.post("/attestation/options", ALICE, **plain)["http"] == 415
    declared = {"content-type": "Application/JSON; charset=utf-8"}
    assert client.post("/attestation/options", ALICE, **declared)["http"] == 200
    for method in ("GET", "OPTIONS", "BREW"):
        answer = client.api.answer(Request(method, "/attestation/options"))
        assert answer.status == 405


def test_defect_is_an_answer(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("a secret")

    monkeypatch.setattr(client.api._party, "begin_registration", broken)
    said = client.post("/attestation/options", ALICE)
    assert said["http"] == 500
    assert "secret" not in said["errorMessage"]


SCALAR = st.none() | st.booleans() | st.integers() | st.text(max_size=20)
JSON = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
MEMBERS = (
    *("attestation", "authenticatorSelection", "clientDataJSON", "displayName", "extensions"),
    *("id", "rawId", "response", "getClientExtensionResults", "type", "userHandle"),
    *("userVerification", "username"),
)


@given(
    path=st.sampled_from(PATHS),
    body=st.dictionaries(st.sampled_from(MEMBERS), JSON).map(lambda x: json.dumps(x).encode())
    | st.binary(max_size=200),
)
@settings(max_examples=300)
def test_whatever_is_sent_is_answered(path: str, body: bytes) -> None:
    said = Client(new_api()).post(path, body)
    assert said["http"] in (200, 400)


@given(data=st.data())
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_spoilt_answers_are_refused(
    data: st.DataObject, security_key: SecurityKey, browser: Browser
) -> None:
    client = Client(new_api())
    options = client.post("/attestation/options", ALICE)
    made: dict[str, Any] = browser.create(options)
    where = data.draw(st.sampled_from([made, made["response"]]))
    member = data.draw(st.sampled_from(sorted(where)))
    where[member] = data.draw(JSON)
    assert client.post("/attestation/result", made)["http"] in (200, 400)
