"""Any WebAuthn server as a system under test, by the FIDO server-test API.

The lab's people, browsers and keys are before it. The API has no passwords and no pages of its own:
the lab's pages open for a password, and ask the server. It keeps what it is told, so each case has
users of its own names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from http.client import HTTPException
from typing import Any, cast
from urllib.parse import urlsplit

from pydantic import BaseModel

from mfalab.simulator.abilities import OF_SYSTEM, Ability, Offer
from mfalab.simulator.clocks.wall import WALL, Wall, meet
from mfalab.simulator.environment.target import Premises, Target, TargetFailed
from mfalab.simulator.targets.pages import Pages
from mfalab.simulator.targets.webauthn.api import (
    Answer,
    CreationOptions,
    NotTheApi,
    RequestOptions,
    Server,
    Session,
    ask,
    options_of,
)
from mfalab.verifier import (
    CeremonyDecision,
    CeremonyOutcome,
    Credentials,
    DeviceKind,
    Identity,
    Profile,
    SecondPage,
    ServiceError,
    SignedIn,
    TokenSeed,
)
from mfalab.verifier.webauthn import messages

KEY_REFUSED = "KeyRefused"
"""The code of a refusal by a WebAuthn server, which has words of its own."""
_HAS = {Ability.CONSOLE, Ability.ENROL, Ability.KEYS, Ability.KEY_OPTIONS}


@dataclass(frozen=True, slots=True)
class WebauthnSystem:
    """A WebAuthn server. See `SystemUnderTest`.

    Attributes:
        label: what to call it in reports.
        address: what `--target` names it by.
        server: where it is.
        origin: of its pages, where ceremonies take place.
        clock: what its time is.
    """

    label: str
    address: str
    server: Server
    origin: str
    clock: Wall = WALL

    @property
    def suite(self) -> str:
        """See `SystemUnderTest`."""
        return "webauthn"

    @property
    def one_process(self) -> bool:
        """See `SystemUnderTest`."""
        return False

    @property
    def wall(self) -> Wall | None:
        """See `SystemUnderTest`."""
        return self.clock

    @property
    def offer(self) -> Offer:
        """See `SystemUnderTest`."""
        lacks = dict.fromkeys(OF_SYSTEM - _HAS, "it is a WebAuthn server")
        lacks[Ability.REMOVE] = "the FIDO server-test API has no request for it"
        lacks[Ability.RULES] = "it has rules of its own"
        lacks[Ability.AWS_WORDS] = "it has words of its own"
        in_time = (Ability.SERVER_CLOCK, Ability.ANY_TIME, Ability.LONG_WAIT)
        return Offer.of_all_but(
            self.label, lacks | dict.fromkeys(in_time, "it lives in the wall's time")
        )

    def open(self, premises: Premises) -> Target:
        """A world of new users."""
        target = _WebauthnTarget(self.label, premises, self)
        # What is not offered is never asked for: a case that needs it is skipped before.
        return cast("Target", target)


@dataclass(slots=True)
class _WebauthnTarget(Pages):
    """The server in one case."""

    system: WebauthnSystem
    keys: dict[str, dict[str, str]] = field(default_factory=dict)
    """Serial numbers by credential ids, by who has them."""
    handles: dict[str, str] = field(default_factory=dict)
    """The server's ids of users, as base64url."""
    sessions: dict[str, Session] = field(default_factory=dict)
    """With the server: of a user who registers a key, and of each second page."""
    names: list[tuple[str, str]] = field(default_factory=list)
    """Of the keys under way: what people call them."""
    tag: str = field(init=False)
    """What makes this case's users others than those of all cases before."""
    rules: Profile = field(init=False)

    def __post_init__(self) -> None:
        self.tag = f"{self.now_ns():x}{self.premises.random_bytes(2).hex()}"
        origin = self.system.origin
        self.rules = replace(
            self.premises.profile,
            name=self.label,
            rp_id=urlsplit(origin).hostname or "",
            origins=(origin,),
            app_id=None,
        )

    @property
    def profile(self) -> Profile:
        """See `Target`; of its figures those of `Ability.KEY_OPTIONS` are asked for."""
        return self.rules

    @profile.setter
    def profile(self, profile: Profile) -> None:
        self.rules = profile

    def kinds_of(self, identity_id: str) -> tuple[DeviceKind, ...]:
        """See `Pages`."""
        return (DeviceKind.FIDO,) if self.keys.get(identity_id) else ()

    def register_tokens(self, seeds: Iterable[TokenSeed]) -> None:
        """Of keys nothing is announced, and other tokens are not offered."""

    def close(self) -> None:
        """See `Target`: the API has no way to remove what was made."""

    # Registration

    def begin_security_key(
        self, credentials: Credentials, *, name: str, user_name: str | None = None
    ) -> dict[str, Any]:
        """Ask for options of a registration."""
        owner = self.users[self.concerned(credentials, user_name)]
        rules = self.rules
        selection: dict[str, Any] = {
            "requireResidentKey": False,
            "userVerification": rules.user_verification.value,
        }
        if not rules.passkeys:
            selection["authenticatorAttachment"] = "cross-platform"
        session = self.sessions[owner.id] = self.system.server.session()
        options = self._options(
            session,
            "/attestation/options",
            CreationOptions,
            {
                "username": self._name(owner),
                "displayName": owner.name,
                "authenticatorSelection": selection,
                "attestation": rules.attestation.value,
            },
        )
        options["rp"] = {"id": self.rules.rp_id, **options["rp"]}
        self.handles[owner.id] = options["user"]["id"]
        self.names.append((owner.id, name))
        return options

    def finish_security_key(
        self,
        credentials: Credentials,
        *,
        response: Mapping[str, Any],
        user_name: str | None = None,
    ) -> str:
        """Post what the browser answered; returns the key's serial number."""
        owner_id = self.concerned(credentials, user_name)
        name = next(name for owner, name in reversed(self.names) if owner == owner_id)
        serial = f"{owner_id}/{name}"
        self._judge(self.sessions[owner_id], "/attestation/result", response, serial)
        self.keys.setdefault(owner_id, {})[response["id"]] = serial
        return serial

    # Sign-in

    def choose(self, page_id: str, kind: DeviceKind) -> SecondPage:
        """Ask for options of an authentication."""
        page = Pages.choose(self, page_id, kind)
        session = self.sessions.setdefault(page_id, self.system.server.session())
        owner = self.users[self.owners[page_id]]
        options = self._options(
            session,
            "/assertion/options",
            RequestOptions,
            {
                "username": self._name(owner),
                "userVerification": self.rules.user_verification.value,
            },
        )
        options.setdefault("rpId", self.rules.rp_id)
        self.pages[page_id] = replace(page, assertion_options=options)
        return self.pages[page_id]

    def submit_assertion(self, page_id: str, response: Mapping[str, Any]) -> SignedIn:
        """Post what the browser answered."""
        owner_id = self.owners[page_id]
        known = {
            credential_id: serial
            for keys in self.keys.values()
            for credential_id, serial in keys.items()
        }
        serial = known.get(response.get("id", ""), "")
        self._judge(self.sessions[page_id], "/assertion/result", response, serial)
        return self.signed_in(owner_id, serial)

    # The server

    def _name(self, user: Identity) -> str:
        return f"{user.name}-{self.tag}"

    def _options(
        self, session: Session, path: str, kind: type[BaseModel], asked: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Ask for options.

        Raises:
            TargetFailed: there are none. No answer was judged yet, so it is no refusal.
        """
        answer = self._ask(session, path, asked)
        if not answer.accepted:
            raise TargetFailed(f"{self.label}: {path} gives no options: {answer.message}")
        try:
            return options_of(kind, path, answer)
        except NotTheApi as error:
            raise TargetFailed(f"{self.label}: {error}") from None

    def _judge(self, session: Session, path: str, response: Mapping[str, Any], serial: str) -> None:
        """Post a browser's answer, and tell the journal what the server decided.

        Raises:
            ServiceError: it is refused, or the browser has nothing to post.
            TargetFailed: the server says neither.
        """
        if "error" in response:
            name = response["error"]["name"]
            known = name == "InvalidStateError"
            self._tell(
                path,
                CeremonyOutcome.ALREADY_REGISTERED if known else CeremonyOutcome.CLIENT_ERROR,
                serial,
            )
            raise ServiceError(KEY_REFUSED, f"the browser posts nothing: {name}", 400)
        answer = self._ask(session, path, self._posted(response))
        outcome = CeremonyOutcome.ACCEPTED if answer.accepted else _outcome_of(answer.message)
        if outcome is not None:
            self._tell(path, outcome, serial)
        if not answer.accepted:
            raise ServiceError(KEY_REFUSED, answer.message, 400)

    def _tell(self, path: str, outcome: CeremonyOutcome, serial: str) -> None:
        self.premises.observer(CeremonyDecision(outcome, serial, path, self.now_ns()))

    def _posted(self, response: Mapping[str, Any]) -> dict[str, Any]:
        """A browser's answer in the words of the API, and of WebAuthn where they differ."""
        inner = dict(response["response"])
        if "signature" in inner:
            inner["userHandle"] = self._handle(inner.get("userHandle") or "")
        outputs = response.get("clientExtensionResults", {})
        return {
            **response,
            "response": inner,
            "clientExtensionResults": outputs,
            "getClientExtensionResults": outputs,
        }

    def _handle(self, handle: str) -> str:
        """The server's id of a user for the lab's; a step may have put that into an answer."""
        for identity_id in self.users:
            if handle == messages.encode(identity_id.encode()):
                return self.handles.get(identity_id, handle)
        return handle

    def _ask(self, session: Session, path: str, members: Mapping[str, Any]) -> Answer:
        meet(self.system.clock, self.premises.timeline)
        try:
            return ask(session, path, members)
        except NotTheApi as error:
            raise TargetFailed(f"{self.label}: {error}") from None
        except (OSError, HTTPException) as error:
            why = f"{type(error).__name__}: {error}"
            raise TargetFailed(f"{self.label}: {path} is not answered: {why}") from error


def _outcome_of(message: str) -> CeremonyOutcome | None:
    """The decision that a message begins with, where a server tells it: `bad-signature: ...`."""
    word = message.partition(":")[0].strip()
    return next((each for each in CeremonyOutcome if each.value == word), None)
