"""Places of statements."""

import json

import pytest

from mfalab.verifier.policy.positions import spans

LINE = {"Effect": "Allow", "Action": "iam:GetUser", "Resource": "*"}


def places(text: str) -> list[tuple[int, int, int, int]]:
    return [(*start, *end) for start, end in spans(text)]


def test_statement_without_a_list_begins_after_its_brace() -> None:
    text = json.dumps({"Version": "2012-10-17", "Statement": LINE}, separators=(",", ":"))
    assert text.index('{"Effect') == 36
    assert places(text) == [(1, 38, 1, len(text))]


@pytest.mark.parametrize(("separators", "first"), [((",", ":"), 38), ((", ", ": "), 41)])
def test_statements_of_a_list_begin_where_the_one_before_ends(
    separators: tuple[str, str], first: int
) -> None:
    text = json.dumps({"Version": "2012-10-17", "Statement": [LINE] * 3}, separators=separators)
    size = len(json.dumps(LINE, separators=separators))
    second = first + size
    third = second + size + len(separators[0])
    assert places(text) == [
        (1, first, 1, second),
        (1, second, 1, third),
        (1, third, 1, third + size + len(separators[0])),
    ]


def test_lines_and_order_of_elements() -> None:
    text = '\n{ "Statement" :\n [\n  {"a": "}]"} ,\n  {}\n ],\n "Version": "2012-10-17" }\n'
    assert places(text) == [(3, 3, 4, 14), (4, 14, 5, 5)]


def test_empty_list() -> None:
    assert spans('{"Statement": []}') == []
