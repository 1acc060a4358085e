"""The endpoint: which service a request is for, and what it answers.

All services share one address. As with AWS's own endpoints a request says in the scope of its
signature which service it is for; there is nothing to see without a signature.
"""

from __future__ import annotations

import inspect
import logging
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from mfalab.verifier import refusals
from mfalab.verifier.authorization import Door, Signer
from mfalab.verifier.clock import Clock
from mfalab.verifier.errors import ServiceError
from mfalab.verifier.iam import Iam
from mfalab.verifier.service_model import service_model
from mfalab.verifier.sts import Sts
from mfalab.verifier.verifier import Verifier
from mfalab.verifier.wire import query, sigv4, xml
from mfalab.verifier.wire.messages import Request, Response

_log = logging.getLogger(__name__)
_DOORS: Mapping[str, type[Iam | Sts]] = {"iam": Iam, "sts": Sts}


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

    def answer(self, request: Request) -> Response:
        """The answer to one request; every refusal and every defect is an answer, too."""
        request_id = str(uuid.UUID(bytes=self._random_bytes(16), version=4))
        service = "iam"
        try:
            now = datetime.fromtimestamp(self._wall_clock.now_ns() // 10**9, UTC)
            signature = sigv4.read(request, now)
            service = signature.service
            if service not in _DOORS:
                service = "iam"
                raise refusals.wrong_service(*_DOORS)
            status, body = 200, self._call(service, signature, query.form(request), request_id)
        except ServiceError as error:
            status, body = error.status, self._error(service, error, request_id)
        except Exception:
            _log.exception("defect in the answer to request %s", request_id)
            failure = refusals.internal_failure()
            status, body = failure.status, self._error(service, failure, request_id)
        headers = (("x-amzn-requestid", request_id), ("content-type", "text/xml"))
        return Response(status, body, headers)

    def _call(
        self, service: str, signer: Signer, fields: Mapping[str, str], request_id: str
    ) -> bytes:
        model = service_model(service)
        action, version = fields.get("Action"), fields.get("Version")
        method = METHODS[service].get(action or "")
        if method is None or action is None or version != model.version:
            self._verifier.authenticate(signer, Door(service))
            if not action:
                raise refusals.missing_action()
            raise refusals.unknown_operation(action, version)
        door = self._verifier.iam(signer) if service == "iam" else self._verifier.sts(signer)
        operation = model.operation(action)
        call: Callable[..., Mapping[str, Any]] = getattr(door, method)
        result = call(**query.parameters(operation.input, fields))
        return xml.answer(operation, model.namespace, result, request_id)

    def _error(self, service: str, error: ServiceError, request_id: str) -> bytes:
        return xml.error(error, service_model(service).namespace, request_id)


METHODS: Mapping[str, Mapping[str, str]] = {
    service: {
        method.operation: name
        for name, method in inspect.getmembers(door)
        if hasattr(method, "operation")
    }
    for service, door in _DOORS.items()
}
"""The method of each operation, by service."""
