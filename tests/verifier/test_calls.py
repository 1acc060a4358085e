"""The one way through every operation: order, transaction, faults, trail."""

import pickle
from typing import Any

import pytest

from mfalab.verifier import MemoryStore, Outcome, ServiceError, SmsMode, refusals
from mfalab.verifier.calls import Call, Refused
from mfalab.verifier.code_rules import verify_code, verify_pair
from mfalab.verifier.records import Budget, Device


def test_committed_refusal_survives_pickling() -> None:
    error = Refused(refusals.failed_authentication())
    again = pickle.loads(pickle.dumps(error))
    assert again.error.args == error.error.args


def test_message_is_not_sent_for_what_was_undone(company: Any) -> None:
    company.set(sms=SmsMode.PREVIEW, devices_per_identity=0)
    session = company.signed_in().credentials
    with pytest.raises(ServiceError):
        company.console.register_sms(session, phone="+15550123")
    assert company.outbox.messages == []


def test_injected_fault_passes_after_its_times(company: Any) -> None:
    fault = ServiceError("ServiceFailure", "Oops.", 500)
    company.verifier.inject("ListMFADevices", fault, times=2)
    for _ in range(2):
        with pytest.raises(ServiceError, match="Oops"):
            company.iam("alice").list_mfa_devices()
    company.iam("alice").list_mfa_devices()


def test_trail_says_whether_mfa_was_used(company: Any) -> None:
    token = company.enrol()
    company.iam(company.mfa_session(token)).list_mfa_devices()
    event = company.trail("ListMFADevices")[-1]
    session = event.fields["userIdentity"]["sessionContext"]
    assert session == {"attributes": {"mfaAuthenticated": "true"}}
    (event,) = company.trail("GetSessionToken")
    assert event.fields["eventSource"] == "sts.amazonaws.com"
    assert event.fields["requestParameters"] == {"serialNumber": token.serial}
    assert "sessionContext" not in event.fields["userIdentity"]
    with pytest.raises(ServiceError):
        company.mfa_session(token)
    event = company.trail("GetSessionToken")[-1]
    assert event.fields["errorCode"] == "AccessDenied"


def test_refusal_that_is_raised_as_refused_keeps_what_was_written(company: Any) -> None:
    error = refusals.rate_exceeded()
    service = company.verifier._service

    def body(call: Call, end: Exception) -> None:
        call.tx.update(Budget(repr(end)))
        raise end

    for end in (error, Refused(error)):
        with pytest.raises(ServiceError, match="Rate exceeded"):
            service.transact("Test", lambda call, end=end: body(call, end))
    assert company.everything()["Budget"] == [Budget(repr(Refused(error)))]


def test_observer_and_outbox_are_told_after_the_commit(company: Any) -> None:
    from mfalab.verifier import TrailEvent

    stored: list[list[object]] = []
    event = TrailEvent("Test", 0, {})

    def body(call: Call) -> None:
        call.observe(event)
        call.send(lambda outbox: stored.append(company.everything()["Budget"]))
        call.tx.insert(Budget("s"))
        assert event not in company.observed

    company.verifier._service.transact("Test", body)
    assert stored == [[Budget("s")]]
    assert company.observed[-1] is event


def test_codes_and_absent_parameters_are_not_on_the_trail(company: Any) -> None:
    token = company.enrol()
    company.iam("ada").list_mfa_devices(UserName="alice")
    (enabled,) = company.trail("EnableMFADevice")
    assert enabled.fields["requestParameters"] == {
        "userName": "alice",
        "serialNumber": token.serial,
    }
    (listed,) = company.trail("ListMFADevices")
    assert listed.fields["requestParameters"] == {"userName": "alice"}


def test_wrong_credentials_leave_no_trail(company: Any) -> None:
    unknown = company.keys["bob"].__class__("AKIANOBODY", "x")
    with pytest.raises(ServiceError, match="security token included in the request is invalid"):
        company.iam(unknown).list_mfa_devices()
    assert company.observed == []


def test_decision_on_a_code_has_the_operations_name_and_time(company: Any, clock: Any) -> None:
    token = company.enrol()
    company.observed.clear()

    def body(call: Any) -> Any:
        (device,) = call.tx.find(Device)
        return call.decide(verify_code, device, token.code())

    decision = company.verifier._service.transact("Test", body)
    assert (decision.operation, decision.now_ns) == ("Test", clock.ns)
    assert decision.accepted
    assert company.observed == [decision]


def test_code_may_be_judged_against_used_codes_that_are_kept_apart(company: Any) -> None:
    token = company.enrol()
    company.mfa_session(token)

    def body(call: Any) -> list[Outcome]:
        (device,) = call.tx.find(Device)
        with MemoryStore().transaction() as apart:
            apart.insert(device)
            return [
                call.decide(verify_code, device, token.code(), tx=apart).outcome,
                call.decide(verify_code, device, token.code()).outcome,
            ]

    outcomes = company.verifier._service.transact("Test", body)
    assert outcomes == [Outcome.ACCEPTED, Outcome.REPLAYED]


def test_decision_on_a_pair_is_told_and_moves_the_window(company: Any) -> None:
    token = company.enrol()
    company.observed.clear()

    def body(call: Any) -> Any:
        (device,) = call.tx.find(Device)
        return call.decide(verify_pair, device, *token.pair(50))

    decision = company.verifier._service.transact("Test", body)
    assert (decision.accepted, decision.offset_steps) == (True, 50)
    assert company.observed == [decision]
