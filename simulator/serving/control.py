"""Who may ask for what is below `/_mfalab/`, beside AWS's API.

Only this machine, only by a name of it, and only with the token that the server showed when it
began.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from mfalab.simulator.shelf.api import told
from mfalab.verifier.wire.asgi import (
    Receive,
    Scope,
    Send,
    read_request,
    send_response,
)
from mfalab.verifier.wire.hosts import host_of, is_loopback
from mfalab.verifier.wire.messages import Request, Response

Answer = Callable[[Request], Response]
Conversation = Callable[[Request, Receive, Send], Awaitable[None]]
"""An answer that takes its time."""


class Control:
    """An ASGI application of the paths below `/_mfalab/`.

    Args: what answers those who may ask; the token; answers that take their time, by path.
    """

    def __init__(
        self,
        answer: Answer,
        token: str,
        conversations: Mapping[str, Conversation] = MappingProxyType({}),
    ) -> None:
        self._answer = answer
        self._token = token
        self._conversations = conversations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = await read_request(scope, receive)
        if isinstance(request, Request):
            conversation = self._conversations.get(request.path)
            if conversation is not None and self.refusal(request) is None:
                await conversation(request, receive, send)
                return
            request = self.answer(request)
        if request is not None:
            await send_response(send, request)

    def answer(self, request: Request) -> Response:
        """The answer to a request, or the refusal where its client may not ask."""
        return self.refusal(request) or self._answer(request)

    def refusal(self, request: Request) -> Response | None:
        """Why this client may not ask; None when it may."""
        away = not_from_here(request)
        if away is not None:
            return away
        given = request.header("authorization") or ""
        if not hmac.compare_digest(given.encode("latin-1"), f"Bearer {self._token}".encode()):
            return told(401, error="give the token of the start line: Authorization: Bearer TOKEN")
        return None


def here_only(answer: Answer) -> Answer:
    """The same answer for clients on this machine, and a refusal for all others."""
    return lambda request: not_from_here(request) or answer(request)


def not_from_here(request: Request) -> Response | None:
    """Why a request is not from a client on this machine that asks this machine; None when it is.

    A page of a foreign site whose name was made to mean this machine says that name in `Host`.
    """
    if not is_loopback(request.source_ip or ""):
        return told(403, error="only from the machine that the server runs on")
    host = host_of(request)
    if host is None or not host.loopback:
        return told(403, error="ask for localhost, 127.0.0.1 or [::1], not for another name")
    return None
