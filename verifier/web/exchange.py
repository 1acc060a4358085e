"""One request to the console's pages, and the ways to answer it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from mfalab.verifier.authorization import Credentials
from mfalab.verifier.console import Console
from mfalab.verifier.errors import ServiceError
from mfalab.verifier.iam import Iam
from mfalab.verifier.verifier import Verifier
from mfalab.verifier.web.mailbox import Mailbox
from mfalab.verifier.web.rendering import Renderer
from mfalab.verifier.web.visits import Notice, Visit, Visits
from mfalab.verifier.wire.messages import Request, Response

PREFIX = "/console"
SIGN_IN = "/sign-in"
ROOT_SIGN_IN = "/sign-in/root"
HOME = "/home"
TOKEN_BYTES = 16

T = TypeVar("T")


class SignInNeeded(Exception):
    """A page for people who are signed in was asked for by a browser that is not."""


@dataclass(slots=True)
class Exchange:
    """A request whose browser is known and, if it sends a form, was given that form by us.

    Paths are those below the prefix.
    """

    verifier: Verifier
    mailbox: Mailbox
    visits: Visits
    renderer: Renderer
    random_bytes: Callable[[int], bytes]
    request: Request
    path: str
    query: Mapping[str, str]
    form: Mapping[str, str]
    visit: Visit
    inbox_token: str
    back: str
    """Where a refused form leads to, with the query of its page."""

    @property
    def console(self) -> Console:
        """The console that decides."""
        return self.verifier.console

    @property
    def credentials(self) -> Credentials:
        """Of the session, or of the page where root registers its first device.

        Raises:
            SignInNeeded: there is neither.
        """
        found = self.visit.credentials or self.visit.enrolment
        if found is None:
            raise SignInNeeded
        return found

    @property
    def iam(self) -> Iam:
        """IAM as the session may use it."""
        return self.verifier.iam(self.credentials, self.request.source_ip)

    @property
    def user(self) -> str | None:
        """The user that the page is about; None for one's own pages."""
        return self.query.get("user") or None

    @property
    def about(self) -> dict[str, str]:
        """The query of pages about the same user."""
        return {"user": self.user} if self.user else {}

    def field(self, name: str) -> str:
        """A field of the form; empty without one."""
        return self.form.get(name, "")

    def token(self) -> str:
        """A new token: of a page, of a wizard."""
        return self.random_bytes(TOKEN_BYTES).hex()

    def attempt(self, operation: Callable[[], T]) -> tuple[T | None, str]:
        """What an operation gives, or the text of its refusal: a page shows one or the other.

        Raises:
            ServiceError: the session is over.
        """
        try:
            return operation(), ""
        except ServiceError as error:
            if is_over(error):
                raise
            return None, error.message

    def page(self, template: str, status: int = 200, **fields: Any) -> Response:
        """A page; its forms may be sent once."""
        token = self.token()
        self.visit.keep_form(token)
        notice = self.visit.notices.pop(self.path, None)
        return self.renderer.page(
            f"{template}.html",
            status,
            {
                "visit": self.visit,
                "person": self.visit.person,
                "user": self.user,
                "query": self.query,
                "notice": notice,
                "typed": notice.values if notice else {},
                "token": token,
                "here": f"{PREFIX}{self.path}",
                **fields,
            },
        )

    def go(
        self, path: str, notice: Notice | None = None, query: Mapping[str, str] | None = None
    ) -> Response:
        """The way to another page of the console, which says something first."""
        if notice is not None:
            self.visit.keep_notice(path, notice)
        return self.renderer.redirect(address(path, query or {}))


def address(path: str, query: Mapping[str, str]) -> str:
    """A page of the console as a link."""
    return f"{PREFIX}{path}" + (f"?{urlencode(query)}" if query else "")


def is_over(error: ServiceError) -> bool:
    """Whether a refusal says that the session has ended."""
    return error.code in {"ExpiredToken", "InvalidClientTokenId"}


@dataclass(frozen=True, slots=True)
class Page:
    """What a path answers."""

    show: Callable[[Exchange], Response] | None = None
    """To GET: it changes nothing."""
    submit: Callable[[Exchange], Response] | None = None
    """To POST."""
    back: str | None = None
    """Where a refusal of `submit` is shown; None for the page itself."""


Pages = Mapping[str, Page]
"""By their paths below the prefix."""
