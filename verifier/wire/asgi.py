"""The endpoint as an ASGI application: it reads a request, and sends the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from mfalab.verifier.wire.messages import Request, Response

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

LONGEST_BODY = 1024 * 1024
"""Bytes; the largest parameter of IAM, a policy document, has 131,072 characters."""
PATIENCE_S = 30.0
"""How long a client may take to send its body."""
MOST_TOGETHER = 128
"""Requests that share a commit: the first of them waits for the last one's decision."""


class Application:
    """An ASGI application of what answers requests.

    Requests that are there at the same time are answered together, one after another: they wait for
    the store only, which commits once for all of them, and a code is decided once.

    Args: what answers requests in their order, such as `Endpoint.answer_all`; how long a client
    may take for its body.
    """

    def __init__(
        self,
        answer_all: Callable[[Sequence[Request]], Sequence[Response]],
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._answer_all = answer_all
        self._patience_s = patience_s
        self._waiting: list[tuple[Request, asyncio.Future[Response]]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection of a server."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            request = await read_request(scope, receive, self._patience_s)
            if isinstance(request, Request):
                request = await self._answered(request)
            if request is not None:
                await send_response(send, request)
        else:
            raise ValueError(f"no protocol {scope['type']} here")

    async def _answered(self, request: Request) -> Response:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Response] = loop.create_future()
        if not self._waiting:
            # After those whose bodies are here by now, too.
            loop.call_soon(self._answer_waiting)
        self._waiting.append((request, answer))
        return await answer

    def _answer_waiting(self) -> None:
        now, self._waiting = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._answer_waiting)
        try:
            answers = self._answer_all([request for request, _ in now])
        except BaseException:
            for _, future in now:
                future.cancel()
            raise
        for (_, future), answer in zip(now, answers, strict=True):
            if not future.done():  # the client may be gone
                future.set_result(answer)


def one_by_one(
    answer: Callable[[Request], Response],
) -> Callable[[Sequence[Request]], Sequence[Response]]:
    """For an `Application` whose requests share nothing."""
    return lambda requests: [answer(request) for request in requests]


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
