"""The endpoint: whom a request reaches, what it answers, and that it answers always."""

import base64
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mfalab.verifier import Credentials, Iam, ServiceError, StoreUnusable
from mfalab.verifier.service_model import service_model
from mfalab.verifier.wire.messages import Request, Response
from mfalab.verifier.wire.operations import METHODS
from mfalab.verifier.wire.service import Endpoint

Ask = Callable[..., Response]
Sign = Callable[..., Request]
ADA = {"Action": "GetUser", "Version": "2010-05-08"}


def element(response: Response, path: str) -> str | None:
    root = ElementTree.fromstring(response.body)
    return root.findtext("/".join(f"{{*}}{name}" for name in path.split("/")))


def error(response: Response) -> tuple[str | None, str | None, int]:
    return element(response, "Error/Code"), element(response, "Error/Message"), response.status


def test_answer_of_an_operation(ask: Ask) -> None:
    response = ask("ada", "GetUser", UserName="alice")
    assert response.status == 200
    assert element(response, "GetUserResult/User/UserName") == "alice"
    request_id = element(response, "ResponseMetadata/RequestId")
    assert dict(response.headers) == {"x-amzn-requestid": request_id, "content-type": "text/xml"}
    assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", request_id or "")


def test_requests_together_have_each_their_answer_and_one_code_is_good_once(
    endpoint: Endpoint, company: Any, signed: Sign
) -> None:
    phone = company.enrol()
    company.clock.advance(90)
    sts = {"Action": "GetSessionToken", "Version": "2011-06-15"}
    code = {"SerialNumber": phone.serial, "TokenCode": phone.code()}
    asked = [
        signed(company.keys["ada"], {**ADA, "UserName": "alice"}),
        signed(company.keys["alice"], {**sts, **code}, service="sts"),
        signed(company.keys["alice"], {**sts, **code}, service="sts"),
        signed(company.keys["ada"], {**ADA, "UserName": "nobody"}),
        Request("GET", "/", "", (("host", "localhost"),), b""),
    ]
    answers = endpoint.answer_all(asked)
    assert [answer.status for answer in answers] == [200, 200, 403, 404, 403]
    assert element(answers[0], "GetUserResult/User/UserName") == "alice"
    assert endpoint.answer_all([]) == []


def away() -> StoreUnusable:
    return StoreUnusable("postgresql://db/x", "the server is gone", "Start the server")


UNAVAILABLE = (
    "ServiceUnavailable",
    "The request has failed due to a temporary failure of the server.",
    503,
)


