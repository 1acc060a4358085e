"""The FIDO conformance tool's requests, answered by a rig."""

from __future__ import annotations

import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest

from mfalab.devices.rig import Rig, RigSpec, make_rig
from mfalab.devices.rig.automation import Automation, Results, make_server
from mfalab.devices.rig.board import SimulatedBoard
from mfalab.devices.rig.timing import SchedulerTiming
from mfalab.devices.schedule import OwnTime

POWER, TOUCH, DONE = (f"/conformance/{n}" for n in ("powercycle", "userpresence", "results"))


@pytest.fixture
def rig(time: OwnTime, timing: SchedulerTiming, url: str) -> Iterator[Rig]:
    made = make_rig(RigSpec("bench1", "scpi", url), clock=time, timing=timing)
    made.open()
    yield made
    made.close()


@pytest.fixture
def told() -> list[Results]:
    return []


@pytest.fixture
def automation(rig: Rig, timing: SchedulerTiming, told: list[Results]) -> Automation:
    return Automation(rig, timing, on_results=told.append)


def post(automation: Automation, path: str, body: bytes = b"", **headers: str) -> int:
    return int(automation.answer("POST", path, headers, body)[0])


def test_an_answer_comes_after_the_touch(automation: Automation, thing: Any, time: OwnTime) -> None:
    assert post(automation, TOUCH) == 200
    assert thing.log == ["down", "up"]
    assert time.now_ns() == 170 * 10**6


def test_an_answer_comes_after_the_power_cycle(
    automation: Automation, thing: Any, time: OwnTime
) -> None:
    assert post(automation, POWER) == 200
    assert thing.log == ["power False", "power True"]
    assert time.now_ns() >= 500 * 10**6


def test_results_are_read(automation: Automation, told: list[Results]) -> None:
    body = {
        "allTestsSelected": True,
        "passedTestsCount": 261,
        "failedTestsCount": 2,
        "failedTests": ["Reset-1 P-1", {"id": "F-2"}],
    }
    assert post(automation, DONE, json.dumps(body).encode()) == 200
    assert told == [Results(True, 261, 2, ("Reset-1 P-1", '{"id": "F-2"}'), body)]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"passedTestsCount": "x"}', b"\xff"])
def test_results_that_are_none_are_refused(
    automation: Automation, told: list[Results], body: bytes
) -> None:
    assert post(automation, DONE, body) == 400
    assert told == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"origin": "http://evil.example"},
        {"Host": "evil.example:3000"},
        {"Host": "[::1"},
        {"Host": "evil@localhost:3000"},
        {"Host": "localhost:3000@evil.example"},
        {"Host": "localhost:3000", "Origin": "null"},
        {"Origin": "chrome-extension://abcdefghijklmnop"},
        {"Origin": "http://localhost:8080"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_pages_that_were_not_named_touch_nothing(
    automation: Automation, thing: Any, headers: dict[str, str]
) -> None:
    assert post(automation, TOUCH, **headers) == 403
    assert thing.log == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "localhost:3000", "Origin": "file://"},
        {"Host": "127.0.0.1:3000"},
        {"Host": "[::1]:3000"},
        {"Host": "LOCALHOST"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_the_tool_itself_is_served(automation: Automation, headers: dict[str, str]) -> None:
    assert post(automation, TOUCH, **headers) == 200


def test_page_that_was_named_is_served_and_no_other(
    rig: Rig, timing: SchedulerTiming, thing: Any
) -> None:
    automation = Automation(rig, timing, origins=["http://localhost:8080"])
    assert post(automation, TOUCH, Origin="http://localhost:8081") == 403
    assert thing.log == []
    assert post(automation, TOUCH, Origin="http://localhost:8080") == 200
    assert thing.log == ["down", "up"]


def test_silent_client_keeps_no_other_one_waiting(automation: Automation) -> None:
    """One connection that said nothing held the server for ten seconds."""
    server = make_server(automation, 0)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    address = server.server_address[:2]
    try:
        with socket.create_connection(address), socket.create_connection(address) as second:
            second.settimeout(5)
            second.sendall(b"POST /conformance/other HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert second.recv(64).startswith(b"HTTP/1.0 404")
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def test_answer_under_way_is_given_before_the_server_closes() -> None:
    """A rig that broke ended the program, and the client got no 503."""
    started, release = threading.Event(), threading.Event()

    class Slow:
        def answer(self, *_: object) -> tuple[HTTPStatus, str]:
            started.set()
            assert release.wait(10)
            return HTTPStatus.SERVICE_UNAVAILABLE, "rig b is gone"

    server = make_server(Slow(), 0)  # type: ignore[arg-type] # only `answer` is asked
    with socket.create_connection(server.server_address[:2]) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        server.handle_request()
        assert started.wait(10)
        closing = threading.Thread(target=server.server_close)
        closing.start()
        closing.join(0.1)
        assert closing.is_alive()
        release.set()
        closing.join()
        client.settimeout(0)
        assert client.recv(64).startswith(b"HTTP/1.0 503")


def test_only_its_requests_are_served(automation: Automation, thing: Any) -> None:
    assert automation.answer("GET", TOUCH, {}, b"")[0] == 405
    status, text = automation.answer("POST", "/conformance/other", {}, b"")
    assert (int(status), text.count("/conformance/")) == (404, 3)
    assert thing.log == []


def test_a_broken_rig_is_no_success(
    automation: Automation, board: SimulatedBoard, rig: Rig
) -> None:
    board.unplug()
    status, text = automation.answer("POST", POWER, {}, b"")
    assert int(status) == 503
    assert text.startswith("rig bench1 is gone")
    assert rig.broken is not None


def test_requests_are_told(rig: Rig, timing: SchedulerTiming) -> None:
    lines: list[str] = []
    automation = Automation(rig, timing, touch=9, on_request=lines.append)
    assert post(automation, TOUCH) == 503
    assert lines == [f"POST {TOUCH}: 503 rig bench1 has no touch channel 9. Use one of 1 to 4."]


def test_it_is_served_over_http(automation: Automation, thing: Any, told: list[Results]) -> None:
    with make_server(automation, 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        base = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            for path, body in ((TOUCH, b""), (POWER, b"{}"), (DONE, b'{"passedTestsCount": 3}')):
                request = urllib.request.Request(base + path, data=body, method="POST")
                with urllib.request.urlopen(request, timeout=10) as answer:
                    assert answer.status == 200
                    assert json.load(answer)["message"]
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(base + TOUCH, timeout=10)
            with caught.value as refusal:
                assert refusal.code == 405
        finally:
            server.shutdown()
            thread.join()
    assert thing.log == ["down", "up", "power False", "power True"]
    assert told[0].passed == 3
