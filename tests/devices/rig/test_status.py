"""The registers and the error queue of a board. IEEE 488.2 chapters 10 and 11."""

from __future__ import annotations

import pytest

from mfalab.devices.rig.scpi import Code, Refusal
from mfalab.devices.rig.status import Status

POWER_ON, COMMAND_ERROR, EXECUTION_ERROR, DEVICE_ERROR = 128, 32, 16, 8


def test_power_on_is_told_once() -> None:
    status = Status()
    assert (status.take_events(), status.take_events()) == (POWER_ON, 0)


@pytest.mark.parametrize(
    ("code", "event"),
    [
        (Code.UNDEFINED_HEADER, COMMAND_ERROR),
        (Code.SETTINGS_CONFLICT, EXECUTION_ERROR),
        (Code.TIME_OUT, DEVICE_ERROR),
    ],
)
def test_each_class_of_errors_has_its_event(code: Code, event: int) -> None:
    status = Status()
    status.queue(Refusal(code))
    assert status.take_events() == POWER_ON | event


def test_errors_leave_the_queue_oldest_first() -> None:
    status = Status()
    status.queue(Refusal(Code.UNDEFINED_HEADER))
    status.queue(Refusal(Code.TIME_OUT, "why"))
    said = [status.take_error() for _ in range(3)]
    assert [each.partition(",")[0] for each in said] == ["-113", "-365", "0"]


def test_a_full_queue_ends_with_its_overflow() -> None:
    status = Status()
    for _ in range(20):
        status.queue(Refusal(Code.UNDEFINED_HEADER))
    assert status.errors == 16
    said = [status.take_error() for _ in range(16)]
    assert said[-2].startswith("-113")
    assert said[-1].startswith("-350")


def test_the_status_byte_sums_up_what_is_enabled() -> None:
    status = Status()
    assert status.byte == 0
    status.queue(Refusal(Code.UNDEFINED_HEADER))
    status.answered = True
    assert status.byte == 0b0001_0100
    status.events_enabled = COMMAND_ERROR
    assert status.byte == 0b0011_0100
    status.service_enabled = 0xFF
    assert status.service_enabled == 0b1011_1111
    assert status.byte == 0b0111_0100


def test_clearing_forgets_errors_and_events_and_keeps_the_masks() -> None:
    status = Status()
    status.queue(Refusal(Code.UNDEFINED_HEADER))
    status.complete()
    status.events_enabled = 1
    status.clear()
    assert (status.errors, status.take_events(), status.events_enabled) == (0, 0, 1)
    status.complete()
    assert status.take_events() == 1
