"""Steps that look at lists and compare them with what they state."""

from collections.abc import Callable
from typing import Any

import pytest

from mfalab import ExpectationFailed, Lab

Labs = Callable[..., Lab]


@pytest.fixture
def lab(lab_with: Labs) -> Lab:
    """A lab in which alice has a fob and an app enabled."""
    lab = lab_with("fob", "app", "spare")
    for name in ("fob", "app"):
        lab.enable(who="ada", for_="alice", device=name)
    return lab


def test_devices_are_compared_in_any_order(lab: Lab) -> None:
    lab.list_devices(who="alice", devices=["fob", "app"])
    lab.list_devices(who="ada", for_="alice", devices=["app", "fob"])
    with pytest.raises(ExpectationFailed, match="expected devices app, got app, fob"):
        lab.list_devices(who="alice", devices=["app"])


def test_device_without_a_serial_number_is_told_by_its_name(lab: Lab) -> None:
    with pytest.raises(ExpectationFailed, match="expected devices app, fob, spare, got app, fob"):
        lab.list_devices(who="alice", devices=["app", "fob", "spare"])


def test_all_pages_are_read(lab: Lab) -> None:
    found: Any = lab.list_devices(who="alice", page=1, devices=["fob", "app"]).data
    assert len(found) == 2


def test_marker_that_leads_nowhere_is_refused(lab: Lab) -> None:
    lab.list_devices(who="alice", marker="nowhere", expect={"refused": "any"})


def test_root_lists_its_devices_in_the_console(lab: Lab) -> None:
    lab.wait(for_="90 s")
    lab.sign_in(who="alice", with_="fob")
    lab.list_console_devices(who="alice", devices=["app", "fob"])
    with pytest.raises(ExpectationFailed, match="expected devices none, got app, fob"):
        lab.list_console_devices(who="alice", devices=[])


def test_virtual_devices_are_listed_by_their_status(lab: Lab) -> None:
    lab.create(who="alice", device="spare")
    lab.list_virtual_devices(who="ada", status="Assigned", devices=["app"])
    lab.list_virtual_devices(who="ada", status="Unassigned", devices=["spare"])
    lab.list_virtual_devices(who="ada", devices=["app", "spare"])


def test_column_of_the_list_of_users_is_compared(lab: Lab) -> None:
    lab.sign_in(who="ada")
    lab.list_users(who="ada", mfa={"bob": "None"})
    with pytest.raises(ExpectationFailed, match="expected bob: Virtual, got None"):
        lab.list_users(who="ada", mfa={"bob": "Virtual"})


def test_tags_are_compared_exactly(lab: Lab) -> None:
    lab.tag(who="alice", device="app", tags={"team": "red"})
    lab.list_tags(who="alice", device="app", tags={"team": "red"})
    with pytest.raises(ExpectationFailed, match=r"expected tags \{\}, got \{'team': 'red'\}"):
        lab.list_tags(who="alice", device="app", tags={})


def test_details_are_answered_for_security_keys_only(lab_with: Labs) -> None:
    lab = lab_with("fob", "key")
    lab.enable(who="alice", device="fob")
    lab.describe_device(who="alice", device="fob", expect={"refused": "any"})
    lab.wait(for_="90 s")
    lab.sign_in(who="alice", with_="fob")
    lab.enable(who="alice", device="key", using="console")
    found: Any = lab.describe_device(who="alice", device="key").data
    assert found["SerialNumber"] == lab.device("key").serial
