"""A relying party with one page, for a browser in the guest.

relying_party.py PORT TIMES: the page registers a passkey and signs in with it so many times, all by
itself; mfalab.verifier judges.
A line is printed for each thing that happens. The exit code is 0 when the browser's user has been
let in each time, verified, by a credential that the key found itself.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

from mfalab.simulator.clocks.wall import WallClock
from mfalab.simulator.entropy import SystemEntropy
from mfalab.verifier import (
    AWS_IMMEDIATE,
    CHEAP,
    CeremonyDecision,
    MemoryStore,
    SecondPage,
    SignedIn,
    Silence,
    Verifier,
)
from mfalab.verifier.profile import AttestationConveyance, UserVerification

PORT, SIGN_INS = map(int, sys.argv[1:])
PATIENCE_S = 1200
PAGE = Path(__file__).with_name("page.html").read_bytes()


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class RelyingParty:
    """The account of somebody who has no security key yet."""

    def __init__(self) -> None:
        profile = replace(
            AWS_IMMEDIATE,
            rp_id="localhost",
            origins=(f"http://localhost:{PORT}",),
            app_id=None,
            user_verification=UserVerification.REQUIRED,
            attestation=AttestationConveyance.NONE,  # for others a browser asks its user
            challenge_lifetime_s=PATIENCE_S,
        )
        self.decisions: list[CeremonyDecision] = []
        self.verifier = Verifier(
            store=MemoryStore(),
            clock=WallClock(),
            random_bytes=SystemEntropy().random_bytes("verifier"),
            profile=profile,
            password_cost=CHEAP,
            outbox=Silence(),
            observer=self.observe,
        )
        self.verifier.create_account("123456789012", root_email="r@example.com", root_password="pw")
        self.page: SecondPage | None = None
        self.by: Any = None
        self.times_let_in = 0

    def observe(self, seen: object) -> None:
        """Keep what the ceremonies decide."""
        if isinstance(seen, CeremonyDecision):
            self.decisions.append(seen)
            say(f"decided: {seen.outcome.value}, user verified: {seen.user_verified}")

    def session(self) -> SignedIn | SecondPage:
        """Name and password."""
        return self.verifier.console.sign_in_root("r@example.com", "pw")

    def begin_registration(self, _sent: object) -> Any:
        """Options for a passkey: a credential that the key finds by itself later."""
        session = self.session()
        assert isinstance(session, SignedIn)
        self.by = session.credentials
        options = self.verifier.console.begin_security_key(self.by, name="key")
        options["authenticatorSelection"]["residentKey"] = "required"
        return options

    def finish_registration(self, sent: Any) -> Any:
        """The new credential."""
        return self.verifier.console.finish_security_key(self.by, response=sent)

    def begin_sign_in(self, _sent: object) -> Any:
        """Options without a list of credentials."""
        page = self.session()
        assert isinstance(page, SecondPage)
        assert page.assertion_options is not None
        self.page = page
        return {**page.assertion_options, "allowCredentials": []}

    def finish_sign_in(self, sent: Any) -> Any:
        """The assertion; lets the user in."""
        assert self.page is not None
        signed_in = self.verifier.console.submit_assertion(self.page.id, sent)
        self.times_let_in += signed_in.mfa and all(each.user_verified for each in self.decisions)
        return self.times_let_in


def serve(party: RelyingParty) -> int:
    """Serve the page until it has ended; returns the exit code."""
    ended = Event()
    acts: dict[str, Callable[[Any], Any]] = {
        "/begin-registration": party.begin_registration,
        "/finish-registration": party.finish_registration,
        "/begin-sign-in": party.begin_sign_in,
        "/finish-sign-in": party.finish_sign_in,
        "/say": lambda text: say(f"page: {text}"),
        "/end": lambda _: ended.set(),
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            say(f"asked for {self.path}")
            self.answer(PAGE if self.path.startswith("/?") else b"", "text/html")

        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self.answer(json.dumps(acts[self.path](sent)).encode(), "application/json")

        def answer(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            with suppress(BrokenPipeError):  # by a browser that fell over
                self.wfile.write(body)

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Say nothing: what counts is said elsewhere."""

    server = ThreadingHTTPServer(("127.0.0.1", PORT), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    say("serving")
    in_time = ended.wait(PATIENCE_S)
    say(f"the user was let in {party.times_let_in} times")
    # A registration and the sign-ins are all that was decided: nothing was tried twice.
    once = len(party.decisions) == 1 + SIGN_INS
    return 0 if in_time and once and party.times_let_in == SIGN_INS else 1


if __name__ == "__main__":
    sys.exit(serve(RelyingParty()))
