"""Conformance of a key: a suite of tests for CTAP1, CTAP2 and CTAPHID, run on any fixture.

    fixture = open_fixture("sim:ctap-2.1-pin")
    found = run(fixture, TESTS, watcher, random_bytes=Entropy(1).random_bytes("suite"))

`chapters` has the tests, `subject` is what they hold, `run` runs them, `report` and `html` write
down what was found. Whether a test applies is decided by what the key announces of itself.
"""
