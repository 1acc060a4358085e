"""A shelf beside a verifier in memory, and how its API is asked."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest

from mfalab.simulator.clocks.wall import Wall
from mfalab.simulator.entropy import Entropy, SystemEntropy
from mfalab.simulator.serving.accounts import furnish
from mfalab.simulator.serving.endpoint import ServedEndpoint, open_endpoint
from mfalab.simulator.serving.server import Server, listen, url_of
from mfalab.simulator.shelf.api import Api
from mfalab.simulator.shelf.shelf import Shelf
from mfalab.simulator.shelf.system import ServedSystem
from mfalab.verifier import PROFILES, MemoryStore, Store
from mfalab.verifier.wire.messages import Request

START_NS = 1_772_442_000 * 10**9
FOB = {"kind": "hardware_totp", "owner": "alice", "drift": "45 ppm"}

Ask = Callable[..., tuple[int, dict[str, Any]]]


def make_shelf(
    wall: Wall | None = None, store: Store | None = None, profile: str = "aws-immediate"
) -> Shelf:
    chance = Entropy(1).random_bytes("test")
    users = {"alice": False, "ada": True}
    system = ServedSystem(
        MemoryStore() if store is None else store,
        PROFILES[profile],
        chance,
        lambda verifier: furnish(verifier, users, chance),
        wall,
    )
    return Shelf(system, wall=wall, start_ns=START_NS, seed="1")


@pytest.fixture
def shelf() -> Shelf:
    return make_shelf()


def asking(shelf: Shelf) -> Ask:
    api = Api(shelf)

    def call(
        method: str, path: str, body: bytes | object = b"", **headers: str
    ) -> tuple[int, dict[str, Any]]:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        response = api.answer(Request(method, f"/_mfalab/{path}", "", pairs, content, "127.0.0.1"))
        assert response.status < 500
        told = json.loads(response.body)
        assert (response.status < 300) != ("error" in told)
        return response.status, told

    return call


@pytest.fixture
def ask(shelf: Shelf) -> Ask:
    return asking(shelf)


class Served:
    """A server with a shelf in a thread, and what a program may ask of it."""

    def __init__(self, endpoint: ServedEndpoint, url: str, end: Callable[[], None]) -> None:
        self.end = end
        self.endpoint, self.shelf, self.url = endpoint, endpoint.shelf, url
        self.page: str = endpoint.told(url)["shelf"]

    def client(self, service: str, who: str = "alice") -> Any:
        keys = self.endpoint.account.users[who]
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
        )

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, str]:
        data = None if body is None else json.dumps(body).encode()
        given = {"Authorization": f"Bearer {self.endpoint.token}", **headers}
        request = urllib.request.Request(f"{self.url}{path}", data, given, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def json(self, method: str, path: str, body: object = None) -> Any:
        status, text = self.ask(method, f"/_mfalab/{path}", body)
        assert status < 300, text
        return json.loads(text)


@contextmanager
def serving() -> Iterator[Served]:
    listener = listen("127.0.0.1", 0)
    url = url_of(listener)
    endpoint = open_endpoint(
        ":memory:",
        profile="aws-immediate",
        virtual=True,
        users={"alice": False, "ada": True},
        url=url,
        random_bytes=SystemEntropy().random_bytes("test"),
    )
    server = Server(endpoint.application, listener)
    server.start()
    try:
        yield Served(endpoint, url, server.stop)
    finally:
        server.stop()


@pytest.fixture
def served() -> Iterator[Served]:
    with serving() as running:
        yield running
