"""Signatures are judged by what passed: the registration's key verifies the assertion."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mfalab.simulator.traces.capture import read_capture
from mfalab.simulator.traces.dissect import dissect
from mfalab.simulator.traces.exchanges import Exchange, exchanges
from mfalab.simulator.traces.signatures import judge

Record = Callable[..., Path]


@pytest.fixture
def passed(record: Record, session: Any) -> tuple[Exchange, Exchange]:
    """A registration and an authentication."""
    frames, _, _ = read_capture(record(session, reveal=True))
    found = exchanges(dissect(frames, reveal=True))
    (registration,) = [each for each in found if each.label == "makeCredential"]
    authentication = [each for each in found if each.label == "getAssertion"][-1]
    return registration, authentication


def test_the_key_of_a_registration_verifies_the_assertion(
    passed: tuple[Exchange, Exchange],
) -> None:
    public_keys: dict[bytes, Any] = {}
    assert [judge(each, public_keys) for each in passed] == ["verifies", "verifies"]
    assert len(public_keys) == 1


def test_another_key_does_not_verify_it(passed: tuple[Exchange, Exchange]) -> None:
    public_keys: dict[bytes, Any] = {}
    judge(passed[0], public_keys)
    ((credential_id, key),) = public_keys.items()
    spoiled = {credential_id: key | {-2: bytes(32)}}
    assert judge(passed[1], spoiled) == "does not verify"


def test_without_the_registration_nothing_can_be_said(passed: tuple[Exchange, Exchange]) -> None:
    assert judge(passed[1], {}) == "cannot be verified"
    assert judge(Exchange(passed[1].request), {}) == "cannot be verified"
