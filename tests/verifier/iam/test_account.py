"""The account as a whole: its summary."""

from typing import Any


def test_account_summary_counts_devices_and_roots_mfa(company: Any) -> None:
    def counts() -> tuple[int, ...]:
        summary = company.iam("ada").get_account_summary()["SummaryMap"]
        keys = ("Users", "MFADevices", "MFADevicesInUse", "AccountMFAEnabled")
        return tuple(summary[key] for key in keys)

    assert counts() == (3, 0, 0, 0)
    company.create("spare")
    company.enrol(name="used")
    company.enable(company.ship())
    assert counts() == (3, 3, 2, 0)
    company.enrol_root()
    assert counts() == (3, 4, 3, 1)
