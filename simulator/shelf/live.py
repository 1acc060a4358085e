"""What happens on a shelf, told as it happens: server-sent events (HTML, section 9.2).

An event is a whole state, never a difference, so that nothing is queued: a listener that is slow
sees fewer states and always the newest.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from mfalab.simulator.shelf.api import told
from mfalab.simulator.shelf.shelf import Shelf
from mfalab.simulator.shelf.showing import state
from mfalab.verifier.wire.asgi import Receive, Send, send_response
from mfalab.verifier.wire.messages import Request

MOST_LISTENERS: Final = 16
_EVERY_S: Final = 1.0
"""How often a state is told when nothing happens but that time passes."""
_HEADERS: Final = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
]


class Live:
    """Listeners of a shelf.

    Args: the shelf; what else each state says.
    """

    def __init__(self, shelf: Shelf, more: Callable[[], dict[str, Any]] = dict) -> None:
        self._shelf = shelf
        self._more = more

    async def __call__(self, request: Request, receive: Receive, send: Send) -> None:
        """Tell one listener until it leaves."""
        shelf = self._shelf
        if request.method != "GET":
            await send_response(send, told(405, error="GET listens to the shelf"))
            return
        if len(shelf.listeners) >= MOST_LISTENERS:
            error = f"{MOST_LISTENERS} listen already; close a page of the shelf"
            await send_response(send, told(503, error=error))
            return
        happened = asyncio.Event()
        shelf.listeners.add(happened)
        gone = asyncio.create_task(gone_from(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            before = ""
            while not (gone.done() or shelf.closed):
                shelf.follow()
                text = json.dumps({**state(shelf), **self._more()})
                # An empty comment keeps a connection open, and finds out when it is not.
                body = f"data: {text}\n\n" if text != before else ":\n\n"
                before = text
                happened.clear()
                await send({"type": "http.response.body", "body": body.encode(), "more_body": True})
                with suppress(TimeoutError):
                    await asyncio.wait_for(happened.wait(), _EVERY_S)
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()
            shelf.listeners.discard(happened)


async def gone_from(receive: Receive) -> None:
    """Wait until a client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
