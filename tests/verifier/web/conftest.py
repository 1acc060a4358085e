"""A browser without a screen: it keeps cookies, follows redirects and sends forms of pages."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import pytest

from mfalab.verifier.web.mailbox import Mailbox
from mfalab.verifier.web.site import Site
from mfalab.verifier.wire.messages import Request, Response

ORIGIN = "http://localhost:8765"
TOKEN = "the control token"


@dataclass
class Form:
    """A form as it stands on a page, with the values that its fields have."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)
    data: dict[str, str] = field(default_factory=dict)


class Parsed(HTMLParser):
    """What tests look at in a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.alert = ""
        self.status = ""
        self._role: list[tuple[str, str | None]] = []
        self._open: Form | None = None
        self._button: list[str] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, given: Any) -> None:
        had = {name: value or "" for name, value in given}
        if tag in ("div", "p"):
            self._role.append((tag, had.get("role")))
        if tag == "form":
            self._open = Form(had.get("action", ""), had.get("method", "get"))
            self._open.data = {k: v for k, v in had.items() if k.startswith("data-")}
            self.forms.append(self._open)
        elif tag == "a":
            self.links.append(had.get("href", ""))
        elif tag == "input" and self._open is not None and "name" in had:
            if had.get("type") not in ("radio", "checkbox") or "checked" in had:
                self._open.fields[had["name"]] = had.get("value", "")
        elif tag == "button" and self._open is not None:
            self._button = [had.get("name", ""), had.get("value", ""), ""]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "button" and self._button is not None and self._open is not None:
            name, value, text = self._button
            self._open.buttons.append((name, value, text.strip()))
            self._button = None
        elif tag in ("div", "p") and self._role:
            self._role.pop()

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self._button is not None:
            self._button[2] += data
        roles = {role for _, role in self._role}
        if "alert" in roles:
            self.alert += data
        if "status" in roles:
            self.status += data


class Browser:
    """One browser at a console, in process."""

    def __init__(self, site: Site, host: str = "localhost:8765", client: str = "127.0.0.1") -> None:
        self.site, self.host, self.client = site, host, client
        self.cookies: dict[str, str] = {}
        self.url = "/console"
        self.response = Response(0, b"")
        self.page = Parsed("")

    def send(self, method: str, url: str, body: bytes = b"", **headers: str) -> Response:
        """One request, and its answer as it is; cookies are kept."""
        parts = urlsplit(url)
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        given = {"host": self.host, "cookie": cookie, **headers}
        response = self.site.answer(
            Request(method, parts.path, parts.query, tuple(given.items()), body, self.client)
        )
        for name, value in response.headers:
            if name == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        return response

    def get(self, url: str) -> "Browser":
        """Open a page, and follow where it leads."""
        return self._arrive(url, self.send("GET", url))

    def form(self, having: str = "") -> Form:
        """The form that has a field, a button or a target of this name; else the page's own."""
        forms = [form for form in self.page.forms if not form.action.endswith("/sign-out")]
        for form in forms:
            names = {*form.fields, *(text for _, _, text in form.buttons), form.action}
            if having in names or any(having == value for _, value, _ in form.buttons):
                return form
        assert not having, (having, [vars(form) for form in forms])
        return forms[0]

    def submit(self, having: str = "", **fields: str) -> "Browser":
        """Send a form: fields as typed, a button by the name in `having`."""
        form = self.form(having)
        button = {
            name: value
            for name, value, text in form.buttons
            if name and (having in (text, value) or len(form.buttons) == 1)
        }
        return self.post(form, {**form.fields, **button, **fields})

    def post(self, form: Form, fields: dict[str, str], origin: str = ORIGIN) -> "Browser":
        """Send a form with these fields."""
        url = urljoin(self.url, form.action) if form.action else self.url
        body = urlencode(fields).encode()
        return self._arrive(url, self.send("POST", url, body, origin=origin))

    def sign_out(self) -> "Browser":
        """Press the button that all pages have."""
        form = next(form for form in self.page.forms if form.action.endswith("/sign-out"))
        return self.post(form, form.fields)

    def _arrive(self, url: str, response: Response) -> "Browser":
        for _ in range(5):
            location = dict(response.headers).get("location")
            if location is None:
                break
            assert location.startswith(("/console", ORIGIN)), location
            url = urljoin(url, location.removeprefix(ORIGIN))
            response = self.send("GET", url)
        self.url, self.response = url, response
        self.page = Parsed(response.body.decode() if _is_html(response) else "")
        return self

    # What a page says

    @property
    def status(self) -> int:
        return self.response.status

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.page.words))

    @property
    def error(self) -> str:
        return re.sub(r"\s+", " ", self.page.alert).strip().removeprefix("Error. ")

    @property
    def done(self) -> str:
        return re.sub(r"\s+", " ", self.page.status).strip()

    def at(self, path: str) -> bool:
        return urlsplit(self.url).path == f"/console{path}"


def _is_html(response: Response) -> bool:
    return dict(response.headers).get("content-type", "").startswith("text/html")


class Pages:
    """A company with its console's pages."""

    def __init__(self, company: Any) -> None:
        self.company = company
        self.mailbox = Mailbox(company.clock, company.outbox)
        company.verifier.outbox = self.mailbox
        self.site = Site(
            company.verifier,
            self.mailbox,
            origin=ORIGIN,
            token=TOKEN,
            random_bytes=company.verifier._service.random_bytes,
        )
        company.set(rp_id="localhost", origins=(ORIGIN,), app_id=None)

    def browser(self, **where: str) -> Browser:
        return Browser(self.site, **where)

    def password(self, user: str = "alice", browser: Browser | None = None) -> Browser:
        """A browser that has typed a user's password, or root's."""
        browser = browser or self.browser()
        if user == "root":
            browser.get("/console/sign-in/root")
            return browser.submit(email="root@example.com", password="root pw")
        browser.get("/console/sign-in")
        return browser.submit(account="123456789012", user=user, password=f"{user} pw")

    def signed_in(self, user: str = "alice") -> Browser:
        browser = self.password(user)
        assert browser.at("/home"), (browser.url, browser.text)
        return browser

    def token(self, serial: str, seed: str) -> Any:
        """What shows the codes of a seed."""
        kind = type(self.company.ship(f"GAHT{len(self.mailbox.messages)}{seed[:8]}"))
        return kind(serial, seed, self.company.clock)

    def inbox(self) -> Browser:
        browser = self.browser().get("/console/inbox")
        return browser.submit(token=TOKEN)


@pytest.fixture(scope="session")
def fresh_pages(fresh_company: Callable[[], Any]) -> Callable[[], Pages]:
    """Makes a company with its pages, for each of many examples."""
    return lambda: Pages(fresh_company())


@pytest.fixture
def pages(company: Any) -> Pages:
    return Pages(company)
