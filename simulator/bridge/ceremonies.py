"""Ceremonies that Chromium has handed to a key: each is a client of python-fido2 in a thread."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from threading import Event, Lock, Thread, get_ident
from typing import Any, Final, Literal

from fido2.client import AssertionSelection, ClientDataCollector
from fido2.ctap import STATUS, CtapDevice
from fido2.webauthn import (
    AuthenticationResponse,
    CollectedClientData,
    PublicKeyCredentialCreationOptions,
    PublicKeyCredentialRequestOptions,
)

from mfalab.devices.ctap.faults import NO_FAULTS
from mfalab.devices.security_key import SecurityKey
from mfalab.devices.transports.wire import GOOD_WIRE
from mfalab.simulator.bridge.journal import Outcome, PageRequest
from mfalab.simulator.bridge.key_time import KeyEvent, KeyTime
from mfalab.simulator.clocks.durations import NS_PER_MS
from mfalab.simulator.keys.webauthn_client import (
    NO_ANSWER,
    TIMEOUT_MS,
    Ceremony,
    DOMException,
    Pins,
    Typist,
)

_PATIENCE_S: Final = 0.25
"""How long an answer is waited for before the extension looks whether its document is still there;
well below the half minute after which Chromium ends a worker that waits for an answer."""
_END_S: Final = 10.0
_KINDS: Final[Mapping[str, Literal["create", "get"]]] = {"create": "create", "get": "get"}


@dataclass(frozen=True, slots=True)
class Caller:
    """The document that asked, as Chromium tells it.

    Attributes:
        origin: its origin.
        cross_origin: whether a document above it has another origin.
        top_origin: the origin of the outermost document, where it is known.
    """

    origin: str
    cross_origin: bool
    top_origin: str | None


@dataclass(frozen=True, slots=True)
class _ClientData(ClientDataCollector):
    """What the key signs of the page. Chromium has checked that it may ask for this RP ID."""

    caller: Caller
    rp_id: str

    def collect_client_data(
        self, options: PublicKeyCredentialCreationOptions | PublicKeyCredentialRequestOptions
    ) -> tuple[CollectedClientData, str]:
        """See `ClientDataCollector.collect_client_data`."""
        registering = isinstance(options, PublicKeyCredentialCreationOptions)
        kinds = CollectedClientData.TYPE
        caller = self.caller
        above = {"topOrigin": caller.top_origin} if caller.cross_origin else {}
        collected = CollectedClientData.create(
            kinds.CREATE if registering else kinds.GET,
            options.challenge,
            caller.origin,
            caller.cross_origin,
            **{name: origin for name, origin in above.items() if origin is not None},
        )
        return collected, self.rp_id


class _Cancellable(CtapDevice):
    """A key of which every request is called off, and waits while it is busy, by one event.

    python-fido2 asks some things without the ceremony's event, such as what the key can do. For a
    busy key it then waits by the wall clock, and the key's time, in which it would be free again,
    does not pass meanwhile.

    Args:
        device: the key.
        cancel: the event.
    """

    def __init__(self, device: CtapDevice, cancel: KeyEvent) -> None:
        self._device = device
        self._cancel = cancel

    @property
    def capabilities(self) -> int:
        """See `CtapDevice.capabilities`."""
        return self._device.capabilities

    def call(
        self,
        cmd: int,
        data: bytes = b"",
        event: Event | None = None,
        on_keepalive: Callable[[STATUS], None] | None = None,
    ) -> bytes:
        """See `CtapDevice.call`."""
        self._cancel.ask()
        return self._device.call(cmd, data, event or self._cancel, on_keepalive)

    @classmethod
    def list_devices(cls) -> Iterator[CtapDevice]:
        """None; it is made of one."""
        return iter(())


@dataclass(slots=True)
class Person:
    """Who sits at the browser, as a ceremony finds them when it begins.

    Attributes:
        key: the security key in their hand; who touches it is its `user`.
        pins: what they type when asked for its PIN.
        account: the user name that they pick where the key offers several; None for the newest.
    """

    key: SecurityKey
    pins: Pins
    account: str | None


class RunningCeremony:
    """One ceremony from Chromium's request to our answer.

    Args:
        kind: `create` or `get`.
        options: WebAuthn JSON as Chromium gives it.
        caller: who asked.
        person: who answers.
        time: the key's.
    """

    def __init__(
        self,
        kind: Literal["create", "get"],
        options: dict[str, Any],
        caller: Caller,
        person: Person,
        time: KeyTime,
    ) -> None:
        rp_id = str(options["rp"]["id"] if kind == "create" else options["rpId"])
        self.record = PageRequest(
            kind,
            caller.origin,
            caller.top_origin if caller.cross_origin else None,
            rp_id,
            options,
            person.key.name,
            time.now_ns(),
        )
        self.defect: Exception | None = None
        """What nothing should raise with a good key: a fault of this project."""
        self._person = person
        self._time = time
        self._cancel = KeyEvent(time)
        self._client_data = _ClientData(caller, rp_id)
        self._typist = Typist(person.pins)
        self._lock = Lock()
        self._ident: int | None = None
        self._ended = Event()
        self._thread = Thread(target=self._run, name=f"ceremony of {caller.origin}", daemon=True)
        self._thread.start()

    def answer(self) -> dict[str, Any]:
        """What the extension completes the request with, or `{"pending": true}` for now."""
        if not self._ended.wait(_PATIENCE_S):
            return {"pending": True}
        record = self.record
        if record.answer is not None:
            return {"responseJson": json.dumps(record.answer)}
        return {"error": {"name": record.error or "AbortError", "message": record.cause}}

    def call_off(self, outcome: Outcome) -> None:
        """End it without an answer; nothing happens when it has one."""
        with self._lock:
            if self.record.outcome != "pending":
                return
            self.record.outcome = outcome
            self._cancel.set()
            if self._ident is not None:
                self._time.hurry(self._ident)

    def join(self) -> bool:
        """Wait for its end; whether it came."""
        self._thread.join(_END_S)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._time.call(self._client)
        finally:
            self._ended.set()

    def _client(self) -> None:
        with self._lock:
            if self._cancel.is_set():
                return
            self._ident = get_ident()
        answer, error, cause = None, None, ""
        try:
            answer = self._held()
        except DOMException as refused:
            error, cause = refused.name, refused.message
        except NO_ANSWER as failed:
            error, cause = "NotAllowedError", str(failed)
        except Exception as odd:
            # python-fido2 trips over a broken key's answers in many ways.
            error, cause = "NotAllowedError", repr(odd)
            key = self._person.key
            if key.faults == NO_FAULTS and key.wire == GOOD_WIRE:
                self.defect = odd
        with self._lock:
            self._ident = None
            record = self.record
            record.pins_typed = self._typist.typed
            record.cause = cause
            if record.outcome == "pending":
                record.outcome = "answered" if answer is not None else "refused"
                record.answer, record.error = answer, error

    def _held(self) -> dict[str, Any]:
        """Hold the ceremony; the page's time limit passes in the key's time."""
        options = dict(self.record.options)
        options["extensions"] = {
            name: value
            for name, value in (options.get("extensions") or {}).items()
            if name != "remoteDesktopClientOverride"
        }
        limit_ms = options.pop("timeout", TIMEOUT_MS)
        self._time.after(int(limit_ms) * NS_PER_MS, self._cancel.set)
        device = _Cancellable(self._person.key.device(), self._cancel)
        ceremony = Ceremony(device, self._client_data, self._typist, self._cancel)
        if self.record.kind == "create":
            return ceremony.create(options)
        return ceremony.get(options, self._pick)

    def _pick(self, found: AssertionSelection) -> AuthenticationResponse:
        account = self._person.account
        for number, each in enumerate(found.get_assertions()):
            if account in (None, (each.user or {}).get("name")):
                return found.get_response(number)
        raise DOMException("NotAllowedError", f"the key offers no account {account!r}")


class Ceremonies:
    """All ceremonies of one person, and what the extension asks about them.

    Args:
        time: the keys'.

    Attributes:
        journal: every request, oldest first.
        platform_authenticator: what pages are told by
            `isUserVerifyingPlatformAuthenticatorAvailable`.
    """

    def __init__(self, time: KeyTime) -> None:
        self.journal: list[PageRequest] = []
        self.platform_authenticator = False
        self._time = time
        self._running: dict[tuple[str, int], RunningCeremony] = {}

    def ask(self, what: str, message: Mapping[str, Any], person: Person) -> dict[str, Any]:
        """Answer the extension.

        Raises:
            LookupError: it asks for what is not there.
            ValueError: it asks amiss.
        """
        if what == "uvpaa":
            return {"isUvpaa": self.platform_authenticator}
        worker, request = message.get("worker"), message.get("requestId")
        if not isinstance(worker, str) or not isinstance(request, int):
            raise ValueError("no request is named")
        name = (worker, request)
        if what in _KINDS:
            return self._begin(name, _KINDS[what], message, person).answer()
        ceremony = self._running.get(name)
        if ceremony is None:
            raise LookupError(f"there is no request {name}")
        if what == "wait":
            return ceremony.answer()
        if what == "cancel":
            ceremony.call_off("called off")
        elif what == "gone":
            ceremony.call_off("gone")
        elif what == "rejected":
            if ceremony.record.outcome in ("answered", "refused"):
                ceremony.record.rejected = str(message.get("message"))
        else:
            raise LookupError(f"nothing is called {what}")
        return {}

    def end(self) -> None:
        """Call all of them off and wait for their threads.

        Raises:
            ExceptionGroup: faults of this project that ceremonies met.
            RuntimeError: a thread does not end.
        """
        ceremonies = list(self._running.values())
        for ceremony in ceremonies:
            ceremony.call_off("gone")
        stuck = [each.record for each in ceremonies if not each.join()]
        if stuck:
            raise RuntimeError(f"ceremonies do not end: {stuck}")
        defects = [each.defect for each in ceremonies if each.defect is not None]
        if defects:
            raise ExceptionGroup("faults of mfalab in ceremonies", defects)

    def _begin(
        self,
        name: tuple[str, int],
        kind: Literal["create", "get"],
        message: Mapping[str, Any],
        person: Person,
    ) -> RunningCeremony:
        options = message.get("options")
        top_origin = message.get("topOrigin")
        if not isinstance(options, dict) or not isinstance(top_origin, str | None):
            raise ValueError("options are an object, and an origin is a text")
        try:
            override = options["extensions"]["remoteDesktopClientOverride"]
            caller = Caller(
                str(override["origin"]), not override["sameOriginWithAncestors"], top_origin
            )
            ceremony = RunningCeremony(kind, options, caller, person, self._time)
        except (KeyError, TypeError) as error:
            raise ValueError(f"options lack {error}") from None
        self._running[name] = ceremony
        self.journal.append(ceremony.record)
        return ceremony
