"""Steps that ask STS for credentials."""

from collections.abc import Callable
from typing import Any

import pytest

from mfalab import ExpectationFailed, Lab, ScenarioError

Labs = Callable[..., Lab]


@pytest.fixture
def lab(lab_with: Labs) -> Lab:
    """A lab in which alice's fob is enabled and two roles trust her account."""
    roles = {"dev": {}, "ops": {"requires_mfa": True}}
    lab = lab_with("fob", "app", roles=roles)
    lab.enable(who="alice", device="fob")
    lab.wait(for_="90 s")
    return lab


def test_session_remembers_whether_it_was_proved_by_mfa_and_when(lab: Lab) -> None:
    lab.get_session(who="alice", as_="plain")
    lab.check_mfa(who="alice", using="plain", present="false")
    lab.get_session(who="alice", with_="fob", as_="proved")
    lab.wait(for_="10 min")
    lab.check_mfa(who="alice", using="proved", present="true", younger_than="11 min")
    lab.check_mfa(who="alice", using="proved", present="true", older_than="9 min")
    lab.check_mfa(who="alice", present="absent")


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        ({"present": "false"}, "expected MultiFactorAuthPresent false, got true"),
        ({"present": "true", "younger_than": "1 s"}, "expected MultiFactorAuthAge below 1 s, got"),
        ({"present": "true", "older_than": "1 h"}, "expected MultiFactorAuthAge above 3600 s, got"),
    ],
)
def test_context_that_differs_is_told(lab: Lab, stated: dict[str, Any], told: str) -> None:
    lab.get_session(who="alice", with_="fob", as_="proved")
    lab.wait(for_="1 min")
    with pytest.raises(ExpectationFailed, match=told):
        lab.check_mfa(who="alice", using="proved", **stated)


@pytest.mark.parametrize("omit", ["code", "serial"])
def test_half_a_proof_is_refused(lab: Lab, omit: str) -> None:
    lab.get_session(who="alice", with_="fob", omit=omit, expect={"refused": "any"})


def test_code_for_another_devices_serial_number_is_refused(lab: Lab) -> None:
    lab.create(who="ada", device="app")
    lab.get_session(who="alice", with_="fob", serial_of="app", expect={"refused": "AccessDenied"})


def test_code_of_a_device_without_a_serial_number_makes_no_sense(lab: Lab) -> None:
    with pytest.raises(ScenarioError, match="a code needs a device with a serial number"):
        lab.get_session(who="alice", with_="app")


def test_role_that_requires_mfa_is_assumed_with_a_code_only(lab: Lab) -> None:
    lab.assume_role(who="alice", role="dev", as_="developer")
    lab.who_am_i(who="alice", using="developer", arn_ends="assumed-role/dev/alice")
    lab.assume_role(who="alice", role="ops", expect={"refused": "AccessDenied"})
    lab.assume_role(who="alice", role="ops", with_="fob")


def test_longer_session_than_allowed_is_refused(lab: Lab) -> None:
    lab.assume_role(who="alice", role="dev", duration="1 h")
    lab.assume_role(who="alice", role="dev", duration="2 h", expect={"refused": "any"})


def test_arn_that_ends_otherwise_is_told(lab: Lab) -> None:
    with pytest.raises(ExpectationFailed, match="expected an ARN that ends in user/bob, got arn:"):
        lab.who_am_i(who="alice", arn_ends="user/bob")
