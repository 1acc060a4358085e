"""Codes that are typed in an operation."""

from typing import Any

from mfalab.verifier import MemoryStore, Outcome
from mfalab.verifier.attempts import try_code, try_pair
from mfalab.verifier.records import Device


def test_decision_on_a_code_has_the_operations_name_and_time(company: Any, clock: Any) -> None:
    token = company.enrol()
    company.observed.clear()

    def body(call: Any) -> Any:
        (device,) = call.tx.find(Device)
        return try_code(call, device, token.code())

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
                try_code(call, device, token.code(), apart).outcome,
                try_code(call, device, token.code()).outcome,
            ]

    outcomes = company.verifier._service.transact("Test", body)
    assert outcomes == [Outcome.ACCEPTED, Outcome.REPLAYED]


def test_decision_on_a_pair_is_told_and_moves_the_window(company: Any) -> None:
    token = company.enrol()
    company.observed.clear()

    def body(call: Any) -> Any:
        (device,) = call.tx.find(Device)
        return try_pair(call, device, *token.pair(50))

    decision = company.verifier._service.transact("Test", body)
    assert (decision.accepted, decision.offset_steps) == (True, 50)
    assert company.observed == [decision]
