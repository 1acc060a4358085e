"""Parameters bound by the service models: all violations of a call in one text, as AWS says it."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mfalab.verifier import Credentials, Iam, ServiceError, Sts
from mfalab.verifier.parameter_rules import bind, input_of, some_of, whole_number
from mfalab.verifier.service_model import Shape, service_model

CODES = {"AuthenticationCode1": "123456", "AuthenticationCode2": "234567"}
SETS = r"[\p{L}\p{Z}\p{N}_.:/=+\-@]"
EVERY = [
    (service, name) for service in ("iam", "sts") for name in sorted(service_model(service).names)
]


def service_of(operation: str) -> str:
    return "iam" if operation in service_model("iam").names else "sts"


def bound(operation: str, **parameters: Any) -> dict[str, Any]:
    return bind(input_of(service_of(operation), operation), parameters)


def message(operation: str, **parameters: Any) -> str:
    with pytest.raises(ServiceError) as caught:
        bound(operation, **parameters)
    assert (caught.value.code, caught.value.status) == ("ValidationError", 400)
    return str(caught.value.message)


def clause(value: str, member: str, rule: str) -> str:
    subject = f"Value {value}" if value else "Value"
    return f"{subject} at '{member}' failed to satisfy constraint: Member must {rule}"


@pytest.mark.parametrize(
    ("operation", "name", "value", "text"),
    [
        (
            "GetSessionToken",
            "TokenCode",
            "12345",
            clause("'12345'", "tokenCode", "have length greater than or equal to 6"),
        ),
        (
            "GetSessionToken",
            "TokenCode",
            "abcdef",
            clause("'abcdef'", "tokenCode", r"satisfy regular expression pattern: [\d]*"),
        ),
        (
            "GetSessionToken",
            "TokenCode",
            "١٢٣٤٥٦",
            clause("'١٢٣٤٥٦'", "tokenCode", r"satisfy regular expression pattern: [\d]*"),
        ),
        (
            "GetSessionToken",
            "TokenCode",
            123456,
            clause("", "tokenCode", "be a string, not int"),
        ),
        (
            "GetSessionToken",
            "DurationSeconds",
            0,
            clause("'0'", "durationSeconds", "have value greater than or equal to 900"),
        ),
        (
            "GetSessionToken",
            "MinimumSessionTokenSize",
            4097,
            clause("'4097'", "minimumSessionTokenSize", "have value less than or equal to 4096"),
        ),
        ("DeleteUser", "UserName", None, clause("null", "userName", "not be null")),
        (
            "DeleteUser",
            "UserName",
            "a" * 129,
            clause(f"'{'a' * 129}'", "userName", "have length less than or equal to 128"),
        ),
        (
            "CreateUser",
            "UserName",
            "a" * 65,
            clause(f"'{'a' * 65}'", "userName", "have length less than or equal to 64"),
        ),
        (
            "DeleteVirtualMFADevice",
            "SerialNumber",
            "short",
            clause("'short'", "serialNumber", "have length greater than or equal to 9"),
        ),
        (
            "DeleteVirtualMFADevice",
            "SerialNumber",
            "has a blank",
            clause(
                "'has a blank'",
                "serialNumber",
                r"satisfy regular expression pattern: [\w+=/:,.@-]+",
            ),
        ),
        (
            "ListVirtualMFADevices",
            "AssignmentStatus",
            "Used",
            clause(
                "'Used'",
                "assignmentStatus",
                "satisfy enum value set: [Assigned, Unassigned, Any]",
            ),
        ),
        (
            "ListUsers",
            "MaxItems",
            0,
            clause("'0'", "maxItems", "have value greater than or equal to 1"),
        ),
        (
            "ListUsers",
            "MaxItems",
            1001,
            clause("'1001'", "maxItems", "have value less than or equal to 1000"),
        ),
        (
            "ListUsers",
            "Marker",
            "\ud800",
            clause(r"'\ud800'", "marker", r"satisfy regular expression pattern: [\u0020-\u00FF]+"),
        ),
        (
            "ListUserTags",
            "UserName",
            ["alice"],
            clause("", "userName", "be a string, not list"),
        ),
        (
            "UntagMFADevice",
            "TagKeys",
            "team",
            clause("", "tagKeys", "be a list, not str"),
        ),
    ],
)
def test_exact_text(operation: str, name: str, value: Any, text: str) -> None:
    others = {"SerialNumber": "GAHT12345678", "UserName": "alice"}
    shape = input_of(service_of(operation), operation)
    given_values = {key: others[key] for key in shape.required if key in others} | {name: value}
    assert message(operation, **given_values) == f"1 validation error detected: {text}"


def test_role_session() -> None:
    role = {"RoleArn": "arn:aws:iam::123456789012:role/r"}
    assert message("AssumeRole", **role, RoleSessionName="x", DurationSeconds=43_201) == (
        "2 validation errors detected: "
        + clause("'x'", "roleSessionName", "have length greater than or equal to 2")
        + "; "
        + clause("'43201'", "durationSeconds", "have value less than or equal to 43200")
    )
    pattern = r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+"
    arn = "arn:aws:iam::123456789012:role/\0"
    assert message("AssumeRole", RoleArn=arn, RoleSessionName="xy") == (
        "1 validation error detected: "
        + clause(f"'{arn}'", "roleArn", f"satisfy regular expression pattern: {pattern}")
    )
    bound("AssumeRole", RoleArn="arn:aws:iam::123456789012:role/\U0001f511", RoleSessionName="xy")


def test_two_violations_are_counted_and_joined() -> None:
    assert message("GetSessionToken", TokenCode="V123456") == (
        "2 validation errors detected: "
        + clause("'V123456'", "tokenCode", r"satisfy regular expression pattern: [\d]*")
        + "; "
        + clause("'V123456'", "tokenCode", "have length less than or equal to 6")
    )


def test_violations_come_in_the_order_of_the_model_and_unknown_members_last() -> None:
    text = message(
        "EnableMFADevice",
        Serial="GAHT12345678",
        AuthenticationCode2="x23456",
        AuthenticationCode1=123456,
    )
    known = "UserName, SerialNumber, AuthenticationCode1, AuthenticationCode2"
    assert text == "5 validation errors detected: " + "; ".join(
        [
            clause("null", "userName", "not be null"),
            clause("null", "serialNumber", "not be null"),
            clause("", "authenticationCode1", "be a string, not int"),
            clause("'x23456'", "authenticationCode2", r"satisfy regular expression pattern: [\d]+"),
            clause("", "Serial", f"be one of: {known}"),
        ]
    )


def test_operation_without_members_takes_none() -> None:
    assert bound("GetAccountSummary") == {}
    assert message("GetAccountSummary", UserName="alice").endswith("Member must be one of: none")


def test_nested_members_are_named_by_their_place() -> None:
    tags = [{"Key": "ok", "Value": ""}, {"Key": "bad!"}, {"Key": "", "Value": "", "Size": 1}, 7]
    assert message("CreateVirtualMFADevice", VirtualMFADeviceName="fob", Tags=tags) == (
        "6 validation errors detected: "
        + "; ".join(
            [
                clause(
                    "'bad!'",
                    "tags.2.member.key",
                    f"satisfy regular expression pattern: {SETS}+",
                ),
                clause("null", "tags.2.member.value", "not be null"),
                clause("''", "tags.3.member.key", f"satisfy regular expression pattern: {SETS}+"),
                clause("''", "tags.3.member.key", "have length greater than or equal to 1"),
                clause("", "tags.3.member.Size", "be one of: Key, Value"),
                clause("", "tags.4.member", "be a structure, not int"),
            ]
        )
    )
    text = message(
        "AssumeRole",
        RoleArn="arn:aws:iam::123456789012:role/r",
        RoleSessionName="xy",
        PolicyArns=[{"arn": "short"}],
        ProvidedContexts=[],
    )
    assert text == (
        "2 validation errors detected: "
        + clause("'short'", "policyArns.1.member.arn", "have length greater than or equal to 20")
        + "; "
        + clause("", "providedContexts", "have length greater than or equal to 1")
    )
    entries = [{"ContextKeyName": "aws:username", "ContextKeyType": "text"}]
    text = message(
        "SimulateCustomPolicy",
        PolicyInputList=["{}"],
        ActionNames=["iam:GetUser"],
        ContextEntries=entries,
    )
    assert text.startswith(
        "1 validation error detected: Value 'text' at 'contextEntries.1.member.contextKeyType' "
        "failed to satisfy constraint: Member must satisfy enum value set: [string, stringList,"
    )


@pytest.mark.parametrize("keys", [[""], ["bad#key"], ["k" * 129], ["ok", 7, None]])
def test_lists_of_texts_are_one_violation(keys: list[Any]) -> None:
    """As AWS words it for TagKeys: all rules of an element, whichever is broken."""
    rules = (
        "Member must have length less than or equal to 128, Member must have length greater than "
        f"or equal to 1, Member must satisfy regular expression pattern: {SETS}+, Member must not "
        "be null"
    )
    assert message("UntagMFADevice", SerialNumber="GAHT12345678", TagKeys=keys) == (
        "1 validation error detected: " + clause("", "tagKeys", f"satisfy constraint: [{rules}]")
    )


@pytest.mark.parametrize(
    ("operation", "parameters", "text"),
    [
        (
            "CreateUser",
            {"UserName": "alice", "Path": "/" * 513},
            clause("", "path", "have length less than or equal to 512"),
        ),
        (
            "ChangePassword",
            {"OldPassword": "old", "NewPassword": "\0new"},
            clause(
                "",
                "newPassword",
                r"satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u00FF]+",
            ),
        ),
        (
            "PutUserPolicy",
            {"UserName": "alice", "PolicyName": "p", "PolicyDocument": "{€}"},
            clause(
                "",
                "policyDocument",
                r"satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u00FF]+",
            ),
        ),
        (
            "TagUser",
            {"UserName": "alice", "Tags": [{"Key": f"k{n}", "Value": ""} for n in range(51)]},
            clause("", "tags", "have length less than or equal to 50"),
        ),
    ],
)
def test_values_that_are_not_repeated(
    operation: str, parameters: dict[str, Any], text: str
) -> None:
    assert message(operation, **parameters) == f"1 validation error detected: {text}"


@pytest.mark.parametrize(
    ("operation", "member", "path", "right"),
    [
        ("CreateUser", "Path", "/", True),
        ("CreateUser", "Path", "/~a/!b/", True),
        ("CreateUser", "Path", "/test//double/", True),
        ("CreateUser", "Path", "/\x7f/", False),
        ("CreateUser", "Path", "/no-end", False),
        ("CreateUser", "Path", "no/beginning/", False),
        ("UpdateUser", "NewPath", "/a b/", False),
        ("ListUsers", "PathPrefix", "/team", True),
        ("ListUsers", "PathPrefix", "team/", False),
        ("ListPolicies", "PathPrefix", "/a!/", False),
    ],
)
def test_paths(operation: str, member: str, path: str, right: bool) -> None:
    user = {"UserName": "alice"} if "UserName" in input_of("iam", operation).required else {}
    parameters = {**user, member: path}
    if right:
        assert bound(operation, **parameters) == parameters
        return
    name = member[0].lower() + member[1:]
    form = "begin with the / character" if member == "PathPrefix" else "begin and end with /"
    assert message(operation, **parameters) == (
        f"The specified value for {name} is invalid. It must {form} and contain only alphanumeric "
        "characters and/or / characters."
    )


def test_name_of_64_where_the_model_has_it() -> None:
    user, serial = "a" * 65, "arn:aws:iam::123456789012:u2f/user/alice/key"
    assert "less than or equal to 64" in message("GetMFADevice", SerialNumber=serial, UserName=user)
    bound("ListMFADevices", UserName=user)


def test_members_that_are_none_are_left_out() -> None:
    assert bound("ListMFADevices", UserName=None, Marker=None) == {}


@pytest.mark.parametrize(("value", "flag"), [(True, True), (False, False), ("true", True)])
def test_flags(value: Any, flag: bool) -> None:
    assert bound("ListPolicies", OnlyAttached=value) == {"OnlyAttached": flag}


@pytest.mark.parametrize("value", ["yes", 1, "True", []])
def test_flags_that_are_none(value: Any) -> None:
    with pytest.raises(ServiceError) as caught:
        bound("ListPolicies", OnlyAttached=value)
    assert caught.value.args == (
        "MalformedInput",
        "Value at 'onlyAttached' is not true or false.",
        400,
    )


@pytest.mark.parametrize("value", ["0900", "+900", 900])
def test_durations_that_are_numbers(value: Any) -> None:
    assert bound("GetSessionToken", DurationSeconds=value) == {"DurationSeconds": 900}


@pytest.mark.parametrize(
    "value", [" 900 ", "900.0", "9e2", "2147483648", 2**31, "", "९००", True, 900.0, b"900", [900]]
)
def test_durations_that_are_none(value: Any) -> None:
    with pytest.raises(ServiceError) as caught:
        bound("GetSessionToken", DurationSeconds=value)
    assert (caught.value.code, caught.value.status) == ("MalformedInput", 400)


@given(st.integers(-(2**31), 2**31 - 1))
def test_every_32_bit_integer_is_read_as_itself(number: int) -> None:
    assert whole_number("n", str(number)) == whole_number("n", number) == number


@given(st.text(alphabet="0123456789", min_size=6, max_size=6))
def test_any_six_digits_pass(code: str) -> None:
    bound("GetSessionToken", TokenCode=code)


@given(st.text(max_size=8).filter(lambda text: not (text.isascii() and text.isdigit())))
def test_nothing_but_digits_passes(code: str) -> None:
    with pytest.raises(ServiceError):
        bound("GetSessionToken", TokenCode=code)


@pytest.mark.parametrize("tag", ["Straße 7", "名前", "a_b.c:d/e=f+g-h@i", "\N{NO-BREAK SPACE}"])
def test_tags_take_letters_of_every_script(tag: str) -> None:
    bound("UntagUser", UserName="alice", TagKeys=[tag])


@pytest.mark.parametrize("tag", ["two\nlines", "tab\t", "e\N{COMBINING ACUTE ACCENT}", "a*"])
def test_tags_take_no_other_characters(tag: str) -> None:
    assert SETS in message("TagUser", UserName="alice", Tags=[{"Key": "k", "Value": tag}])


@pytest.mark.parametrize(
    "value",
    ["1" * 5_000, "-" + "1" * 5_000, 10**5_000, -(10**5_000), "\ud800", "2147483648"],
    ids=["text", "negative text", "integer", "negative integer", "lone surrogate", "next above"],
)
def test_number_beyond_32_bits_is_refused_however_long(value: object) -> None:
    """Python neither reads nor writes a number of thousands of digits."""
    with pytest.raises(ServiceError, match="is not a 32-bit integer"):
        whole_number("durationSeconds", value)


def test_leading_zeros_add_nothing() -> None:
    assert whole_number("durationSeconds", "0" * 5_000 + "900") == 900


def test_some_members_of_an_input() -> None:
    members = input_of("iam", "CreateRole").members
    shape = some_of(members, ("RoleName", "Path"), {"RoleName"})
    assert bind(shape, {"RoleName": "ops", "Path": "/"}) == {"RoleName": "ops", "Path": "/"}
    with pytest.raises(ServiceError, match="Value null at 'roleName'"):
        bind(shape, {"Path": "/"})


# -- every operation, whatever it is given --

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.binary(max_size=4)
    | st.text(max_size=12)
    | st.sampled_from(["alice", "/", "true", "900", "\ud800", "a" * 3_000, object()]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["Key", "Value", "arn", "", "x"]) | st.integers(), inner)
    ),
    max_leaves=6,
)


def fitting(shape: Shape) -> st.SearchStrategy[Any]:
    """Values of a shape that are right, or nearly so."""
    if shape.kind == "structure":
        parts = {name: fitting(member) for name, member in shape.members.items()}
        required = {name: parts.pop(name) for name in shape.required}
        return st.fixed_dictionaries(required, optional=parts)
    if shape.kind == "list":
        assert shape.element is not None
        return st.lists(fitting(shape.element), max_size=2)
    if shape.kind == "integer":
        return st.integers((shape.least or 0) - 1, (shape.most or 10**6) + 1)
    if shape.kind == "boolean":
        return st.booleans()
    if shape.words:
        return st.sampled_from(shape.words)
    return st.sampled_from(["alice", "/", "123456", "GAHT12345678", "arn:aws:iam::1:role/alice"])


@pytest.mark.parametrize(("service", "operation"), EVERY, ids=[name for _, name in EVERY])
@settings(max_examples=12)
@given(data=st.data())
def test_fuzz_only_refusals_or_what_the_model_allows(
    service: str, operation: str, data: st.DataObject
) -> None:
    shape = input_of(service, operation)
    names = st.sampled_from([*shape.members, "Nonsense"])
    parameters = data.draw(st.dictionaries(names, VALUES, max_size=4) | fitting(shape))
    found = refusal(lambda: bind(shape, parameters))
    if isinstance(found, ServiceError):
        assert found.code in {"ValidationError", "MalformedInput"}
        assert str(found).encode()
        return
    assert set(found) == {name for name, value in parameters.items() if value is not None}
    assert shape.required <= set(found)
    assert bind(shape, found) == found


def refusal(call: Callable[[], dict[str, Any]]) -> dict[str, Any] | ServiceError:
    """What a call gives, or refuses; any other exception is a fault."""
    try:
        return call()
    except ServiceError as error:
        return error


METHODS = [
    (door, name)
    for door in (Iam, Sts)
    for name, method in inspect.getmembers(door)
    if hasattr(method, "operation")
]


@pytest.mark.parametrize(("door", "name"), METHODS, ids=[name for _, name in METHODS])
@settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_fuzz_every_operation_answers_or_refuses(
    company: Any, door: type, name: str, data: st.DataObject
) -> None:
    caller: Credentials = company.keys["ada"]
    served = company.iam(caller) if door is Iam else company.sts(caller)
    operation = getattr(door, name).operation
    shape = input_of(service_of(operation), operation)
    names = st.sampled_from([*shape.members, "Nonsense"])
    parameters = data.draw(st.dictionaries(names, VALUES, max_size=4) | fitting(shape))
    answer = refusal(lambda: getattr(served, name)(**parameters))
    if isinstance(answer, ServiceError):
        assert answer.status < 500 or answer.code == "NotImplemented"
    else:
        assert isinstance(answer, dict)


def test_parameters_are_passed_by_keyword_only(company: Any) -> None:
    with pytest.raises(TypeError, match="GetUser takes its parameters by keyword only"):
        company.iam("ada").get_user("alice")


def test_wrong_keyword_is_refused_and_not_a_mistake_of_python(company: Any) -> None:
    with pytest.raises(ServiceError, match=r"'username' failed .* must be one of: UserName"):
        company.iam("ada").get_user(username="alice")


@pytest.mark.parametrize("text", ["arn:aws:iam::111111111111:policy/\ud800", "\udfff" * 30])
def test_half_of_a_surrogate_pair_is_no_text(text: str) -> None:
    shape = input_of("iam", "AttachUserPolicy")
    with pytest.raises(
        ServiceError, match="'policyArn' failed to satisfy constraint: Member must be Unicode text"
    ):
        bind(shape, {"UserName": "alice", "PolicyArn": text})
