"""The PIN: tries, power cycles, tokens and their timers on a clock that is set."""

from hashlib import sha256

import pytest

from mfalab.devices.ctap import CtapStatus, Transport
from mfalab.devices.ctap.commands import Permission

CDH_LENGTH = 32
INVALID, BLOCKED, AUTH_BLOCKED = (
    CtapStatus.PIN_INVALID,
    CtapStatus.PIN_BLOCKED,
    CtapStatus.PIN_AUTH_BLOCKED,
)
AUTH_INVALID = CtapStatus.PIN_AUTH_INVALID
RP = "example.com"


@pytest.fixture
def owned(key):
    assert key.set_pin("1234") == 0
    return key


def use(key, token, cdh=bytes(CDH_LENGTH)):
    """The status of a registration with a token."""
    signed = key.signed(None, cdh, token=token)
    return key.status(1, key.make(cdh=cdh, **signed))


def test_wrong_pins_count_down_and_block(owned):
    key = owned
    statuses = []
    for _ in range(3):
        statuses += [key.token_status("0000") for _ in range(3)]
        key.power_cycle()
    assert statuses == [INVALID, INVALID, AUTH_BLOCKED] * 2 + [INVALID, BLOCKED, BLOCKED]
    assert key.retries()[3] == 0
    assert key.token_status("1234") == BLOCKED
    assert key.change_pin("1234", "5678") == BLOCKED


def test_tries_are_not_spent_while_power_must_be_cycled(owned):
    for _ in range(5):
        owned.token_status("0000")
    assert owned.retries() == {3: 5, 4: True}
    owned.power_cycle()
    assert owned.retries() == {3: 5, 4: False}


def test_right_pin_gives_all_tries_back(owned):
    for _ in range(2):
        owned.token_status("0000")
    assert owned.token_status("1234") == 0
    assert owned.retries()[3] == 8
    assert [owned.token_status("0000") for _ in range(2)] == [INVALID, INVALID]


def test_mismatch_makes_a_new_key_agreement_key(owned):
    before = owned.good(6, {1: 2, 2: 2})[1]
    assert owned.good(6, {1: 2, 2: 2})[1] == before
    members, _, _ = owned.token_members("0000")
    assert owned.status(6, members) == INVALID
    assert owned.good(6, {1: 2, 2: 2})[1] != before
    # The old shared secret is worth nothing, so the right PIN under it is a wrong one.
    assert owned.status(6, members) in (INVALID, AUTH_BLOCKED)


@pytest.mark.parametrize("pin", ["1234", "ääää", "🔑🔑🔑🔑", "x" * 63], ids=len)
@pytest.mark.parametrize("number", [1, 2])
def test_pin_of_4_code_points_to_63_bytes_is_taken(key, pin, number):
    assert key.set_pin(pin, number) == 0
    assert key.token_status(pin, number=number) == 0


def test_changed_pin_is_the_only_one(owned):
    assert owned.change_pin("1234", "56789") == 0
    assert owned.token_status("1234") == INVALID
    assert owned.token_status("56789") == 0


def test_same_token_is_encrypted_anew(make_key):
    key = make_key("fido-2.0", pin_uv_protocols=(2,))
    key.set_pin()
    members, protocol, shared = key.token_members("1234")
    first, second = key.good(6, members)[2], key.good(6, members)[2]
    assert first != second
    assert protocol.decrypt(shared, first) == protocol.decrypt(shared, second)


# Tokens


def test_token_serves_one_operation(owned):
    token = owned.token(permissions=1 | 2, rp_id=RP)
    assert use(owned, token) == 0
    assert use(owned, token) == AUTH_INVALID


def test_any_presence_spends_the_token_whoever_showed_it(owned):
    token = owned.token(permissions=1, rp_id=RP)
    assert owned.status(1, owned.make(rp="other.example")) == 0
    assert use(owned, token) == AUTH_INVALID


def test_silent_probe_does_not_spend_the_token(owned):
    credential = owned.register(pin="1234")
    token = owned.token(permissions=2, rp_id=RP)
    cdh = bytes(32)
    signed = owned.signed(None, cdh, token=token)
    for _ in range(2):
        request = owned.get(cdh=cdh, allow=[credential], options={"up": False}, **signed)
        assert owned.status(2, request) == 0


