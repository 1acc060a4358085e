"""WebAuthn with the keys of a shelf, over HTTP."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mfalab.verifier import StoreUnusable

from ..served import Served  # noqa: TID252 - tests are no package

ORIGIN = "https://site.example"
CREATE: dict[str, Any] = {
    "rp": {"id": "site.example", "name": "Site"},
    "user": {"id": "dXNlcg", "name": "alice", "displayName": "Alice"},
    "challenge": "Y2hhbGxlbmdlLW9mLXNpeHRlZW4",
    "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
}
KEYS = {
    "key": {"kind": "security_key", "owner": "alice"},
    "spare": {"kind": "security_key", "owner": "alice"},
}


def wait_for_light(served: Served, name: str) -> None:
    for _ in range(200):
        if served.json("GET", f"devices/{name}")["asks"]:
            return
        time.sleep(0.02)  # noqa: TID251 - another thread's request has to arrive
    pytest.fail(f"{name} stays dark")


def ceremony(served: Served, body: object, touched: str) -> tuple[int, Any]:
    """Begin a ceremony, touch a key that blinks, and see what became of it."""
    with ThreadPoolExecutor(1) as apart:
        asked = apart.submit(served.ask, "POST", "/_mfalab/webauthn", body)
        wait_for_light(served, touched)
        served.json("POST", f"devices/{touched}/touch")
        status, text = asked.result(30)
    return status, json.loads(text)


def test_key_that_is_touched_registers_and_signs(served: Served) -> None:
    served.json("POST", "devices", KEYS)
    status, made = ceremony(served, {"create": CREATE, "origin": ORIGIN}, "spare")
    assert status == 200, made
    assert made["response"]["attestationObject"]
    for name in KEYS:
        assert served.json("GET", f"devices/{name}")["asks"] is None
    allowed = [{"type": "public-key", "id": made["id"]}]
    wanted = {"challenge": CREATE["challenge"], "rpId": "site.example", "allowCredentials": allowed}
    status, signed = ceremony(served, {"get": wanted, "origin": ORIGIN}, "spare")
    assert (status, signed["id"]) == (200, made["id"])


def test_prompt_ends_with_its_time(served: Served) -> None:
    served.json("POST", "devices", KEYS)
    with ThreadPoolExecutor(1) as apart:
        body = {"create": CREATE, "origin": ORIGIN, "key": "key"}
        asked = apart.submit(served.ask, "POST", "/_mfalab/webauthn", body)
        wait_for_light(served, "key")
        served.json("POST", "clock", {"advance": "40 s"})
        status, text = asked.result(30)
    assert (status, json.loads(text)["refused"]) == (409, "NotAllowedError")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"create": CREATE, "get": {}}, 400),
        ({"create": []}, 400),
        ({"create": {}}, 400),
        ({"create": {**CREATE, "challenge": 3}}, 409),
        ({"create": {**CREATE, "pubKeyCredParams": "x"}}, 400),
        ({"create": {**CREATE, "authenticatorSelection": 3}}, 400),
        ({"create": CREATE, "origin": 3}, 400),
        ({"create": CREATE, "pin": []}, 400),
        ({"create": CREATE, "origin": ORIGIN, "touch": "never"}, 400),
        ({"create": CREATE, "origin": ORIGIN, "key": "fob"}, 409),
        ({"create": CREATE, "origin": "https://evil.example"}, 409),
        ({"get": {"challenge": 3}}, 409),
    ],
    ids=str,
)
def test_what_is_no_ceremony(served: Served, body: object, status: int) -> None:
    served.json("POST", "devices", KEYS)
    got, text = served.ask("POST", "/_mfalab/webauthn", body)
    assert got == status, text
    assert json.loads(text)["error"]


def test_records_that_are_gone(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = StoreUnusable("records.db", "it is gone", "Bring it back")

    def follow() -> None:
        raise gone

    monkeypatch.setattr(served.shelf, "follow", follow)
    for method, path, body in (("POST", "webauthn", {"create": CREATE}), ("GET", "clock", None)):
        got, text = served.ask(method, f"/_mfalab/{path}", body)
        assert (got, json.loads(text)) == (503, {"error": str(gone)})


def test_a_key_must_be_held(served: Served) -> None:
    got, text = served.ask("POST", "/_mfalab/webauthn", {"create": CREATE, "origin": ORIGIN})
    assert (got, json.loads(text)["refused"]) == (409, "NoKey")
    assert served.ask("GET", "/_mfalab/webauthn")[0] == 405
