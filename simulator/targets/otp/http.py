"""A verifier of one-time codes behind HTTP: the status of an answer is its verdict."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from mfalab.simulator.targets import plain_http
from mfalab.simulator.targets.otp import template
from mfalab.simulator.targets.otp.verifier import Capabilities, Verdict
from mfalab.simulator.targets.reaching import require_server

_PATIENCE_S = 30
"""How long an answer may take."""
_TOLD = 300
"""So much of an answer stands in an error, and is read at all."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request with words in braces.

    Attributes:
        url: where to; words are percent-encoded.
        method: POST, GET, PUT or DELETE.
        form: fields of a form in the body.
        json: fields of a JSON object in the body.
        headers: headers, such as an authorisation.
    """

    url: str
    method: str = "POST"
    form: Mapping[str, str] | None = None
    json: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def filled(self, words: Mapping[str, str]) -> urllib.request.Request:
        """The request with its words replaced."""
        quoted = {name: urllib.parse.quote(value, safe="") for name, value in words.items()}
        headers, body = dict(self.headers), None
        if self.form is not None:
            fields = {name: template.fill(text, words) for name, text in self.form.items()}
            body = urllib.parse.urlencode(fields).encode()
        elif self.json is not None:
            fields = {name: template.fill(text, words) for name, text in self.json.items()}
            body = json.dumps(fields).encode()
            headers["Content-Type"] = "application/json"
        return urllib.request.Request(  # noqa: S310 - the scheme was checked
            template.fill(self.url, quoted), data=body, headers=headers, method=self.method
        )


_OPENER = plain_http.opener()


@dataclass(slots=True)
class HttpVerifier:
    """Requests with words in braces. See `OtpVerifier`.

    Attributes:
        requests: a request for each of `enrol`, `attempt`, `resync`, `revoke`.
        accepted: statuses that accept.
        refused: statuses that refuse; every other one is an error.
        patience_s: how long a whole answer may take.
    """

    capabilities: Capabilities
    requests: Mapping[str, Request]
    accepted: frozenset[int] = frozenset({200, 204})
    refused: frozenset[int] = frozenset({400, 401, 403})
    patience_s: float = _PATIENCE_S
    _time: str = field(default="0", init=False)

    def require_there(self) -> None:
        """Connect to each server that requests name.

        Raises:
            TargetGone: one is not there.
        """
        for request in self.requests.values():
            if "{" not in urllib.parse.urlsplit(request.url).netloc:
                require_server(request.url)

    def set_time(self, now_ns: int) -> None:
        """What `{time}` will be."""
        self._time = f"{now_ns / 1e9:.3f}".removesuffix(".000")

    def enrol(self, account: str, seed: bytes, algorithm: str, digits: int, period_s: int) -> None:
        """Make an account."""
        words = template.of_enrolment(account, seed, algorithm, digits, period_s)
        self._require("enrol", words)

    def attempt(self, account: str, code: str) -> Verdict:
        """Judge a code."""
        return self._judge("attempt", {"account": account, "code": code})

    def attempt_together(self, account: str, codes: Sequence[str]) -> list[Verdict]:
        """Judge codes over as many connections."""
        with ThreadPoolExecutor(self.capabilities.lanes) as pool:
            return list(pool.map(lambda code: self.attempt(account, code), codes))

    def resync(self, account: str, codes: Sequence[str]) -> Verdict:
        """Find a token's clock again."""
        return self._judge("resync", {"account": account, "codes": ",".join(codes)})

    def revoke(self, account: str) -> None:
        """Forget an account; nothing is sent where no request is given for it."""
        if "revoke" in self.requests:
            self._require("revoke", {"account": account})

    def close(self) -> None:
        """Nothing is held."""

    def _judge(self, what: str, words: Mapping[str, str]) -> Verdict:
        status, said = self._ask(what, words)
        if status in self.accepted | self.refused:
            return Verdict(status in self.accepted)
        raise RuntimeError(_answered(what, status, said))

    def _require(self, what: str, words: Mapping[str, str]) -> None:
        status, said = self._ask(what, words)
        if not 200 <= status < 300:
            raise RuntimeError(_answered(what, status, said))

    def _ask(self, what: str, words: Mapping[str, str]) -> tuple[int, str]:
        request = self.requests[what].filled({"time": self._time, **words})
        return plain_http.ask(_OPENER, request, _beginning, self.patience_s)


def _beginning(answer: Any) -> str:
    said: bytes = answer.read(_TOLD)
    return said.decode(errors="replace")


def _answered(what: str, status: int, said: str) -> str:
    return f"the request for {what} was answered with {status}" + (f": {said}" if said else "")
