"""The tests themselves: what they say, and how they are chosen."""

from dataclasses import fields

import pytest

from mfalab.simulator.abilities import Ability
from mfalab.simulator.conformance.chapters import TESTS
from mfalab.simulator.conformance.pins import Pin
from mfalab.simulator.conformance.suite import Chapter, ConformanceTest, Options, select


def test_there_are_many_and_each_has_its_own_id():
    assert len(TESTS) > 400
    assert len({test.id for test in TESTS}) == len(TESTS)


@pytest.mark.parametrize("chapter", sorted({test.chapter for test in TESTS}))
def test_every_test_says_a_sentence_its_place_and_its_rule(chapter):
    for test in TESTS:
        if test.chapter != chapter:
            continue
        assert test.behaviour.endswith("."), test.id
        assert test.requirement.endswith("."), test.id
        assert "\u00a7" in test.section, test.id
        assert test.id == test.id.lower()
        assert " " not in test.id


def test_what_changes_the_key_for_good_says_what_it_changes():
    assert [test.id for test in TESTS if test.destructive and not test.changes] == []


def test_what_leaves_a_pin_or_a_setting_can_be_undone():
    """A reset takes a power cycle and a touch, so tests that need one say so."""
    leaving = [t for t in TESTS if t.destructive and ("reset" in t.changes or "gone" in t.changes)]
    assert leaving
    for test in leaving:
        assert Ability.POWER in test.needs, test.id
        assert test.touches, test.id


def test_words_choose_by_id_section_behaviour_and_chapter():
    assert {test.chapter for test in select(TESTS, ["clientpin/"])} == {"clientPIN"}
    assert {test.section for test in select(TESTS, ["11.2.9.2.2"])} == {"CTAP 2.1 \u00a711.2.9.2.2"}
    assert select(TESTS, ["PIN tries"])
    both = select(TESTS, ["WINK", "announced"])
    assert {test.id for test in both} >= {"ctaphid/announced-wink-works"}
    assert select(TESTS, ["nothing has this word"]) == []
    assert select(TESTS, []) == list(TESTS)


def test_a_chapter_takes_the_first_line_of_a_docstring():
    chapter = Chapter("A chapter", "CTAP 9", needs=[Ability.REPORTS])

    @chapter.test("1.2", "It must.", pin=Pin.SET, touches=1)
    def key_does_it(subject):
        """It does it.

        And more.
        """

    (made,) = chapter.tests
    assert (made.id, made.section) == ("a-chapter/key-does-it", "CTAP 9 \u00a71.2")
    assert (made.behaviour, made.needs) == ("It does it.", frozenset({Ability.REPORTS}))
    assert made.run is key_does_it


def test_a_part_of_a_chapter_adds_to_what_the_chapter_has():
    def never(facts):
        return "never"

    def seldom(facts):
        return "seldom"

    chapter = Chapter("A chapter", "CTAP 9", needs=[Ability.REPORTS], when=[never], touches=1)
    part = chapter.given(needs=[Ability.POWER], when=[seldom], touches=2)
    part.add("one", "1", "It does.", "It must.", lambda subject: None, pin=Pin.SET)
    chapter.add("two", "2", "It does.", "It must.", lambda subject: None)
    one, two = chapter.tests
    assert (one.needs, two.needs) == ({Ability.REPORTS, Ability.POWER}, {Ability.REPORTS})
    assert (one.when, two.when) == ((never, seldom), (never,))
    assert (one.touches, one.pin, two.touches, two.pin) == (2, Pin.SET, 1, Pin.ANY)


def test_options_are_those_of_a_test():
    texts = {"name", "chapter", "section", "behaviour", "requirement", "run"}
    assert set(Options.__annotations__) == {each.name for each in fields(ConformanceTest)} - texts
