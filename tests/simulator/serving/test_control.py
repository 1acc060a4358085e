"""Who may ask for what is below `/_mfalab/`."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mfalab.simulator.serving.control import Control
from mfalab.simulator.shelf.api import told
from mfalab.verifier.wire.messages import Request

TOKEN = "right"


def status(
    *, token: str | None = TOKEN, client: str | None = "127.0.0.1", host: str | None = "localhost:1"
) -> int:
    headers = [] if token is None else [("authorization", f"Bearer {token}")]
    headers += [] if host is None else [("host", host)]
    control = Control(lambda request: told(200), TOKEN)
    return control.answer(Request("GET", "/_mfalab/x", "", tuple(headers), b"", client)).status


@pytest.mark.parametrize("token", [None, "wrong", "", "right2", "r\xefght"])
def test_only_with_the_token(token: str | None) -> None:
    assert status() == 200
    assert status(token=token) == 401


@pytest.mark.parametrize("client", ["192.0.2.7", "", "localhost", "::ffff:192.0.2.7", None])
def test_only_from_this_machine(client: str | None) -> None:
    assert status(client="::1") == 200
    assert status(client=client) == 403


@pytest.mark.parametrize(
    "host",
    [None, "", "evil.example", "evil.example:8765", "192.0.2.7", "[::1", "evil@localhost:8765"],
)
def test_only_by_a_name_of_this_machine(host: str | None) -> None:
    for own in ("localhost", "127.0.0.1:8765", "[::1]:8765", "127.0.0.2", "LOCALHOST:1"):
        assert status(host=own) == 200
    assert status(host=host) == 403


def test_request_over_asgi() -> None:
    control = Control(lambda request: told(200), TOKEN)
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/_mfalab/clock",
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 1),
    }
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    with ThreadPoolExecutor(1) as apart:  # this thread may have a loop: Playwright leaves one
        apart.submit(asyncio.run, control(scope, receive, send)).result()
    assert sent[0]["status"] == 401