def test_token_of_2_0_serves_many_until_power_goes(make_key):
    key = make_key("fido-2.0")
    key.set_pin()
    token = key.token()
    assert [use(key, token) for _ in range(3)] == [0, 0, 0]
    key.clock.advance(3600)
    assert use(key, token) == 0
    key.power_cycle()
    assert use(key, token) == AUTH_INVALID


def test_token_of_2_0_serves_every_relying_party(make_key):
    """The first relying party bound the token, as in CTAP 2.1, and every other one was refused.

    CTAP 2.0 knows no binding, and the client keeps one token for all of them until power goes.
    """
    key = make_key("fido-2.0")
    key.set_pin()
    cdh = bytes(CDH_LENGTH)
    request = {"cdh": cdh, **key.signed("1234", cdh)}
    for rp in (RP, "other.example"):
        credential = key.register(rp=rp, **request)
        assert key.status(2, key.get(rp=rp, allow=[credential], **request)) == 0


def test_large_blob_permission_outlives_the_operation(owned):
    token = owned.token(permissions=1 | 16, rp_id=RP)
    assert use(owned, token) == 0
    assert owned.authenticator.session.token.permissions == Permission.LARGE_BLOB_WRITE
    blobs = b"\x80" + sha256(b"\x80").digest()[:16]
    assert owned.status(12, owned.write_blob_members(blobs, 0, 17, token=token)) == 0


def test_token_without_rp_id_is_bound_by_its_first_use(owned):
    credential = owned.register(pin="1234")
    token = owned.token()
    cdh = bytes(32)
    signed = owned.signed(None, cdh, token=token)
    silent = {"options": {"up": False}}
    assert owned.status(2, owned.get(cdh=cdh, allow=[credential], **silent, **signed)) == 0
    other = owned.get(rp="other.example", cdh=cdh, allow=[credential], **silent, **signed)
    assert owned.status(2, other) == AUTH_INVALID


@pytest.mark.parametrize(
    "end",
    [
        lambda key: key.token(permissions=4),
        lambda key: key.change_pin("1234", "5678"),
        lambda key: key.power_cycle(),
        lambda key: key.status(7),
        lambda key: key.configure(3, {3: True}, pin="1234"),
    ],
    ids=["another token", "PIN change", "power cycle", "reset", "forced change"],
)
def test_token_dies_of(owned, end):
    token = owned.token(permissions=1, rp_id=RP)
    end(owned)
    owned.set_pin("1234")  # as after a reset, else nothing is protected
    assert use(owned, token) == AUTH_INVALID


def test_token_of_before_a_reset_manages_nothing(owned):
    token = owned.token(permissions=4)
    assert owned.status(7) == 0
    assert owned.manage(1, token=token)[0] == AUTH_INVALID


@pytest.mark.parametrize(
    ("transport", "seconds"), [(Transport.USB, 30), (Transport.NFC, 19.8)], ids=["usb", "nfc"]
)
def test_token_must_be_used_soon(owned, transport, seconds):
    owned.transport = transport
    for wait, expected in ((seconds - 0.001, 0), (seconds, AUTH_INVALID)):
        token = owned.token(permissions=1, rp_id=RP)
        owned.authenticator.session.tap = True  # held to the reader again
        owned.clock.advance(wait)
        assert use(owned, token) == expected


def test_refused_use_does_not_keep_a_token_alive(owned):
    token = owned.token(permissions=1, rp_id=RP)
    signed = owned.signed(None, bytes(32), token=token)
    refused = owned.make(rp="other.example", cdh=bytes(32), **signed)
    assert owned.status(1, refused) == AUTH_INVALID
    owned.clock.advance(30)
    assert use(owned, token) == AUTH_INVALID


