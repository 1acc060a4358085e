"""The key under test is reached, measured and written down."""

import pytest

from mfalab.devices.ctap.status import CtapStatus
from mfalab.simulator.abilities import Ability
from mfalab.simulator.conformance.verdicts import Failure, KeyGone, NotTested


def test_requests_go_on_one_channel_until_it_is_let_go(subject):
    first = subject.channel
    subject.call(0x04).must(CtapStatus.SUCCESS)
    assert subject.channel == first
    subject.let_go()
    subject.call(0x04)
    assert subject.channel != first


def test_answers_are_measured_and_what_passed_is_kept_since_the_test_began(subject):
    subject.traffic.begin()
    subject.call(0x04)
    assert [frame.data[4] for frame in subject.traffic.frames[:2]] == [0x90, 0x90]
    assert subject.times.durations_ns("getInfo to its first byte")


def test_an_answer_that_is_not_canonical_is_remembered(subject):
    answer = subject.hid.transact(subject.channel, 0x10, b"\x04")
    spoilt = type(answer)(answer.command, b"\0\xa1\x18\x01\x01", 0, 0, 0)
    assert subject.reply(0x04, spoilt).members() == {1: 1}
    (problem,) = subject.not_canonical
    assert problem.startswith("getInfo: at byte 1: 1 is not in its shortest form")


def test_an_empty_answer_fails(subject):
    answer = subject.hid.transact(subject.channel, 0x01, b"")
    with pytest.raises(Failure, match="expected a status byte"):
        subject.reply(0x04, answer)


def test_another_channel_is_ours_until_the_test_ends(subject):
    other = subject.other_channel()
    assert subject.call_on(other, 0x04).status == CtapStatus.SUCCESS
    subject.tidy()
    subject.hid.send(other, 0x01, b"ping")
    assert subject.hid.strays() == []


def test_a_key_that_is_not_touched_cannot_be_touched(subject):
    subject._touched = False
    assert {Ability.TOUCH, Ability.FINGER}.isdisjoint(subject.abilities)
    assert Ability.POWER in subject.abilities


def test_a_key_that_is_not_plugged_in_is_gone(subject):
    subject.let_go()
    subject.fixture.key.unplug()
    with pytest.raises(KeyGone, match="a key that is there"):
        subject.call(0x04)


def test_without_power_control_there_is_no_power_cycle(subject):
    subject.fixture.can -= {Ability.POWER}
    with pytest.raises(NotTested, match="the key's power"):
        subject.power_cycle()
