"""Registration and authentication are verified: what is spoilt fails with what is wrong."""

from dataclasses import replace

import pytest

from mfalab.devices.ctap.commands import AuthDataFlag
from mfalab.simulator.conformance.ceremonies import RP_ID, AuthData, check_signature
from mfalab.simulator.conformance.verdicts import Failure, NotTested


def test_a_credential_signs_and_its_counters_are_remembered(subject):
    made = subject.ceremonies.make()
    signed = subject.ceremonies.sign(made)
    assert subject.counters == {made.id: [made.auth.counter, signed.auth.counter]}
    subject.ceremonies.verify_attestation(made)
    assert subject.witness is not None


def test_an_assertion_by_another_credential_fails(subject):
    made, other = subject.ceremonies.make(), subject.ceremonies.make()
    request = subject.ceremonies.sign_request(allow=[made.id])
    with pytest.raises(Failure, match="an assertion by one of the credentials asked for"):
        subject.ceremonies.authenticate(request, other)


def test_an_attestation_over_something_else_does_not_verify(subject):
    made = subject.ceremonies.make()
    with pytest.raises(Failure, match="an attestation of format packed that verifies"):
        subject.ceremonies.verify_attestation(replace(made, client_data_hash=bytes(32)))


def test_a_signature_that_does_not_verify_is_told_apart_from_an_unknown_algorithm(subject):
    key = subject.ceremonies.make().auth.public_key
    with pytest.raises(Failure, match="a signature that verifies"):
        check_signature(key, b"message", b"\x30\x06\x02\x01\x01\x02\x01\x01")
    with pytest.raises(NotTested, match="COSE algorithm -999"):
        check_signature({1: 2, 3: -999}, b"", b"")


def test_a_discoverable_credential_is_deleted_when_the_test_has_ended(subject):
    from mfalab.simulator.conformance.pins import Pin

    subject.prepare(Pin.SET, ready=True)
    subject.ceremonies.make_discoverable()
    assert len(subject.fixture.key.state.credentials) == 1
    subject.tidy()
    assert subject.fixture.key.state.credentials == ()


def test_a_reset_forgets_what_this_run_has_made(subject):
    subject.ceremonies.make()
    subject.dirty.add("the PIN")
    subject.ceremonies.reset()
    assert (subject.dirty, subject.witness, subject.pins.known) == (set(), None, None)


HEAD = bytes(32) + b"\x01" + bytes(4)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (HEAD[:36], "authenticator data of at least 37 bytes"),
        (HEAD + b"x", "nothing behind the authenticator data"),
        (bytes(32) + b"\x41" + bytes(4) + bytes(16) + b"\x00\x09", "attested credential data"),
        (bytes(32) + b"\x81" + bytes(4) + b"\x01", "the extension outputs as a canonical CBOR map"),
    ],
)
def test_authenticator_data_that_do_not_fit_together_fail(raw, expected):
    with pytest.raises(Failure) as found:
        AuthData.parse(raw)
    assert found.value.expected == expected


def test_flags_are_expected_set_or_clear(subject):
    auth = AuthData.parse(HEAD)
    auth.expect(AuthDataFlag.USER_PRESENT)
    auth.expect(AuthDataFlag.USER_VERIFIED, on=False)
    with pytest.raises(Failure, match="expected flag UV set, got 0x01"):
        auth.expect(AuthDataFlag.USER_VERIFIED)
    with pytest.raises(Failure, match=f"rpIdHash of {RP_ID}"):
        subject.ceremonies.check_auth_data(auth, RP_ID)
