"""Rows of refusals become tests that send their request and take their codes."""

import pytest

from mfalab.devices.ctap.status import CtapStatus
from mfalab.simulator.conformance.hid import Answer
from mfalab.simulator.conformance.refusals import (
    LENGTH,
    MISSING,
    Refusal,
    add_refusals,
    replace,
    send,
    unproved,
    without,
)
from mfalab.simulator.conformance.replies import Reply
from mfalab.simulator.conformance.suite import Chapter
from mfalab.simulator.conformance.verdicts import Failure


def test_changes_leave_the_good_request_alone():
    good = {1: b"x", 2: b"y"}
    assert (replace(2, 7)(good), without(1, 2)(good)) == ({1: b"x", 2: 7}, {})
    assert good == {1: b"x", 2: b"y"}


def test_a_row_is_a_test_of_its_section_with_the_first_code_in_its_sentence():
    chapter = Chapter("A chapter", "CTAP 9")
    asked = []

    def ask(status, members):
        asked.append(members)
        return Reply(1, status, b"", None, Answer(0x10, b"", 0, 0, 0))

    def condition(facts):
        return "never"

    rows = {
        "6.1": [Refusal("no-hash", "the hash is absent", {2: 1}, MISSING)],
        "6.2": [Refusal("short-hash", "the hash is short", {1: b""}, LENGTH, (condition,))],
    }
    add_refusals(chapter, ask, rows, rule="The step's code is")
    one, other = chapter.tests
    assert (one.id, one.section) == ("a-chapter/no-hash", "CTAP 9 \u00a76.1")
    assert one.behaviour == "When the hash is absent, that is MISSING_PARAMETER."
    assert other.requirement == "The step's code is INVALID_LENGTH or INVALID_PARAMETER."
    assert (one.when, other.when) == ((), (condition,))
    other.run(CtapStatus.INVALID_PARAMETER)
    with pytest.raises(Failure, match="got 0x03 INVALID_LENGTH"):
        one.run(CtapStatus.INVALID_LENGTH)
    assert asked == [{1: b""}, {2: 1}]


def test_a_param_comes_without_a_protocol_or_with_one_that_is_unknown():
    alone, unknown = (row.request({1: b"hash", 9: 2}) for row in unproved(8))
    assert alone == {1: b"hash", 8: bytes(32)}
    assert unknown == {1: b"hash", 8: bytes(32), 9: 99}


def test_members_are_sent_as_they_are(subject):
    assert send(0x06)(subject, {1: 2, 2: 1}).member(0x03, int) == 8
