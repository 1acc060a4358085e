"""The suite of conformance compares keys, a passage for each test."""

from __future__ import annotations

import pytest

from mfalab.simulator.conformance.chapters import TESTS
from mfalab.simulator.conformance.compare import perform_tests
from mfalab.simulator.conformance.suite import select
from mfalab.simulator.entropy import Entropy
from mfalab.simulator.keys.simulated import SimulatedFixture
from mfalab.simulator.traces.compare import Part, compare

PIN_KEY = "ctap-2.1-pin"


@pytest.mark.slow
def test_tests_of_conformance_are_compared_as_well() -> None:
    tests = select(TESTS, ["getinfo"])
    sides = []
    for model, seed in ((PIN_KEY, 1), (PIN_KEY, 2), ("ctap-2.3", 1)):
        with SimulatedFixture(model, seed=seed) as fixture:
            sides.append(perform_tests(fixture, tests, entropy=Entropy(1)))
    assert [passage.name for passage in sides[0]] == [test.id for test in tests]
    assert compare(sides[0], sides[1]) == []
    found = compare(sides[0], sides[2])
    assert {Part.MEMBER, Part.OUTCOME} <= {each.part for each in found}


def test_a_skipped_test_has_no_messages_and_says_why() -> None:
    with SimulatedFixture("u2f-2016") as fixture:
        tests = select(TESTS, ["ping-of-57"]) + select(TESTS, ["get-info-answers"])
        ping, info = perform_tests(fixture, tests, entropy=Entropy(1))
    assert (ping.outcome, [each.command for each in ping.messages][-2:]) == ("passed", ["PING"] * 2)
    assert (info.outcome, info.messages) == ("skipped: the key does not speak CTAP2", ())
