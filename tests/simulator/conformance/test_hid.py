"""The CTAPHID client forgives nothing and waits for ever for nothing."""

from collections import deque

import pytest

from mfalab.simulator.conformance.hid import (
    BROADCAST,
    HidClient,
    continuation,
    initialization,
    packets,
)
from mfalab.simulator.conformance.verdicts import Failure, KeyGone, KeySilent

OURS = 0x00000007
PING, INIT, CBOR, KEEPALIVE, ERROR = 0x01, 0x06, 0x10, 0x3B, 0x3F
MS = 1_000_000


class Scripted:
    """Reports of a key as a script has them: bytes now, or after so many milliseconds."""

    def __init__(self, *script):
        self.script = deque(script)
        self.written = []
        self.ns = 0
        self.gone = False

    def write(self, report):
        if self.gone:
            raise OSError("the key is not plugged in")
        self.written.append(report)

    def read(self, within_ns):
        if not self.script:
            self.ns += within_ns
            if self.gone:
                raise OSError("the key is not plugged in")
            return None
        delay, report = self.script[0]
        if delay * MS > within_ns:
            self.script[0] = (delay - within_ns / MS, report)
            self.ns += within_ns
            return None
        self.script.popleft()
        self.ns += round(delay * MS)
        return report

    def close(self):
        pass


def client(*reports):
    scripted = Scripted(*((each if isinstance(each, tuple) else (0, each)) for each in reports))
    made = HidClient(scripted, lambda: scripted.ns, lambda size: bytes(range(size)))
    made.listen_to(OURS)
    return made, scripted


def keepalive(status=2, channel=OURS):
    return initialization(channel, KEEPALIVE, 1, bytes([status]))


def init_answer(nonce=bytes(range(8)), channel=9):
    data = nonce + channel.to_bytes(4) + bytes((2, 5, 7, 4, 5))
    return initialization(BROADCAST, INIT, 17, data)


@pytest.mark.parametrize("length", [0, 57, 58, 300, 7609])
def test_a_message_of_any_length_goes_out_and_comes_back(length):
    data = bytes(number % 251 for number in range(length))
    hid, scripted = client(*packets(OURS, PING, data))
    hid.ping(OURS, data)
    assert scripted.written == packets(OURS, PING, data)


def test_keepalives_are_told_with_their_times_and_the_answer_with_its_own():
    hid, _ = client((5, keepalive(1)), (100, keepalive()), (40, packets(OURS, CBOR, b"\0")[0]))
    answer = hid.transact(OURS, CBOR, b"\4")
    assert answer.keepalives == ((5 * MS, 1), (105 * MS, 2))
    assert (answer.sent_ns, answer.first_ns, answer.done_ns) == (0, 145 * MS, 145 * MS)
    assert answer.wanted_touch


def test_silence_ends_after_three_seconds():
    hid, scripted = client()
    with pytest.raises(KeySilent, match="nothing for 3000 ms"):
        hid.transact(OURS, PING, b"x")
    assert scripted.ns == 3000 * MS


def test_keepalives_without_end_are_silence_in_the_end():
    hid, scripted = client(*[(100, keepalive())] * 1000)
    with pytest.raises(KeySilent, match="keepalives for 90 s"):
        hid.transact(OURS, CBOR, b"\1")
    assert scripted.ns < 91_000 * MS


@pytest.mark.parametrize(
    ("reports", "got"),
    [
        ([continuation(OURS, 0, b"x")], "continuation packet 0"),
        ([initialization(OURS, PING, 9000)], "9000 bytes"),
        ([*packets(OURS, PING, bytes(200))[:1], continuation(OURS, 1)], "sequence number 1"),
        ([*packets(OURS, PING, bytes(200))[:1], keepalive()], "CTAPHID_KEEPALIVE in the middle"),
        ([initialization(OURS, KEEPALIVE, 2, b"\2\2")], "one of 2 bytes"),
        (packets(OURS, PING, bytes(200))[:2], "116 bytes and then nothing"),
    ],
)
def test_packets_that_make_no_message_are_told(reports, got):
    hid, _ = client(*reports)
    with pytest.raises(Failure) as found:
        hid.transact(OURS, PING, bytes(200))
    assert got in found.value.got


