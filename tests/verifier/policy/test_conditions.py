"""Condition operators, one by one."""

import pytest

from mfalab.verifier.policy.conditions import OPERATORS, condition

Values = str | tuple[str, ...] | None
"""Of a key; None if it is absent."""


def holds(operator: str, wanted: str | list[str], given: Values, **more: str) -> bool:
    values = [wanted] if isinstance(wanted, str) else wanted
    line = condition(operator, "Test:Key", values, variables=True)
    context = {} if given is None else {"test:key": given}
    return line.holds(context | {key.replace("_", ":"): value for key, value in more.items()})


T, F = True, False


@pytest.mark.parametrize(
    ("operator", "wanted", "given", "expected"),
    [
        ("StringEquals", "alice", "alice", T),
        ("StringEquals", "alice", "Alice", F),
        ("StringEquals", "a*", "alice", F),
        ("StringEquals", "a*", "a*", T),
        ("StringEquals", ["bob", "alice"], "alice", T),
        ("StringEquals", [], "alice", F),
        ("StringEquals", "", "", T),
        ("StringEquals", "alice", None, F),
        ("StringNotEquals", "alice", "alice", F),
        ("StringNotEquals", "alice", "bob", T),
        ("StringNotEquals", ["bob", "alice"], "alice", F),
        ("StringNotEquals", ["bob", "alice"], "carol", T),
        ("StringNotEquals", [], "alice", T),
        ("StringNotEquals", "alice", None, T),
        ("StringEqualsIgnoreCase", "Alice", "aLICE", T),
        ("StringEqualsIgnoreCase", "Alice", "bob", F),
        ("StringNotEqualsIgnoreCase", "Alice", "ALICE", F),
        ("StringNotEqualsIgnoreCase", "Alice", "bob", T),
        ("StringNotEqualsIgnoreCase", "Alice", None, T),
        ("StringLike", "a*", "alice", T),
        ("StringLike", "A*", "alice", F),
        ("StringLike", "al?ce", "alice", T),
        ("StringLike", ["x", "", "home/*"], "", T),
        ("StringLike", "*", None, F),
        ("StringNotLike", "a*", "alice", F),
        ("StringNotLike", "a*", "bob", T),
        ("StringNotLike", "a*", None, T),
        ("NumericEquals", "10", "10", T),
        ("NumericEquals", "10", "10.0", T),
        ("NumericEquals", "1e1", "10", T),
        ("NumericEquals", "10", "11", F),
        ("NumericEquals", "10", "ten", F),
        ("NumericEquals", "10", None, F),
        ("NumericNotEquals", "10", "11", T),
        ("NumericNotEquals", "10", "10", F),
        ("NumericNotEquals", "10", "ten", T),
        ("NumericNotEquals", "10", None, T),
        ("NumericLessThan", "10", "9.99", T),
        ("NumericLessThan", "10", "10", F),
        ("NumericLessThan", "10", "-1", T),
        ("NumericLessThan", ["5", "10"], "7", T),
        ("NumericLessThanEquals", "10", "10", T),
        ("NumericLessThanEquals", "10", "10.01", F),
        ("NumericGreaterThan", "10", "11", T),
        ("NumericGreaterThan", "10", "10", F),
        ("NumericGreaterThan", "10", "9", F),
        ("NumericGreaterThanEquals", "10", "10", T),
        ("NumericGreaterThanEquals", "10", "9", F),
        ("NumericGreaterThan", "9007199254740992", "9007199254740993", T),
        ("DateEquals", "2026-11-27T09:00:00Z", "2026-11-27T09:00:00Z", T),
        ("DateEquals", "2026-11-27T09:00:00Z", "2026-11-27T10:00:00+01:00", T),
        ("DateEquals", "2026-11-27T09:00:00Z", "2026-11-27T03:30:00-05:30", T),
        ("DateEquals", "2026-11-27T09:00:00Z", "1795770000", T),
        ("DateEquals", "2026-11-27", "2026-11-27T00:00:00Z", T),
        ("DateEquals", "2026-11", "2026-11-01T00:00:00Z", T),
        ("DateEquals", "2026-11-27T09:00Z", "2026-11-27T09:00:00.000Z", T),
        ("DateEquals", "2026-11-27T09:00:00", "2026-11-27T09:00:00Z", T),
        ("DateEquals", "2026-11-27T09:00:00Z", "soon", F),
        ("DateNotEquals", "2026-11-27", "2026-11-28", T),
        ("DateNotEquals", "2026-11-27", "2026-11-27", F),
        ("DateLessThan", "2026-11-27T09:00:00Z", "2026-11-27T08:59:59Z", T),
        ("DateLessThan", "2026-11-27T09:00:00Z", "2026-11-27T08:59:59.999Z", T),
        ("DateLessThan", "2026-11-27T09:00:00Z", "2026-11-27T09:00:00Z", F),
        ("DateLessThanEquals", "2026-11-27T09:00:00Z", "2026-11-27T09:00:00Z", T),
        ("DateGreaterThan", "2026-11-27T09:00:00Z", "2026-11-27T09:00:00.001Z", T),
        ("DateGreaterThan", "2026-11-27T09:00:00Z", "2026-11-27T09:00:00Z", F),
        ("DateGreaterThan", "2026-11-27T09:00:00Z", None, F),
        ("DateGreaterThanEquals", "2026-11-27T09:00:00Z", "2026-11-27T09:00:00Z", T),
        ("DateGreaterThanEquals", "2026-11-27T09:00:00Z", "2026-11-27T08:00:00Z", F),
        ("Bool", "true", "true", T),
        ("Bool", "True", "TRUE", T),
        ("Bool", "true", "false", F),
        ("Bool", "false", "false", T),
        ("Bool", "false", "true", F),
        ("Bool", "true", "1", F),
        ("Bool", "true", None, F),
        ("Bool", "false", None, F),
        ("Bool", ["true", "false"], "true", T),
        ("Bool", "${aws:wanted}", "true", T),
        ("BinaryEquals", "QQ==", "QQ==", T),
        ("BinaryEquals", "QQ==", "Qg==", F),
        ("BinaryEquals", "QQ==", "A", F),
        ("BinaryEquals", "QQ==", None, F),
        ("IpAddress", "203.0.113.0/24", "203.0.113.7", T),
        ("IpAddress", "203.0.113.0/24", "203.0.114.7", F),
        ("IpAddress", "203.0.113.7", "203.0.113.7", T),
        ("IpAddress", "203.0.113.7", "203.0.113.8", F),
        ("IpAddress", "203.0.113.9/24", "203.0.113.7", T),
        ("IpAddress", "0.0.0.0/0", "203.0.113.7", T),
        ("IpAddress", "0.0.0.0/0", "2001:db8::1", F),
        ("IpAddress", "2001:DB8:1234:5678::/64", "2001:db8:1234:5678::9", T),
        ("IpAddress", "2001:DB8:1234:5678::/64", "2001:db8:1234:5679::9", F),
        ("IpAddress", ["10.0.0.0/8", "203.0.113.0/24"], "203.0.113.7", T),
        ("IpAddress", "203.0.113.0/24", "here", F),
        ("IpAddress", "203.0.113.0/24", None, F),
        ("NotIpAddress", "203.0.113.0/24", "203.0.113.7", F),
        ("NotIpAddress", "203.0.113.0/24", "198.51.100.1", T),
        ("NotIpAddress", ["203.0.113.0/24", "198.51.100.0/24"], "198.51.100.1", F),
        ("NotIpAddress", "203.0.113.0/24", None, T),
        ("ArnEquals", "arn:aws:sns:*:1:t*", "arn:aws:sns:r:1:topic", T),
        ("ArnLike", "arn:aws:sns:*:1:t*", "arn:aws:sns:r:1:topic", T),
        ("ArnLike", "arn:aws:sns:*:1:t*", "arn:aws:sns:r:2:topic", F),
        ("ArnLike", "arn:aws:x:*:1:f/*", "arn:aws:x:r:2:s/a:1:f/d", F),
        ("StringLike", "arn:aws:x:*:1:f/*", "arn:aws:x:r:2:s/a:1:f/d", T),
        ("ArnLike", "arn:aws:sns:*:1:t*", "topic", F),
        ("ArnLike", "arn:aws:sns:*:1:t*", None, F),
        ("ArnNotLike", "arn:aws:sns:*:1:t*", "arn:aws:sns:r:1:topic", F),
        ("ArnNotEquals", "arn:aws:sns:*:1:t*", "arn:aws:sns:r:2:topic", T),
        ("ArnNotLike", "arn:aws:sns:*:1:t*", None, T),
        ("Null", "true", None, T),
        ("Null", "true", "x", F),
        ("Null", "true", (), T),
        ("Null", "false", None, F),
        ("Null", "false", "x", T),
        ("Null", "false", "", T),
        ("Null", ["true", "false"], "x", T),
    ],
)
def test_operator(operator: str, wanted: str | list[str], given: Values, expected: bool) -> None:
    assert holds(operator, wanted, given, aws_wanted="True") is expected


