"""Whatever answers: a sentence within bounds of time and size, and no other address."""

from __future__ import annotations

import socket
from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
from botocore.awsrequest import AWSRequest

from mfalab.simulator.environment.target import TargetFailed
from mfalab.simulator.targets.aws.http import Http

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


def ask(url: str, **bounds: Any) -> Any:
    request = AWSRequest(method="POST", url=url, data=b"Action=x").prepare()
    return Http("it", **{"patience_s": 5.0, **bounds})(request)


def test_an_answer_is_whole(hostile: Callable[..., Any]) -> None:
    answer = ask(hostile(OK).url)
    assert (answer.status_code, answer.content) == (200, b"hi")


def test_a_redirect_is_not_followed(hostile: Callable[..., Any]) -> None:
    elsewhere = hostile(OK)
    head = f"HTTP/1.1 307 Over There\r\nLocation: {elsewhere.url}\r\nContent-Length: 0\r\n\r\n"
    with pytest.raises(TargetFailed, match=r"307, which leads to http.*; it is not followed"):
        ask(hostile(head.encode()).url)
    assert elsewhere.connections == 0


@pytest.mark.parametrize("head", [b"", b"Transfer-Encoding: chunked\r\n"], ids=["plain", "chunked"])
def test_an_endless_body_ends(hostile: Callable[..., Any], head: bytes) -> None:
    part = b"x" * 4096
    piece = b"1000\r\n" + part + b"\r\n" if head else part
    server = hostile(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n", piece)
    with pytest.raises(TargetFailed, match="it gave an answer of more than 100000 bytes"):
        ask(server.url, most_bytes=100_000)


@pytest.mark.parametrize(
    "begin",
    [b"", b"HTTP/1.1 200 OK\r\nA: ", b"HTTP/1.1 200 OK\r\n\r\n"],
    ids=["silent", "in a header", "in the body"],
)
def test_a_slow_answer_is_given_up(hostile: Callable[..., Any], begin: bytes) -> None:
    """A byte now and then keeps every timeout of a socket from ending it."""
    server = hostile(begin, b"x", Event())
    with pytest.raises(TargetFailed, match=r"it gave no whole answer within 0\.3 s"):
        ask(server.url, patience_s=0.3)


@pytest.mark.parametrize("begin", [b"", b"SSH-2.0-OpenSSH\r\n"])
def test_what_is_no_http_is_no_answer(hostile: Callable[..., Any], begin: bytes) -> None:
    with pytest.raises(TargetFailed, match=r"it is not to be reached: .") as told:
        ask(hostile(begin).url)
    assert "\n" not in str(told.value)


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(TargetFailed, match=r"it is not to be reached: .*Connection refused"):
        ask(url)


def test_a_proxy_is_not_asked_about_this_machine(
    hostile: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = hostile(OK)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    assert ask(hostile(OK).url).content == b"hi"
    assert proxy.connections == 0
