"""The ASGI face: whole requests, slow ones, long ones, broken ones."""

import asyncio
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mfalab.verifier.wire.asgi import LONGEST_BODY, Application
from mfalab.verifier.wire.messages import Request, Response

Message = Mapping[str, Any]
SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/a b",
    "raw_path": b"/a%20b",
    "query_string": b"x=%e9",
    "headers": [(b"host", b"localhost"), (b"x-name", b"zo\xeb")],
}


def part(body: bytes, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def served(
    messages: Iterable[Message], scope: Message = SCOPE, patience_s: float = 5
) -> tuple[list[Request], list[Message]]:
    """What reaches the endpoint, and what the client is sent."""
    seen: list[Request] = []
    sent: list[Message] = []
    coming = iter(messages)

    def answer(request: Request) -> Response:
        seen.append(request)
        return Response(418, b"<tea/>", (("content-type", "text/xml"),))

    async def receive() -> Any:
        message = next(coming, None)
        if message is None:
            await asyncio.Event().wait()
        return message

    async def send(message: Message) -> None:
        sent.append(message)

    application = Application(answer, patience_s=patience_s)
    with ThreadPoolExecutor(1) as apart:  # this thread may have a loop: Playwright leaves one
        apart.submit(asyncio.run, application(dict(scope), receive, send)).result()
    return seen, sent


def test_request_reaches_the_endpoint_byte_by_byte() -> None:
    seen, sent = served([part(b"Action=", more=True), part(b"GetUser")])
    headers = (("host", "localhost"), ("x-name", "zo\xeb"))
    assert seen == [Request("POST", "/a%20b", "x=%e9", headers, b"Action=GetUser")]
    assert sent == [
        {
            "type": "http.response.start",
            "status": 418,
            "headers": [(b"content-type", b"text/xml"), (b"content-length", b"6")],
        },
        {"type": "http.response.body", "body": b"<tea/>"},
    ]


def test_server_without_raw_path() -> None:
    scope = {**SCOPE, "raw_path": None, "path": "/"}
    (request,), _ = served([part(b"")], scope)
    assert request.path == "/"


def test_body_that_is_too_long_is_refused_before_it_is_all_there() -> None:
    half = part(b"x" * (LONGEST_BODY // 2 + 1), more=True)
    seen, sent = served([half, half])
    assert seen == []
    assert sent[0]["status"] == 413
    assert (b"connection", b"close") in sent[0]["headers"]


def test_body_that_does_not_come() -> None:
    seen, sent = served([part(b"Action", more=True)], patience_s=0.01)
    assert seen == []
    assert sent[0]["status"] == 408
    assert sent[1]["body"] == b"The body did not come within 0.01 seconds.\n"


def test_client_that_is_gone_is_sent_nothing() -> None:
    assert served([part(b"Action", more=True), {"type": "http.disconnect"}]) == ([], [])


def test_lifespan() -> None:
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    assert served(messages, {"type": "lifespan"}) == (
        [],
        [{"type": "lifespan.startup.complete"}, {"type": "lifespan.shutdown.complete"}],
    )


def test_other_protocols_are_none_here() -> None:
    with pytest.raises(ValueError, match="no protocol websocket here"):
        served([], {"type": "websocket"})
