"""Durations and counts read as people say them."""

import pytest

from mfalab.simulator.report.model import Verdict
from mfalab.simulator.report.text import belief_text, counts_text, duration_text, printable


@pytest.mark.parametrize(
    ("duration_ns", "text"),
    [
        (0, "0 s"),
        (999, "< 1 ms"),
        (12_000_000, "12.0 ms"),
        (4_100_000_000, "4.1 s"),
        (90_000_000_000, "1.5 min"),
        (86_400_000_000_000, "1.0 d"),
        (212 * 31_557_600_000_000_000, "212 y"),
        (-90_000_000_000, "-1.5 min"),
    ],
)
def test_a_duration_is_given_in_its_largest_unit(duration_ns, text):
    assert duration_text(duration_ns) == text


def test_counts_name_bad_verdicts_first():
    counts = {Verdict.PASSED: 130, Verdict.ERROR: 2, Verdict.FAILED: 1}
    assert counts_text(counts) == "1 failed, 2 errors, 130 passed"
    assert counts_text({}) == "no cases"


def test_printable_text_keeps_letters_and_line_ends():
    assert printable("Zürich\n秘密 \x9b \u2066") == "Zürich\n秘密 \\u009b \\u2066"


def test_a_belief_says_how_wrong_it_is():
    assert belief_text("09:00:00Z", 1.5) == "09:00:00Z (+1.500 s from true time)"
    assert belief_text("battery dead", None) == "battery dead"
    assert belief_text("", -2.0) == "-2.000 s from true time"
