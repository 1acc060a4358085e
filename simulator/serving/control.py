"""What a script may do to a served verifier beside AWS's API: move its time.

Only from this machine, and only with the token that the server showed when it began.
"""

from __future__ import annotations

import hmac
import json
from ipaddress import ip_address
from typing import Any

from mfalab.simulator.environment.lab_clock import LabClock
from mfalab.simulator.language.units import LAST_INSTANT_NS, parse_duration_ns
from mfalab.verifier.wire.asgi import (
    Receive,
    Scope,
    Send,
    read_request,
    send_response,
)
from mfalab.verifier.wire.messages import Request, Response

PREFIX = "/_mfalab/"


class Control:
    """An ASGI application of the paths below `/_mfalab/`.

    Args: the clock that may be moved, None where it is the machine's; the token.
    """

    def __init__(self, clock: LabClock | None, token: str) -> None:
        self._clock = clock
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = await read_request(scope, receive)
        if isinstance(request, Request):
            client = scope.get("client")
            request = self.answer(request, client[0] if client else "")
        if request is not None:
            await send_response(send, request)

    def answer(self, request: Request, client: str) -> Response:
        """The answer to a request from an address."""
        if not _is_here(client):
            return _json(403, error="only from the machine that the server runs on")
        given = request.header("authorization") or ""
        if not hmac.compare_digest(given.encode("latin-1"), f"Bearer {self._token}".encode()):
            return _json(401, error="give the token of the start line: Authorization: Bearer TOKEN")
        if request.path != f"{PREFIX}clock":
            return _json(404, error=f"there is {PREFIX}clock only")
        if request.method == "GET":
            return self._time()
        if request.method != "POST":
            return _json(405, error="GET tells the time, POST moves it")
        return self._advance(request.body)

    def _advance(self, body: bytes) -> Response:
        if self._clock is None:
            return _json(409, error="time is the machine's; start with --clock virtual to move it")
        try:
            given: Any = json.loads(body)
        except ValueError:
            given = None
        if not isinstance(given, dict) or given.keys() != {"advance"}:
            return _json(400, error='say how far, such as {"advance": "30 s"}')
        try:
            duration_ns = parse_duration_ns(str(given["advance"]))
            if not 0 <= duration_ns <= LAST_INSTANT_NS - self._clock.now_ns():
                raise ValueError("time goes forward, and ends with the year 9999")
        except ValueError as error:
            return _json(400, error=f"advance: {error}")
        self._clock.advance(duration_ns)
        return self._time()

    def _time(self) -> Response:
        now = None if self._clock is None else f"{self._clock.now():%Y-%m-%dT%H:%M:%S.%fZ}"
        return _json(200, clock="system" if self._clock is None else "virtual", now=now)


def _is_here(client: str) -> bool:
    try:
        return ip_address(client).is_loopback
    except ValueError:
        return False


def _json(status: int, **fields: object) -> Response:
    body = f"{json.dumps(fields)}\n".encode()
    return Response(status, body, (("content-type", "application/json"),))
