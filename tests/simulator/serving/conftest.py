"""A console that is served, its simulated devices, and people at its pages in Chromium."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from ..served import Served, serving  # noqa: TID252 - tests are no package


class ServedConsole(Served):
    """A server whose console people use."""

    @property
    def origin(self) -> str:
        return str(self.told["console"].removesuffix("/console"))

    def advance(self, duration: str = "30 s") -> None:
        self.json("POST", "clock", {"advance": duration})

    def step(self, do: str, **words: Any) -> None:
        self.json("POST", "steps", {"do": do, **words})

    def device(self, name: str, **words: Any) -> dict[str, Any]:
        """Put a device of the scenario language beside the server."""
        made: dict[str, Any] = self.json("POST", "devices", {name: words})["devices"][name]
        return made

    def code(self, name: str) -> str:
        return str(self.json("GET", f"devices/{name}/code")["code"])

    def pair(self, name: str) -> tuple[str, str]:
        """Two codes that a device shows one after the other."""
        first = self.code(name)
        self.advance()
        return first, self.code(name)

    def set(self, **figures: Any) -> None:
        verifier = self.endpoint.verifier
        verifier.profile = replace(verifier.profile, **figures)


@pytest.fixture
def console() -> Iterator[ServedConsole]:
    """Alice and Bob are users, Ada is an administrator; all is in memory."""
    with serving("alice", "bob", kind=ServedConsole) as served:
        yield served


class AtConsole:
    """A person at the console: a page, and what the person does there."""

    def __init__(
        self,
        console: ServedConsole,
        page: Any,
        violations: Callable[[Any], list[str]],
        looked_at: set[str],
    ) -> None:
        self.console, self.page = console, page
        self._violations, self._looked_at = violations, looked_at

    def open(self, path: str) -> None:
        self.page.goto(f"{self.console.origin}/console{path}")

    def at(self, path: str) -> bool:
        return bool(self.page.url.partition("?")[0] == f"{self.console.origin}/console{path}")

    def fill(self, **fields: str) -> None:
        for name, text in fields.items():
            self.page.fill(f"input[name={name}]:visible", text)

    def press(self, name: str) -> None:
        """Press a button, and wait for the page that it leads to."""
        self.look()
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=name, exact=True).first.click()
        self.page.wait_for_load_state("load")
        self.look()

    def follow(self, name: str) -> None:
        self.page.get_by_role("link", name=name, exact=True).first.click()
        self.page.wait_for_load_state("load")
        self.look()

    def look(self) -> None:
        """Judge the page's accessibility; what looks the same is judged once."""
        looks = self.page.evaluate(
            "[location.pathname, innerWidth, matchMedia('(prefers-color-scheme: dark)').matches, "
            "...[...document.querySelectorAll('h1, h2, [role], input')].map(each => "
            "`${each.localName} ${each.getAttribute('role')} ${each.type}`)].join()"
        )
        if looks in self._looked_at:
            return
        self._looked_at.add(looks)
        found = self._violations(self.page)
        assert found == [], (self.page.url, found)

    @property
    def text(self) -> str:
        return " ".join(self.page.inner_text("main").split())

    @property
    def error(self) -> str:
        alert = self.page.locator("[role=alert]")
        return alert.inner_text().removeprefix("Error. ") if alert.count() else ""

    @property
    def done(self) -> str:
        status = self.page.locator("main > [role=status]")
        return status.inner_text() if status.count() else ""

    # What people do

    def give_password(self, who: str) -> None:
        if who == "root":
            self.open("/sign-in/root")
            self.fill(**{key: self.console.told["root"][key] for key in ("email", "password")})
        else:
            self.open(f"/sign-in?account={self.console.told['account']}")
            self.fill(user=who, password=self.console.told["users"][who]["password"])
        self.press("Sign in")

    def begin(self, kind: str, name: str, query: str = "") -> None:
        """Begin to assign a device."""
        self.open(f"/assign{query}")
        if name:
            self.fill(name=name)
        self.page.check(f"input[value={kind}]")
        self.press("Next")

    def scan(self, device: str) -> None:
        """Hold a simulated phone before the screen."""
        picture = self.page.locator("img.qr").screenshot()
        headers = {"Content-Type": "image/png"}
        self.console.json("POST", f"devices/{device}/scan", picture, **headers)

    def type_pair(self, device: str, button: str) -> None:
        one, two = self.console.pair(device)
        self.fill(code1=one, code2=two)
        self.press(button)

    def type_code(self, device: str) -> None:
        self.fill(code=self.console.code(device))
        self.press("Submit")

    def security_key(self, **options: Any) -> "VirtualKey":
        """Plug in a virtual authenticator of Chromium's."""
        return VirtualKey(self.page, options)


class VirtualKey:
    """A virtual authenticator, by the DevTools protocol."""

    def __init__(self, page: Any, options: dict[str, Any]) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("WebAuthn.enable")
        given = {
            "protocol": "ctap2",
            "transport": "usb",
            "hasResidentKey": True,
            "hasUserVerification": False,
            "isUserVerified": False,
            "automaticPresenceSimulation": True,
            **options,
        }
        made = self._session.send("WebAuthn.addVirtualAuthenticator", {"options": given})
        self.id = made["authenticatorId"]

    def credentials(self) -> list[dict[str, Any]]:
        found = self._session.send("WebAuthn.getCredentials", {"authenticatorId": self.id})
        return found["credentials"]

    def take_out(self) -> None:
        self._session.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": self.id})

    def set_verified(self, verified: bool) -> None:
        self._session.send(
            "WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": verified}
        )


@pytest.fixture(scope="session")
def looked_at() -> set[str]:
    """The pages that were judged already."""
    return set()


@pytest.fixture
def at_console(
    quiet_page: Callable[..., Any],
    console: ServedConsole,
    looked_at: set[str],
    violations: Callable[[Any], list[str]],
) -> Callable[..., AtConsole]:
    """Sits a person down at the console; a page that complains or asks elsewhere fails the test."""

    def sit_down(width: int = 1280, scheme: str = "light") -> AtConsole:
        own = ("/console", "/_mfalab/webauthn")  # the second for keys of the shelf
        page = quiet_page(
            own=tuple(f"{console.origin}{path}" for path in own),
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            accept_downloads=True,
        )
        page.context.set_default_timeout(15_000)
        return AtConsole(console, page, violations, looked_at)

    return sit_down
