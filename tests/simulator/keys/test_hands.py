"""A prompt is answered once, and a touch that comes too late is called back."""

from mfalab.devices.ctap.ctaphid import HidCommand, packets
from mfalab.simulator.keys.hands import PromptWatch

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
