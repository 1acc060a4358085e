"""Requests as botocore signs them, and an endpoint to send them to."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode, urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials

from mfalab.verifier import Credentials
from mfalab.verifier.wire.messages import Request, Response
from mfalab.verifier.wire.service import Endpoint

VERSIONS = {"iam": "2010-05-08", "sts": "2011-06-15"}
URL = "http://127.0.0.1:8765"
NOW = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
"""When requests are signed; the verifier has a clock of its own."""


def as_request(signed: Any) -> Request:
    """What goes over the wire of a request that botocore prepared."""
    url, prepared = urlsplit(signed.url), signed.prepare()
    headers = {name.lower(): _text(value) for name, value in prepared.headers.items()}
    headers.setdefault("host", url.netloc)
    body = prepared.body or b""
    body = body if isinstance(body, bytes) else body.encode()
    return Request(signed.method, url.path, url.query, tuple(headers.items()), body)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def sign(
    credentials: Credentials,
    fields: Mapping[str, str] | bytes = b"",
    *,
    service: str = "iam",
    region: str = "us-east-1",
    method: str = "POST",
    url: str = f"{URL}/",
    headers: Mapping[str, str] | None = None,
    expires: int | None = None,
) -> Request:
    """A request with a form or any body; with `expires` it is presigned, all in the URL."""
    signer = BotocoreCredentials(
        credentials.access_key_id, credentials.secret_access_key, credentials.session_token
    )
    body = fields if isinstance(fields, bytes) else urlencode(fields).encode()
    form = {"content-type": "application/x-www-form-urlencoded"}
    if expires is None:
        request = AWSRequest(method, url, {**form, **(headers or {})}, body)
        kind = S3SigV4Auth if service == "s3" else SigV4Auth
        with patch("botocore.auth.get_current_datetime", return_value=NOW):
            kind(signer, service, region).add_auth(request)
    else:
        whole = f"{url}?{body.decode()}" if body else url
        request = AWSRequest(method, whole, dict(headers or {}))
        presign = S3SigV4QueryAuth if service == "s3" else SigV4QueryAuth
        with patch("botocore.auth.get_current_datetime", return_value=NOW):
            presign(signer, service, region, expires).add_auth(request)
    return as_request(request)


class WallClock:
    """The time by which botocore signs."""

    def now_ns(self) -> int:
        return round(NOW.timestamp()) * 10**9


@pytest.fixture
def endpoint(company: Any) -> Endpoint:
    random_bytes = company.verifier._service.random_bytes
    return Endpoint(company.verifier, wall_clock=WallClock(), random_bytes=random_bytes)


@pytest.fixture
def ask(company: Any, endpoint: Endpoint) -> Callable[..., Response]:
    """Sends an operation, signed by a person or by credentials."""

    def call(who: Any, action: str, service: str = "iam", **fields: str) -> Response:
        credentials = company.keys[who] if isinstance(who, str) else who
        form = {"Action": action, "Version": VERSIONS[service], **fields}
        return endpoint.answer(sign(credentials, form, service=service))

    return call


@pytest.fixture(scope="session")
def signed() -> Callable[..., Request]:
    return sign
