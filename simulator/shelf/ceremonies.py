"""Ceremonies of WebAuthn with the keys of a shelf: what `navigator.credentials` does, over HTTP.

Every key that is plugged in blinks, as with a browser, and the one that is touched first answers.
Nothing waits in virtual time: a key blinks until it is touched, or until its time is up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from mfalab.devices.ctap.user import absent
from mfalab.simulator.clocks.blocking import Client
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.environment.devices import HeldKey
from mfalab.simulator.keys.browser import Browser
from mfalab.simulator.keys.webauthn_client import DOMException
from mfalab.simulator.scenario_files.fragments import NotUnderstood, parse_json
from mfalab.simulator.shelf.api import REFUSALS, refused, told
from mfalab.simulator.shelf.live import gone_from
from mfalab.simulator.shelf.shelf import NotNow, Shelf
from mfalab.verifier.wire.asgi import Receive, Send, send_response
from mfalab.verifier.wire.messages import Request, Response

MOST_CEREMONIES: Final = 8
_LOOK_S: Final = 0.25
_FORM = (
    '{"create": OPTIONS} or {"get": OPTIONS}, as PublicKeyCredential.toJSON has them, and, if '
    'wanted, "origin", "key" (a name) and "pin"'
)
_STEP_NS, _BUSY_NS = NS_PER_S // 100, NS_PER_S
"""A key is given a second to come to its prompt, in parts."""

Clients = dict[str, Client[dict[str, Any]]]


class Ceremonies:
    """Ceremonies under way. Args: the shelf."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._under_way = 0

    async def __call__(self, request: Request, receive: Receive, send: Send) -> None:
        """Do one ceremony; it lasts until a key answers, or the client leaves."""
        if self._under_way >= MOST_CEREMONIES:
            error = f"{MOST_CEREMONIES} ceremonies wait for a touch already; touch a key"
            await send_response(send, told(503, error=error))
            return
        self._under_way += 1
        gone = asyncio.create_task(gone_from(receive))
        try:
            await send_response(send, await self._answer(request, gone))
        finally:
            gone.cancel()
            self._under_way -= 1
            self._shelf.tell()

    async def _answer(self, request: Request, gone: asyncio.Task[None]) -> Response:
        if request.method != "POST":
            return told(405, error=f"POST begins a ceremony: {_FORM}")
        try:
            self._shelf.follow()
            clients = self._begin(parse_json(request.body))
            try:
                name = await self._first(clients, gone)
            finally:
                self._end(clients)
            response = clients[name].result()
        except REFUSALS as error:
            return refused(error)
        except DOMException as error:
            return told(409, error=str(error), refused=error.name)
        except OSError as error:
            return told(409, error=str(error), refused=type(error).__name__)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            return told(400, error=f"the options cannot be used: {error or type(error).__name__}")
        self._shelf.recorder.signed(str(response["id"]), name)
        return told(200, **response)

    def _begin(self, given: Mapping[str, Any]) -> Clients:
        """Have clients ask every key that may answer."""
        kind, options = _options(given)
        lab = self._shelf.lab
        keys = [each for each in lab.devices.values() if isinstance(each, HeldKey)]
        if "key" in given:
            keys = [lab.security_key(str(given["key"]))]
        keys = [key for key in keys if key.holder and key.alive and key.access.simulated.plugged]
        if not keys:
            raise NotNow("NoKey", "no security key is plugged in and has a holder")

        def work(key: HeldKey) -> Callable[[], dict[str, Any]]:
            thing = key.access.simulated
            thing.user = absent
            browser = Browser(thing, origin=given.get("origin"), pin=given.get("pin") or key.pin)
            return lambda: getattr(browser, kind)(options)

        clients = {key.name: lab.clients.start(work(key), key.name) for key in keys}
        self._pump(clients)
        self._shelf.tell()
        return clients

    async def _first(self, clients: Clients, gone: asyncio.Task[None]) -> str:
        """Wait until a key has answered, or all have failed; which is the one to tell of."""
        shelf = self._shelf
        happened = asyncio.Event()
        shelf.listeners.add(happened)
        try:
            while True:
                done = {name: each for name, each in clients.items() if each.done}
                good = [name for name, each in done.items() if _went_well(each)]
                if good or len(done) == len(clients):
                    return (good or list(done))[0]
                if gone.done() or shelf.closed:
                    raise NotNow("Gone", "client or server ended before a key was touched")
                happened.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(happened.wait(), _LOOK_S)
                shelf.follow()
                self._pump(clients)
        finally:
            shelf.listeners.discard(happened)

    def _pump(self, clients: Clients) -> None:
        """Let clients and keys talk until each waits for its user, or is done."""
        lab, waited_ns = self._shelf.lab, 0
        lab.clients.advance(0)
        while waited_ns < _BUSY_NS and any(
            not client.done and lab.security_key(name).access.simulated.asks is None
            for name, client in clients.items()
        ):
            lab.clients.advance(_STEP_NS)
            waited_ns += _STEP_NS

    def _end(self, clients: Clients) -> None:
        """Tell keys that were not touched to stop, as a browser does."""
        for name, client in clients.items():
            key = self._shelf.lab.security_key(name)
            if not client.done:
                key.access.simulated.decline()
        self._pump({name: each for name, each in clients.items() if not each.done})
        for name, client in clients.items():
            if not client.done:  # it waits for something else: without power it waits no more
                self._shelf.lab.security_key(name).access.simulated.power_cycle()
        self._pump({name: each for name, each in clients.items() if not each.done})


def _options(given: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """What to do, `create` or `get`, and the page's options.

    Raises:
        NotUnderstood: it is no ceremony.
    """
    kinds = given.keys() & {"create", "get"}
    texts = (given.get(name, "") for name in ("origin", "key", "pin"))
    known = not given.keys() - {"create", "get", "origin", "key", "pin"}
    if len(kinds) != 1 or not known or not all(isinstance(text, str) for text in texts):
        raise NotUnderstood(f"give {_FORM}")
    (kind,) = kinds
    if not isinstance(given[kind], dict):
        raise NotUnderstood(f"{kind}: give an object of options")
    return kind, given[kind]


def _went_well(client: Client[dict[str, Any]]) -> bool:
    try:
        client.result()
    except Exception:  # it is raised where it is told
        return False
    return True
