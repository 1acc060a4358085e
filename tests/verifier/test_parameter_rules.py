"""Parameter shapes: every violation of a call in one text, as AWS words it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfalab.verifier import ServiceError
from mfalab.verifier.parameter_rules import IAM, check, members_of, whole_number

SESSION_TOKEN = members_of("GetSessionToken", "sts")
ASSUME_ROLE = members_of("AssumeRole", "sts")


def message(members: Any, **given_values: Any) -> str:
    with pytest.raises(ServiceError) as caught:
        check(members, given_values.keys(), given_values)
    assert (caught.value.code, caught.value.status) == ("ValidationError", 400)
    return str(caught.value.message)


def clause(value: str, member: str, rule: str) -> str:
    return f"Value {value} at '{member}' failed to satisfy constraint: Member must {rule}"


@pytest.mark.parametrize(
    ("members", "name", "value", "text"),
    [
        (
            SESSION_TOKEN,
            "TokenCode",
            "12345",
            clause("'12345'", "tokenCode", "have length greater than or equal to 6"),
        ),
        (
            SESSION_TOKEN,
            "TokenCode",
            "abcdef",
            clause("'abcdef'", "tokenCode", r"satisfy regular expression pattern: [\d]*"),
        ),
        (
            SESSION_TOKEN,
            "TokenCode",
            "١٢٣٤٥٦",
            clause("'١٢٣٤٥٦'", "tokenCode", r"satisfy regular expression pattern: [\d]*"),
        ),
        (
            IAM,
            "AuthenticationCode1",
            "1234567",
            clause("'1234567'", "authenticationCode1", "have length less than or equal to 6"),
        ),
        (IAM, "UserName", None, clause("null", "userName", "not be null")),
        (
            IAM,
            "UserName",
            "a" * 129,
            clause(f"'{'a' * 129}'", "userName", "have length less than or equal to 128"),
        ),
        (
            IAM,
            "SerialNumber",
            "short",
            clause("'short'", "serialNumber", "have length greater than or equal to 9"),
        ),
        (
            IAM,
            "SerialNumber",
            "has a blank",
            clause(
                "'has a blank'",
                "serialNumber",
                r"satisfy regular expression pattern: [\w+=/:,.@-]+",
            ),
        ),
        (
            IAM,
            "AssignmentStatus",
            "Used",
            clause(
                "'Used'",
                "assignmentStatus",
                "satisfy enum value set: [Assigned, Unassigned, Any]",
            ),
        ),
        (IAM, "MaxItems", 0, clause("'0'", "maxItems", "have value greater than or equal to 1")),
        (
            IAM,
            "MaxItems",
            1001,
            clause("'1001'", "maxItems", "have value less than or equal to 1000"),
        ),
        (
            SESSION_TOKEN,
            "DurationSeconds",
            0,
            clause("'0'", "durationSeconds", "have value greater than or equal to 900"),
        ),
        (
            ASSUME_ROLE,
            "DurationSeconds",
            43_201,
            clause("'43201'", "durationSeconds", "have value less than or equal to 43200"),
        ),
        (
            ASSUME_ROLE,
            "RoleSessionName",
            "x",
            clause("'x'", "roleSessionName", "have length greater than or equal to 2"),
        ),
        (
            IAM,
            "Tags",
            [{"Key": "ok", "Value": ""}, {"Key": "bad!", "Value": ""}],
            clause(
                "'bad!'",
                "tags.2.member.key",
                r"satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+",
            ),
        ),
        (
            IAM,
            "TagKeys",
            [""],
            clause(
                "''",
                "tagKeys.1.member",
                r"satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+",
            )
            + "; "
            + clause("''", "tagKeys.1.member", "have length greater than or equal to 1"),
        ),
    ],
)
def test_exact_text(members: Any, name: str, value: Any, text: str) -> None:
    count = text.count("Member must")
    expected = f"{count} validation error{'s' if count > 1 else ''} detected: {text}"
    assert message(members, **{name: value}) == expected


def test_two_violations_are_counted_and_joined() -> None:
    assert message(SESSION_TOKEN, TokenCode="V123456") == (
        "2 validation errors detected: "
        + clause("'V123456'", "tokenCode", r"satisfy regular expression pattern: [\d]*")
        + "; "
        + clause("'V123456'", "tokenCode", "have length less than or equal to 6")
    )


def test_violations_of_several_members_come_in_one_text() -> None:
    text = message(IAM, UserName=None, AuthenticationCode1="1", AuthenticationCode2="x23456")
    assert text.startswith("3 validation errors detected: Value null at 'userName'")
    assert text.count("; ") == 2


@pytest.mark.parametrize("value", ["0900", "+900", 900, "129600"])
def test_durations_that_are_numbers(value: Any) -> None:
    check(SESSION_TOKEN, (), {"DurationSeconds": value})


@pytest.mark.parametrize("value", [" 900 ", "900.0", "9e2", "2147483648", 2**31, "", "९००", True])
def test_durations_that_are_none(value: Any) -> None:
    with pytest.raises(ServiceError) as caught:
        check(SESSION_TOKEN, (), {"DurationSeconds": value})
    assert (caught.value.code, caught.value.status) == ("MalformedInput", 400)


@given(st.integers(-(2**31), 2**31 - 1))
def test_every_32_bit_integer_is_read_as_itself(number: int) -> None:
    assert whole_number("n", str(number)) == whole_number("n", number) == number


@given(st.text(alphabet="0123456789", min_size=6, max_size=6))
def test_any_six_digits_pass(code: str) -> None:
    check(SESSION_TOKEN, (), {"TokenCode": code})


@given(st.text(max_size=8).filter(lambda text: not (text.isascii() and text.isdigit())))
def test_nothing_but_digits_passes(code: str) -> None:
    with pytest.raises(ServiceError):
        check(SESSION_TOKEN, (), {"TokenCode": code})


@pytest.mark.parametrize("tag", ["Straße 7", "名前", "a_b.c:d/e=f+g-h@i", "\N{NO-BREAK SPACE}"])
def test_tags_take_letters_of_every_script(tag: str) -> None:
    check(IAM, (), {"TagKeys": [tag]})


def test_number_where_text_belongs_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(TypeError, match="tokenCode must be text, not int"):
        check(SESSION_TOKEN, (), {"TokenCode": 123456})


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
