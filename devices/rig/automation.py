"""The FIDO conformance tool's test automation, answered by a rig.

With automation enabled, the tool POSTs to http://localhost:3000 instead of asking a person:
`/conformance/userpresence` for a touch, `/conformance/powercycle` for a new power-up, which it
waits for and takes any status but 200 to 299 as failed, and `/conformance/results` at the end, with
a JSON object of `allTestsSelected`, `passedTestsCount`, `failedTestsCount` and `failedTests`.
Answers are expected after the thing was done (FIDO Alliance, conformance-test-tools-resources,
docs/FIDO2/Automation.md).

Any page in a browser on the same machine could POST here as well, and would touch a key. A request
is refused when it is for another host's name (DNS rebinding), when it has an `Origin` that was not
named, `null` and extensions among them, and when `Sec-Fetch-Site` says that it comes from another
site. The tool is a desktop program: it sends no `Origin`, or `file://`, which no page can.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from threading import Lock
from typing import Any, Final
from urllib.parse import urlsplit

from mfalab.devices.rig.errors import RigError
from mfalab.devices.rig.rig import Rig
from mfalab.devices.rig.timing import Timing

PORT: Final = 3000
"""Where the tool expects it."""

_AFTER_MS = 20
_TOUCH_MS = 150
_LARGEST_BODY = 16 * 2**20
_OURS = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
"""Of RFC 9110's `uri-host [ ":" port ]` those that are this machine."""
_TOOL: Final = "file://"
"""The origin of a desktop program; a browser says `null` for a file's page."""


@dataclass(frozen=True, slots=True)
class Results:
    """How a run of the tool ended.

    Attributes:
        all_selected: whether every test that there is was run.
        passed: how many passed.
        failed: how many failed.
        failures: what the tool says about each that failed.
        raw: the whole message.
    """

    all_selected: bool
    passed: int
    failed: int
    failures: tuple[str, ...]
    raw: Mapping[str, Any]


class Automation:
    """What the tool asks for, done by a rig.

    Args:
        rig: an open rig.
        timing: what waits until a touch is over.
        touch: the channel that touches the key.
        power: the channel that cuts its power.
        on_request: called with a line for each request.
        on_results: called with the results.
        origins: web pages that may ask, such as `http://localhost:8080`.
    """

    def __init__(
        self,
        rig: Rig,
        timing: Timing,
        *,
        touch: int = 1,
        power: int = 1,
        on_request: Callable[[str], None] = lambda line: None,
        on_results: Callable[[Results], None] = lambda results: None,
        origins: Collection[str] = (),
    ) -> None:
        self.rig = rig
        self._timing = timing
        self._touch = touch
        self._power = power
        self._on_request = on_request
        self._on_results = on_results
        self._origins = {_TOOL, *origins}

    def answer(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[HTTPStatus, str]:
        """Do what a request asks for.

        Returns:
            The status, and a sentence about it.
        """
        status, text = self._answer(method, urlsplit(path).path, headers, body)
        self._on_request(f"{method} {path}: {int(status)} {text}")
        return status, text

    def _answer(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[HTTPStatus, str]:
        known: dict[str, Callable[[], tuple[HTTPStatus, str]]] = {
            "/conformance/userpresence": self._touched,
            "/conformance/powercycle": self._cycled,
            "/conformance/results": partial(self._told, body),
        }
        if (doing := known.get(path)) is None:
            return HTTPStatus.NOT_FOUND, f"no such request; there are {', '.join(known)}"
        if method != "POST":
            return HTTPStatus.METHOD_NOT_ALLOWED, "it is a POST"
        if (why := self._why_not(headers)) is not None:
            return HTTPStatus.FORBIDDEN, why
        try:
            return doing()
        except RigError as error:
            return HTTPStatus.SERVICE_UNAVAILABLE, str(error)

    def _why_not(self, headers: Mapping[str, str]) -> str | None:
        """Why a request is not from the tool or a page that was named; None when it may be."""
        given = {name.lower(): value for name, value in headers.items()}
        if not _OURS.fullmatch(given.get("host", "localhost")):
            return "it is for another host"
        origin = given.get("origin")
        if origin is not None:
            return None if origin in self._origins else f"the origin {origin} was not named"
        site = given.get("sec-fetch-site", "none")
        return None if site in ("none", "same-origin") else f"it comes from a page ({site})"

    def _touched(self) -> tuple[HTTPStatus, str]:
        self.rig.touch(self._touch, ms=_TOUCH_MS, after_ms=_AFTER_MS)
        self._timing.pause(_AFTER_MS + _TOUCH_MS)
        return HTTPStatus.OK, "touched"

    def _cycled(self) -> tuple[HTTPStatus, str]:
        self.rig.cycle(self._power)
        return HTTPStatus.OK, "power cycled"

    def _told(self, body: bytes) -> tuple[HTTPStatus, str]:
        try:
            told = json.loads(body)
            results = Results(
                bool(told.get("allTestsSelected")),
                int(told.get("passedTestsCount", 0)),
                int(told.get("failedTestsCount", 0)),
                tuple(
                    each if isinstance(each, str) else json.dumps(each, ensure_ascii=False)
                    for each in told.get("failedTests") or ()
                ),
                told,
            )
        except (ValueError, TypeError, AttributeError):
            return HTTPStatus.BAD_REQUEST, "the body is no JSON object of results"
        self._on_results(results)
        return HTTPStatus.OK, f"{results.passed} passed, {results.failed} failed"


def make_server(automation: Automation, port: int = PORT) -> HTTPServer:
    """A server on the loopback interface, which does one thing at a time.

    Each connection has a thread of its own, so that a silent client keeps no other one waiting.

    Raises:
        OSError: the port cannot be opened.
    """
    one_at_a_time = Lock()

    class Handler(BaseHTTPRequestHandler):
        timeout = 10
        server_version = "mfalab-rig"

        def do_any(self) -> None:
            text = self.headers.get("Content-Length") or "0"
            length = int(text) if text.isascii() and text.isdigit() else 0
            body = self.rfile.read(length) if length <= _LARGEST_BODY else None
            with one_at_a_time:
                self._answer(body)

        def _answer(self, body: bytes | None) -> None:
            if body is None:
                status, said = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is too large"
            else:
                status, said = automation.answer(
                    self.command, self.path, dict(self.headers.items()), body
                )
            answer = json.dumps({"message": said}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_any  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            """Nothing: the automation tells."""

    class Server(ThreadingHTTPServer):
        def server_close(self) -> None:
            """Close, once an answer under way was given, such as that the rig is broken."""
            with one_at_a_time:
                super().server_close()

    return Server(("127.0.0.1", port), Handler)