def test_used_token_lives_for_ten_minutes(owned):
    owned.register(pin="1234", rk=True)
    token = owned.token(permissions=4)
    assert owned.manage(1, token=token)[0] == 0
    owned.clock.advance(599.999)
    assert owned.manage(1, token=token)[0] == 0
    owned.clock.advance(0.001)
    assert owned.manage(1, token=token)[0] == AUTH_INVALID


def test_presence_by_finger_counts_for_the_operation(make_key):
    key = make_key("ctap-2.1-bio")
    key.set_pin()
    key.enrol()
    token = key.token(None, 1, RP)
    key.prompts.clear()
    key.clock.advance(29.999)
    assert use(key, token) == 0
    assert key.prompts == []


def test_presence_lapses_while_the_token_lives_on(make_key):
    key = make_key("ctap-2.1-bio")
    key.set_pin()
    key.enrol()
    credential = key.register(pin="1234")
    token = key.token(None, 1 | 2, RP)
    cdh = bytes(32)
    signed = key.signed(None, cdh, token=token)
    probe = key.get(cdh=cdh, allow=[credential], options={"up": False}, **signed)
    assert key.status(2, probe) == 0
    key.clock.advance(30)
    key.prompts.clear()
    assert use(key, token) == 0
    assert len(key.prompts) == 1


def test_persistent_token_survives_power_and_others_and_dies_of_pin_change(make_key):
    key = make_key("ctap-2.3")
    key.set_pin("1234")
    key.register(rk=True, pin="1234")
    token = key.token(permissions=0x40)
    assert token == key.token(permissions=0x40)
    key.token(permissions=4)
    key.power_cycle()
    key.clock.advance(10_000)
    assert key.manage(1, token=token)[0] == 0
    assert key.manage(6, {2: {"id": b"x", "type": "public-key"}}, token=token)[0] == AUTH_INVALID
    assert key.change_pin("1234", "5678") == 0
    assert key.manage(1, token=token)[0] == AUTH_INVALID


# Policy and fingers


def test_forced_change_lets_another_pin_in(owned):
    assert owned.configure(3, {1: 6}, pin="1234") == 0
    assert owned.info()[0x0C] is True
    assert owned.token_status("1234") == INVALID
    assert owned.retries()[3] == 8
    assert owned.change_pin("1234", "56789") == CtapStatus.PIN_POLICY_VIOLATION
    assert owned.change_pin("1234", "567890") == 0
    assert owned.info()[0x0C] is False
    assert owned.token_status("567890") == 0


def test_token_that_forced_a_change_is_spent_by_it(owned):
    token = owned.token(permissions=32)
    assert owned.configure(2, token=token) == 0
    assert owned.configure(3, {3: True}, token=token) == 0
    assert owned.configure(2, token=token) == AUTH_INVALID


def test_minimum_length_is_told_to_the_rps_of_the_list_only(owned):
    owned.configure(3, {1: 4, 2: [RP]}, pin="1234")
    extensions = {"minPinLength": True}
    told = owned.good(1, owned.make(extensions=extensions))
    other = owned.good(1, owned.make(rp="other.example", extensions=extensions))
    assert told[2][32] & 0x80
    assert told[2].endswith(b"\x04")
    assert not other[2][32] & 0x80


def test_wrong_fingers_block_until_the_pin_is_given(make_key):
    key = make_key("ctap-2.1-bio")
    key.set_pin()
    key.enrol()
    key.finger = "toe"
    assert key.status(1, key.make(options={"uv": True})) == CtapStatus.PUAT_REQUIRED
    assert key.good(6, {1: 2, 2: 7}) == {5: 0}
    key.finger = "thumb"
    assert key.token_status(None, 1, RP) == CtapStatus.UV_BLOCKED
    key.power_cycle()
    assert key.token_status(None, 1, RP) == CtapStatus.UV_BLOCKED
    assert key.token_status("1234") == 0
    assert key.token_status(None, 1, RP) == 0


def test_fingers_since_the_last_pin_are_counted(make_key):
    key = make_key("ctap-2.3")
    key.set_pin()
    key.enrol()
    for _ in range(2):
        key.token(None, 1, RP)
    assert key.info()[0x17] == 2
    key.token("1234", 4)
    assert key.info()[0x17] == 0
