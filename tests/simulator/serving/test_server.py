"""uvicorn in a thread, and its socket."""

import socket
import urllib.request
from typing import Any

import pytest

from mfalab.simulator.serving.server import Server, listen, url_of


async def hello(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


def test_thread_serves_until_it_is_stopped() -> None:
    listener = listen("127.0.0.1", 0)
    url = url_of(listener)
    server = Server(hello, listener)
    server.start()
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert answer.read() == b"hello"
    finally:
        server.stop()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) != 0


def test_server_that_never_began_is_stopped() -> None:
    listener = listen("127.0.0.1", 0)
    Server(hello, listener).stop()
    listener.close()


def test_address_that_is_taken() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(OSError, match="in use"):
        listen("127.0.0.1", taken.getsockname()[1])


def test_url_of_an_ipv6_address() -> None:
    class Listening(socket.socket):
        def getsockname(self) -> tuple[str, int, int, int]:
            return ("::1", 8765, 0, 0)

    with Listening() as listener:
        assert url_of(listener) == "http://[::1]:8765"


def test_client_is_where_its_connection_comes_from() -> None:
    """Policies on aws:SourceIp, and the clock's door, rest on it."""
    seen: list[Any] = []

    async def where(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["client"][0])
        await hello(scope, receive, send)

    listener = listen("127.0.0.1", 0)
    server = Server(where, listener)
    server.start()
    try:
        told = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
        request = urllib.request.Request(url_of(listener), headers=told)
        with urllib.request.urlopen(request, timeout=10):
            pass
    finally:
        server.stop()
    assert seen == ["127.0.0.1"]


@pytest.mark.parametrize("host", ["x" * 70, "a..b", "no-such-host.invalid"])
def test_name_of_no_host(host: str) -> None:
    with pytest.raises(OSError, match=r"name|known|host"):
        listen(host, 0)
