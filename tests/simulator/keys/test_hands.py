"""A prompt is answered once, and a touch that comes too late is called back."""

from typing import Any

import pytest

from mfalab.devices.ctap.ctaphid import HidCommand, packets
from mfalab.simulator.keys.hands import Channel, Hand, Later, PromptWatch

CHANNEL = 0x01020304


def told(*reports: bytes) -> list[str]:
    seen: list[str] = []
    watch = PromptWatch(lambda: seen.append("asked"), lambda: seen.append("settled"))
    for report in reports:
        watch.received(report)
    return seen


def report(command: HidCommand, data: bytes) -> bytes:
    return packets(CHANNEL, command, data)[0]


PROCESSING = report(HidCommand.KEEPALIVE, b"\x01")
UP_NEEDED = report(HidCommand.KEEPALIVE, b"\x02")
ANSWER = report(HidCommand.CBOR, b"\x00")
NOT_SATISFIED = report(HidCommand.MSG, b"\x69\x85")
SIGNED = report(HidCommand.MSG, b"\x01\x00\x00\x00\x01\x90\x00")


def test_prompt_is_told_once_and_its_end_too() -> None:
    assert told(PROCESSING, UP_NEEDED, UP_NEEDED, PROCESSING, ANSWER) == ["asked", "settled"]


def test_polls_of_a_u2f_client_are_one_prompt() -> None:
    assert told(NOT_SATISFIED, NOT_SATISFIED, SIGNED) == ["asked", "settled"]


def test_request_that_asks_nobody_is_silent() -> None:
    assert told(PROCESSING, ANSWER, SIGNED) == []


def test_continuation_packets_mean_nothing_by_themselves() -> None:
    first, second, *_ = packets(CHANNEL, HidCommand.CBOR, bytes(range(200)))
    looks_like_up = second[:4] + bytes((0x3B,)) + second[5:]
    assert told(first, looks_like_up) == []


def test_touch_that_comes_too_late_is_called_back(rig: Any) -> None:
    hand = Hand(Channel(rig, 1))
    hand.reach(3600 * 10**9)
    hand.withdraw()
    assert rig.did == []


def test_short_delay_is_the_boards_and_the_finger_is_lifted_once(rig: Any) -> None:
    hand = Hand(Channel(rig, 1))
    hand.reach(0)
    hand.withdraw()
    hand.withdraw()
    assert rig.did == [("touch", 1, 20), ("release", 1)]


def test_new_touch_ends_the_one_before(rig: Any) -> None:
    hand = Hand(Channel(rig, 1))
    hand.reach(50_000_000)
    hand.reach(100_000_000)
    assert rig.did == [("touch", 1, 50), ("release", 1), ("touch", 1, 100)]


def test_what_goes_wrong_later_is_raised_once_where_it_is_awaited() -> None:
    def fail() -> None:
        raise OSError("the rig is gone")

    later = Later(0, fail)
    with pytest.raises(OSError, match="the rig is gone"):
        later.await_it()
    later.await_it()


def test_action_that_is_called_back_does_not_happen() -> None:
    did: list[str] = []
    later = Later(3600 * 10**9, lambda: did.append("late"))
    later.call_back()
    assert did == []
    Later(0, lambda: did.append("in time")).await_it()
    assert did == ["in time"]


def test_channel_is_named_as_a_lab_file_writes_it(rig: Any) -> None:
    assert str(Channel(rig, 2)) == "rig:2"