def test_other_programs_reports_are_passed_over():
    hid, _ = client(
        keepalive(channel=0x99),
        init_answer(nonce=b"stranger"),
        *packets(OURS, PING, b"ping"),
    )
    hid.ping(OURS)
    assert hid.strays() == []


def test_reports_that_answer_nothing_are_kept_as_strays():
    again = packets(OURS, PING, b"ping")
    hid, _ = client(*again, *again)
    hid.ping(OURS)
    assert hid.strays() == again
    assert hid.strays() == []


def test_init_opens_the_channel_that_the_answer_names():
    hid, _ = client(init_answer(channel=9))
    answer = hid.init()
    assert (answer.channel, answer.version, answer.device_version) == (9, 2, (5, 7, 4))
    assert answer.capabilities == 5


@pytest.mark.parametrize("data", [b"", bytes(16)])
def test_init_that_is_too_short_fails(data):
    hid, _ = client(initialization(OURS, INIT, len(data), data))
    with pytest.raises(Failure, match="17 bytes"):
        hid.init(OURS)


def test_quiet_gives_up_after_three_times():
    hid, scripted = client()
    assert not hid.quiet(OURS)
    assert len(scripted.written) == 3


@pytest.mark.parametrize("late", [1, 2, 5])
def test_quiet_waits_for_its_own_answer_behind_those_that_come_late(late):
    answers = [(1, report) for report in packets(OURS, CBOR, bytes(100))] * late
    mine = initialization(OURS, INIT, 17, bytes(range(8)) + OURS.to_bytes(4) + bytes(5))
    hid, scripted = client(*answers, (1, keepalive()), (1, mine), *packets(OURS, PING, b"ping"))
    assert hid.quiet(OURS)
    assert len(scripted.written) == 1


def test_quiet_gives_up_a_key_that_says_other_things_for_ever():
    hid, scripted = client(*[(100, keepalive())] * 200)
    assert not hid.quiet(OURS)
    assert scripted.ns <= 4_000 * MS


def test_quiet_forgets_what_was_left_over():
    answer = bytearray(init_answer(channel=OURS))
    answer[:4] = OURS.to_bytes(4)
    hid, _ = client(keepalive(), keepalive(), (10, bytes(answer)))
    assert hid.quiet(OURS)
    assert hid.strays() == []


def test_a_refusal_with_another_code_fails():
    hid, _ = client(initialization(OURS, ERROR, 1, b"\x06"))
    with pytest.raises(Failure) as found:
        hid.refused(OURS, 0, 0x0B)
    assert found.value.expected == "CTAPHID_ERROR 0x0B INVALID_CHANNEL"
    assert found.value.got == "CTAPHID_ERROR 0x06 CHANNEL_BUSY"


def test_a_key_that_is_gone_is_told_apart_from_a_silent_one():
    hid, scripted = client()
    scripted.gone = True
    with pytest.raises(KeyGone, match="not plugged in"):
        hid.send(OURS, PING, b"x")
    with pytest.raises(KeyGone):
        hid.strays(MS)


@pytest.mark.parametrize(
    ("came", "got"),
    [(b"pong", "0x6f instead of 0x69 at byte 1"), (b"pin", "3 bytes instead of 4")],
)
def test_a_ping_that_came_back_otherwise_says_where(came, got):
    hid, _ = client(*packets(OURS, PING, came))
    with pytest.raises(Failure, match=got):
        hid.ping(OURS)


def test_a_keepalive_of_unknown_status_fails():
    hid, _ = client(keepalive(3))
    with pytest.raises(Failure, match="status 3"):
        hid.keepalive(OURS, what="a keepalive")
