"""XML of answers and errors, as botocore's parser reads it."""

from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest
from botocore.parsers import create_parser
from hypothesis import given, settings
from hypothesis import strategies as st

from mfalab.verifier import ServiceError
from mfalab.verifier.service_model import Shape, service_model
from mfalab.verifier.wire import xml

EVERY = [
    (service, name) for service in ("iam", "sts") for name in sorted(service_model(service).names)
]
BOTOCORE = {
    service: botocore.session.get_session().get_service_model(service) for service in ("iam", "sts")
}
REQUEST = "11111111-2222-4333-8444-555555555555"
TEXTS = st.text(
    alphabet=st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"),
    max_size=9,
) | st.sampled_from(["<&>\"'", "a\tb\nc\rd", "]]>", " ", "\r\n"])


def values(shape: Shape) -> st.SearchStrategy[Any]:
    """Whatever an answer may have, constraints aside."""
    if shape.kind == "structure":
        parts = {name: values(member) for name, member in shape.members.items()}
        return st.fixed_dictionaries({}, optional=parts)
    if shape.kind == "list":
        assert shape.element is not None
        return st.lists(values(shape.element), max_size=3)
    if shape.kind == "map":
        assert shape.element is not None
        return st.dictionaries(TEXTS, values(shape.element), max_size=3)
    if shape.kind == "integer":
        return st.integers(0, 10**9)
    if shape.kind == "boolean":
        return st.booleans()
    if shape.kind == "timestamp":
        return st.integers(0, 4 * 10**9).map(lambda second: datetime.fromtimestamp(second, UTC))
    if shape.kind == "blob":
        return st.binary(max_size=9)
    if shape.name == "policyDocumentType":
        return st.sampled_from(["{}", '{"Statement": [{"Resource": "é%+/"}]}'])
    return TEXTS


def parsed(body: bytes, status: int, service: str, operation: str) -> Any:
    shape = BOTOCORE[service].operation_model(operation).output_shape
    response = {"body": body, "headers": {}, "status_code": status}
    return create_parser("query").parse(response, shape)


def plain(shape: Shape, value: Any) -> Any:
    """A value as botocore's parser alone gives it: policy documents still percent-encoded."""
    if shape.kind == "structure":
        return {name: plain(shape.members[name], each) for name, each in value.items()}
    if shape.kind == "list":
        assert shape.element is not None
        return [plain(shape.element, each) for each in value]
    if shape.name == "policyDocumentType":
        from urllib.parse import quote

        return quote(value, safe="")
    return value


def without_empty(value: Any) -> Any:
    """Botocore gives an empty structure or map for an empty element, and leaves others out."""
    if isinstance(value, dict):
        found = {name: without_empty(each) for name, each in value.items()}
        return {name: each for name, each in found.items() if each not in ({}, [], None)}
    if isinstance(value, list):
        return [without_empty(each) for each in value]
    return value


@pytest.mark.parametrize(("service", "operation"), EVERY, ids=[name for _, name in EVERY])
def test_botocore_reads_the_answer(service: str, operation: str) -> None:
    model = service_model(service)
    described = model.operation(operation)
    output = described.output or Shape("", "structure")

    @settings(max_examples=15)
    @given(values(output))
    def check(result: dict[str, Any]) -> None:
        body = xml.answer(described, model.namespace, result, REQUEST)
        answer = parsed(body, 200, service, operation)
        assert answer.pop("ResponseMetadata")["RequestId"] == REQUEST
        assert without_empty(answer) == without_empty(plain(output, result))

    check()


def test_empty_list_is_an_element() -> None:
    model = service_model("iam")
    answer = {"Users": [], "IsTruncated": False}
    assert xml.answer(model.operation("ListUsers"), model.namespace, answer, REQUEST).decode() == (
        '<ListUsersResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ListUsersResult>'
        "<Users/><IsTruncated>false</IsTruncated></ListUsersResult><ResponseMetadata>"
        f"<RequestId>{REQUEST}</RequestId></ResponseMetadata></ListUsersResponse>"
    )


def test_answer_without_a_result() -> None:
    model = service_model("iam")
    assert xml.answer(model.operation("DeleteUser"), model.namespace, {}, REQUEST).decode() == (
        '<DeleteUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ResponseMetadata>'
        f"<RequestId>{REQUEST}</RequestId></ResponseMetadata></DeleteUserResponse>"
    )


@pytest.mark.parametrize("kind", [str, dict])
def test_policy_document_is_percent_encoded_text(kind: type) -> None:
    model = service_model("iam")
    document = '{"Version": "2012-10-17"}' if kind is str else {"Version": "2012-10-17"}
    answer = {"UserName": "a", "PolicyName": "p", "PolicyDocument": document}
    body = xml.answer(model.operation("GetUserPolicy"), model.namespace, answer, REQUEST).decode()
    encoded = "%7B%22Version%22%3A%20%222012-10-17%22%7D"
    assert f"<PolicyDocument>{encoded}</PolicyDocument>" in body


@pytest.mark.parametrize("status", [400, 403, 409, 500, 501])
@settings(max_examples=15)
@given(text=TEXTS)
def test_botocore_reads_the_error(status: int, text: str) -> None:
    body = xml.error(ServiceError("SomeCode", text, status), "urn:ns", REQUEST)
    answer = parsed(body, status, "iam", "GetUser")
    assert answer["ResponseMetadata"]["RequestId"] == REQUEST
    assert answer["Error"]["Code"] == "SomeCode"
    assert answer["Error"]["Type"] == ("Receiver" if status >= 500 else "Sender")
    assert (answer["Error"].get("Message") or "") == text


def test_error_without_a_text_has_no_message() -> None:
    assert b"Message" not in xml.error(ServiceError("ReportNotPresent", "", 410), "urn:ns", REQUEST)


@pytest.mark.parametrize("character", ["\0", "\x1b", "\ud800", "\ufffe", "\x85"])
def test_what_xml_cannot_say_is_replaced(character: str) -> None:
    body = xml.error(ServiceError("Code", f"a{character}b", 400), "urn:ns", REQUEST)
    said = parsed(body, 400, "iam", "GetUser")["Error"]["Message"]
    assert said == ("a\x85b" if character == "\x85" else "a\ufffdb")
