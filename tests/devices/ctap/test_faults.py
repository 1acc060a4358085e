"""Each fault does what its name says, and only while it is set."""

from contextlib import suppress
from hashlib import sha256

import pytest
from cryptography.exceptions import InvalidSignature
from fido2.attestation import InvalidSignature as InvalidAttestation
from fido2.attestation import PackedAttestation
from fido2.cose import CoseKey
from fido2.ctap2 import AttestationResponse, Ctap2
from fido2.webauthn import AuthenticatorData

from mfalab.devices.ctap import NO_FAULTS, CtapError, Faults, NoPower, Prompt, cbor

CDH = sha256(b"client data").digest()


def made(answer):
    return AttestationResponse(answer[1], AuthenticatorData(answer[2]), answer[3])


def test_bad_signature_has_the_right_form_and_one_wrong_bit(key):
    registration = made(key.good(1, key.make(rk=True)))
    public = CoseKey.parse(registration.auth_data.credential_data.public_key)
    good = key.good(2, key.get())
    public.verify(good[2] + CDH, good[3])
    key.authenticator.faults = Faults(bad_signatures=True)
    bad = key.good(2, key.get())
    with pytest.raises(InvalidSignature):
        public.verify(bad[2] + CDH, bad[3])
    attested = made(key.good(1, key.make()))
    with pytest.raises(InvalidAttestation):
        PackedAttestation().verify(attested.att_stmt, attested.auth_data, CDH)


def test_wrong_aaguid_differs_from_get_info(key):
    key.authenticator.faults = Faults(wrong_aaguid=True)
    told = made(key.good(1, key.make())).auth_data.credential_data.aaguid
    assert told != key.info()[3] == key.model.aaguid


@pytest.mark.parametrize("seed", range(4), ids=["cut", "a byte more", "no map", "indefinite"])
def test_malformed_cbor_is_not_read_by_python_fido2(key, device, seed):
    key.authenticator.faults = Faults(malformed_cbor=True, seed=seed)
    with pytest.raises((ValueError, TypeError, IndexError)):
        Ctap2(device(key))
    response = key.raw(b"\x04")
    assert response[0] == 0
    with suppress(CtapError):
        assert not isinstance(cbor.decode(response[1:]), dict)


def test_seeds_choose_different_ways_to_be_malformed(make_key):
    answers = set()
    for seed in range(40):
        answers.add(make_key(faults=Faults(malformed_cbor=True, seed=seed)).raw(b"\x04"))
    assert len(answers) == 4


@pytest.mark.parametrize("command", [1, 2, 4, 6, 10, 12])
def test_what_stands_in_an_answer_does_not_choose_the_way(command):
    bodies = [cbor.encode({1: 1, 2: last}) for last in range(10)]
    seen = set()
    for seed in range(20):
        faults = Faults(malformed_cbor=True, seed=seed)
        spoiled = {faults.spoil_answer(command, body).replace(body[1:], b"*") for body in bodies}
        assert len(spoiled) == 1
        seen |= spoiled
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("missing", "command"),
    [("clientPin", 6), ("credMgmt", 10), ("largeBlobs", 12), ("authnrCfg", 13), ("selection", 11)],
)
def test_missing_command_is_announced_and_unknown(key, missing, command):
    before = key.info()
    key.authenticator.faults = Faults(missing=frozenset({missing}))
    assert key.info() == before
    assert key.status(command, {}) == 0x01


def test_missing_extension_is_announced_and_ignored(key):
    key.authenticator.faults = Faults(missing=frozenset({"hmac-secret"}))
    assert "hmac-secret" in key.info()[2]
    assert not key.good(1, key.make(extensions={"hmac-secret": True}))[2][32] & 0x80


def test_counter_stands_still_and_jumps_back(key):
    credential = key.register(rk=True)

    def count():
        return key.counter(key.good(2, key.get(allow=[credential])))

    assert [count(), count()] == [2, 3]
    key.authenticator.faults = Faults(counter_still=True)
    assert [count(), count()] == [3, 3]
    key.authenticator.faults = Faults(counter_back=2)
    assert [count(), count()] == [2, 3]
    key.authenticator.faults = NO_FAULTS
    assert count() == 6


def test_full_store_takes_wrapped_credentials_only(key):
    key.authenticator.faults = Faults(full_store=True)
    assert key.status(1, key.make(rk=True)) == 0x28
    assert key.status(1, key.make()) == 0
    assert key.info()[0x14] == 0


def test_worn_out_store_refuses_and_keeps_its_state(key):
    credential = key.register(rk=True)
    before = key.storage.read()
    key.authenticator.faults = Faults(worn_out_store=True)
    assert key.status(2, key.get()) == 0x7F
    assert key.status(7) == 0x7F
    assert key.storage.read() == before
    key.authenticator.faults = NO_FAULTS
    assert key.good(2, key.get())[1]["id"] == credential


def test_slow_crypto_takes_its_time_in_processing(key):
    key.authenticator.faults = Faults(slow_crypto_ns=700_000_000)
    transaction = key.begin(1, key.make())
    assert (transaction.wants, transaction.status) == (Prompt.TOUCH, 2)
    start = key.clock.ns
    transaction.touch()
    assert (transaction.wants, transaction.status) == (None, 1)
    assert transaction.deadline_ns == start + 700_000_000
    transaction.touch()
    key.clock.advance(0.699)
    transaction.advance()
    assert transaction.response is None
    key.clock.advance(1)
    transaction.advance()
    transaction.advance()
    assert transaction.under_way  # the attestation takes its time from here
    key.clock.advance(0.7)
    transaction.advance()
    assert transaction.response[0] == 0


def test_slow_crypto_can_be_cancelled(key):
    key.register(rk=True)
    key.authenticator.faults = Faults(slow_crypto_ns=10**9)
    transaction = key.begin(2, key.get())
    transaction.touch()
    transaction.cancel()
    assert transaction.response == b"\x2d"


def test_request_without_power_is_an_error_of_the_caller(key):
    key.authenticator.power_down()
    with pytest.raises(NoPower, match="has no power"):
        key.begin(4)
