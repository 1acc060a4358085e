"""IAM and STS by the forms of the Query protocol: which operation, and whose refusal."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from mfalab.verifier import Iam, ServiceError, Sts
from mfalab.verifier.service_model import service_model
from mfalab.verifier.wire.messages import Request
from mfalab.verifier.wire.operations import METHODS, Operations

Sign = Callable[..., Request]


@pytest.mark.parametrize(("service", "door"), [("iam", Iam), ("sts", Sts)])
def test_every_operation_of_the_verifier_is_on_the_wire(service: str, door: type) -> None:
    methods = inspect.getmembers(door, lambda member: hasattr(member, "operation"))
    assert METHODS[service] == {method.operation: name for name, method in methods}
    assert METHODS[service].keys() <= service_model(service).names


def test_unknown_operation_is_refused_by_the_front(company: Any) -> None:
    """As at AWS, whose front has a namespace of its own."""
    operations = Operations(company.verifier, "iam")
    for error, namespace in (
        (ServiceError("InvalidAction", "x", 400), "webservices.amazon.com/AWSFault"),
        (ServiceError("NoSuchEntity", "x", 404), "iam.amazonaws.com/doc"),
    ):
        status, body = operations.refusal(error, "1")
        assert status == error.status
        assert namespace.encode() in body


def test_clients_address_reaches_the_policies(
    company: Any, signed: Sign, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str | None] = []
    iam = company.verifier.iam

    def spy(signer: Any, source_ip: str | None = None) -> Any:
        seen.append(source_ip)
        return iam(signer, source_ip)

    monkeypatch.setattr(company.verifier, "iam", spy)
    request = signed(company.keys["ada"], {"Action": "GetUser", "Version": "2010-05-08"})
    from dataclasses import replace
    from datetime import UTC, datetime

    from mfalab.verifier.wire.sigv4 import read

    signer = read(request, datetime(2026, 11, 27, 9, 30, tzinfo=UTC))
    Operations(company.verifier, "iam").answer(replace(request, source_ip="192.0.2.7"), signer, "1")
    assert seen == ["192.0.2.7"]
