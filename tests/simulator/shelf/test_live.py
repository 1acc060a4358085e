"""States of a shelf, told as they come to be."""

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import Any

import pytest

from mfalab.simulator.shelf.live import MOST_LISTENERS

from ..served import Served, serving  # noqa: TID252 - tests are no package
from .conftest import FOB
from .test_ceremonies import CREATE, ORIGIN, wait_for_light


def listening(served: Served) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection(served.url.removeprefix("http://"), timeout=20)
    connection.request(
        "GET", "/_mfalab/events", headers={"Authorization": f"Bearer {served.endpoint.token}"}
    )
    return connection


def next_state(answer: http.client.HTTPResponse) -> dict[str, Any]:
    while True:
        line = answer.readline().decode()
        assert line, "the stream ended"
        if line.startswith("data: "):
            state: dict[str, Any] = json.loads(line[6:])
            return state


def test_listener_hears_what_happens(served: Served) -> None:
    with closing(listening(served)) as connection:
        answer = connection.getresponse()
        assert answer.headers["content-type"] == "text/event-stream"
        assert next_state(answer)["devices"] == {}
        served.json("POST", "devices", {"fob": FOB})
        assert next_state(answer)["devices"]["fob"]["display"] == ""
        code = served.json("POST", "devices/fob/press")["code"]
        assert next_state(answer)["devices"]["fob"]["display"] == code


def test_listeners_are_so_many_and_leave(served: Served) -> None:
    with ExitStack() as stack:
        for _ in range(MOST_LISTENERS):
            connection = stack.enter_context(closing(listening(served)))
            assert connection.getresponse().status == 200
        assert served.ask("GET", "/_mfalab/events")[0] == 503
    served.json("POST", "devices", {"fob": FOB})  # who left is noticed
    for _ in range(100):
        if not served.shelf.listeners:
            break
        served.json("GET", "clock")
    assert served.ask("POST", "/_mfalab/events", {})[0] in (405, 503)


def test_token_is_needed(served: Served) -> None:
    assert served.ask("GET", "/_mfalab/events", Authorization="Bearer wrong")[0] == 401


def test_end_of_the_server_sends_listeners_away(capfd: pytest.CaptureFixture[str]) -> None:
    with serving("alice") as served:
        served.json("POST", "devices", {"key": {"kind": "security_key", "owner": "alice"}})
        connection = listening(served)
        answer = connection.getresponse()
        next_state(answer)
        with ThreadPoolExecutor(1) as apart:
            body = {"create": CREATE, "origin": ORIGIN}
            asked = apart.submit(served.ask, "POST", "/_mfalab/webauthn", body)
            wait_for_light(served, "key")
            served.end()
            assert asked.result(20)[0] == 409
        assert b"data: " not in answer.read().rpartition(b"\n\n")[2]
        connection.close()
    assert capfd.readouterr().err == ""
