"""CTAP1/U2F: every control byte, every refusal, and one credential store with CTAP2."""

from hashlib import sha256

import pytest
from fido2.ctap1 import RegistrationData, SignatureData

from mfalab.devices.ctap import Faults, Prompt, Transport

CHALLENGE = sha256(b"challenge").digest()
APPLICATION = sha256(b"example.com").digest()
REGISTER, AUTHENTICATE, VERSION = 1, 2, 3
ENFORCE, CHECK, SILENT = 3, 7, 8


@pytest.fixture
def old(make_key):
    return make_key("u2f-2016")


def touch(key):
    """Poll, and touch while the light is on."""
    transaction = key.apdu(REGISTER, data=CHALLENGE + APPLICATION)
    assert transaction.wants is Prompt.TOUCH
    key.authenticator.touch()


def register(key, application=APPLICATION):
    touch(key)
    response = key.apdu(REGISTER, data=CHALLENGE + application).response
    assert response[-2:] == b"\x90\x00"
    return RegistrationData(response[:-2])


def sign(key, handle, p1=ENFORCE, application=APPLICATION):
    data = CHALLENGE + application + bytes([len(handle)]) + handle
    return key.apdu(AUTHENTICATE, p1, data)


def word(transaction):
    return transaction.response[-2:].hex()


def test_registration_without_a_touch_is_answered_at_once_and_polled(old):
    first = old.apdu(REGISTER, data=CHALLENGE + APPLICATION)
    assert (word(first), first.wants) == ("6985", Prompt.TOUCH)
    first.touch()
    second = old.apdu(REGISTER, data=CHALLENGE + APPLICATION)
    assert (word(second), second.wants) == ("9000", None)
    RegistrationData(second.response[:-2]).verify(APPLICATION, CHALLENGE)
    assert word(old.apdu(REGISTER, data=CHALLENGE + APPLICATION)) == "6985"


@pytest.mark.parametrize(("wait", "expected"), [(9.999, "9000"), (10, "6985")])
def test_touch_before_the_poll_counts_for_ten_seconds(old, wait, expected):
    touch(old)
    old.clock.advance(wait)
    assert word(old.apdu(REGISTER, data=CHALLENGE + APPLICATION)) == expected


def test_touch_that_was_not_asked_for_counts_for_nothing(old):
    old.authenticator.touch()
    assert word(old.apdu(REGISTER, data=CHALLENGE + APPLICATION)) == "6985"
    old.clock.advance(10)
    old.authenticator.touch()
    assert word(old.apdu(REGISTER, data=CHALLENGE + APPLICATION)) == "6985"


def test_signature_verifies_and_counts(old):
    registration = register(old)
    counts = []
    for _ in range(2):
        touch(old)
        answer = SignatureData(sign(old, registration.key_handle).response[:-2])
        answer.verify(APPLICATION, CHALLENGE, registration.public_key)
        assert answer.user_presence == 1
        counts.append(answer.counter)
    assert counts == [1, 2]


def test_control_byte_08_signs_without_a_touch_and_says_so(old):
    registration = register(old)
    answer = SignatureData(sign(old, registration.key_handle, SILENT).response[:-2])
    answer.verify(APPLICATION, CHALLENGE, registration.public_key)
    assert answer.user_presence == 0


def test_check_only_is_always_an_error_and_takes_no_touch(old):
    handle = register(old).key_handle
    touch(old)
    transaction = sign(old, handle, CHECK)
    assert (word(transaction), transaction.wants) == ("6985", None)
    assert word(sign(old, bytes(80), CHECK)) == "6a80"
    assert word(sign(old, handle, CHECK, sha256(b"other").digest())) == "6a80"
    assert word(sign(old, handle)) == "9000"


