"""The FIDO server-test API as its clients see it: four POST requests, and a cookie.

Source: FIDO2 "Conformance testing server API"; `mfalab.verifier.wire.fido` serves it. An answer has
`status` and `errorMessage`; what has not, or comes with a status of HTTP that says the contrary, is
an error: a server that is broken has refused nothing.
"""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Annotated, Any, Protocol, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from mfalab.simulator.targets import plain_http

M = TypeVar("M", bound=BaseModel)

PATIENCE_S = 30
"""How long a whole answer may take."""
LONGEST_ANSWER = 1024 * 1024
"""Bytes."""
_TOLD = 300
"""So much of an answer stands in an error."""
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_SHORTEST_CHALLENGE = 22
"""Characters of base64url: 16 bytes, the API's minimum."""


class NotTheApi(Exception):
    """What came back is no answer of the API. Args: what it is."""


class Session(Protocol):
    """A browser's session with a server: what it is given in cookies, it sends back."""

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Post JSON; returns the status and the body.

        Raises:
            TargetGone: the server is not there any more.
            OSError: there is no answer.
        """
        ...


class Server(Protocol):
    """A server that speaks the API."""

    def session(self) -> Session:
        """A new session."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API says.

    Attributes:
        accepted: whether `status` is `ok`.
        message: why not.
        members: all that it says.
    """

    accepted: bool
    message: str
    members: Mapping[str, Any]


def ask(session: Session, path: str, members: Mapping[str, Any]) -> Answer:
    """Post a request.

    Raises:
        NotTheApi: the answer is none of the API's.
        OSError: there is none.
    """
    status, raw = session.post(path, json.dumps(members, default=dict).encode())
    said = raw[:_TOLD].decode(errors="replace")
    if not 200 <= status < 500 or 300 <= status < 400:
        raise NotTheApi(f"{path} answers with {status}: {said}")
    try:
        answer = json.loads(raw)
    except (ValueError, RecursionError):
        raise NotTheApi(f"{path} answers with {status} and no JSON: {said}") from None
    word = answer.get("status") if isinstance(answer, dict) else None
    if word not in ("ok", "failed"):
        raise NotTheApi(f"{path} answers with {status} and no `status`, ok or failed: {said}")
    if word == "ok" and status >= 400:
        raise NotTheApi(f"{path} answers with {status} and says ok: {said}")
    message = answer.get("errorMessage")
    told = message if isinstance(message, str) and message else "refused, no reason given"
    return Answer(word == "ok", told, answer)


def _encoded(text: str) -> str:
    if not _BASE64URL.fullmatch(text) or len(text) % 4 == 1:
        raise ValueError("it is no base64url without padding")
    return text


def _challenge(text: str) -> str:
    if len(text) < _SHORTEST_CHALLENGE:
        raise ValueError("a challenge has 16 bytes at least")
    return _encoded(text)


_Encoded = Annotated[str, AfterValidator(_encoded)]


class _Part(BaseModel):
    """A part of options, with members that are not known here."""

    model_config = ConfigDict(extra="allow", alias_generator=to_camel)


class _Descriptor(_Part):
    type: str
    id: _Encoded


class _User(_Part):
    id: _Encoded
    name: str
    display_name: str


class _Rp(_Part):
    id: str | None = None
    name: str


class _Algorithm(_Part):
    type: str
    alg: int


class _Options(_Part):
    challenge: Annotated[str, AfterValidator(_challenge)]
    extensions: dict[str, Any] = Field(default_factory=dict)


class CreationOptions(_Options):
    """ServerPublicKeyCredentialCreationOptionsResponse."""

    rp: _Rp
    user: _User
    pub_key_cred_params: list[_Algorithm]
    exclude_credentials: list[_Descriptor] = Field(default_factory=list)
    authenticator_selection: dict[str, Any] = Field(default_factory=dict)
    attestation: str = "none"


class RequestOptions(_Options):
    """ServerPublicKeyCredentialGetOptionsResponse."""

    rp_id: str | None = None
    allow_credentials: list[_Descriptor] = Field(default_factory=list)
    user_verification: str = "preferred"


def options_of(kind: type[M], path: str, answer: Answer) -> dict[str, Any]:
    """The options in an answer, with the API's defaults.

    Raises:
        NotTheApi: they are none.
    """
    members = {k: v for k, v in answer.members.items() if k not in ("status", "errorMessage")}
    try:
        return kind.model_validate(members).model_dump(by_alias=True, exclude_none=True)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg'].removeprefix('Value error, ')}"
            for each in error.errors()[:3]
        )
        raise NotTheApi(f"{path} answers with options that are none: {wrong}") from None


@dataclass(slots=True)
class _HttpSession:
    """See `Session`. Cookies that are for HTTPS only are sent to any server, as to localhost."""

    url: str
    patience_s: float
    opener: urllib.request.OpenerDirector = field(init=False)

    def __post_init__(self) -> None:
        policy = DefaultCookiePolicy(secure_protocols=("http", "https"))
        self.opener = plain_http.opener(urllib.request.HTTPCookieProcessor(CookieJar(policy)))

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """See `Session`."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        request = urllib.request.Request(self.url + path, body, headers)  # noqa: S310 - the scheme was checked
        return plain_http.ask(self.opener, request, _whole, self.patience_s)


def _whole(answer: Any) -> bytes:
    raw: bytes = answer.read(LONGEST_ANSWER + 1)
    if len(raw) > LONGEST_ANSWER:
        raise OSError(f"the answer is longer than {LONGEST_ANSWER} bytes")
    return raw


@dataclass(frozen=True, slots=True)
class HttpServer:
    """A server at a URL, below which the API's paths are. See `Server`."""

    url: str
    patience_s: float = PATIENCE_S

    def session(self) -> Session:
        """See `Server`."""
        return _HttpSession(self.url, self.patience_s)
