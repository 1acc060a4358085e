"""What the console knows of a browser, by the cookie that it sends.

Nothing of it is on disk: who restarts the server signs in again. A visit has one session of the
console at most. A sign-in and a sign-out begin another visit, and a visit that may do more than
before gets another cookie, so that a cookie from before is worth nothing afterwards: other servers
of this machine can set one, too.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, TypeVar

from mfalab.verifier.authorization import Credentials
from mfalab.verifier.console_login import SecondPage

MOST_VISITS = 1000
"""Of either sort, signed in or not; the oldest is forgotten."""
MOST_FORMS = 100
"""Pages of one visit that may still be sent."""
MOST_WIZARDS = 8
"""Devices that one visit may be assigning at a time, in several tabs."""

MOST_SAID = 1000
"""Characters of a notice and of each of its values; what was typed may have as many as a form."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in."""

    account: str
    name: str
    """Empty for root."""
    mfa: bool

    @property
    def root(self) -> bool:
        """Whether it is the account's root user."""
        return not self.name


@dataclass(frozen=True, slots=True)
class Notice:
    """What the next page says first."""

    text: str
    refused: bool = False
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What was typed and is no secret, or what is shown this once."""


@dataclass(frozen=True, slots=True)
class Wizard:
    """An MFA device that is being assigned."""

    user: str | None
    """Whose; None for one's own."""
    name: str = ""
    serial: str = ""
    seed: str = field(default="", repr=False)
    qr_png: bytes = field(default=b"", repr=False)
    options: Mapping[str, Any] | None = None
    """`PublicKeyCredentialCreationOptionsJSON`."""


class Step(Enum):
    """How far a sign-in with alternative factors has come, as this browser saw it."""

    STARTED = 1
    MAILED = 2
    CONFIRMED = 3
    CALLED = 4


@dataclass(frozen=True, slots=True)
class Recovering:
    """A sign-in with alternative factors."""

    id: str = field(repr=False)
    step: Step
    digits: str = field(default="", repr=False)
    """Those that the page shows while the telephone rings."""


@dataclass(slots=True)
class Visit:
    """One browser's visit."""

    id: str = field(repr=False)
    credentials: Credentials | None = None
    """Of the session."""
    enrolment: Credentials | None = None
    """With which root registers the device that it must have to sign in."""
    person: Person | None = None
    mfa_due_ns: int | None = None
    """Until when root may sign in without a device."""
    page: SecondPage | None = None
    """The page between password and session."""
    root: bool = False
    """Whether that page is root's."""
    recovering: Recovering | None = None
    inbox_open: bool = False
    wizards: OrderedDict[str, Wizard] = field(default_factory=OrderedDict)
    notices: OrderedDict[str, Notice] = field(default_factory=OrderedDict)
    """By the page that shows them."""
    forms: OrderedDict[str, None] = field(default_factory=OrderedDict, repr=False)
    """The tokens of the pages that may still be sent."""

    def keep_form(self, token: str) -> None:
        """Give out a page's token."""
        _keep(self.forms, token, None, MOST_FORMS)

    def spend_form(self, token: str) -> bool:
        """Take a page's token back; False for one that was not given out, or was taken back."""
        return self.forms.pop(token, False) is None

    def keep_wizard(self, key: str, wizard: Wizard) -> None:
        """Begin, or go on, to assign a device."""
        _keep(self.wizards, key, wizard, MOST_WIZARDS)

    def keep_notice(self, path: str, notice: Notice) -> None:
        """Say something on the page at a path, the next time that it is shown."""
        values = {name: text[:MOST_SAID] for name, text in notice.values.items()}
        short = replace(notice, text=notice.text[:MOST_SAID], values=values)
        _keep(self.notices, path, short, MOST_FORMS)


class Visits:
    """All visits.

    Args: source of the cookies.
    """

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        self._random_bytes = random_bytes
        self._anonymous: OrderedDict[str, Visit] = OrderedDict()
        self._signed_in: OrderedDict[str, Visit] = OrderedDict()

    def find(self, cookie: str) -> Visit | None:
        """The visit of a cookie."""
        return self._signed_in.get(cookie) or self._anonymous.get(cookie)

    def begin(self) -> Visit:
        """A new visit, of a browser that is not signed in."""
        visit = Visit(self._random_bytes(32).hex())
        _keep(self._anonymous, visit.id, visit, MOST_VISITS)
        return visit

    def replace(self, before: Visit) -> Visit:
        """A new visit in place of another one, whose cookie is worth nothing from now on."""
        self._anonymous.pop(before.id, None)
        self._signed_in.pop(before.id, None)
        return self.begin()

    def renew(self, visit: Visit) -> None:
        """Give a visit another cookie in place of its own."""
        for kept in (self._anonymous, self._signed_in):
            if kept.pop(visit.id, None) is not None:
                visit.id = self._random_bytes(32).hex()
                kept[visit.id] = visit
                return

    def sign_in(self, visit: Visit) -> None:
        """Keep a visit that is signed in apart: others do not push it out."""
        self._anonymous.pop(visit.id, None)
        _keep(self._signed_in, visit.id, visit, MOST_VISITS)


def _keep(kept: OrderedDict[str, T], key: str, value: T, most: int) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > most:
        kept.popitem(last=False)