REFUSALS = [
    ("VERSION with data", "00030000000001ff0000", "6700"),
    ("registration of 63 bytes", "0001000000003f" + "00" * 63, "6700"),
    ("authentication of 64 bytes", "00020300000040" + "00" * 64, "6700"),
    ("key handle longer than the data", "00020300000041" + "00" * 64 + "01", "6700"),
    ("key handle shorter than the data", "00020300000042" + "00" * 66, "6700"),
    ("unknown instruction", "00040000", "6d00"),
    ("unknown class", "01030000", "6e00"),
    ("three bytes", "000300", "6700"),
    ("Lc beyond the data", "0003000005ff", "6700"),
    ("data beyond Lc and Le", "00010000000001" + "00" * 9, "6700"),
    ("foreign key handle", "00020300000042" + "00" * 64 + "01ff", "6a80"),
]


@pytest.mark.parametrize(
    ("apdu", "expected"), [r[1:] for r in REFUSALS], ids=[r[0] for r in REFUSALS]
)
def test_refusal(old, apdu, expected):  # fmt: skip
    assert word(old.authenticator.begin_u2f(1, bytes.fromhex(apdu))) == expected


def test_unknown_control_byte_is_wrong_data(old):
    assert word(sign(old, register(old).key_handle, 4)) == "6a80"


@pytest.mark.parametrize(
    "apdu",
    ["00030000", "0003000000", "00030000000000", "000300000000000000", "0003000000000000"],
    ids=["nothing", "short Le", "extended Le", "Lc 0 and Le", "Lc 0 and short Le"],
)
def test_version_in_every_encoding(old, apdu):
    assert old.authenticator.begin_u2f(1, bytes.fromhex(apdu)).response == b"U2F_V2\x90\x00"


def test_short_encoding_registers_too(old):
    raw = b"\0\1\0\0\x40" + CHALLENGE + APPLICATION
    for tail in (b"", b"\0"):
        touch(old)
        assert word(old.authenticator.begin_u2f(1, raw + tail)) == "9000"


def test_u2f_handle_signs_in_ctap2_and_back(key):
    handle = register(key).key_handle
    assert key.good(2, key.get(allow=[handle]))[1]["id"] == handle
    for rk in (False, True):
        credential = key.register(user=b"bob", rk=rk)
        touch(key)
        assert word(sign(key, credential)) == "9000"


def test_counter_is_shared_with_ctap2(key):
    handle = register(key).key_handle
    before = key.counter(key.good(2, key.get(allow=[handle])))
    answer = SignatureData(sign(key, handle, SILENT).response[:-2])
    assert answer.counter == before + 1


def test_level_three_and_other_algorithms_are_unknown_to_u2f(key):
    protected = key.register(extensions={"credProtect": 3})
    eddsa = key.register(params=[{"alg": -8, "type": "public-key"}])
    assert [word(sign(key, c, CHECK)) for c in (protected, eddsa)] == ["6a80", "6a80"]


def test_always_uv_switches_u2f_off(make_key):
    key = make_key("always-uv")
    assert word(key.apdu(VERSION)) == "6986"
    assert key.configure(2) == 0
    assert word(key.apdu(VERSION)) == "9000"
    assert "U2F_V2" in key.info()[1]


def test_ctap2_only_key_knows_no_u2f(make_key):
    key = make_key("enterprise")
    assert word(key.apdu(VERSION)) == "6d00"
    assert key.authenticator.capabilities & 0x08


def test_reset_ends_u2f_handles(key):
    handle = register(key).key_handle
    assert key.status(7) == 0
    assert word(sign(key, handle, CHECK)) == "6a80"


def test_tap_is_presence_for_u2f_once(old):
    old.transport = Transport.NFC
    assert word(old.apdu(REGISTER, data=CHALLENGE + APPLICATION)) == "9000"
    assert word(old.apdu(REGISTER, data=CHALLENGE + APPLICATION)) == "6985"


def test_request_beside_a_waiting_ctap2_command_is_told_to_wait(key):
    key.begin(0x0B)
    assert word(key.apdu(VERSION)) == "6985"


def test_worn_out_store_fails_the_signature(old):
    handle = register(old).key_handle
    old.authenticator.faults = Faults(worn_out_store=True)
    assert word(sign(old, handle, SILENT)) == "6581"


def test_power_cut_at_the_counter_gives_no_answer(old):
    handle = register(old).key_handle
    old.authenticator.faults = Faults(power_cut_at_write=1)
    assert sign(old, handle, SILENT).response is None
    assert not old.authenticator.powered
