"""Wildcards, variables and ARNs; and that a hostile pattern costs no more than others."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfalab.verifier import ServiceError
from mfalab.verifier.policy.patterns import (
    ArnPattern,
    Wild,
    arn_fields,
    matcher,
    matches,
    resolved,
    tokens,
)


def fits(pattern: str, text: str, **context: str | tuple[str, ...]) -> bool | None:
    whole = resolved(tokens(pattern), {key.replace("_", ":"): v for key, v in context.items()})
    return None if whole is None else matches(whole, text)


@pytest.mark.parametrize(
    ("pattern", "text", "fit"),
    [
        ("", "", True),
        ("", "a", False),
        ("a", "a", True),
        ("a", "A", False),
        ("a", "ab", False),
        ("*", "", True),
        ("*", "a/b:c\n", True),
        ("**", "", True),
        ("?", "", False),
        ("?", "a", True),
        ("?", "\n", True),
        ("??", "a", False),
        ("a*", "a", True),
        ("a*", "ba", False),
        ("*a", "ba", True),
        ("*a", "ab", False),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("*b*", "abc", True),
        ("*aab*", "aaab", True),
        ("*a?b*", "aaab", True),
        ("*a?b", "axbxxaxb", True),
        ("a?*", "a", False),
        ("a?*", "ab", True),
        ("*?a", "a", False),
        ("*ab*ba*", "aba", False),
        ("*ab*ba*", "abba", True),
        ("*ab*b*", "ab", False),
        ("*a*a*", "a", False),
        ("*a?*?b*", "aab", False),
        ("x*yz", "xyz", True),
        ("xy*yz", "xyz", False),
        ("[a]", "a", False),
        (".*", "ab", False),
        ("${*}", "*", True),
        ("${*}", "a", False),
        ("${?}", "?", True),
        ("${?}", "a", False),
        ("${$}", "$", True),
        ("$", "$", True),
        ("$x{", "$x{", True),
    ],
)
def test_wildcards(pattern: str, text: str, fit: bool) -> None:
    assert fits(pattern, text) is fit


@given(st.text("ab?*", max_size=8), st.text("ab", max_size=10))
def test_wildcards_agree_with_regular_expressions(pattern: str, text: str) -> None:
    """Both are right, or both have the same fault, and the engines have nothing in common."""
    parts = ({"*": ".*", "?": "."}.get(char, char) for char in pattern)
    assert fits(pattern, text) is (re.fullmatch("".join(parts), text) is not None)


class Counted(str):
    """A text that counts how many of its characters are looked at."""

    __slots__ = ("looks",)
    looks: int

    def __new__(cls, text: str) -> "Counted":
        made = super().__new__(cls, text)
        made.looks = 0
        return made

    def startswith(self, prefix: str, start: int = 0) -> bool:  # type: ignore[override]
        self.looks += len(prefix)
        return super().startswith(prefix, start)

    def find(self, part: str, start: int, end: int) -> int:  # type: ignore[override]
        found = super().find(part, start, end)
        self.looks += (end if found < 0 else found + len(part)) - start
        return found

    def __getitem__(self, place: int) -> str:  # type: ignore[override]
        self.looks += 1
        return super().__getitem__(place)


@pytest.mark.parametrize(
    "part", ["a*", "*a", "a?*", "*?a", "*a*b", "*aab", "*a?b"], ids=lambda part: f"{part!r}"
)
def test_hostile_pattern_looks_at_each_character_a_bounded_number_of_times(part: str) -> None:
    """A search that goes back would need more than the lifetime of the machine."""
    for size in (100, 1_000, 10_000):
        text = Counted("a" * size)
        matcher(tokens(part * (size // 2) + "c"))(text)
        assert text.looks <= 2 * size


@pytest.mark.parametrize(
    ("pattern", "text", "fit"),
    [
        ("${aws:username}", "alice", True),
        ("${AWS:UserName}", "alice", True),
        ("${aws:username}", "bob", False),
        ("home/${aws:username}/*", "home/alice/x", True),
        ("${aws:username}${aws:username}", "alicealice", True),
        ("${aws:PrincipalTag/team}", "red", None),
        ("${aws:PrincipalTag/team, 'blue'}", "blue", True),
        ("${aws:PrincipalTag/team,'blue'}", "red", False),
        ("${aws:PrincipalTag/team, ''}x", "x", True),
        ("${aws:username, 'blue'}", "blue", False),
        ("${aws:star}", "*", True),
        ("${aws:star}", "anything", False),
        ("${aws:several}", "one", None),
        ("${aws:one}", "one", True),
        ("${aws:none, 'x'}", "x", True),
        ("${aws:empty, 'x'}", "", True),
    ],
)
def test_variables(pattern: str, text: str, fit: bool | None) -> None:
    """Their values are taken as they are, without wildcards."""
    values: dict[str, str | tuple[str, ...]] = {
        "aws_username": "alice",
        "aws_star": "*",
        "aws_several": ("one", "two"),
        "aws_one": ("one",),
        "aws_none": (),
        "aws_empty": "",
    }
    assert fits(pattern, text, **values) is fit


@pytest.mark.parametrize(
    "text",
    ["${}", "${ }", "${x}", "${:x}", "${aws:}", "${aws:a,b}", "${aws:a,'b}", "${", "a${aws:x"],
)
def test_what_is_no_variable(text: str) -> None:
    with pytest.raises(ServiceError, match="MalformedPolicyDocument: Policy variable"):
        tokens(text)


def test_without_variables_the_text_is_plain() -> None:
    assert tokens("${aws:username}", variables=False) == ("${aws:username}",)
    assert tokens("${*}", variables=False) == ("${", Wild.MANY, "}")
    assert tokens("a*?", wildcards=False) == ("a*?",)


ARN = "arn:aws:iam::111122223333:user/division/alice"


@pytest.mark.parametrize(
    ("pattern", "arn", "fit"),
    [
        (ARN, ARN, True),
        (ARN, ARN.upper(), False),
        ("arn:aws:iam::111122223333:user/*", ARN, True),
        ("arn:aws:iam::*:user/*", ARN, True),
        ("arn:aws:iam::1*3:user/*", ARN, True),
        ("arn:*:iam::*:*", ARN, True),
        ("arn:aws:iam::*", ARN, True),
        ("arn:aws:iam", ARN, True),
        ("arn:aws:s3", ARN, False),
        ("arn:aws:iam:*:111122223333:user/*", ARN, True),
        ("arn:aws:iam::111122223333:user/*/alice", ARN, True),
        ("arn:aws:iam::111122223333:user/alice", ARN, False),
        ("arn:aws:iam::*alice", ARN, False),
        ("arn:aws:x:*:111122223333:f/*", "arn:aws:x:r:999999999999:s/a:111122223333:f/d", False),
        ("arn:aws:logs:*:*:group:*", "arn:aws:logs:r:111122223333:group:a:b", True),
        ("arn:aws:iam::*:user/${aws:username}", "arn:aws:iam::1:user/alice", True),
        ("arn:aws:iam::*:user/${aws:username}", "arn:aws:iam::1:user/bob", False),
        ("arn:aws:iam::*:user/${aws:userid}", "arn:aws:iam::1:user/alice", None),
        ("arn:aws:s3::*:user/${aws:userid}", "arn:aws:iam::1:user/alice", False),
        ("*", ARN, True),
        ("*", "no ARN", False),
        (ARN, "*", False),
    ],
)
def test_arn_is_matched_field_by_field(pattern: str, arn: str, fit: bool | None) -> None:
    found = ArnPattern(tokens(pattern)).matches(arn_fields(arn), {"aws:username": "alice"})
    assert found is fit


def test_arn_pattern_knows_its_keys() -> None:
    pattern = ArnPattern(tokens("arn:aws:s3:::${aws:UserName}/${aws:PrincipalTag/a, 'b'}"))
    assert pattern.keys == {"aws:UserName", "aws:PrincipalTag/a"}


def test_every_short_pattern_agrees_with_regular_expressions() -> None:
    """All patterns of up to four signs against all texts of up to five."""
    texts = ["".join(t) for n in range(6) for t in itertools.product("ab", repeat=n)]
    for n in range(5):
        for signs in itertools.product("ab*?", repeat=n):
            match = matcher(tokens("".join(signs)))
            judge = re.compile("".join({"*": ".*", "?": "."}.get(s, s) for s in signs))
            assert [match(text) for text in texts] == [
                judge.fullmatch(text) is not None for text in texts
            ]
