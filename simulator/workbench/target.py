"""What `--target` names: the system under test of a run.

    embedded                       this project's verifier, in process
    otp:MODULE:NAME                a Python object, or what makes one (see `OtpVerifier`)
    otp:FILE.py:NAME               the same, from a file
    otp:FILE.yaml                  commands or HTTP requests, as the file says
    aws:URL                        an endpoint of IAM and STS (see `Address`)
    webauthn:URL                   a server that speaks the FIDO server-test API
    webauthn:URL#ORIGIN            the same, whose pages have another origin than the URL's

A target file:

    target: my verifier
    capabilities: {window_back: 1, window_ahead: 1, replay: high-water, time: wall}
    http:
      enrol: {url: "http://127.0.0.1:8000/enrol", json: {user: "{account}", seed: "{seed_base32}"}}
      attempt: {url: "http://127.0.0.1:8000/verify", form: {user: "{account}", code: "{code}"}}
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError, model_validator

from mfalab.simulator.environment.target import SystemUnderTest, TargetFailed
from mfalab.simulator.keys.browser import is_address
from mfalab.simulator.language.problems import ProblemsFound
from mfalab.simulator.language.words import Strict, nearest
from mfalab.simulator.scenario_files.mistakes import located
from mfalab.simulator.scenario_files.yaml_source import data_of, read_source
from mfalab.simulator.targets.embedded import EMBEDDED
from mfalab.simulator.targets.otp import template
from mfalab.simulator.targets.otp.command import CommandVerifier
from mfalab.simulator.targets.otp.http import HttpVerifier, Request
from mfalab.simulator.targets.otp.system import OtpSystem
from mfalab.simulator.targets.otp.verifier import Capabilities, OtpVerifier
from mfalab.simulator.targets.reaching import require_server
from mfalab.simulator.targets.webauthn.api import HttpServer
from mfalab.simulator.targets.webauthn.system import WebauthnSystem

T = TypeVar("T")

_KINDS = ("embedded", "otp", "aws", "webauthn")
_FORMS = "embedded, otp:MODULE:NAME, otp:FILE.yaml, aws:URL or webauthn:URL"
_ASKED = ("enrol", "attempt", "resync", "revoke")
_METHODS = ("set_time", "enrol", "attempt", "revoke", "close")
"""What every verifier has; the others go with what it declares."""


class BadTarget(ValueError):
    """A text that names no system under test. Args: why, and what to write."""


def known_kind(text: str) -> str:
    """A text that begins as a target does; the rest of it is looked at when it is used.

    Raises:
        ValueError: it does not.
    """
    kind, colon, rest = text.partition(":")
    if text != "embedded" and (kind not in _KINDS[1:] or not colon or (kind != "aws" and not rest)):
        hint = "" if kind in _KINDS else nearest(kind, _KINDS)
        raise ValueError(f'"{text}" is no target{hint or f"; write {_FORMS}"}')
    return text


def beside(folder: Path, text: Any) -> Any:
    """A target whose file, if it names one, starts at a folder."""
    kind, _, rest = text.partition(":") if isinstance(text, str) else ("", "", "")
    file = rest.rpartition(":")[0] if ".py:" in rest else rest
    if kind != "otp" or not file.endswith((".py", ".yaml", ".yml")):
        return text
    return f"otp:{folder / rest}"


def system_under_test(
    text: str,
    real_account: str | None = None,
    rehearsed: Callable[[object], None] | None = None,
) -> SystemUnderTest:
    """What `--target` names.

    Args:
        text: what is given.
        real_account: the id of the account of an endpoint that is not on this machine.
        rehearsed: told of each call to an endpoint, in place of sending it.

    Raises:
        BadTarget: it names nothing that can be tested.
        ProblemsFound: its target file is wrong.
        TargetFailed: it names an endpoint, a server or a command that is not there; an endpoint
            lets us not in.
    """
    kind, colon, rest = text.partition(":")
    if kind == "aws" and colon:
        return _endpoint(text, real_account, rehearsed)
    if real_account is not None or rehearsed is not None:
        raise BadTarget(f'"{text}" is no endpoint; --real-account and --dry-run go with aws:URL')
    if text == "embedded":
        return EMBEDDED
    if kind == "webauthn":
        system, url = _webauthn(text, rest)
        require_server(url)
        return system
    if kind != "otp":
        hint = nearest(kind, _KINDS) or f"; write {_FORMS}"
        raise BadTarget(f'"{text}" is no target{hint}')
    if rest.endswith((".yaml", ".yml")):
        return _described(Path(rest))
    module, colon, name = rest.rpartition(":")
    if not colon or not module or not name.isidentifier():
        raise BadTarget(f'"{text}" names no verifier; write otp:MODULE:NAME or otp:FILE.yaml')
    make = _Imported(module, name)
    return OtpSystem(rest, text, make, make.capabilities())


def _endpoint(
    text: str, real_account: str | None, rehearsed: Callable[[object], None] | None
) -> SystemUnderTest:
    """An endpoint of IAM and STS.

    Raises:
        BadTarget: the text is no address of one.
        TargetFailed: it is not there, or lets us not in, or boto3 is not installed.
    """
    try:
        from mfalab.simulator.targets.aws.system import Address, connect, rehearse
    except ModuleNotFoundError as missing:
        if missing.name not in ("boto3", "botocore"):
            raise
        raise TargetFailed(f"{text} needs boto3: pip install 'mfalab[aws]'") from None
    try:
        address = Address.of(text)
        if rehearsed is not None:
            return rehearse(address, rehearsed, real_account=real_account)
        return connect(address, real_account=real_account)
    except ValueError as error:
        raise BadTarget(f'"{text}": {error}') from None


def _webauthn(text: str, rest: str) -> tuple[WebauthnSystem, str]:
    """A server that speaks the FIDO server-test API, and its URL.

    Raises:
        BadTarget: the text names none, or no place where a browser has WebAuthn.
    """
    url, _, given = rest.partition("#")
    if _origin(url) is None or "?" in url:
        raise BadTarget(f'"{text}" names no server; write webauthn:http://localhost:3000')
    origin = _origin(given or url)
    if origin is None or (given and given != origin) or is_address(_host(origin)):
        raise BadTarget(
            f"browsers have no WebAuthn at {given or url}; say behind # which origin the server's "
            f"pages have: webauthn:{url}#http://localhost:3000"
        )
    return WebauthnSystem(url, text, HttpServer(url.rstrip("/")), origin), url


def _origin(url: str) -> str | None:
    """The origin of a URL (RFC 6454 section 4); None for what has none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    if usual is None or not host or parts.username is not None:
        return None
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + ("" if port in (None, usual) else f":{port}")


