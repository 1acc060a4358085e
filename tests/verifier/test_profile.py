"""Choices of the profile that no other test turns."""

from dataclasses import replace
from typing import Any

import pytest

from mfalab.verifier import DeviceKind, ServiceError
from mfalab.verifier.code_rules import code_window, pair_window
from mfalab.verifier.otp import step_at
from mfalab.verifier.profile import AWS_IMMEDIATE
from mfalab.verifier.records import Device

NOW_NS = 1_700_000_000 * 10**9
STEP = step_at(NOW_NS, 30)


def device(kind: DeviceKind) -> Device:
    return Device("d", kind, "serial", "1", "n", "/", 0, b"secret")


def test_hardware_tokens_may_have_windows_of_their_own() -> None:
    profile = replace(
        AWS_IMMEDIATE,
        hardware_window_back=0,
        hardware_window_ahead=5,
        hardware_pair_back=7,
        hardware_pair_ahead=9,
    )
    virtual, hardware = device(DeviceKind.VIRTUAL), device(DeviceKind.HARDWARE)
    assert code_window(virtual, NOW_NS, profile)[2:] == (STEP - 2, STEP + 2)
    assert code_window(hardware, NOW_NS, profile)[2:] == (STEP, STEP + 5)
    assert pair_window(virtual, NOW_NS, profile)[2:] == (STEP - 998, STEP + 1000)
    assert pair_window(hardware, NOW_NS, profile)[2:] == (STEP - 7, STEP + 9)


def test_hardware_tokens_have_the_windows_of_virtual_devices_by_default() -> None:
    for window in (code_window, pair_window):
        assert window(device(DeviceKind.HARDWARE), NOW_NS, AWS_IMMEDIATE) == window(
            device(DeviceKind.VIRTUAL), NOW_NS, AWS_IMMEDIATE
        )


def test_a_sign_in_code_may_have_to_come_from_the_device_enabled_last(company: Any) -> None:
    company.set(sign_in_tries_every_device=False)
    older = company.enrol(name="older")
    company.clock.advance(60)
    newer = company.enrol(name="newer")
    page = company.console.choose(company.page().id, DeviceKind.VIRTUAL)
    with pytest.raises(ServiceError, match="InvalidAuthenticationCode"):
        company.console.submit_code(page.id, older.code())
    assert company.console.submit_code(page.id, newer.code()).mfa_serial == newer.serial


@pytest.mark.parametrize(("counts", "expected"), [(True, 2), (False, 1)])
def test_the_summary_may_leave_unassigned_devices_out(
    company: Any, counts: bool, expected: int
) -> None:
    company.set(summary_counts_unassigned=counts)
    company.enrol()
    company.create("spare")
    assert company.iam("ada").get_account_summary()["SummaryMap"]["MFADevices"] == expected


@pytest.mark.parametrize("figure", ["window_back", "devices_per_identity", "sms_code_lifetime_s"])
def test_a_negative_figure_is_refused(figure: str) -> None:
    with pytest.raises(ValueError, match=f"{figure} is -1"):
        replace(AWS_IMMEDIATE, **{figure: -1})


def test_a_throttle_window_has_a_length() -> None:
    with pytest.raises(ValueError, match="throttle_window_s is 0"):
        replace(AWS_IMMEDIATE, throttle_window_s=0)
