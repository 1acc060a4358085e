"""Two keys side by side: differences are found, and what differs by nature is none."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from mfalab.devices.ctap.faults import NO_FAULTS, Faults
from mfalab.devices.ctap.model import model_names
from mfalab.devices.ctap.user import touching
from mfalab.simulator.keys.fixture import Fixture
from mfalab.simulator.keys.simulated import SimulatedFixture
from mfalab.simulator.traces.basics import BASICS, perform
from mfalab.simulator.traces.compare import Difference, Part, Passage, compare

NS_PER_MS = 10**6
PIN_KEY = "ctap-2.1-pin"


@cache
def basics(model: str, seed: int = 1, faults: Faults = NO_FAULTS) -> tuple[Passage, ...]:
    with SimulatedFixture(model, seed=seed) as fixture:
        fixture.user = touching(200 * NS_PER_MS)
        fixture.key.faults = faults
        return tuple(perform(fixture, destructive=True))


def seen(differences: list[Difference]) -> set[tuple[str, Part, str, str, str]]:
    return {(d.request, d.part, d.what, d.first, d.second) for d in differences}


@pytest.mark.slow
@pytest.mark.parametrize("model", model_names())
def test_two_keys_of_one_model_are_alike(model: str) -> None:
    first, second = basics(model), basics(model, seed=2)
    assert compare(first, second) == []
    assert sum(len(passage.messages) for passage in first) > 30


@pytest.mark.slow
def test_two_models_part_where_they_should() -> None:
    found = seen(compare(basics(PIN_KEY), basics("yubikey-like")))
    for expected in (
        ("getInfo", Part.MEMBER, "maxMsgSize", "1200", "1536"),
        ("getInfo", Part.MEMBER, "maxCredentialIdLength", "160", "128"),
        ("clientPIN setPin", Part.STATUS, "", "PIN_AUTH_INVALID", "NOT_ALLOWED"),
        ("INIT", Part.MEMBER, "device version", "2.1.0", "5.8.0"),
    ):
        assert expected in found
    # Two orders of one list are two answers.
    assert ("getInfo", Part.MEMBER, "transports", "[usb, nfc]", "[nfc, usb]") in found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("faults", "request_", "part", "what", "first", "second"),
    [
        (
            Faults(bad_signatures=True),
            *("getAssertion", Part.SIGNATURE, "", "verifies", "does not verify"),
        ),
        (Faults(counter_still=True), "getAssertion", Part.COUNTER, "", "moves", "zero"),
        (
            Faults(counter_back=5),
            *("makeCredential", Part.COUNTER, "", "moves", "zero"),
        ),
        (
            Faults(wrong_aaguid=True),
            *("makeCredential", Part.MEMBER, "authData.aaguid"),
            *("6d66616c616240008000000000000021", "92999e939e9dbfff7fffffffffffffde"),
        ),
        (
            Faults(missing=frozenset({"hmac-secret"})),
            *("makeCredential", Part.EXTENSION, "hmac-secret", "true", "absent"),
        ),
        (
            Faults(missing=frozenset({"hmac-secret"})),
            *("makeCredential", Part.FLAG, "ED", "set", "not set"),
        ),
        (
            Faults(missing=frozenset({"selection"})),
            *("selection", Part.STATUS, "", "SUCCESS", "INVALID_COMMAND"),
        ),
        (
            Faults(missing=frozenset({"selection"})),
            *("selection", Part.USER, "", "asks", "does not ask"),
        ),
        (
            Faults(missing=frozenset({"wink"})),
            *("WINK", Part.STATUS, "", "answered", "CTAPHID_ERROR INVALID_CMD"),
        ),
        (
            Faults(full_store=True),
            *("makeCredential", Part.STATUS, "", "SUCCESS", "KEY_STORE_FULL"),
        ),
        (
            Faults(slow_crypto_ns=300 * NS_PER_MS),
            *("getAssertion SUCCESS", Part.TIMING, "until it answers"),
            *("0.0 ms (median of 5)", "300.0 ms (median of 5)"),
        ),
        (
            Faults(malformed_cbor=True, seed=2),
            *("getInfo", Part.MEMBER, "CBOR", "good", "array instead of a map"),
        ),
        (
            Faults(worn_out_store=True),
            *("clientPIN setPin", Part.STATUS, "", "SUCCESS", "OTHER"),
        ),
    ],
    ids=lambda value: repr(value)[:40] if isinstance(value, Faults) else None,
)
def test_a_fault_is_found(
    faults: Faults, request_: str, part: Part, what: str, first: str, second: str
) -> None:
    found = seen(compare(basics(PIN_KEY), basics(PIN_KEY, faults=faults)))
    assert (request_, part, what, first, second) in found


@pytest.mark.slow
def test_times_within_the_tolerance_are_alike() -> None:
    slow = basics(PIN_KEY, faults=Faults(slow_crypto_ns=40 * NS_PER_MS))
    assert compare(basics(PIN_KEY), slow) == []
    found = compare(basics(PIN_KEY), slow, tolerance_ns=30 * NS_PER_MS)
    assert {each.part for each in found} == {Part.TIMING}
    assert compare(basics(PIN_KEY), slow, tolerance_ns=None) == []


@pytest.mark.slow
def test_a_slow_user_is_no_slow_key() -> None:
    with SimulatedFixture(PIN_KEY) as fixture:
        fixture.user = touching(9_000 * NS_PER_MS)
        unhurried = perform(fixture, destructive=True)
    assert compare(basics(PIN_KEY), unhurried) == []


def test_a_difference_is_told_once_however_often_it_shows() -> None:
    found = compare(basics(PIN_KEY), basics("fido-2.0"))
    (version,) = (each for each in found if each.what == "device version")
    assert version.times == len(BASICS)
    assert version.passages == tuple(each.name for each in BASICS)
    assert len(seen(found)) == len(found)


def test_what_one_key_was_not_asked_is_told() -> None:
    first, second = basics(PIN_KEY), basics(PIN_KEY, seed=2)
    found = compare(first[:3], second[1:3])
    assert [(each.passages, each.part, each.first, each.second) for each in found] == [
        (("CTAPHID",), Part.FLOW, "done", "not done")
    ]


@pytest.mark.slow
def test_a_recording_is_like_the_key_that_was_recorded(
    record: Callable[..., Path], key: SimulatedFixture
) -> None:
    from mfalab.simulator.traces.replay_fixture import ReplayFixture

    def session(fixture: Fixture) -> None:
        perform(fixture, destructive=True)

    path = record(session)
    with ReplayFixture(f"replay:{path}") as fixture:
        assert compare(perform(fixture, destructive=True), basics(PIN_KEY, seed=2)) == []
    with ReplayFixture(f"replay:{path}") as fixture:
        found = compare(perform(fixture, destructive=True), basics("yubikey-like"))
        assert any(each.what == "maxMsgSize" for each in found)