def _host(origin: str) -> str:
    return urlsplit(origin).hostname or ""


@dataclass(frozen=True, slots=True)
class _Imported:
    """Makes a verifier from what a module calls by a name; other processes can do it, too."""

    module: str
    name: str

    def __call__(self) -> OtpVerifier:
        """A verifier: the object itself, or what it returns when it is called.

        Raises:
            BadTarget: the module is not there, needs one that is not installed, or has no such
                name.
        """
        module = _imported(self.module)
        if not hasattr(module, self.name):
            there = [name for name in vars(module) if not name.startswith("_")]
            raise BadTarget(f'{self.module} has no "{self.name}"{nearest(self.name, there)}')
        found: Any = getattr(module, self.name)
        ready = not isinstance(found, type) and not _lacks(found)
        verifier: OtpVerifier = found if ready else found()
        return verifier

    def capabilities(self) -> Capabilities:
        """What the verifier declares.

        Raises:
            BadTarget: there is no such verifier, or it is none.
        """
        what = f"{self.module}:{self.name}"
        verifier = _tried(self, f"{what} cannot be made")
        declared = getattr(verifier, "capabilities", None)
        if not isinstance(declared, Capabilities):
            raise BadTarget(f"{what} has no `capabilities`; give it mfalab.Capabilities(...)")
        lacks = _lacks(verifier, declared)
        if lacks:
            raise BadTarget(f"{what} is no verifier: it has no {', no '.join(lacks)}")
        _tried(verifier.close, f"{what} cannot be closed")
        return declared


def _tried(call: Callable[[], T], trouble: str) -> T:
    """Call what a user wrote.

    Raises:
        BadTarget: it raises something, or wants to leave.
    """
    try:
        return call()
    except BadTarget:
        raise
    except (Exception, SystemExit) as error:
        raise BadTarget(f"{trouble}: {type(error).__name__}: {error}") from error


def _lacks(thing: Any, declared: Capabilities | None = None) -> list[str]:
    """The methods of a verifier that a thing does not have."""
    needed = list(_METHODS)
    if declared is not None and declared.lanes > 1:
        needed.append("attempt_together")
    if declared is not None and declared.resync_codes:
        needed.append("resync")
    return [name for name in needed if not callable(getattr(thing, name, None))]


def _imported(module: str) -> Any:
    try:
        return _from_file(Path(module)) if module.endswith(".py") else _by_name(module)
    except ModuleNotFoundError as error:
        if error.name is None:
            raise
        if not module.endswith(".py") and f"{module}.".startswith(f"{error.name}."):
            raise BadTarget(f'there is no module "{error.name}"') from None
        raise BadTarget(f"{module} needs {error.name}, which is not installed") from None


def _by_name(module: str) -> Any:
    # As `python -m` does: what lies in the folder of the command can be named.
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    return importlib.import_module(module)


