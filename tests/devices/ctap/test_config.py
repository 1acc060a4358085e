"""authenticatorConfig: PIN lengths and forced changes."""

from mfalab.devices.ctap import CtapStatus

INVALID, BLOCKED, AUTH_BLOCKED = (
    CtapStatus.PIN_INVALID,
    CtapStatus.PIN_BLOCKED,
    CtapStatus.PIN_AUTH_BLOCKED,
)


AUTH_INVALID = CtapStatus.PIN_AUTH_INVALID


RP = "example.com"


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
