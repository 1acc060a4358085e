"""The FIDO Alliance's server-test API: WebAuthn as four POST requests in JSON.

Source: FIDO2 "Conformance testing server API" (fido-alliance/conformance-test-tools-resources,
docs/FIDO2/Server/Conformance-Test-API.md). `/attestation/options` and `/assertion/options` begin a
ceremony, `/attestation/result` and `/assertion/result` end it, and a cookie holds the two together.
Every answer has `status` (`ok`, `failed`) and `errorMessage`; ours begins with a word of
`CeremonyOutcome` where a ceremony failed.

A page elsewhere cannot use it: a body that is not declared as JSON is refused, and what is needs
the permission that is not given here (CORS).
"""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any, Final, TypeVar

from mfalab.verifier.profile import AttestationConveyance, Profile, UserVerification
from mfalab.verifier.records import Ceremony
from mfalab.verifier.webauthn import messages
from mfalab.verifier.webauthn.outcomes import CeremonyFailed, CeremonyOutcome
from mfalab.verifier.webauthn.relying_party import Asked, RelyingParty
from mfalab.verifier.wire.messages import Request, Response

E = TypeVar("E", bound=StrEnum)

PREFIXES: Final = ("/attestation/", "/assertion/")
"""Where it is served."""
LONGEST_BODY: Final = 64 * 1024
"""Bytes; an attestation with its chain of certificates has some thousands."""
MOST_SESSIONS: Final = 1000
COOKIE: Final = "mfalab-ceremony"
_LONGEST_NAME = 256
_SESSION_BYTES = 16
_log = logging.getLogger(__name__)


class _Refused(Exception):
    """A request that is no step of a ceremony. Args: HTTP status, sentence."""


class FidoApi:
    """Answers the server-test API.

    Args:
        party: what decides.
        random_bytes: source of session ids.
    """

    def __init__(self, party: RelyingParty, random_bytes: Callable[[int], bytes]) -> None:
        self._party = party
        self._random_bytes = random_bytes
        self._sessions: OrderedDict[str, dict[Ceremony, Asked]] = OrderedDict()

    def answer(self, request: Request) -> Response:
        """The answer to one request; every refusal and every defect is an answer, too."""
        try:
            return self._answer(request)
        except CeremonyFailed as failure:
            return failed(400, str(failure))
        except _Refused as refusal:
            return failed(*refusal.args)
        except Exception:
            _log.exception("defect in the answer to %s", request.path)
            return failed(500, "the server has a defect; its log has more")

    def _answer(self, request: Request) -> Response:
        begin: Mapping[str, Callable[[Mapping[str, Any]], tuple[Asked, dict[str, Any]]]] = {
            "/attestation/options": self._registration_options,
            "/assertion/options": self._request_options,
        }
        end = {
            "/attestation/result": Ceremony.REGISTRATION,
            "/assertion/result": Ceremony.AUTHENTICATION,
        }
        if request.path not in (*begin, *end):
            raise _Refused(404, f"there is {', '.join((*begin, *end))}")
        if request.method != "POST":
            raise _Refused(405, "this is asked by POST")
        given = _object(request)
        if request.path in end:
            self._end(request, end[request.path], given)
            return _json(200, {})
        asked, options = begin[request.path](given)
        session, cookie = self._session(request)
        session[asked.ceremony] = asked
        return _json(200, options, cookie)

    def _registration_options(self, given: Mapping[str, Any]) -> tuple[Asked, dict[str, Any]]:
        name, display_name = _name(given, "username"), _name(given, "displayName")
        selection = given.get("authenticatorSelection", {})
        if not isinstance(selection, dict):
            raise _Refused(400, "authenticatorSelection is no object")
        attachment = selection.get("authenticatorAttachment")
        if attachment not in (None, "platform", "cross-platform"):
            raise _Refused(400, "authenticatorAttachment is platform or cross-platform")
        profile = replace(
            self._party.profile,
            attestation=_word(given, "attestation", AttestationConveyance, "none"),
            user_verification=_word(selection, "userVerification", UserVerification, "preferred"),
            passkeys=attachment != "cross-platform",
        )
        extensions = _extensions(given)
        asked, options = self._party.begin_registration(name, display_name, profile)
        if selection:
            options["authenticatorSelection"] = selection
        else:
            del options["authenticatorSelection"]
        return asked, options | extensions

    def _request_options(self, given: Mapping[str, Any]) -> tuple[Asked, dict[str, Any]]:
        verification = _word(given, "userVerification", UserVerification, "preferred")
        profile: Profile = replace(self._party.profile, user_verification=verification)
        extensions = _extensions(given)
        asked, options = self._party.begin_authentication(_name(given, "username"), profile)
        return asked, options | extensions

    def _end(self, request: Request, ceremony: Ceremony, given: dict[str, Any]) -> None:
        session = self._sessions.get(_cookie(request), {})
        asked = session.get(ceremony)
        if asked is None:
            raise CeremonyFailed(
                CeremonyOutcome.UNKNOWN_CHALLENGE, "this session has asked for no options"
            )
        # The API has an own word for the extensions' outputs, and leaves rawId out.
        outputs = given.pop("getClientExtensionResults", {})
        response = {"rawId": given.get("id"), "clientExtensionResults": outputs, **given}
        if ceremony is Ceremony.REGISTRATION:
            registration = messages.registration(response)
            self._spend(session, asked, registration.client_data)
            self._party.register(asked, registration)
        else:
            assertion = messages.assertion(response)
            self._spend(session, asked, assertion.client_data)
            self._party.authenticate(asked, assertion)

    def _spend(
        self,
        session: dict[Ceremony, Asked],
        asked: Asked,
        client_data: messages.ClientData,
    ) -> None:
        """A challenge is spent by the first answer that names it, accepted or not."""
        try:
            self._party.check(asked, client_data)
        finally:
            if client_data.challenge == asked.challenge:
                session[asked.ceremony] = replace(asked, answered=True)

    def _session(self, request: Request) -> tuple[dict[Ceremony, Asked], tuple[str, str]]:
        """The session of a client, or a new one; who was not seen for longest loses theirs."""
        session_id = _cookie(request)
        if session_id not in self._sessions:
            session_id = self._random_bytes(_SESSION_BYTES).hex()
            self._sessions[session_id] = {}
        self._sessions.move_to_end(session_id)
        while len(self._sessions) > MOST_SESSIONS:
            self._sessions.popitem(last=False)
        cookie = f"{COOKIE}={session_id}; Path=/; HttpOnly; SameSite=Strict"
        return self._sessions[session_id], ("set-cookie", cookie)


