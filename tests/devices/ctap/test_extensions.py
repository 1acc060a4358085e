"""Extensions: what is stored, what comes back, and for whom."""

from hashlib import sha256

import pytest
from fido2.webauthn import AuthenticatorData

from mfalab.devices.ctap import CtapStatus

CDH = sha256(b"client data").digest()
RP = "example.com"
SALTS = sha256(b"one").digest() + sha256(b"two").digest()


def outputs(answer):
    return AuthenticatorData(answer[2]).extensions or {}


def hmac_input(key, salts, number=None):
    """The input, and what opens its output."""
    protocol = key.protocol(number)
    public, shared = key.agree(protocol)
    salt_enc = protocol.encrypt(shared, salts)
    auth = protocol.authenticate(shared, salt_enc)
    given = {1: public, 2: salt_enc, 3: auth, 4: protocol.VERSION}
    return given, lambda output: protocol.decrypt(shared, output)


def secret(key, credential, salts=SALTS[:32], number=None, **members):
    given, opened = hmac_input(key, salts, number)
    request = key.get(allow=[credential], extensions={"hmac-secret": given}, **members)
    return opened(outputs(key.good(2, request))["hmac-secret"])


@pytest.mark.parametrize("rk", [False, True])
@pytest.mark.parametrize("level", [1, 2, 3])
def test_cred_protect_is_confirmed_and_kept(key, rk, level):
    answer = key.good(1, key.make(rk=rk, extensions={"credProtect": level}))
    assert outputs(answer) == {"credProtect": level}
    data = AuthenticatorData(answer[2]).credential_data
    expected = 0 if level < 3 else 0x2E
    assert key.status(2, key.get(allow=[data.credential_id])) == expected


def test_answer_without_extensions_has_none(key):
    answer = key.good(1, key.make(extensions={"unknown": True}))
    assert not answer[2][32] & 0x80


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("rk", [False, True])
def test_hmac_secret_repeats_for_a_salt_and_differs_between_salts(key, rk, number):
    credential = key.register(rk=rk, extensions={"hmac-secret": True})
    first, second = SALTS[:32], SALTS[32:]
    one = secret(key, credential, first, number)
    assert one == secret(key, credential, first, number)
    both = secret(key, credential, first + second, number)
    assert both == one + secret(key, credential, second, number)
    assert both[:32] != both[32:]


def test_hmac_secret_differs_with_verification_and_between_credentials(key):
    key.set_pin()
    one, other = (
        key.register(user=user, pin="1234", extensions={"hmac-secret": True})
        for user in (b"alice", b"bob")
    )
    secrets = {secret(key, one), secret(key, other)}
    secrets.add(secret(key, one, **key.signed("1234", CDH, 2, RP)))
    assert len(secrets) == 3


def test_hmac_secret_is_worked_out_for_each_account(key):
    for user in (b"alice", b"bob"):
        key.register(user=user, rk=True, extensions={"hmac-secret": True})
    given, opened = hmac_input(key, SALTS[:32])
    answers = [key.good(2, key.get(extensions={"hmac-secret": given})), key.good(8)]
    found = [opened(outputs(answer)["hmac-secret"]) for answer in answers]
    assert found[0] != found[1]


def test_hmac_secret_is_for_credentials_that_asked_for_it(key):
    credential = key.register()
    given, _ = hmac_input(key, SALTS[:32])
    assert (
        outputs(key.good(2, key.get(allow=[credential], extensions={"hmac-secret": given}))) == {}
    )


def test_hmac_secret_protocol_is_one_unless_named(key):
    credential = key.register(extensions={"hmac-secret": True})
    given, opened = hmac_input(key, SALTS[:32], 1)
    del given[4]
    answer = key.good(2, key.get(allow=[credential], extensions={"hmac-secret": given}))
    assert len(opened(outputs(answer)["hmac-secret"])) == 32


def test_hmac_secret_at_registration_is_that_of_the_assertion(make_key):
    key = make_key("ctap-2.3")
    given, opened = hmac_input(key, SALTS)
    wishes = {"hmac-secret": True, "hmac-secret-mc": given}
    answer = key.good(1, key.make(extensions=wishes))
    told = outputs(answer)
    assert told["hmac-secret"] is True
    credential = AuthenticatorData(answer[2]).credential_data.credential_id
    assert opened(told["hmac-secret-mc"]) == secret(key, credential, SALTS)


def test_cred_blob_is_kept_with_discoverable_credentials(key):
    answer = key.good(1, key.make(rk=True, extensions={"credBlob": b"left here"}))
    assert outputs(answer) == {"credBlob": True}
    asked = {"extensions": {"credBlob": True}}
    assert outputs(key.good(2, key.get(**asked))) == {"credBlob": b"left here"}


@pytest.mark.parametrize(("rk", "blob"), [(False, b"x"), (True, bytes(33))])
def test_cred_blob_that_is_not_kept_says_so(key, rk, blob):
    answer = key.good(1, key.make(rk=rk, extensions={"credBlob": blob}))
    assert outputs(answer) == {"credBlob": False}
    credential = AuthenticatorData(answer[2]).credential_data.credential_id
    read = key.good(2, key.get(allow=[credential], extensions={"credBlob": True}))
    assert outputs(read) == {"credBlob": b""}


def test_large_blob_key_is_the_same_at_both_ceremonies(key):
    made = key.good(1, key.make(rk=True, extensions={"largeBlobKey": True}))
    got = key.good(2, key.get(extensions={"largeBlobKey": True}))
    assert made[5] == got[7]
    assert len(made[5]) == 32
    assert 7 not in key.good(2, key.get())


def test_large_blob_key_is_for_credentials_that_asked_for_it(key):
    key.register(rk=True)
    assert 7 not in key.good(2, key.get(extensions={"largeBlobKey": True}))


def test_third_party_payment_is_told_at_sign_in_and_not_at_registration(make_key):
    key = make_key("ctap-2.3")
    asked = {"extensions": {"thirdPartyPayment": True}}
    answer = key.good(1, key.make(rk=True, **asked))
    assert outputs(answer) == {}
    assert outputs(key.good(2, key.get(**asked))) == {"thirdPartyPayment": True}
    plain = key.register(user=b"bob")
    assert outputs(key.good(2, key.get(allow=[plain], **asked))) == {"thirdPartyPayment": False}


def test_extension_of_another_model_is_ignored(make_key):
    key = make_key("fido-2.0")
    assert outputs(key.good(1, key.make(extensions={"credProtect": 2}))) == {}


def test_cred_protect_works_on_a_2_0_model_that_has_it(make_key):
    key = make_key("fido-2.0", extensions=("credProtect", "hmac-secret"))
    key.set_pin()
    credential = key.register(rk=True, pin="1234", extensions={"credProtect": 3})
    assert key.info()[2] == ["credProtect", "hmac-secret"]
    assert key.status(2, key.get(allow=[credential])) == CtapStatus.NO_CREDENTIALS
    assert key.status(2, key.get(allow=[credential], **key.signed("1234", CDH))) == 0
