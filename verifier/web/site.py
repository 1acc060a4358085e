"""The console's pages as bytes in, bytes out: who may ask for what, before any page is asked.

A page changes something by POST only, with a form that this browser was given and has not sent yet,
from our own origin. The console has one origin; a request for another host is none of ours, so that
no name that a stranger's DNS points at this machine reaches a page.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl

from mfalab.verifier.errors import ServiceError
from mfalab.verifier.store.protocol import StoreUnusable
from mfalab.verifier.verifier import Verifier
from mfalab.verifier.web import administration, assigning, credentials, recovery, sign_in
from mfalab.verifier.web.assigning import WizardOver
from mfalab.verifier.web.credentials import CREDENTIALS
from mfalab.verifier.web.exchange import (
    PREFIX,
    ROOT_SIGN_IN,
    SIGN_IN,
    Exchange,
    Page,
    Pages,
    SignInNeeded,
    address,
    is_over,
)
from mfalab.verifier.web.mailbox import Mailbox
from mfalab.verifier.web.rendering import SAFETY, Renderer
from mfalab.verifier.web.visits import Notice, Visit, Visits
from mfalab.verifier.wire.hosts import host_of, read_host
from mfalab.verifier.wire.messages import Request, Response

MOST_FIELDS = 50
LONGEST_FORM = 64 * 1024
"""Bytes; a security key's registration with its chain of certificates has some thousands."""
_ASSETS = "/static/"

PAGES: Pages = {
    **sign_in.PAGES,
    **recovery.PAGES,
    **credentials.PAGES,
    **assigning.PAGES,
    **administration.PAGES,
}
"""All pages, by their paths below the prefix."""

_log = logging.getLogger(__name__)


