"""People and pages before a verifier that has none: a password opens the page for its device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Self

from mfalab.simulator.environment.target import NotOffered, Premises, TargetFailed
from mfalab.verifier import (
    Account,
    Credentials,
    DeviceKind,
    Identity,
    SecondPage,
    ServiceError,
    SignedIn,
)


@dataclass(slots=True)
class Pages:
    """The lab's own pages; they stand for the console. See `Target`, of which this is a part.

    Attributes:
        label: what the verifier is called in reports.
        premises: what the target finds in the lab.
        users: by their ids, which are the account's and the name.
        pages: second pages, by their ids.
        owners: whose page it is.
    """

    label: str
    premises: Premises
    users: dict[str, Identity] = field(default_factory=dict, init=False)
    passwords: dict[str, str] = field(default_factory=dict, init=False)
    pages: dict[str, SecondPage] = field(default_factory=dict, init=False)
    owners: dict[str, str] = field(default_factory=dict, init=False)

    def __getattr__(self, name: str) -> Any:
        raise NotOffered(f"{self.label} has no {name.replace('_', ' ')}")

    @property
    def console(self) -> Self:
        """The pages."""
        return self

    def kinds_of(self, identity_id: str) -> tuple[DeviceKind, ...]:
        """The kinds of device that a user has."""
        raise NotImplementedError

    def create_account(self, account_id: str, *, root_email: str, **given: Any) -> Account:
        """See `Target`."""
        return Account(account_id, "aws", given["alias"], root_email, None, False, self.now_ns())

    def create_user(
        self, account_id: str, name: str, *, password: str, path: str, **_: bool
    ) -> Identity:
        """See `Target`."""
        identity_id = f"{account_id}/{name}"
        identity = Identity(
            id=identity_id,
            account_id=account_id,
            name=name,
            name_key=name.lower(),
            path=path,
            root=False,
            password_hash=None,
            created_ns=self.now_ns(),
        )
        self.users[identity_id] = identity
        self.passwords[identity_id] = password
        return identity

    def create_access_key(self, identity_id: str) -> Credentials:
        """What names a user to these pages; nothing is signed with it."""
        return Credentials(identity_id, "")

    def sign_in(self, account_id: str, user_name: str, password: str) -> SignedIn | SecondPage:
        """The first page; who has a device gets the second."""
        identity = self.users.get(f"{account_id}/{user_name}")
        if identity is None or self.passwords[identity.id] != password:
            raise ServiceError("AuthenticationFailed", "the name or the password is wrong", 401)
        kinds = self.kinds_of(identity.id)
        if not kinds:
            return self.signed_in(identity.id, None)
        page_id = f"page {len(self.pages) + 1}"
        self.pages[page_id] = SecondPage(page_id, kinds)
        self.owners[page_id] = identity.id
        return self.choose(page_id, kinds[0]) if len(kinds) == 1 else self.pages[page_id]

    def choose(self, page_id: str, kind: DeviceKind) -> SecondPage:
        """Choose the kind of device that the person has at hand."""
        page = self.pages[page_id]
        if kind not in page.kinds:
            raise ServiceError("NotOffered", f"the page does not ask for {kind.value}", 400)
        self.pages[page_id] = replace(page, chosen=kind)
        return self.pages[page_id]

    def signed_in(self, identity_id: str, serial: str | None) -> SignedIn:
        """What follows the last page."""
        return SignedIn(Credentials(identity_id, ""), identity_id, serial is not None, serial)

    def concerned(self, credentials: Credentials, user_name: str | None) -> str:
        """Whom a page is for: the named user, or the one who is signed in."""
        if user_name is None:
            return credentials.access_key_id
        account_id = credentials.access_key_id.partition("/")[0]
        return f"{account_id}/{user_name}"

    def now_ns(self) -> int:
        """The verifier's time."""
        return self.premises.clock.now_ns()


@contextmanager
def told(label: str, what: str) -> Iterator[None]:
    """Turn what another's code raises into an error of the target, with its own words."""
    try:
        yield
    except (ServiceError, TargetFailed):
        raise
    except (Exception, SystemExit) as error:
        raise TargetFailed(f"{label} {what}: {type(error).__name__}: {error}") from error
