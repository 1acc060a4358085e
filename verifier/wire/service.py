"""The endpoint: which service a request is for, and what it answers.

All services share one address. A request says in the scope of its signature which service it is
for; there is nothing to see without a signature.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

from mfalab.verifier import refusals
from mfalab.verifier.authorization import Signer
from mfalab.verifier.clock import Clock
from mfalab.verifier.errors import ServiceError
from mfalab.verifier.store.protocol import StoreUnusable
from mfalab.verifier.verifier import Verifier
from mfalab.verifier.wire import sigv4
from mfalab.verifier.wire.messages import Request, Response
from mfalab.verifier.wire.operations import Operations
from mfalab.verifier.wire.protected import Buckets, Instances

_log = logging.getLogger(__name__)


class _Service(Protocol):
    """One of AWS's services."""

    def answer(self, request: Request, signer: Signer, request_id: str) -> bytes:
        """The body of the answer to a request whose signature is still to be proved."""
        ...

    def refusal(self, error: ServiceError, request_id: str) -> tuple[int, bytes]:
        """HTTP status and body of a refusal."""
        ...


_BodyOf = Callable[[_Service, Request, Signer, str], bytes]


class Endpoint:
    """Answers AWS's clients from a verifier.

    Args:
        verifier: what decides.
        wall_clock: the time by which signatures are fresh: the clients', not the verifier's.
        random_bytes: source of request ids.
    """

    def __init__(
        self, verifier: Verifier, *, wall_clock: Clock, random_bytes: Callable[[int], bytes]
    ) -> None:
        self._verifier = verifier
        self._wall_clock = wall_clock
        self._random_bytes = random_bytes
        self._services: Mapping[str, _Service] = {
            "iam": Operations(verifier, "iam"),
            "sts": Operations(verifier, "sts"),
            "s3": Buckets(verifier),
            "ec2": Instances(verifier),
        }

    def answer(self, request: Request) -> Response:
        """The answer to one request; every refusal and every defect is an answer, too."""
        return self._answer(request, self._answered)

    def answer_all(self, requests: Sequence[Request]) -> list[Response]:
        """The answers to requests that came together, in order; they share one commit.

        Each is undone alone when it is refused. Where the commit fails, all of them have failed.
        """
        try:
            with self._verifier.store.together():
                return [self.answer(request) for request in requests]
        except StoreUnusable as error:
            _log.error("%s", error)
            return [self._answer(request, self._unavailable) for request in requests]

    def _answer(self, request: Request, body_of: _BodyOf) -> Response:
        request_id = _uuid(self._random_bytes(16).hex())
        service = self._services["iam"]
        try:
            now = datetime.fromtimestamp(self._wall_clock.now_ns() // 10**9, UTC)
            signature = sigv4.read(request, now)
            if signature.service not in self._services:
                raise refusals.wrong_service(*self._services)
            service = self._services[signature.service]
            status, body = 200, body_of(service, request, signature, request_id)
        except ServiceError as error:
            status, body = service.refusal(error, request_id)
        except StoreUnusable as error:
            _log.error("%s", error)
            status, body = service.refusal(refusals.service_unavailable(), request_id)
        except Exception:
            _log.exception("defect in the answer to request %s", request_id)
            status, body = service.refusal(refusals.internal_failure(), request_id)
        headers = (("x-amzn-requestid", request_id), ("content-type", "text/xml"))
        return Response(status, body, headers)

    @staticmethod
    def _answered(service: _Service, request: Request, signer: Signer, request_id: str) -> bytes:
        return service.answer(request, signer, request_id)

    @staticmethod
    def _unavailable(service: _Service, request: Request, signer: Signer, request_id: str) -> bytes:
        raise refusals.service_unavailable()


def _uuid(digits: str) -> str:
    """A UUID of version 4 (RFC 9562 section 5.4) from 32 hexadecimal digits."""
    variant = "89ab"[int(digits[16], 16) % 4]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
