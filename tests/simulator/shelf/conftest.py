"""A shelf beside a verifier in memory, and how its API is asked."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mfalab.simulator.clocks.wall import Wall
from mfalab.simulator.entropy import Entropy
from mfalab.simulator.serving.accounts import furnish
from mfalab.simulator.shelf.api import Api
from mfalab.simulator.shelf.shelf import Shelf
from mfalab.simulator.shelf.system import ServedSystem
from mfalab.verifier import PROFILES, MemoryStore, Store
from mfalab.verifier.wire.messages import Request

from ..served import Served, serving  # noqa: TID252 - tests are no package

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


@pytest.fixture
def served() -> Iterator[Served]:
    with serving("alice") as running:
        yield running
