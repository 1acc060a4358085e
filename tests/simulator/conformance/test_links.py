"""Ways to a key write down what passes, and tell a refusal from a key that is gone."""

import pytest
from fido2.ctap import CtapError

from mfalab.devices.ctap.ctaphid import HidCommand
from mfalab.devices.transports.wire import Direction
from mfalab.simulator.conformance.links import CardLink, Traffic
from mfalab.simulator.conformance.verdicts import Failure, KeyGone
from mfalab.simulator.traces.frames import FrameKind
from mfalab.simulator.traces.recorder import HeardReports


class Reports:
    closed = False

    def write(self, report):
        self.written = report

    def read(self, within_ns):
        return b"answer" if within_ns else None

    def close(self):
        self.closed = True


class Card:
    """A card as python-fido2 has it: a call is an APDU and its answer."""

    closed = False

    def __init__(self, answer):
        self.answer = answer

    def apdu_exchange(self, apdu, protocol=None):
        return apdu[:1], 0x90, 0x00

    def call(self, command, data, on_keepalive):
        on_keepalive(2)
        if isinstance(self.answer, Exception):
            raise self.answer
        self.apdu_exchange(data)
        return self.answer

    def close(self):
        self.closed = True


def passed(traffic):
    return [(frame.direction, frame.data, frame.kind) for frame in traffic.frames]


def test_reports_are_written_down_as_they_pass_and_silence_is_not():
    traffic, inner = Traffic(lambda: 5), Reports()
    reports = HeardReports(inner, traffic.passed)
    reports.write(b"request")
    assert (reports.read(0), reports.read(1)) == (None, b"answer")
    assert passed(traffic) == [
        (Direction.TO_KEY, b"request", FrameKind.REPORT),
        (Direction.TO_HOST, b"answer", FrameKind.REPORT),
    ]
    reports.close()
    assert inner.closed
    traffic.begin()
    assert traffic.frames == []


def test_a_card_answers_and_its_apdus_are_written_down():
    traffic, card = Traffic(lambda: 5), Card(b"\0info")
    link = CardLink(card, lambda: 7, traffic)
    answer = link.call(HidCommand.CBOR, b"\x04")
    assert (answer.data, answer.keepalives, answer.done_ns) == (b"\0info", ((7, 2),), 7)
    assert passed(traffic) == [
        (Direction.TO_KEY, b"\x04", FrameKind.APDU),
        (Direction.TO_HOST, b"\x04\x90\x00", FrameKind.APDU),
    ]
    link.close()
    assert card.closed


def test_a_refusal_of_the_card_is_told_apart_from_a_card_that_is_gone():
    for error, kind in ((CtapError(1), Failure), (RuntimeError("removed"), KeyGone)):
        with pytest.raises(Failure) as found:
            CardLink(Card(error), lambda: 0, Traffic(lambda: 0)).call(HidCommand.MSG, b"")
        assert type(found.value) is kind