@pytest.mark.parametrize("operator", [name for name in OPERATORS if name != "Null"])
def test_if_exists_is_true_of_an_absent_key_and_changes_nothing_else(operator: str) -> None:
    wanted = {"Bool": "true", "BinaryEquals": "QQ==", "IpAddress": "10.0.0.0/8"}.get(
        operator.replace("Not", ""), "1"
    )
    assert holds(f"{operator}IfExists", wanted, None)
    for given in ("1", "true", "QQ==", "10.1.1.1", "other", "arn:aws:s3:::b"):
        assert holds(f"{operator}IfExists", wanted, given) is holds(operator, wanted, given)


@pytest.mark.parametrize(
    ("operator", "wanted", "given", "expected"),
    [
        ("ForAnyValue:StringEquals", ["a", "b"], ("a", "x"), T),
        ("ForAnyValue:StringEquals", ["a", "b"], ("x", "y"), F),
        ("ForAnyValue:StringEquals", ["a", "b"], "a", T),
        ("ForAnyValue:StringEquals", ["a", "b"], (), F),
        ("ForAnyValue:StringEquals", ["a", ""], "", F),
        ("ForAnyValue:StringEquals", ["a", "b"], None, F),
        ("ForAnyValue:StringEqualsIfExists", ["a", "b"], None, T),
        ("ForAnyValue:StringNotEquals", ["a", "b"], ("a", "x"), T),
        ("ForAnyValue:StringNotEquals", ["a", "b"], ("a", "b"), F),
        ("ForAnyValue:StringNotEquals", ["a", "b"], None, F),
        ("ForAllValues:StringEquals", ["a", "b"], ("a", "b"), T),
        ("ForAllValues:StringEquals", ["a", "b"], ("a", "x"), F),
        ("ForAllValues:StringEquals", ["a", "b"], "b", T),
        ("ForAllValues:StringEquals", ["a", "b"], (), T),
        ("ForAllValues:StringEquals", ["a", "b"], "", T),
        ("ForAllValues:StringEquals", ["a", "b"], None, T),
        ("ForAllValues:StringNotEquals", ["a", "b"], ("x", "y"), T),
        ("ForAllValues:StringNotEquals", ["a", "b"], ("a", "x"), F),
        ("ForAllValues:StringLike", ["a*"], ("ab", "ac"), T),
        ("ForAllValues:StringLikeIfExists", ["a*"], None, T),
        ("ForAllValues:NumericLessThan", ["10"], ("1", "9"), T),
        ("ForAllValues:NumericLessThan", ["10"], ("1", "10"), F),
        ("ForAnyValue:IpAddress", ["10.0.0.0/8"], ("10.1.1.1", "192.0.2.1"), T),
        ("ForAnyValue:Bool", ["true"], ("false", "true"), T),
        # Without a set operator a key of several values is asked like one of one value.
        ("StringEquals", ["a"], ("x", "a"), T),
        ("StringNotEquals", ["a"], ("x", "a"), F),
        ("StringEquals", ["a"], (), F),
        ("StringNotEquals", ["a"], (), T),
    ],
)
def test_set_operator(operator: str, wanted: list[str], given: Values, expected: bool) -> None:
    assert holds(operator, wanted, given) is expected


