"""The door of the bridge lets in our extension and no one else."""

import http.client
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from mfalab.simulator.bridge import server as server_module
from mfalab.simulator.bridge.server import BridgeServer

EXTENSION = "chrome-extension://abcdefghijklmnopabcdefghijklmnop"


def answered(what: str, message: Mapping[str, Any]) -> Mapping[str, Any]:
    if what == "missing":
        raise LookupError("nothing is called missing")
    if what == "amiss":
        raise ValueError("no request is named")
    return {"what": what, **message}


@pytest.fixture(scope="module")
def server() -> Iterator[BridgeServer]:
    server = BridgeServer(answered)
    server.admit(EXTENSION)
    yield server
    server.close()


def ask(
    server: BridgeServer,
    what: str = "create",
    body: bytes = b"{}",
    *,
    method: str = "POST",
    path: str | None = None,
    **headers: str | None,
) -> tuple[int, Any]:
    given = {"Origin": EXTENSION, "Host": server.host, "Content-Length": str(len(body))}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    connection = http.client.HTTPConnection(server.host, timeout=10)
    secret = server.url.rpartition("/")[2]
    connection.putrequest(
        method,
        f"/{secret}/{what}" if path is None else path,
        skip_host=True,
        skip_accept_encoding=True,
    )
    for name, value in given.items():
        if value is not None:
            connection.putheader(name, value)
    connection.endheaders(body)
    response = connection.getresponse()
    text = response.read()
    connection.close()
    return response.status, text


def test_extension_is_answered(server: BridgeServer) -> None:
    status, text = ask(server, body=json.dumps({"requestId": 7}).encode())
    assert (status, json.loads(text)) == (200, {"what": "create", "requestId": 7})


def test_it_listens_on_the_loopback_interface_only(server: BridgeServer) -> None:
    assert server.host.startswith("127.0.0.1:")


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"path": "/create"}, 404),
        ({"path": "/wrong/create"}, 404),
        ({"path": "create"}, 404),
        ({"path": "/"}, 404),
        ({"path": "http://evil.test/create"}, 404),
        ({"Origin": None}, 403),
        ({"Origin": "https://evil.test"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": EXTENSION.replace("a", "b")}, 403),
        ({"Host": "evil.test"}, 403),
        ({"Host": None}, 403),
        ({"Content_Length": None}, 411),
        ({"Content_Length": "-1"}, 411),
        ({"Content_Length": "1e3"}, 411),
        ({"Transfer_Encoding": "chunked"}, 411),
        ({"Content_Length": "1048577"}, 413),
        ({"Content_Length": "9" * 400}, 413),
        ({"method": "GET"}, 501),
        ({"method": "OPTIONS"}, 501),
        ({"body": b"[]"}, 400),
        ({"body": b"no JSON"}, 400),
        ({"body": b'"\xff"'}, 400),
        ({"body": b"[" * 100_000}, 400),
        ({"body": b"9" * 100_000}, 400),
        ({"what": "missing"}, 404),
        ({"what": "amiss"}, 400),
    ],
    ids=str,
)
def test_all_else_is_refused(server: BridgeServer, changes: dict[str, Any], status: int) -> None:
    found, text = ask(server, **changes)
    assert found == status
    assert server.url.rpartition("/")[2].encode() not in text


def test_before_an_origin_is_known_none_is_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request without an origin comes from no page, and is not that of the extension either."""
    monkeypatch.setattr(server_module, "_START_S", 0)
    early = BridgeServer(answered)
    try:
        assert ask(early, Origin=None)[0] == 403
        assert ask(early)[0] == 403
    finally:
        early.close()


def test_tokens_differ() -> None:
    servers = [BridgeServer(answered) for _ in range(2)]
    assert len({server.url.rpartition("/")[2] for server in servers}) == 2
    for server in servers:
        server.close()


def test_nothing_is_served_after_the_end() -> None:
    server = BridgeServer(answered)
    server.admit(EXTENSION)
    server.close()
    with pytest.raises(OSError, match=r"refused|reset"):
        ask(server)