class Site:
    """Answers browsers from a verifier.

    Args:
        verifier: what decides.
        mailbox: what it sends to people.
        origin: such as `http://localhost:8765`, the only one.
        token: opens the simulated inbox.
        random_bytes: source of cookies and of the tokens of forms.
        scripts: paths of what else pages load, such as keys that are not in the machine.
    """

    def __init__(
        self,
        verifier: Verifier,
        mailbox: Mailbox,
        *,
        origin: str,
        token: str,
        random_bytes: Callable[[int], bytes],
        scripts: Sequence[str] = (),
    ) -> None:
        self._verifier = verifier
        self._mailbox = mailbox
        self._origin = origin
        own = read_host(origin.partition("://")[2])
        if own is None:
            raise ValueError(f"{origin} is no origin")
        self._host = own
        # Cookies know no ports, and a machine may run several consoles.
        self._cookie = f"mfalab-console-{own.port}"
        self._token = token
        self._random_bytes = random_bytes
        self._visits = Visits(random_bytes)
        self._renderer = Renderer(verifier.clock.now_ns, scripts)

    def answer(self, request: Request) -> Response:
        """The answer to one request; every refusal and every defect is an answer, too."""
        try:
            return self._misdirected(request) or self._answer(request)
        except StoreUnusable as error:
            _log.error("%s", error)
            return _plain(503, "The records are not there now. Nothing was changed; try again.")
        except Exception:
            _log.exception("defect in the answer to %s %s", request.method, request.path)
            return _plain(500, "This is a defect of the server. Its log says more.")

    def _misdirected(self, request: Request) -> Response | None:
        host = host_of(request)
        if host == self._host:
            return None
        here = host is not None and host.loopback and host.port == self._host.port
        if request.method == "GET" and here:
            query = f"?{request.query}" if request.query else ""
            where = f"{self._origin}{_below(request.path)}"
            return self._renderer.redirect(f"{where}{query}", 307)
        return _plain(421, f"The console is at {self._origin}{PREFIX}.")

    def _answer(self, request: Request) -> Response:
        path = request.path.removeprefix(PREFIX) or "/"
        if path.startswith(_ASSETS):
            found = self._renderer.asset(path.removeprefix(_ASSETS))
            return found or _plain(404, "There is no such file.")
        page = PAGES.get(path)
        if page is None:
            return _plain(404, f"There is no such page. The console begins at {PREFIX}.")
        if len(request.body) > LONGEST_FORM:
            return _plain(413, f"The form is longer than {LONGEST_FORM} bytes.")
        query, form = _fields(request.query), _fields(request.body.decode("latin-1"))
        if query is None or form is None:
            return _plain(400, "The form is not UTF-8, or has too many fields.")
        cookie = self._cookie_of(request)
        known = self._visits.find(cookie)
        if request.method in ("GET", "HEAD") and page.show is not None:
            visit = known or self._visits.begin()
            x = self._exchange(request, path, page, query, {}, visit)
            response = self._show(x, page.show)
            if request.method == "HEAD":
                response = Response(response.status, b"", response.headers)
        elif request.method == "POST" and page.submit is not None:
            refusal = self._forged(request, form, known)
            if refusal is not None:
                return self._stale(path, page, query, refusal)
            assert known is not None
            x = self._exchange(request, path, page, query, form, known)
            response = self._submit(x, page.submit)
        else:
            return _plain(405, "This page is not asked for in this way.")
        if x.visit.id != cookie:
            other = f"{self._cookie}={x.visit.id}; Path={PREFIX}; HttpOnly; SameSite=Lax"
            headers = (*response.headers, ("set-cookie", other))
            response = Response(response.status, response.body, headers)
        return response

    def _exchange(
        self,
        request: Request,
        path: str,
        page: Page,
        query: Mapping[str, str],
        form: Mapping[str, str],
        visit: Visit,
    ) -> Exchange:
        return Exchange(
            verifier=self._verifier,
            mailbox=self._mailbox,
            visits=self._visits,
            renderer=self._renderer,
            random_bytes=self._random_bytes,
            request=request,
            path=path,
            query=query,
            form=form,
            visit=visit,
            inbox_token=self._token,
            back=page.back or path,
        )

    def _show(self, x: Exchange, show: Callable[[Exchange], Response]) -> Response:
        try:
            return show(x)
        except ServiceError as error:
            if is_over(error):
                return self._ended(x)
            return x.page("refused", error.status, error=error)
        except SignInNeeded:
            return x.go(SIGN_IN)
        except WizardOver:
            return self._wizard_over(x)

    def _submit(self, x: Exchange, submit: Callable[[Exchange], Response]) -> Response:
        try:
            return submit(x)
        except ServiceError as error:
            notice = Notice(error.message or error.code, refused=True)
            if is_over(error):
                return self._ended(x)
            if error.code == "SignInExpired" and x.visit.page is not None:
                x.visit.page = None
                return x.go(ROOT_SIGN_IN if x.visit.root else SIGN_IN, notice)
            return x.go(x.back, notice, x.query)
        except SignInNeeded:
            return x.go(SIGN_IN, Notice("Sign in first.", refused=True))
        except WizardOver:
            return self._wizard_over(x)

    def _ended(self, x: Exchange) -> Response:
        x.visit = self._visits.replace(x.visit)
        return x.go(SIGN_IN, Notice("Your session has ended. Sign in again.", refused=True))

    def _wizard_over(self, x: Exchange) -> Response:
        notice = Notice("That wizard is over. Start again to assign a device.", refused=True)
        return x.go(CREDENTIALS, notice, x.about)

    def _cookie_of(self, request: Request) -> str:
        cookies = SimpleCookie()
        try:
            cookies.load(request.header("cookie") or "")
        except CookieError:
            return ""
        found = cookies.get(self._cookie)
        return found.value if found else ""

    def _forged(self, request: Request, form: Mapping[str, str], visit: Visit | None) -> str | None:
        """Why a form is not one that this browser was given here and sends the first time."""
        if request.header("origin") != self._origin:
            return "The form was not sent by a page of this console."
        if visit is None or not visit.spend_form(form.get("form", "")):
            return "This form was sent already, or its page is too old. Nothing was changed."
        return None

    def _stale(self, path: str, page: Page, query: Mapping[str, str], text: str) -> Response:
        to = page.back or path
        shown = PAGES[to].show is not None if to in PAGES else False
        link = address(to if shown else SIGN_IN, query)
        return self._renderer.page("stale.html", 403, {"text": text, "link": link})


def _below(path: str) -> str:
    """A path of the console, so that no other host can be named by it."""
    return path if path.startswith(PREFIX) else PREFIX


def _fields(text: str) -> dict[str, str] | None:
    """The fields of a query or a form, the first of each name; None if they cannot be read."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        return None
    fields: dict[str, str] = {}
    for name, value in pairs:
        fields.setdefault(name, value)
    return fields


def _plain(status: int, text: str) -> Response:
    return Response(
        status, f"{text}\n".encode(), (("content-type", "text/plain; charset=utf-8"), *SAFETY)
    )
