"""IAM and STS in the Query protocol: a field names the operation, and its model does the rest."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from mfalab.verifier import refusals
from mfalab.verifier.authorization import Door, Signer
from mfalab.verifier.errors import ServiceError
from mfalab.verifier.iam import Iam
from mfalab.verifier.service_model import service_model
from mfalab.verifier.sts import Sts
from mfalab.verifier.verifier import Verifier
from mfalab.verifier.wire import query, xml
from mfalab.verifier.wire.messages import Request

_FAULTS = "http://webservices.amazon.com/AWSFault/2005-15-09"
"""The namespace of what AWS's front refuses before a service has seen it."""


def _methods(door: type) -> Mapping[str, str]:
    """The method of each operation."""
    found = inspect.getmembers(door, lambda member: hasattr(member, "operation"))
    return {method.operation: name for name, method in found}


METHODS: Mapping[str, Mapping[str, str]] = {"iam": _methods(Iam), "sts": _methods(Sts)}
"""The method of each operation, by service."""


class Operations:
    """The operations of one service.

    Args: what decides; `iam` or `sts`.
    """

    def __init__(self, verifier: Verifier, service: str) -> None:
        self._verifier = verifier
        self._service = service
        self._model = service_model(service)

    def answer(self, request: Request, signer: Signer, request_id: str) -> bytes:
        """The answer to a request.

        Raises:
            ServiceError: as the operation refuses; MissingAction or InvalidAction.
        """
        fields = query.form(request)
        action, version = fields.get("Action"), fields.get("Version")
        method = METHODS[self._service].get(action or "")
        if method is None or action is None or version != self._model.version:
            self._verifier.authenticate(signer, Door(self._service))
            if not action:
                raise refusals.missing_action()
            raise refusals.unknown_operation(action, version)
        operation = self._model.operation(action)
        open_door = self._verifier.iam if self._service == "iam" else self._verifier.sts
        call: Callable[..., Mapping[str, Any]] = getattr(
            open_door(signer, request.source_ip), method
        )
        result = call(**query.parameters(operation.input, fields))
        return xml.answer(operation, self._model.namespace, result, request_id)

    def refusal(self, error: ServiceError, request_id: str) -> tuple[int, bytes]:
        """A refusal: HTTP status and body."""
        namespace = _FAULTS if error.code == "InvalidAction" else self._model.namespace
        return error.status, xml.error(error, namespace, request_id)
