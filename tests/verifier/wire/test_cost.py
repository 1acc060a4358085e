"""What a request may cost grows with its size, whatever is in it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from mfalab.verifier import Credentials, ServiceError
from mfalab.verifier.parameter_rules import bind, input_of
from mfalab.verifier.service_model import service_model
from mfalab.verifier.wire import query, sigv4, xml
from mfalab.verifier.wire.messages import Request

KEY = Credentials("AKIAEXAMPLE", "secret")
NOW = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
SIZES = (100, 200, 400)
Count = Callable[[Callable[[], object]], int]
Linear = Callable[[list[int]], None]


def posted(fields: dict[str, str]) -> Request:
    return Request("POST", "/", body=urlencode(fields).encode())


def bound(operation: str, fields: dict[str, str]) -> object:
    shape = input_of("iam", operation)
    try:
        return bind(shape, query.parameters(shape, query.form(posted(fields))))
    except ServiceError as error:
        return error


@pytest.mark.parametrize(
    ("operation", "name"),
    [
        ("TagUser", "Tags.member.{}.Key"),
        ("UntagUser", "TagKeys.member.{}"),
        ("GetUser", "Unknown{}"),
        ("GetUser", "UserName.{}"),
    ],
)
def test_form(calls_of: Count, assert_linear: Linear, operation: str, name: str) -> None:
    def work(size: int) -> int:
        fields = {name.format(number): "bad!" for number in range(size)}
        return calls_of(lambda: bound(operation, fields))

    work(1)  # what is done once is done now
    assert_linear([work(size) for size in SIZES])


def test_answer(calls_of: Count, assert_linear: Linear) -> None:
    operation = service_model("iam").operation("ListUsers")
    user = {
        "UserName": "alice",
        "Path": "/",
        "CreateDate": NOW,
        "Tags": [{"Key": "a", "Value": ""}],
    }

    def work(size: int) -> int:
        return calls_of(lambda: xml.answer(operation, "urn:ns", {"Users": [user] * size}, "1"))

    work(1)  # what is done once is done now
    assert_linear([work(size) for size in SIZES])


def test_headers_and_query(
    calls_of: Count, assert_linear: Linear, signed: Callable[..., Request]
) -> None:
    def work(size: int) -> int:
        more: dict[str, Any] = {f"x-{number}": "value" for number in range(size)}
        url = "http://localhost/?" + urlencode({f"q{number}": "" for number in range(size)})
        request = signed(KEY, url=url, method="GET", headers=more)
        return calls_of(lambda: sigv4.read(request, NOW).proves("secret"))

    work(1)  # what is done once is done now
    assert_linear([work(size) for size in SIZES])


def test_header_is_signed_once(signed: Callable[..., Request]) -> None:
    """Or a short list of names could ask for a long text."""
    request = signed(KEY, {"Action": "GetUser"})
    twice = ("SignedHeaders=", "SignedHeaders=host;")
    headers = tuple((name, value.replace(*twice)) for name, value in request.headers)
    with pytest.raises(ServiceError, match="names a header twice"):
        sigv4.read(replace(request, headers=headers), NOW)
