"""The endpoint as an ASGI application: it reads a request, and sends the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from mfalab.verifier.wire.messages import Request, Response

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

LONGEST_BODY = 1024 * 1024
"""Bytes; the largest parameter of IAM, a policy document, has 131,072 characters."""
PATIENCE_S = 30.0
"""How long a client may take to send its body."""


class Application:
    """An ASGI application of what answers requests.

    Answers are made one after another: they wait for the store only, and a code is decided once.

    Args: what answers, such as `Endpoint.answer`; how long a client may take for its body.
    """

    def __init__(
        self, answer: Callable[[Request], Response], *, patience_s: float = PATIENCE_S
    ) -> None:
        self._answer = answer
        self._patience_s = patience_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection of a server."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            request = await read_request(scope, receive, self._patience_s)
            if isinstance(request, Request):
                request = self._answer(request)
            if request is not None:
                await send_response(send, request)
        else:
            raise ValueError(f"no protocol {scope['type']} here")


async def read_request(
    scope: Scope, receive: Receive, patience_s: float = PATIENCE_S
) -> Request | Response | None:
    """A request with its body; an answer to one that has too long a body, or takes too long.

    None: the client is gone.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(patience_s):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                body += message.get("body", b"")
                if len(body) > LONGEST_BODY:
                    return _plain(413, f"The body is longer than {LONGEST_BODY} bytes.")
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        return _plain(408, f"The body did not come within {patience_s:g} seconds.")
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    query = scope["query_string"].decode("latin-1")
    source: str | None = (scope.get("client") or (None,))[0]
    pairs = ((name.decode("latin-1"), text.decode("latin-1")) for name, text in scope["headers"])
    return Request(
        scope["method"], path.decode("latin-1"), query, tuple(pairs), bytes(body), source
    )


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def send_response(send: Send, response: Response) -> None:
    """Send a whole answer."""
    headers = [
        (name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers
    ]
    headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


def _plain(status: int, text: str) -> Response:
    headers = (("content-type", "text/plain; charset=utf-8"), ("connection", "close"))
    return Response(status, f"{text}\n".encode(), headers)
