"""uvicorn in a thread, and its socket."""

import socket
import urllib.request
from contextlib import suppress
from typing import Any

import pytest

from mfalab.simulator.serving.server import LONGEST_HEAD, Server, listen, url_of


async def hello(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


def test_thread_serves_until_it_is_stopped() -> None:
    listener = listen("127.0.0.1", 0)
    url = url_of(listener)
    with Server(hello, listener), urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.read() == b"hello"
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) != 0


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
    with Server(where, listener):
        told = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
        request = urllib.request.Request(url_of(listener), headers=told)
        with urllib.request.urlopen(request, timeout=10):
            pass
    assert seen == ["127.0.0.1"]


ENDLESS = {
    "path": (b"GET /", b"a"),
    "field": (b"GET / HTTP/1.1\r\nHost: here\r\nX: ", b"a"),
    "fields": (b"GET / HTTP/1.1\r\nHost: here\r\n", b"a: b\r\n"),
    "trailers": (
        b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n",
        b"a: b\r\n",
    ),
    "chunk's extension": (
        b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n1;",
        b"a",
    ),
}


async def patient(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await hello(scope, receive, send)


@pytest.mark.parametrize("part", ENDLESS)
def test_head_that_never_ends_is_not_read_for_ever(part: str) -> None:
    begin, more = ENDLESS[part]
    block = more * (LONGEST_HEAD // len(more))
    listener = listen("127.0.0.1", 0)
    with Server(patient, listener):
        with socket.create_connection(listener.getsockname(), timeout=10) as client:
            client.sendall(begin)
            with suppress(BrokenPipeError, ConnectionResetError):
                client.sendall(100 * block)
                pytest.fail("all of it was read")
        with urllib.request.urlopen(url_of(listener), timeout=10) as answer:
            assert answer.read() == b"hello"


def test_long_bodies_and_pipelined_requests_are_no_head() -> None:
    listener = listen("127.0.0.1", 0)
    body = b"a" * LONGEST_HEAD
    field = b"X: " + body[: LONGEST_HEAD // 2]
    head = b"POST / HTTP/1.1\r\nHost: here\r\n" + field
    chunked = b"%s\r\nTransfer-Encoding: chunked\r\n\r\n" % head
    whole = b"%s\r\nContent-Length: %d\r\n\r\n" % (head, 3 * len(body))
    requests = [
        whole + 3 * body,
        chunked + 3 * (b"%x\r\n%s\r\n" % (len(body), body)) + b"0\r\na: b\r\n\r\n",
    ]
    address = listener.getsockname()
    with Server(patient, listener), socket.create_connection(address, timeout=10) as client:
        client.sendall(b"".join(5 * requests))
        client.shutdown(socket.SHUT_WR)
        answers = b"".join(iter(lambda: client.recv(4096), b""))
    assert answers.count(b"HTTP/1.1 200") == 10


def test_web_sockets_are_not_spoken_whatever_is_installed(caplog: Any) -> None:
    lines = (
        b"GET / HTTP/1.1\r\nHost: here\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    listener = listen("127.0.0.1", 0)
    address = listener.getsockname()
    with Server(hello, listener), socket.create_connection(address, timeout=10) as client:
        client.sendall(lines)
        assert b"hello" in b"".join(iter(lambda: client.recv(4096), b""))
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("host", ["x" * 70, "a..b", "no-such-host.invalid"])
def test_name_of_no_host(host: str) -> None:
    with pytest.raises(OSError, match=r"name|known|host"):
        listen(host, 0)
