"""The cases that a command is about."""

from pathlib import Path

import click
import pytest

from mfalab.simulator.cli.selection import Selection


@pytest.mark.parametrize(
    ("words", "tags", "chosen"),
    [
        ((), (), ["t/bad", "t/good[1 ppm]", "t/good[2 ppm]"]),
        (("GOOD", "2 ppm"), (), ["t/good[2 ppm]"]),
        ((), ("sms",), ["t/bad"]),
    ],
)
def test_every_word_and_every_tag_narrows_the_choice(suite: Path, words, tags, chosen):
    assert [case.id for case in Selection(("t",), words, tags).cases()] == chosen


def test_a_choice_of_nothing_is_wrong_usage(suite: Path):
    with pytest.raises(click.UsageError, match="no case is left"):
        Selection(("t",), (), ("sms", "drift")).cases()


@pytest.mark.parametrize("word", ["good and bad", "bad or sms", "not good", "(not good)"])
def test_an_expression_that_is_no_text_of_a_case_is_sent_to_pytest(suite: Path, word):
    with pytest.raises(click.UsageError, match=r"-k takes a text as it is.*pytest scenarios -k"):
        Selection(("t",), (word,), ()).cases()
