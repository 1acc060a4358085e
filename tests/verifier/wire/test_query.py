"""The Query protocol's forms, as botocore writes them and as others might."""

from typing import Any
from urllib.parse import urlencode

import botocore.session
import pytest
from botocore.serialize import create_serializer
from hypothesis import given, settings
from hypothesis import strategies as st

from mfalab.verifier import ServiceError
from mfalab.verifier.parameter_rules import input_of
from mfalab.verifier.service_model import Shape, service_model
from mfalab.verifier.wire.messages import Request
from mfalab.verifier.wire.query import MOST_FIELDS, form, parameters

EVERY = [
    (service, name)
    for service in ("iam", "sts")
    for name in sorted(service_model(service).names)
    if input_of(service, name).members
]
SERIALIZER = create_serializer("query", include_validation=False)
BOTOCORE = {
    service: botocore.session.get_session().get_service_model(service) for service in ("iam", "sts")
}


def posted(body: bytes | str, query: str = "") -> dict[str, str]:
    body = body if isinstance(body, bytes) else body.encode()
    return form(Request("POST", "/", query, body=body))


def values(shape: Shape) -> st.SearchStrategy[Any]:
    """Whatever a shape may hold, constraints aside."""
    if shape.kind == "structure":
        return st.fixed_dictionaries(
            {}, optional={name: values(member) for name, member in shape.members.items()}
        ).filter(lambda value: value or shape.name.endswith("Request"))
    if shape.kind == "list":
        assert shape.element is not None
        return st.lists(values(shape.element), max_size=12)
    if shape.kind == "integer":
        return st.integers(-9, 10**9)
    if shape.kind == "boolean":
        return st.booleans()
    return st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=9)


def as_texts(value: Any) -> Any:
    """As the wire has it: everything but structures and lists is text."""
    if isinstance(value, dict):
        return {name: as_texts(each) for name, each in value.items()}
    if isinstance(value, list):
        return [as_texts(each) for each in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize(("service", "operation"), EVERY, ids=[name for _, name in EVERY])
def test_what_botocore_sends_is_what_was_given(service: str, operation: str) -> None:
    shape = input_of(service, operation)

    @settings(max_examples=15)
    @given(values(shape))
    def check(given_value: dict[str, Any]) -> None:
        model = BOTOCORE[service].operation_model(operation)
        sent = SERIALIZER.serialize_to_request(given_value, model)
        fields = posted(urlencode(sent["body"]))
        assert (fields["Action"], fields["Version"]) == (operation, model.service_model.api_version)
        assert parameters(shape, fields) == as_texts(given_value)

    check()


def test_fields_of_url_and_body_are_one_form_and_the_first_of_a_name_counts() -> None:
    assert posted("b=3&c=4&c=5", query="a=1&b=2") == {"a": "1", "b": "2", "c": "4"}


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("a=1+2%2B3", {"a": "1 2+3"}),
        ("a=%C3%A9%F0%9F%94%91", {"a": "é\U0001f511"}),
        ("a=é".encode(), {"a": "é"}),
        ("a=b=c", {"a": "b=c"}),
        ("a", {"a": ""}),
        ("&&a=1&", {"a": "1"}),
        ("a=%zz", {"a": "%zz"}),
        ("", {}),
    ],
)
def test_encodings(text: str | bytes, fields: dict[str, str]) -> None:
    assert posted(text) == fields


@pytest.mark.parametrize(
    "text", ["a=%ff", "%ed%a0%80=1", b"a=\xe9", "&" * (MOST_FIELDS + 1)], ids=range(4)
)
def test_form_that_is_none(text: str | bytes) -> None:
    with pytest.raises(ServiceError) as caught:
        posted(text)
    assert (caught.value.code, caught.value.status) == ("MalformedQueryString", 404)


def test_members_are_ordered_by_their_numbers() -> None:
    shape = input_of("iam", "UntagUser")
    fields = {"TagKeys.member.10": "c", "TagKeys.member.2": "b", "TagKeys.member.1": "a"}
    assert parameters(shape, fields) == {"TagKeys": ["a", "b", "c"]}


@pytest.mark.parametrize(
    "name",
    ["TagKeys.1", "TagKeys.member", "TagKeys.member.x", "TagKeys.member.", "TagKeys.entry.1"],
)
def test_member_of_a_list_without_its_number(name: str) -> None:
    with pytest.raises(ServiceError, match="syntax error"):
        parameters(input_of("iam", "UntagUser"), {name: "a"})


def test_fields_of_no_member_are_ignored() -> None:
    fields = {"Action": "GetUser", "Version": "2010-05-08", "Future": "x", "UserName.deep": "y"}
    assert parameters(input_of("iam", "GetUser"), fields) == {}


def test_member_of_a_list_is_empty_or_incomplete() -> None:
    fields = {"Tags.member.1.Key": "team", "Tags.member.2": "", "Tags.member.3.Other": ""}
    shape = input_of("iam", "TagUser")
    assert parameters(shape, fields) == {"Tags": [{"Key": "team"}, {}, {}]}


@given(
    st.dictionaries(
        st.lists(
            st.sampled_from(["Tags", "UserName", "member", "1", "2", "Key", "Value", "", "999999"]),
            max_size=6,
        ).map(".".join),
        st.text(max_size=3),
        max_size=8,
    )
)
def test_fuzz_of_names(fields: dict[str, str]) -> None:
    try:
        found: Any = parameters(input_of("iam", "TagUser"), fields)
    except ServiceError as error:
        found = error
    assert isinstance(found, dict | ServiceError)


def test_plus_is_a_space_in_a_body_only() -> None:
    """A signature takes + in a URL for itself: it must not mean two things."""
    assert posted("a=x+y%2Bz") == {"a": "x y+z"}
    assert posted("", "a=x+y%2Bz") == {"a": "x+y+z"}
