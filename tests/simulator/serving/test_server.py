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
