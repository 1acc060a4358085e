"""Requests as a verifier: statuses are verdicts, others are errors; words are encoded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from mfalab.simulator.environment.target import TargetGone
from mfalab.simulator.targets.otp.http import HttpVerifier, Request
from mfalab.simulator.targets.otp.verifier import Capabilities, Verdict


class Service(BaseHTTPRequestHandler):
    asked: ClassVar[list[tuple[str, str, str]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.asked.append((self.command, self.path, body))
        code = parse_qs(body).get("code", [""])[0]
        status = {"000000": 204, "111111": 403, "222222": 500, "333333": 302}.get(code, 200)
        self.send_response(status)
        self.send_header("Location", "/elsewhere")
        said = b"" if status == 204 else b"boom"
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_GET = do_DELETE = do_POST  # noqa: N815 - so the server looks them up

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    Service.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def verifier(url: str) -> HttpVerifier:
    requests = {
        "enrol": Request(url + "/enrol", json={"user": "{account}", "seed": "{seed_hex}"}),
        "attempt": Request(url + "/verify?u={account}&t={time}", form={"code": "{code}"}),
        "resync": Request(url + "/resync", "GET"),
        "revoke": Request(url + "/{account}", "DELETE", headers={"X-Key": "k"}),
    }
    return HttpVerifier(Capabilities(lanes=4), requests)


def test_status_is_the_verdict(verifier: HttpVerifier) -> None:
    assert verifier.attempt("alice", "000000") == Verdict(True)
    assert verifier.attempt("alice", "111111") == Verdict(False)
    assert verifier.resync("alice", ("1", "2")) == Verdict(True)
    together = verifier.attempt_together("alice", ["000000", "111111"])
    assert [each.accepted for each in together] == [True, False]


@pytest.mark.parametrize(("code", "status"), [("222222", 500), ("333333", 302)])
def test_other_status_is_an_error(verifier: HttpVerifier, code: str, status: int) -> None:
    """A redirect is an answer: it is told, and not followed."""
    with pytest.raises(RuntimeError, match=f"attempt was answered with {status}: boom"):
        verifier.attempt("alice", code)


def test_words_are_encoded_where_they_stand(verifier: HttpVerifier) -> None:
    verifier.set_time(1_500_000_000)
    verifier.enrol('a"&/é', b"\x00\xff", "SHA1", 6, 30)
    verifier.attempt("a&b=/?", "00 &0")
    verifier.revoke("../x")
    enrolled, judged, revoked = Service.asked
    assert json.loads(enrolled[2]) == {"user": 'a"&/é', "seed": "00ff"}
    assert parse_qs(urlsplit(judged[1]).query) == {"u": ["a&b=/?"], "t": ["1.500"]}
    assert parse_qs(judged[2]) == {"code": ["00 &0"]}
    assert revoked[:2] == ("DELETE", "/..%2Fx")


def test_server_that_is_not_there_is_an_error(verifier: HttpVerifier) -> None:
    verifier.requests = {"attempt": Request("http://127.0.0.1:9/x")}
    with pytest.raises(TargetGone, match=r"http://127\.0\.0\.1:9 is not to be reached"):
        verifier.attempt("alice", "000000")