def _object(request: Request) -> dict[str, Any]:
    """The body, which is an object.

    Raises:
        _Refused: it is none.
    """
    kind = (request.header("content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise _Refused(415, "the body is to be application/json")
    if len(request.body) > LONGEST_BODY:
        raise _Refused(413, f"the body is longer than {LONGEST_BODY} bytes")
    try:
        given = json.loads(request.body.decode(), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise _Refused(400, "the body is no JSON") from None
    if not isinstance(given, dict):
        raise _Refused(400, "the body is no object")
    return given


def _no_number(spelling: str) -> None:
    raise ValueError(f"{spelling} is no JSON")


def _name(given: Mapping[str, Any], member: str) -> str:
    value = given.get(member)
    if not isinstance(value, str) or not _is_name(value):
        raise _Refused(400, f"{member} is to be a text of 1 to {_LONGEST_NAME} characters")
    return value


def _is_name(value: str) -> bool:
    """Whether it can be kept: JSON may have half of a surrogate pair."""
    return 0 < len(value) <= _LONGEST_NAME and not any(
        "\ud800" <= each <= "\udfff" for each in value
    )


def _word(given: Mapping[str, Any], member: str, words: type[E], default: str) -> E:
    value = given.get(member, default)
    if value not in [each.value for each in words]:
        raise _Refused(400, f"{member} is one of {', '.join(words)}")
    return words(value)


def _extensions(given: Mapping[str, Any]) -> dict[str, Any]:
    """What is asked of the client's extensions is handed on to it."""
    extensions = given.get("extensions")
    if extensions is None:
        return {}
    if not isinstance(extensions, dict):
        raise _Refused(400, "extensions is no object")
    return {"extensions": extensions}


def _cookie(request: Request) -> str:
    """The session that the client names; empty where it names none."""
    for pair in (request.header("cookie") or "").replace(",", ";").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == COOKIE:
            return value
    return ""


def failed(status: int, why: str) -> Response:
    """A refusal in the API's words."""
    return _json(status, {"status": "failed", "errorMessage": why})


def _json(status: int, members: Mapping[str, Any], *headers: tuple[str, str]) -> Response:
    body = json.dumps({"status": "ok", "errorMessage": "", **members}).encode()
    return Response(status, body, (("content-type", "application/json"), *headers))