def _from_file(path: Path) -> Any:
    name = f"mfalab target {path.resolve()}"  # no import has this name, so none is in its way
    if name in sys.modules:
        return sys.modules[name]
    if not path.is_file():
        raise BadTarget(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be loaded")
    made = importlib.util.module_from_spec(spec)
    sys.modules[name] = made
    try:
        spec.loader.exec_module(made)
    except BaseException:
        del sys.modules[name]  # as an import does: half a module is none
        raise
    return made


def _template(text: str) -> str:
    template.check(text)
    return text


def _url(text: str) -> str:
    if urlsplit(text).scheme not in ("http", "https"):
        raise ValueError(f'"{text}" is no URL; it begins with http:// or https://')
    return _template(text)


Template = Annotated[str, AfterValidator(_template)]
"""Text with words in braces; see `template`."""
_Status = Annotated[int, Field(ge=0, le=999)]


class _Judged(Strict):
    """A way to ask a verifier whose numbers are verdicts."""

    accepted: list[_Status]
    refused: list[_Status]

    @model_validator(mode="after")
    def _one_verdict_each(self) -> Self:
        both = sorted({*self.accepted} & {*self.refused})
        if both:
            told = ", ".join(map(str, both))
            raise ValueError(f"{told} is both accepted and refused; say accepted and refused")
        return self


class RequestEntry(Strict):
    """One request of a verifier behind HTTP."""

    url: Annotated[str, AfterValidator(_url)]
    """Where to; words in braces are percent-encoded."""
    method: Literal["POST", "GET", "PUT", "DELETE"] = "POST"
    form: dict[str, Template] | None = None
    """Fields of a form in the body."""
    json_: Annotated[dict[str, Template] | None, Field(alias="json")] = None
    """Fields of a JSON object in the body."""
    headers: dict[str, str] = Field(default_factory=dict)

    def request(self) -> Request:
        """The request."""
        return Request(self.url, self.method, self.form, self.json_, self.headers)


class HttpEntry(_Judged):
    """A verifier behind HTTP."""

    enrol: RequestEntry
    """Makes an account: {account}, {seed_base32} or {seed_hex}, {algorithm}, {digits}, {period}."""
    attempt: RequestEntry
    """Judges a {code} of an {account}."""
    resync: RequestEntry | None = None
    """Finds a token's clock by {codes}."""
    revoke: RequestEntry | None = None
    """Forgets an {account}."""
    accepted: list[_Status] = Field(default_factory=lambda: [200, 204])
    """Statuses that accept a code."""
    refused: list[_Status] = Field(default_factory=lambda: [400, 401, 403])
    """Statuses that refuse one; every other status is an error."""


class CommandEntry(_Judged):
    """A verifier that is asked by commands."""

    enrol: list[Template]
    """Makes an account: {account}, {seed_base32} or {seed_hex}, {algorithm}, {digits}, {period};
    the seed is on standard input, too."""
    attempt: list[Template]
    """Judges a code, which is on standard input."""
    resync: list[Template] | None = None
    """Finds a token's clock by codes, a line each."""
    revoke: list[Template] | None = None
    """Forgets an {account}."""
    accepted: list[_Status] = Field(default_factory=lambda: [0])
    """Exit statuses that accept a code."""
    refused: list[_Status] = Field(default_factory=lambda: [1])
    """Exit statuses that refuse one; every other one is an error."""


class TargetFile(Strict):
    """A verifier of one-time codes that is no Python object."""

    target: str
    """What to call it in reports."""
    capabilities: Capabilities = Capabilities()
    """What it declares of itself; see `mfalab.Capabilities`."""
    command: CommandEntry | None = None
    http: HttpEntry | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.command is None) == (self.http is None):
            raise ValueError("give it one of command and http")
        way = self.command or self.http
        if self.capabilities.resync_codes and getattr(way, "resync", None) is None:
            raise ValueError("it declares resync_codes and has no resync")
        if self.capabilities.time != "wall" and "{time}" not in str(way):
            raise ValueError(
                "its time is to be set, and nothing of it holds {time}; declare time: wall"
            )
        return self

    def __call__(self) -> HttpVerifier | CommandVerifier:
        """The verifier."""
        if self.command is not None:
            entry = self.command
            commands = {what: given for what in _ASKED if (given := getattr(entry, what))}
            statuses = frozenset(entry.accepted), frozenset(entry.refused)
            return CommandVerifier(self.capabilities, commands, *statuses)
        assert self.http is not None
        asked = {what: given for what in _ASKED if (given := getattr(self.http, what))}
        requests = {what: given.request() for what, given in asked.items()}
        statuses = frozenset(self.http.accepted), frozenset(self.http.refused)
        return HttpVerifier(self.capabilities, requests, *statuses)


def _described(path: Path) -> OtpSystem:
    """The verifier that a target file describes.

    Raises:
        ProblemsFound: it describes none; all that is wrong with it.
        TargetGone: its server, or its command, is not there.
    """
    source = read_source(path, str(path))
    try:
        file = TargetFile.model_validate(data_of(source.root))
    except ValidationError as error:
        raise ProblemsFound(
            list(located(source, source.root, error.errors(), TargetFile))
        ) from None
    file().require_there()
    return OtpSystem(file.target, f"otp:{path}", file, file.capabilities)
