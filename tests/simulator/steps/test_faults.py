"""Steps that disturb the service and the carrier."""

from collections.abc import Callable

import pytest

from mfalab import Lab

Labs = Callable[..., Lab]


def test_injected_failure_lasts_for_so_many_calls(lab_with: Labs) -> None:
    lab = lab_with("fob")
    lab.inject(operation="EnableMFADevice", error="ServiceFailure", times=2)
    for _ in range(2):
        failed = {"refused": "ServiceFailure", "status": 500}
        lab.enable(who="alice", device="fob", expect=failed)
    lab.enable(who="alice", device="fob")


@pytest.mark.parametrize(("error", "status"), [("ConcurrentModification", 409)])
def test_injected_failure_has_the_status_of_its_kind(
    lab_with: Labs, error: str, status: int
) -> None:
    lab = lab_with("fob")
    lab.inject(operation="EnableMFADevice", error=error)
    lab.enable(who="alice", device="fob", expect={"refused": error, "status": status})


def signed_in_with_sms(lab_with: Labs) -> Lab:
    lab = lab_with("sms", verifier={"sms": "preview"}, carrier={"delay": "1 s"})
    lab.sign_in(who="alice")
    return lab


def test_lost_message_never_arrives(lab_with: Labs) -> None:
    lab = signed_in_with_sms(lab_with)
    lab.next_sms(is_="lost")
    lab.enable(who="alice", device="sms", using="console", expect={"refused": "NoCodeArrived"})


def test_delayed_message_arrives_later(lab_with: Labs) -> None:
    lab = signed_in_with_sms(lab_with)
    began_ns = lab.timeline.now_ns()
    lab.next_sms(is_="delayed", by="50 s")
    lab.enable(who="alice", device="sms", using="console")
    assert lab.timeline.now_ns() - began_ns >= 50 * 10**9


def test_duplicated_message_arrives_twice(lab_with: Labs) -> None:
    lab = signed_in_with_sms(lab_with)
    lab.next_sms(is_="duplicated")
    lab.enable(who="alice", device="sms", using="console")
    lab.wait(for_="10 min")
    first, second = lab.sms_phone("sms").thing.codes()
    assert first == second


def test_verifier_changes_the_figures_that_are_named_and_no_others(lab_with: Labs) -> None:
    lab = lab_with()
    before = lab.verifier.profile
    lab.change_verifier(to={"window_back": "5 steps"})
    assert lab.verifier.profile.window_back == 5
    assert lab.verifier.profile.window_ahead == before.window_ahead
    assert lab.journal.log.events[-1]["detail"] == {"window_back": "5"}
