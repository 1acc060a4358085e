"""A recording becomes steps, each with what the key said after it."""

from __future__ import annotations

from mfalab.devices.ctap.ctaphid import BROADCAST, packets
from mfalab.devices.transports.wire import Direction
from mfalab.simulator.traces.frames import Frame, FrameKind
from mfalab.simulator.traces.script import Script, is_optional

PING, INIT, CBOR, CANCEL, KEEPALIVE = 0x01, 0x06, 0x10, 0x11, 0x3B
POWER_ON = Frame(0, Direction.TO_KEY, b"", FrameKind.POWER_ON)
POWER_OFF = Frame(0, Direction.TO_KEY, b"", FrameKind.POWER_OFF)
NONCE = b"12345678"


def sent(command: int, data: bytes = b"", at_ns: int = 0, channel: int = 7) -> Frame:
    return Frame(at_ns, Direction.TO_KEY, packets(channel, command, data)[0])


def heard(command: int, data: bytes = b"", at_ns: int = 0, channel: int = 7) -> Frame:
    return Frame(at_ns, Direction.TO_HOST, packets(channel, command, data)[0])


def opened(channel: int, at_ns: int = 0) -> list[Frame]:
    answer = NONCE + channel.to_bytes(4) + bytes(5)
    return [
        sent(INIT, NONCE, at_ns, BROADCAST),
        heard(INIT, answer, at_ns + 3, BROADCAST),
    ]


def test_opening_a_channel_is_no_step_and_its_answer_is_the_template() -> None:
    script = Script([POWER_ON, *opened(7), *opened(8, 100), sent(PING, b"a", 200)])
    assert script.channels == [7, 8]
    assert script.init is not None
    assert script.init[0] == 3
    assert [step.message.command for step in script.steps] == ["PING"]


def test_answers_belong_to_the_step_before_them_with_their_delay() -> None:
    script = Script(
        [
            sent(CBOR, b"\x0b", 10),
            heard(KEEPALIVE, b"\x02", 15),
            sent(CANCEL, b"", 20),
            heard(CBOR, b"\x2d", 26),
        ]
    )
    assert [[gap for gap, _ in step.answers] for step in script.steps] == [[5], [6]]
    assert script.asked_user
    assert script.statuses == {"UPNEEDED", "KEEPALIVE_CANCEL"}


def test_of_several_cancels_in_a_row_the_last_counts() -> None:
    script = Script([sent(CBOR, b"\x0b"), *(sent(CANCEL, b"", at) for at in (1, 2, 3))])
    assert [step.message.command for step in script.steps] == ["CBOR", "CANCEL"]
    assert script.steps[1].frames[0].ts_ns == 3


def test_power_at_the_begin_is_no_step_and_later_power_is() -> None:
    script = Script([POWER_ON, sent(PING), POWER_OFF, POWER_ON])
    assert [step.message.command for step in script.steps] == ["PING", "power off", "power on"]


def test_questions_that_are_always_answered_in_the_same_way_are_optional() -> None:
    script = Script([sent(CBOR, b"\x04"), sent(CBOR, b"\x0b"), sent(INIT, NONCE), sent(PING)])
    assert [is_optional(step.message) for step in script.steps] == [True, False, True, False]


def test_each_apdu_of_a_chain_is_a_step() -> None:
    def apdu(text: str) -> Frame:
        return Frame(0, Direction.TO_KEY, bytes.fromhex(text), FrameKind.APDU)

    script = Script([apdu("901080000204a1"), apdu("8010800002010200")])
    assert [step.whole for step in script.steps] == [False, True]
    assert (script.kind, Script([]).kind) == (FrameKind.APDU, None)
