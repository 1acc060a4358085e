"""The door of the bridge: a loopback HTTP server that only our own extension may enter."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from hmac import compare_digest
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any, Final

Answer = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
"""Takes what the extension asks, and its object; see `BridgeServer`."""

_LARGEST_BODY: Final = 1 << 20
"""Bytes; WebAuthn's options have a few kilobytes."""
_IDLE_S: Final = 60.0
_START_S: Final = 10.0


class BridgeServer:
    """Serves one Chromium until it is closed.

    A request is `POST /TOKEN/WHAT` with a JSON object, from the origin of the extension. All else
    is refused: another method, path, token, host or origin, and a body that is too long or no
    object.

    Args:
        answer: takes what is asked and the object; raises `LookupError` for what it does not know
            and `ValueError` for an object that is not as it must be.
    """

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._token = secrets.token_urlsafe(32)
        self._origin: str | None = None
        self._origin_is_known = Event()
        bridge = self

        class Handler(_Handler):
            server_of = bridge

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._http.block_on_close = False
        self._thread = Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def host(self) -> str:
        """Address and port."""
        return f"127.0.0.1:{self._http.server_address[1]}"

    @property
    def url(self) -> str:
        """Where it is, with the secret token."""
        return f"http://{self.host}/{self._token}"

    def admit(self, origin: str) -> None:
        """Let this origin in, and no other; requests that came before have waited."""
        self._origin = origin
        self._origin_is_known.set()

    def close(self) -> None:
        """Serve nothing any more."""
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def refusal(self, path: str, headers: Mapping[str, str]) -> HTTPStatus | None:
        """Why a request is refused, by all that comes before its body; None if it is not."""
        token = path.split("/")[1] if path.startswith("/") else ""
        if not compare_digest(token.encode(), self._token.encode()):
            return HTTPStatus.NOT_FOUND
        self._origin_is_known.wait(_START_S)
        origin = self._origin
        if origin is None or headers.get("Host") != self.host or headers.get("Origin") != origin:
            return HTTPStatus.FORBIDDEN
        length = headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or "Transfer-Encoding" in headers:
            return HTTPStatus.LENGTH_REQUIRED
        if len(length) > 9 or int(length) > _LARGEST_BODY:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        return None

    def answer(self, path: str, body: bytes) -> tuple[HTTPStatus, Mapping[str, Any]]:
        """Status and object for a request that is not refused."""
        try:
            message = json.loads(body)
            if not isinstance(message, dict):
                return HTTPStatus.BAD_REQUEST, {}
            return HTTPStatus.OK, self._answer(path.split("/", 2)[2], message)
        except (LookupError, RecursionError, ValueError) as error:
            missing = isinstance(error, LookupError)
            status = HTTPStatus.NOT_FOUND if missing else HTTPStatus.BAD_REQUEST
            return status, {"error": str(error)}


class _Handler(BaseHTTPRequestHandler):
    server_of: BridgeServer
    protocol_version = "HTTP/1.1"
    server_version = "mfalab"
    sys_version = ""
    timeout = _IDLE_S

    def do_POST(self) -> None:
        refusal = self.server_of.refusal(self.path, self.headers)  # type: ignore[arg-type] # a Message reads as a mapping
        if refusal is not None:
            self.close_connection = True  # its body is not read
            self._send(refusal, {})
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._send(*self.server_of.answer(self.path, body))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the base class has it
        """Say nothing: the path is secret."""

    def _send(self, status: HTTPStatus, message: Mapping[str, Any]) -> None:
        body = json.dumps(message).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
