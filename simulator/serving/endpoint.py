"""All that is served together: a verifier, its clock, its account, and what answers requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from mfalab.simulator.clocks.wall import WALL
from mfalab.simulator.environment.lab_clock import LabClock
from mfalab.simulator.scenario_files.fragments import read_profile
from mfalab.simulator.serving.accounts import ServedAccount, furnish
from mfalab.simulator.serving.application import TOKEN_BYTES, application, pages_of
from mfalab.simulator.serving.control import Control, Conversation, here_only
from mfalab.simulator.serving.fido import at_origin, origin_of
from mfalab.simulator.serving.routes import Routes
from mfalab.simulator.shelf import pages
from mfalab.simulator.shelf.api import PREFIX, Api
from mfalab.simulator.shelf.ceremonies import Ceremonies
from mfalab.simulator.shelf.live import Live
from mfalab.simulator.shelf.shelf import Shelf
from mfalab.simulator.shelf.story import tell_story
from mfalab.simulator.shelf.system import ServedSystem
from mfalab.verifier import Credentials, Verifier, open_store
from mfalab.verifier.wire.asgi import Application, one_by_one


@dataclass(frozen=True, slots=True)
class ServedEndpoint:
    """A verifier that answers on the wire; a context, at whose end its store is closed."""

    account: ServedAccount
    application: Routes
    token: str
    shelf: Shelf
    """The devices beside it."""

    @property
    def verifier(self) -> Verifier:
        """What decides."""
        return self.shelf.lab.verifier

    @property
    def clock(self) -> LabClock | None:
        """What moves the verifier's time; None where that is the machine's."""
        return self.shelf.lab.timeline if self.shelf.wall is None else None

    def told(self, url: str) -> dict[str, Any]:
        """What clients must know: the line of `mfalab serve --json`."""
        return {
            "endpoint": url,
            "account": self.account.id,
            "clock": "system" if self.clock is None else "virtual",
            "token": self.token,
            "shelf": f"{origin_of(url)}{pages.PREFIX}#{self.token}",
            **pages_of(url, self.token),
            "root": {"email": self.account.root_email, **self._secrets("", self.account.root)},
            "users": {name: self._secrets(name, each) for name, each in self.account.users.items()},
        }

    def _secrets(self, name: str, keys: Credentials) -> dict[str, str | None]:
        return {
            "password": self.account.passwords.get(name),
            "access_key_id": keys.access_key_id,
            "secret_access_key": keys.secret_access_key,
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.verifier.store.close()


def open_endpoint(
    db: Path | str,
    *,
    profile: str,
    virtual: bool,
    users: Mapping[str, bool],
    url: str,
    random_bytes: Callable[[int], bytes],
    new_passwords: bool = False,
    figures: Mapping[str, str] | None = None,
) -> ServedEndpoint:
    """Open a verifier's store, and furnish it.

    Args:
        db: the place of its records; see `open_store`.
        profile: the name of the verifier's.
        virtual: whether time stands until it is moved, from now on.
        users: names, and whether they are administrators.
        url: where it will be served.
        random_bytes: source of all secrets.
        new_passwords: whether root and users that have a password get another one.
        figures: of the profile that are different, in the scenario language's words.

    Raises:
        NotUnderstood: a figure is none, or has no such value.
        StoreUnusable: the place is none of ours, or cannot be opened.
        ServiceError: a user's name is malformed.
    """
    rules = read_profile(profile, figures or {})
    origin = origin_of(url)
    store = open_store(db)
    accounts: list[ServedAccount] = []
    system = ServedSystem(
        store,
        at_origin(rules, origin),
        random_bytes,
        lambda verifier: accounts.append(
            furnish(verifier, users, random_bytes, new_passwords=new_passwords)
        ),
        None if virtual else WALL,
    )
    shelf = Shelf(
        system,
        wall=None if virtual else WALL,
        start_ns=WALL.now_ns(),
        seed=random_bytes(TOKEN_BYTES).hex(),
        users=users,
    )
    token = random_bytes(TOKEN_BYTES).hex()
    conversations: dict[str, Conversation] = {
        f"{PREFIX}events": Live(shelf, lambda: {"story": tell_story(shelf)}),
        f"{PREFIX}webauthn": Ceremonies(shelf),
    }
    files = Application(one_by_one(here_only(pages.answer)))
    answers = application(
        shelf.lab.verifier,
        system.mailbox,
        origin=origin,
        token=token,
        random_bytes=random_bytes,
        beside={
            PREFIX: Control(Api(shelf).answer, token, conversations),
            pages.PREFIX: files,
            pages.KEYS: files,
        },
        scripts=(pages.KEYS,),
        end=shelf.close,
    )
    return ServedEndpoint(accounts[0], answers, token, shelf)
