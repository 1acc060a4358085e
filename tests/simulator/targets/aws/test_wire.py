"""What is a verdict, and what is none."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from mfalab.simulator.environment.target import TargetFailed
from mfalab.simulator.targets.aws.system import Address, connect
from mfalab.simulator.targets.aws.wire import Answered
from mfalab.verifier import Credentials, ServiceError

NAMESPACE = 'xmlns="https://iam.amazonaws.com/doc/2010-05-08/"'
GROWING = "".join(f"<!ENTITY {b} '{f'&{a};' * 50}'>" for a, b in pairwise("abcdefghij"))
BOMB = f"<!DOCTYPE x [<!ENTITY a '{'z' * 100}'>{GROWING}]><x>&j;</x>"


def refusal(code: str, message: str = "why") -> str:
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    return f"<ErrorResponse {NAMESPACE}>{error}<RequestId>1</RequestId></ErrorResponse>"


def reply(status: int, body: str) -> bytes:
    data = body.encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n"
    return head.encode() + data


@pytest.fixture
def ask(served: Any, hostile: Callable[..., Any]) -> Callable[[int, str], Any]:
    """Ask a server that gives one answer for the devices of a user."""
    wire = connect(Address.of(f"aws:{served.url}?name=it")).wire

    def asked(status: int, body: str) -> Any:
        wire.forget()
        wire.url = hostile(reply(status, body)).url
        return wire.call("iam", "list_mfa_devices", {"UserName": "alice"})

    return asked


def test_a_refusal(ask: Callable[[int, str], Any]) -> None:
    with pytest.raises(ServiceError) as refused:
        ask(404, refusal("NoSuchEntity", "no such user"))
    assert refused.value.args == ("NoSuchEntity", "no such user", 404)


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (
            500,
            refusal("ServiceFailure"),
            "it answered ListMFADevices with HTTP 500: <Error",
        ),
        (503, "", "it answered ListMFADevices with HTTP 503"),
        (429, refusal("Whatever"), "it answered ListMFADevices with HTTP 429"),
        (101, "", "HTTP 101"),
        (400, refusal("Throttling", "Rate exceeded"), "it throttles ListMFADevices: Throttling: R"),
        (403, refusal("SignatureDoesNotMatch", "Signature expired: 1"), "it has another time than"),
        (403, refusal(""), "it refused ListMFADevices without a code"),
        (403, "<html><body>Forbidden</body></html>", "a web page, and an answer to it is <Error"),
        (500, "<!DOCTYPE html><p>sorry", "with HTTP 500: a web page"),
        (403, "", "HTTP 403, which is no XML"),
        (404, '{"error": "no route"}', 'HTTP 404: {"error": "no route"}, which is no XML'),
        (200, "<html/>", "an answer to it is <ListMFADevicesResponse>"),
        (200, "", "HTTP 200, which is no XML"),
        (200, "\x00\xff", "which is no XML"),
        (200, "<ListMFADevicesResponse/>", "cannot be asked for ListMFADevices"),
        (200, "<ListMFADevicesResponse><ListMFADevicesResult>", "which is no XML"),
        (200, '<?xml version="1.0" encoding="latin-99"?><a/>', "which is no XML"),
        (200, BOMB, "which is no XML"),
    ],
)
def test_no_verdict(ask: Callable[[int, str], Any], status: int, body: str, told: str) -> None:
    """Each is one sentence, and nothing of it a refusal."""
    with pytest.raises(TargetFailed) as failed:
        ask(status, body)
    assert told in str(failed.value)
    assert len(str(failed.value)) < 300
    assert "\n" not in str(failed.value)


def test_an_answer_that_lacks_something(ask: Callable[[int, str], Any]) -> None:
    inner = "<ListMFADevicesResult><MFADevices><member/></MFADevices></ListMFADevicesResult>"
    answer = ask(200, f"<ListMFADevicesResponse {NAMESPACE}>{inner}</ListMFADevicesResponse>")
    assert answer["IsTruncated"] is False
    with pytest.raises(TargetFailed, match="the answer to ListMFADevices has no SerialNumber"):
        answer["MFADevices"][0]["SerialNumber"]
    assert Answered.of("X", [1]) == [1]


def test_each_caller_signs(served: Any) -> None:
    wire = connect(Address.of(f"aws:{served.url}")).wire
    root = served.endpoint.account.root
    assert wire.call("sts", "get_caller_identity", {})["Arn"].endswith(":user/ada")
    assert wire.call("sts", "get_caller_identity", {}, root)["Arn"].endswith(":root")
    wrong = Credentials(root.access_key_id, "x" * 40)
    with pytest.raises(ServiceError, match="SignatureDoesNotMatch"):
        wire.call("sts", "get_caller_identity", {}, wrong)


def test_a_listener_sees_no_secrets(served: Any) -> None:
    wire = connect(Address.of(f"aws:{served.url}")).wire
    told: list[object] = []
    wire.listener = told.append
    given = {"SerialNumber": "GAHT12345", "TokenCode": "123456"}
    with pytest.raises(ServiceError):
        wire.call("sts", "get_session_token", given)
    assert [str(call) for call in told] == [
        "sts GetSessionToken SerialNumber=GAHT12345 TokenCode=***"
    ]
