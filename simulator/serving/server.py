"""An HTTP server for an ASGI application, by uvicorn."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LONGEST_HEAD = 64 * 1024
"""Bytes before a request's body, or of its trailers, from where the last read of the socket ended;
session policies and tags make AWS's longest headers, of some thousands."""
GRACE_S = 5
"""How long requests under way may take once the server is to end."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 is any that is free.

    Raises:
        OSError: the address is not this machine's, or taken.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:  # a label that is too long or empty
        raise OSError(socket.EAI_NONAME, "it is not the name of a host") from None
    family, _, _, _, address = found[0]
    return socket.create_server(address[:2], family=family, backlog=512)


def url_of(listener: socket.socket) -> str:
    """The URL of a socket that listens."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


class Server:
    """Serves an application on a socket: here by `run`, or as a context in a thread of its own.

    Args: the ASGI application; the socket, which is closed at the end.
    """

    def __init__(self, application: Any, listener: socket.socket) -> None:
        config = uvicorn.Config(
            application,
            http=_Http,
            ws="none",  # nothing here speaks it, whatever is installed
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=False,  # a client says of itself where it is, and is not believed
            timeout_graceful_shutdown=GRACE_S,
        )
        self._server = _Uvicorn(config)
        self._listener = listener
        self._thread = threading.Thread(target=self.run, name="mfalab endpoint", daemon=True)

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM, or in the thread until `stop`."""
        with self._listener:
            self._server.run([self._listener])

    def __enter__(self) -> Self:
        """Serve in a thread; the socket listens already, so clients may come at once."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End the thread, and wait for its end."""
        self._server.should_exit = True
        self._thread.join()

    def __exit__(self, *raised: object) -> None:
        self.stop()


class _Http(HttpToolsProtocol):
    """HTTP whose requests have bounded heads, as uvicorn and its parser have none.

    It still answers a client which has sent a whole request and will send no more.
    """

    _got_on = False
    _fruitless = 0
    """Bytes since something was complete: a line, fields, trailers, or what a chunk says of itself.
    The parser puts them together in time that grows with the square of their length."""

    def data_received(self, data: bytes) -> None:
        self._got_on = False
        super().data_received(data)
        self._fruitless = 0 if self._got_on else self._fruitless + len(data)
        if self._fruitless > LONGEST_HEAD and not self.transport.is_closing():
            self.send_400_response(f"The head is longer than {LONGEST_HEAD} bytes.")

    def on_headers_complete(self) -> None:
        self._got_on = True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._got_on = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._got_on = True
        super().on_message_complete()

    def eof_received(self) -> bool:  # type: ignore[override]  # as asyncio has it
        cycle: Any = self.cycle
        if cycle is None or cycle.more_body or cycle.response_complete:
            return False
        cycle.keep_alive = False
        return True


class _Uvicorn(uvicorn.Server):
    """uvicorn that ends by a signal as it ends otherwise: it raises no signal a second time.

    It tells its application of the end, which uvicorn's connections are not told of.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        getattr(self.config.app, "end", lambda: None)()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {
            each: signal.signal(each, self.handle_exit) for each in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)
