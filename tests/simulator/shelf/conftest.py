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
from mfalab.simulator.shelf.story import write_story
from mfalab.simulator.shelf.system import ServedSystem
from mfalab.verifier import PROFILES, MemoryStore, SecondPage, Store
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
    return Shelf(system, wall=wall, start_ns=START_NS, seed="1", users=users)


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


class People:
    """What people do at the verifier of a shelf, as pages and programs do it for them."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf, self.verifier = shelf, shelf.lab.verifier
        self.account = shelf.lab.accounts["main"].id
        self.keys = {
            name: self.verifier.create_access_key(self.identity(name)) for name in ("alice", "ada")
        }

    def identity(self, name: str) -> str:
        return self.shelf.lab.people[name].identity_id or ""

    def code(self, name: str, steps: int = 0) -> str:
        return self.shelf.lab.code_device(name).code_at(steps)

    def enable(self, name: str, who: str = "alice") -> None:
        self.verifier.iam(self.keys[who]).enable_mfa_device(
            UserName=who,
            SerialNumber=self.shelf.device(name).known_serial(),
            AuthenticationCode1=self.code(name, -1),
            AuthenticationCode2=self.code(name),
        )

    def session(self, name: str, code: str, who: str = "alice") -> None:
        self.verifier.sts(self.keys[who]).get_session_token(
            SerialNumber=self.shelf.device(name).known_serial(), TokenCode=code
        )


@pytest.fixture
def people(shelf: Shelf) -> People:
    return People(shelf)


@pytest.fixture
def with_password(people: People) -> People:
    people.verifier.iam(people.keys["ada"]).update_login_profile(
        UserName="alice", Password="Secret-of-alice-1"
    )
    people.shelf.recorder.begin()
    return people


def signed_in(people: People, password: str = "Secret-of-alice-1") -> SecondPage:
    page = people.verifier.console.sign_in(people.account, "alice", password)
    assert isinstance(page, SecondPage)
    return page


def steps_of(shelf: Shelf) -> list[str]:
    """The steps of the file, which must be replayed as they were recorded."""
    text = write_story(shelf)
    assert "# replayed otherwise" not in text, text
    return [line[4:] for line in text.partition("steps:\n")[2].splitlines() if line[:4] == "  - "]
