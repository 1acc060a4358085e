"""The PIN: tries, power cycles, tokens and their timers on a clock that is set."""

from hashlib import sha256

import pytest

from mfalab.devices.ctap import CtapStatus

CDH = sha256(b"client data").digest()
INVALID, BLOCKED, AUTH_BLOCKED = (
    CtapStatus.PIN_INVALID,
    CtapStatus.PIN_BLOCKED,
    CtapStatus.PIN_AUTH_BLOCKED,
)


AUTH_INVALID = CtapStatus.PIN_AUTH_INVALID


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


def test_same_token_is_encrypted_differently_each_time(make_key):
    key = make_key("fido-2.0", pin_uv_protocols=(2,))
    key.set_pin()
    members, protocol, shared = key.token_members("1234")
    first, second = key.good(6, members)[2], key.good(6, members)[2]
    assert first != second
    assert protocol.decrypt(shared, first) == protocol.decrypt(shared, second)


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


def test_a_token_may_come_without_an_rp_id_and_is_bound_by_its_first_use(make_key):
    key = make_key(permissions_need_rp_id=False)
    key.set_pin()
    token = key.token("1234", permissions=3)
    signed = key.signed("1234", CDH, token=token)
    assert key.status(1, key.make(rp="a.example", **signed)) == 0
    assert key.token_status("1234", permissions=3) == 0
