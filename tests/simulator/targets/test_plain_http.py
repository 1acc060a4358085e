"""A server that answers for ever, a byte at a time, is given up."""

import socket
from collections.abc import Callable, Iterator
from threading import Event, Thread

import pytest

from mfalab.simulator.targets.otp.http import HttpVerifier, Request
from mfalab.simulator.targets.otp.verifier import Capabilities
from mfalab.simulator.targets.plain_http import within
from mfalab.simulator.targets.webauthn.api import HttpServer

PATIENCE_S = 0.5


@pytest.fixture(params=[b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that goes on for ever, with a byte in time to keep a time limit from its end."""
    ended = Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        client, _ = listener.accept()
        with client:
            client.sendall(request.param)
            while not ended.wait(PATIENCE_S / 10):
                client.sendall(b"a")

    thread = Thread(target=drip)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    ended.set()
    thread.join()
    listener.close()


@pytest.mark.parametrize(
    "ask",
    [
        lambda url: HttpServer(url, PATIENCE_S).session().post("/", b"{}"),
        lambda url: HttpVerifier(
            Capabilities(), {"attempt": Request(url)}, patience_s=PATIENCE_S
        ).attempt("alice", "123456"),
    ],
)
def test_answer_that_never_ends_is_given_up(url: str, ask: Callable[[str], object]) -> None:
    with pytest.raises(OSError, match=r"no whole answer within 0\.5 s"):
        ask(url)


def test_what_comes_in_time_is_given_and_raised() -> None:
    assert within(10, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        within(10, lambda: 1 / 0)
