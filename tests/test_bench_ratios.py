"""The table of benchmarks, and what counts as worse."""

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from bench.ratios import Row, ratios, table, worse


def bench(name: str, shortest_s: float, role: str = "ours", group: str = "code") -> dict[str, Any]:
    return {
        "group": group,
        "name": name,
        "extra_info": {} if role == "ours" else {"role": role},
        "stats": {"median": 2 * shortest_s, "iqr": shortest_s / 10, "min": shortest_s},
    }


def rows(ours_s: float, *more: dict[str, Any]) -> list[Row]:
    measured = [bench("test_pyotp", 40e-6, "peer"), bench("test_loop", 1e-5, "limit")]
    return [Row.of(each) for each in (*measured, bench("test_decision", ours_s), *more)]


def test_each_of_ours_is_compared_with_peers_and_limits_of_its_group() -> None:
    elsewhere = bench("test_other", 1e-6, "peer", group="pair")
    assert ratios(rows(8e-6, elsewhere)) == {
        ("code", "decision", "pyotp"): pytest.approx(0.2),
        ("code", "decision", "loop"): pytest.approx(0.8),
    }


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("test_decision", "decision"),
        ("test_pair[aws-immediate]", "pair (aws-immediate)"),
        ("test_yours[code-right]", "yours (right)"),
        ("test_yours[code]", "yours"),
    ],
)
def test_name_is_without_what_its_group_says(name: str, shown: str) -> None:
    assert Row.of(bench(name, 1.0)).name == shown


def test_ratio_that_grew_is_worse() -> None:
    assert not list(worse(rows(9.1e-6), rows(8e-6)))
    lines = list(worse(rows(9.3e-6), rows(8e-6)))
    assert lines == [
        "code: decision takes 0.23 of pyotp, 0.20 before",
        "code: decision takes 0.93 of loop, 0.80 before",
    ]


def test_small_ratio_keeps_a_digit_that_says_something() -> None:
    lines = list(worse(rows(2e-7), rows(1e-7)))
    assert lines == [
        "code: decision takes 0.005 of pyotp, 0.0025 before",
        "code: decision takes 0.02 of loop, 0.01 before",
    ]


def test_slower_machine_is_not_worse() -> None:
    slow = [bench("test_pyotp", 4e-3, "peer"), bench("test_decision", 8e-4)]
    assert not list(worse([Row.of(each) for each in slow], rows(8e-6)[::2]))


def test_ratio_that_went_is_told_where_its_group_was_measured() -> None:
    then = rows(8e-6, bench("test_verify", 1.0, group="keys"), bench("x", 1, "peer", "keys"))
    now = [row for row in rows(8e-6) if row.role != "limit"]
    assert list(worse(now, then)) == ["code: decision is not compared with loop any more"]


def test_table() -> None:
    written = StringIO()
    Console(width=100, file=written).print(table(rows(8e-6, bench("test_mine", 1.2e-3, "yours"))))
    lines = [line.split() for line in written.getvalue().splitlines()]
    assert lines[1:] == [
        ["code"],
        ["pyotp,", "peer", "80", "us", "4", "us"],
        ["loop,", "limit", "20", "us", "1", "us"],
        ["decision", "16", "us", "800", "ns", "0.20", "pyotp;", "0.80", "loop"],
        ["mine,", "yours", "2.4", "ms", "120", "us", "30.00", "pyotp;", "120.00", "loop"],
    ]
