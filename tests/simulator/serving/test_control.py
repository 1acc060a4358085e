"""Moving the time of a served verifier."""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mfalab.simulator.environment.lab_clock import LabClock
from mfalab.simulator.serving.control import Control
from mfalab.verifier.wire.messages import Request

START_NS = 1_772_442_000 * 10**9
TOKEN = "right"


@pytest.fixture
def clock() -> LabClock:
    return LabClock(START_NS)


Ask = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def ask(clock: LabClock) -> Ask:
    control = Control(clock, TOKEN)

    def call(
        body: bytes | object = b"",
        *,
        token: str | None = TOKEN,
        client: str = "127.0.0.1",
        method: str = "POST",
        path: str = "/_mfalab/clock",
        by: Control = control,
    ) -> tuple[int, dict[str, Any]]:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = () if token is None else (("authorization", f"Bearer {token}"),)
        response = by.answer(Request(method, path, headers=headers, body=content), client)
        return response.status, json.loads(response.body)

    return call


def test_time_is_moved_and_told(ask: Ask, clock: LabClock) -> None:
    told = {"clock": "virtual", "now": "2026-03-02T09:00:30.000000Z"}
    assert ask({"advance": "30 s"}) == (200, told)
    assert clock.now_ns() == START_NS + 30 * 10**9
    assert ask(method="GET", client="::1") == (200, told)


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "say how far"),
        (b"{", "say how far"),
        ([], "say how far"),
        ({"advance": "30 s", "by": "me"}, "say how far"),
        ({"advance": "soon"}, "advance: "),
        ({"advance": "-1 s"}, "advance: "),
        ({"advance": None}, "advance: "),
        ({"advance": "9999 y"}, "advance: "),
    ],
)
def test_what_is_no_duration_moves_nothing(
    ask: Ask, clock: LabClock, body: object, word: str
) -> None:
    status, told = ask(body)
    assert status == 400
    assert told["error"].startswith(word)
    assert clock.now_ns() == START_NS


@pytest.mark.parametrize("token", [None, "wrong", "", "right2"])
def test_only_with_the_token(ask: Ask, clock: LabClock, token: str | None) -> None:
    assert ask({"advance": "30 s"}, token=token)[0] == 401
    assert clock.now_ns() == START_NS


@pytest.mark.parametrize("client", ["192.0.2.7", "", "localhost", "::ffff:192.0.2.7"])
def test_only_from_this_machine(ask: Ask, clock: LabClock, client: str) -> None:
    assert ask({"advance": "30 s"}, client=client)[0] == 403
    assert clock.now_ns() == START_NS


def test_other_paths_and_methods(ask: Ask) -> None:
    assert ask(path="/_mfalab/nothing")[0] == 404
    assert ask(method="DELETE")[0] == 405


def test_machines_time_is_not_moved(ask: Ask) -> None:
    control = Control(None, TOKEN)
    assert ask({"advance": "30 s"}, by=control)[0] == 409
    assert ask(method="GET", by=control) == (200, {"clock": "system", "now": None})


def test_request_over_asgi() -> None:
    control = Control(None, TOKEN)
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/_mfalab/clock",
        "query_string": b"",
        "headers": [],
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
