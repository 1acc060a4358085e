"""A test begins with a quiet key, and leaves nothing behind."""

import pytest

from mfalab.devices.transports.wire import WireFaults
from mfalab.simulator.conformance.verdicts import Failure, KeyGone, KeySilent, NotTested


def fail():
    raise Failure("a credential deleted", "an error")


def test_what_was_put_off_is_done_last_first_and_trouble_becomes_a_note(subject):
    done = []
    subject.after(lambda: done.append("first"))
    subject.after(fail)
    subject.after(lambda: done.append("last"))
    subject.tidy()
    assert done == ["last", "first"]
    assert subject.notes == [
        "Something could not be cleared away: expected a credential deleted, got an error."
    ]


def test_what_could_not_be_done_for_want_of_the_key_is_still_to_do(subject):
    def gone():
        raise KeyGone("a key that answers", "nothing")

    subject.after(gone)
    for _ in range(2):
        with pytest.raises(KeyGone):
            subject.tidy()
    assert subject.notes == []


def test_a_witness_that_signs_no_more_is_dismissed(subject):
    def refuse():
        raise NotTested("it was reset")

    subject.witness = refuse
    subject.tidy()
    assert subject.witness is None


def test_a_key_that_is_silent_begins_no_test(subject):
    subject.begin()
    subject.fixture.key.wire = WireFaults(stalled=True)
    with pytest.raises(KeySilent, match="an answer to CTAPHID_INIT"):
        subject.begin()


def test_a_report_that_answers_nothing_fails_the_test(subject):
    subject.settle()
    subject.hid.send(subject.channel, 0x01, b"ping")
    with pytest.raises(Failure, match="1 more, the first with command 0x01"):
        subject.settle()


def test_pins_and_ceremonies_are_of_this_key(subject):
    assert subject.pins is subject.pins
    assert subject.ceremonies.another_rp().endswith(".conformance.example")
