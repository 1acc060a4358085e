"""The distance of a device's clock from what it is compared with."""

from collections.abc import Callable

import pytest

from mfalab import ExpectationFailed, Lab, ScenarioError

Labs = Callable[..., Lab]


def test_distance_is_taken_from_true_time_or_from_the_verifiers_clock(lab_with: Labs) -> None:
    lab = lab_with("fob", verifier={"clock": {"offset": "-20 s"}})
    lab.set_clock(device="fob", by="10 s")
    assert lab.measure(device="fob", offset="<= 60 s").data.value == 10.0
    assert lab.measure(device="fob", offset="<= 60 s", from_="verifier").data.value == 30.0


def test_distance_is_taken_from_the_centre_of_the_window_that_was_learned(lab_with: Labs) -> None:
    lab = lab_with("fob")
    lab.set_clock(device="fob", by="-60 s")
    lab.enable(who="alice", device="fob")
    assert lab.measure(device="fob", offset="<= 2 steps").data.value == 2.0
    assert lab.measure(device="fob", offset="<= 2 steps", from_="window").data.value == 0.0


def test_lower_limit_is_failed_by_a_clock_that_is_right(lab_with: Labs) -> None:
    with pytest.raises(ExpectationFailed, match=r"expected >= 90 s, got 0.0 s"):
        lab_with("fob").measure(device="fob", offset=">= 90 s")


@pytest.mark.parametrize(
    ("device", "limit", "why"),
    [
        ("key", "<= 2 s", "key tells no time"),
        ("hotp", "<= 2 steps", "hotp counts no time steps; give the limit in s"),
    ],
)
def test_device_without_the_clock_for_it_is_not_measured(
    lab_with: Labs, device: str, limit: str, why: str
) -> None:
    with pytest.raises(ScenarioError, match=why):
        lab_with(device).measure(device=device, offset=limit)
