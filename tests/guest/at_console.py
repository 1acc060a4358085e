"""People with a security key at the console of `mfalab serve`, in a browser of the guest.

at_console.py PORT TOLD USER TIMES OTHER: Chromium's DevTools listen at PORT, and TOLD is what the
server said. USER, who has only a password, assigns the key, has it answer so many times in a row,
and signs in. For OTHER, whose key is another one, it is refused. A line is printed for each page.
"""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

PATIENCE_S = 1200

FILL_AND_PRESS = """(fields, label) => {
  for (const [name, text] of Object.entries(fields)) {
    const [first] = document.getElementsByName(name);
    if (first.type === 'radio') document.querySelector(`[value=${text}]`).checked = true;
    else first.value = text;
  }
  [...document.querySelectorAll('button')].find(each => each.innerText === label).click();
}"""

ASK = """async times => {
  const options = JSON.parse(document.querySelector('[data-options]').dataset.options);
  let answers = 0;
  while (answers < times && (await ask('get', options)).id) answers++;
  return answers;
}"""
"""Ask the key, by the page's own function, until it does not answer."""

SEND = """answer => {
  const form = document.querySelector('[data-options]');
  form.elements.namedItem('response').value = JSON.stringify(answer);
  form.submit();
}"""

IS_THERE = "document.readyState === 'complete' && !document.body.dataset.left"


class NoValue(Exception):
    """A page has no value for an expression, or went away meanwhile."""


def wait_for(what: str, look: Callable[[], Any]) -> Any:
    """Look twice a second until there is something.

    Raises:
        TimeoutError: there is nothing within 20 minutes.
    """
    until = monotonic() + PATIENCE_S
    while monotonic() < until:
        with suppress(NoValue, OSError):
            if found := look():
                return found
        Event().wait(0.5)
    raise TimeoutError(f"no {what} within {PATIENCE_S} s")


class AtConsole:
    """A person at the console.

    Args:
        evaluate: the value of an expression in the page; raises NoValue.
        told: the file with what the server says when it serves.
    """

    def __init__(self, evaluate: Callable[[str], Any], told: str) -> None:
        self.evaluate = evaluate
        self.told = json.loads(wait_for("console", Path(told).read_text))

    def go(self, act: str, wanted: str) -> None:
        """Do what leads to another page, and wait for it.

        Raises:
            AssertionError: the page does not show a text.
        """
        self.evaluate(f"(document.body.dataset.left = 'yes', {act})")
        shown = wait_for("page", lambda: self.evaluate(f"{IS_THERE} && document.body.innerText"))
        assert wanted in shown, shown
        sys.stdout.write(f"{monotonic():.0f} s: {wanted}\n")
        sys.stdout.flush()

    def open(self, path: str, wanted: str) -> None:
        """Type an address."""
        self.go(f"location.href = '{self.told['console']}{path}'", wanted)

    def press(self, button: str, wanted: str, **fields: str) -> None:
        """Fill in a form, and press a button."""
        self.go(f"({FILL_AND_PRESS})({json.dumps(fields)}, '{button}')", wanted)

    def give_password(self, user: str, wanted: str) -> None:
        """Sign in as far as a password leads."""
        password = self.told["users"][user]["password"]
        words = {"account": self.told["account"], "user": user, "password": password}
        self.press("Sign in", wanted, **words)

    def begin_to_assign(self, query: str = "") -> None:
        """Come to the page that asks for a key."""
        self.open(f"/assign{query}", "Assign MFA device")
        self.press("Next", "Set up security key", name="key", kind="fido")

    def sign_in(self, user: str, wanted: str, answers: int = 0) -> None:
        """Sign in with the key, which the page asks so many times before."""
        self.press("Sign out", "You are signed out.")
        self.give_password(user, "touch it when it asks")
        got = self.evaluate(f"({ASK})({answers})")
        assert got == answers, f"{got} answers of {answers}"
        self.press("Use security key", wanted)

    def assign(self, user: str) -> None:
        """Sign in without MFA, and assign the key."""
        self.open("/sign-in", "Sign in as IAM user")
        self.give_password(user, "without MFA")
        self.begin_to_assign()
        self.press("Register security key", "The MFA device was assigned.")

    def is_refused(self, user: str) -> None:
        """Give a user another key, as administrators may; the one in the port is refused for it."""
        self.begin_to_assign(f"?user={user}")
        options = self.evaluate("document.querySelector('[data-options]').dataset.options")
        answer = another_key(self.told["console"].removesuffix("/console"), options)
        self.go(f"({SEND})({json.dumps(answer)})", "The MFA device was assigned.")
        self.sign_in(user, "Authentication with the security key failed. Try again.")


def another_key(origin: str, options: Any) -> dict[str, Any]:
    """What another key answers, in a simulated browser."""
    from fido2.ctap2.base import Ctap2
    from fido2.ctap2.pin import ClientPin

    from mfalab import Browser, SecurityKey
    from mfalab.simulator.entropy import SystemEntropy

    key = SecurityKey("ctap-2.1-pin", random_bytes=SystemEntropy().random_bytes("key"))
    key.plug()
    ClientPin(Ctap2(key.device())).set_pin("2468")
    return Browser(key, origin, pin="2468").create(options)


class Chromium:
    """The way to the page of a Chromium, by the DevTools protocol.

    Args:
        port: where its DevTools listen.
    """

    def __init__(self, port: str) -> None:
        from websocket import create_connection

        def pages() -> list[Any]:
            with urllib.request.urlopen(
                f"http://localhost:{port}/json", timeout=PATIENCE_S
            ) as said:
                return [each for each in json.load(said) if each["type"] == "page"]

        url = wait_for("Chromium", pages)[0]["webSocketDebuggerUrl"]
        self.socket = create_connection(url, timeout=PATIENCE_S, suppress_origin=True)
        # It shows another page before that of its command line.
        wait_for("first page", lambda: self.evaluate("location.protocol === 'data:'"))

    def evaluate(self, expression: str) -> Any:
        """The value of an expression."""
        asked = {"expression": expression, "awaitPromise": True, "returnByValue": True}
        self.socket.send(json.dumps({"id": 1, "method": "Runtime.evaluate", "params": asked}))
        while "id" not in (said := json.loads(self.socket.recv())):
            pass  # an event
        if "result" not in said or "exceptionDetails" in said["result"]:
            raise NoValue(said)
        return said["result"]["result"].get("value")


if __name__ == "__main__":
    _, port, told, user, times, other = sys.argv
    person = AtConsole(Chromium(port).evaluate, told)
    person.assign(user)
    person.sign_in(user, "signed in with MFA", answers=int(times) - 1)
    person.is_refused(other)