@pytest.mark.parametrize("service", ["iam", "sts"])
def test_store_that_is_away_is_a_503_and_said_to_the_operator_only(
    ask: Ask,
    company: Any,
    service: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def transaction() -> None:
        raise away()

    monkeypatch.setattr(company.store, "transaction", transaction)
    response = ask("ada", {"iam": "GetUser", "sts": "GetCallerIdentity"}[service], service)
    assert error(response) == UNAVAILABLE
    assert b"postgresql" not in response.body
    assert "the server is gone" in caplog.text


def test_commit_that_fails_acknowledges_nothing(
    endpoint: Endpoint,
    company: Any,
    signed: Sign,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    @contextmanager
    def together() -> Iterator[None]:
        yield
        raise away()

    monkeypatch.setattr(company.store, "together", together)
    asked = [
        signed(company.keys["ada"], {**ADA, "UserName": "alice"}),
        signed(company.keys["ada"], {**ADA, "UserName": "nobody"}),
    ]
    assert [error(answer) for answer in endpoint.answer_all(asked)] == [UNAVAILABLE] * 2
    assert len({dict(each.headers)["x-amzn-requestid"] for each in endpoint.answer_all(asked)}) == 2
    assert caplog.text.count("the server is gone") == 2


def test_services_share_the_address(ask: Ask, company: Any) -> None:
    response = ask("alice", "GetCallerIdentity", "sts")
    arn = "GetCallerIdentityResult/Arn"
    assert element(response, arn) == "arn:aws:iam::123456789012:user/alice"


def test_life_of_a_device_over_the_wire(ask: Ask, company: Any) -> None:
    made = ask("ada", "CreateVirtualMFADevice", VirtualMFADeviceName="fob")
    result = "CreateVirtualMFADeviceResult/VirtualMFADevice"
    serial = element(made, f"{result}/SerialNumber") or ""
    seed = element(made, f"{result}/Base32StringSeed") or ""
    token = replace(company.create(), serial=serial, seed=base64.b64decode(seed).decode())
    one, two = token.pair()
    enabled = ask(
        "ada",
        "EnableMFADevice",
        UserName="alice",
        SerialNumber=serial,
        AuthenticationCode1=one,
        AuthenticationCode2=two,
    )
    assert enabled.status == 200
    proof = {"SerialNumber": serial, "TokenCode": token.code()}
    session = ask("alice", "GetSessionToken", "sts", **proof)
    credentials = Credentials(
        *(
            element(session, f"GetSessionTokenResult/Credentials/{name}") or ""
            for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")
        )
    )
    listed = ask(credentials, "ListMFADevices")
    assert element(listed, "ListMFADevicesResult/MFADevices/member/SerialNumber") == serial
    assert error(ask("alice", "GetSessionToken", "sts", **proof)) == (
        "AccessDenied",
        "MultiFactorAuthentication failed with invalid MFA one time pass code. ",
        403,
    )
    company.clock.advance(12 * 3_600)
    assert error(ask(credentials, "ListMFADevices")) == (
        "ExpiredToken",
        "The security token included in the request is expired",
        403,
    )


def test_presigned_url(company: Any, endpoint: Endpoint, signed: Sign) -> None:
    fields = {"Action": "GetCallerIdentity", "Version": "2011-06-15"}
    request = signed(company.keys["alice"], fields, service="sts", method="GET", expires=60)
    assert endpoint.answer(request).status == 200


@pytest.mark.parametrize("action", ["GetUser", "Nonsense", "", None])
def test_signature_comes_before_everything(
    company: Any, endpoint: Endpoint, signed: Sign, action: str | None
) -> None:
    """Neither parameters nor operations are told to whom no key belongs."""
    fields = {"Version": "2010-05-08", "UserName": "bad name"}
    fields |= {} if action is None else {"Action": action}
    wrong = Credentials(company.keys["ada"].access_key_id, "another secret")
    code, _, status = error(endpoint.answer(signed(wrong, fields)))
    assert (code, status) == ("SignatureDoesNotMatch", 403)
    unknown = Credentials("AKIANOBODY", "x")
    assert error(endpoint.answer(signed(unknown, fields)))[0] == "InvalidClientTokenId"
    bare = replace(signed(unknown, fields), headers=())
    assert error(endpoint.answer(bare))[0] == "MissingAuthenticationToken"


@pytest.mark.parametrize(
    ("fields", "code", "text"),
    [
        (
            {"Action": "Nonsense", "Version": "2010-05-08"},
            "InvalidAction",
            "Could not find operation Nonsense for version 2010-05-08",
        ),
        (
            {"Action": "GetUser", "Version": "2011-06-15"},
            "InvalidAction",
            "Could not find operation GetUser for version 2011-06-15",
        ),
        (
            {"Action": "GetUser"},
            "InvalidAction",
            "Could not find operation GetUser for version NO_VERSION_SPECIFIED",
        ),
        (
            {"Version": "2010-05-08"},
            "MissingAction",
            "The request is missing an action or a required parameter.",
        ),
        (
            {"Action": "GetUser", "Version": "2010-05-08", "UserName": "bad name"},
            "ValidationError",
            (
                "1 validation error detected: Value 'bad name' at 'userName' failed to satisfy "
                r"constraint: Member must satisfy regular expression pattern: [\w+=,.@-]+"
            ),
        ),
    ],
)
def test_refused_by_the_form(
    company: Any, endpoint: Endpoint, signed: Sign, fields: dict[str, str], code: str, text: str
) -> None:
    response = endpoint.answer(signed(company.keys["ada"], fields))
    assert error(response) == (code, text, 400)


def test_operation_of_another_service(ask: Ask) -> None:
    assert error(ask("ada", "GetUser", "sts"))[0] == "InvalidAction"


def test_service_that_is_not_here(company: Any, endpoint: Endpoint, signed: Sign) -> None:
    response = endpoint.answer(signed(company.keys["ada"], ADA, service="dynamodb"))
    assert error(response) == (
        "SignatureDoesNotMatch",
        "Credential should be scoped to correct service: 'iam' or 'sts' or 's3' or 'ec2'.",
        403,
    )


def test_refusal_of_the_verifier_keeps_code_text_and_status(ask: Ask) -> None:
    assert error(ask("ada", "GetUser", UserName="nobody")) == (
        "NoSuchEntity",
        "The user with name nobody cannot be found.",
        404,
    )


def test_defect_is_an_answer_without_a_word_about_it(
    ask: Ask, company: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def get_user(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(Iam, "get_user", get_user)
    response = ask("ada", "GetUser")
    assert error(response)[::2] == ("InternalFailure", 500)
    assert b"secret" not in response.body
    assert "secret detail" in caplog.text


def test_injected_failure_of_the_service(ask: Ask, company: Any) -> None:
    company.verifier.inject("GetUser", ServiceError("ServiceFailure", "Oops.", 500))
    response = ask("ada", "GetUser")
    assert error(response) == ("ServiceFailure", "Oops.", 500)
    assert element(response, "Error/Type") == "Receiver"


@pytest.mark.parametrize("service", ["iam", "sts"])
def test_every_operation_of_the_verifier_is_on_the_wire(service: str) -> None:
    assert METHODS[service].keys() <= service_model(service).names
    assert METHODS[service]


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    body=st.binary(max_size=60)
    | st.lists(
        st.tuples(
            st.sampled_from(
                ["UserName", "Tags.member.1.Key", "Tags", "MaxItems", "Path", "SerialNumber", "é"]
            ),
            st.sampled_from(["alice", "", "%00", "%f0", "9" * 40, "%F0%9F%94%91", "a" * 2_000]),
        ).map("=".join)
    ).map(lambda pairs: "&".join(pairs).encode()),
    action=st.sampled_from(sorted(METHODS["iam"])),
)
def test_fuzz_every_request_is_answered_without_a_defect(
    company: Any, endpoint: Endpoint, signed: Sign, body: bytes, action: str
) -> None:
    """A signed request with any body: an answer or a refusal, in XML."""
    head = f"Action={action}&Version=2010-05-08&".encode()
    response = endpoint.answer(signed(company.keys["ada"], head + body))
    assert response.status < 500 or error(response)[0] == "NotImplemented"
    ElementTree.fromstring(response.body)