@pytest.mark.parametrize(
    ("operator", "wanted", "given", "expected"),
    [
        ("StringEquals", ["${aws:username}"], "alice", T),
        ("StringEquals", ["${aws:username}"], "bob", F),
        ("StringNotEquals", ["${aws:username}"], "bob", T),
        ("StringEqualsIgnoreCase", ["${aws:username}"], "ALICE", T),
        ("StringLike", ["${aws:username}/*"], "alice/x", T),
        ("ArnLike", ["arn:aws:iam::*:user/${aws:username}"], "arn:aws:iam::1:user/alice", T),
        ("StringEquals", ["${aws:absent}"], "alice", F),
        ("StringNotEquals", ["${aws:absent}"], "alice", F),
        ("ArnNotLike", ["arn:aws:iam::*:user/${aws:absent}"], "arn:aws:iam::1:user/a", F),
        ("StringEqualsIfExists", ["${aws:absent}"], "alice", F),
        ("StringEqualsIfExists", ["${aws:absent}"], None, T),
        ("StringEquals", ["${aws:absent}", "alice"], "alice", T),
        ("StringNotEquals", ["${aws:absent}", "alice"], "alice", F),
        ("StringEquals", ["${aws:absent, 'alice'}"], "alice", T),
        ("StringEquals", ["${$}{aws:username}"], "${aws:username}", T),
    ],
)
def test_variable_in_a_condition(
    operator: str, wanted: list[str], given: Values, expected: bool
) -> None:
    """One that the request lacks makes no condition true, a negated one neither."""
    assert holds(operator, wanted, given, aws_username="alice") is expected


def test_without_variables_a_value_is_plain_text() -> None:
    line = condition("StringEquals", "test:key", ["${aws:username}"], variables=False)
    assert line.holds({"test:key": "${aws:username}", "aws:username": "alice"})
    assert not line.holds({"test:key": "alice", "aws:username": "alice"})


def test_condition_knows_its_keys() -> None:
    line = condition("StringLike", "S3:Prefix", ["${aws:UserName}/*"], variables=True)
    assert line.keys == {"S3:Prefix", "aws:UserName"}
    assert condition("Null", "aws:X", ["true"], variables=True).keys == {"aws:X"}
