"""What a pinUvAuthToken permits, and how long."""

from hashlib import sha256

import pytest

from mfalab.devices.ctap import CtapStatus, Transport
from mfalab.devices.ctap.commands import Permission

CDH_LENGTH = 32


AUTH_INVALID = CtapStatus.PIN_AUTH_INVALID


RP = "example.com"


def use(key, token, cdh=bytes(CDH_LENGTH)):
    """The status of a registration with a token."""
    signed = key.signed(None, cdh, token=token)
    return key.status(1, key.make(cdh=cdh, **signed))


def test_token_serves_one_operation(owned):
    token = owned.token(permissions=1 | 2, rp_id=RP)
    assert use(owned, token) == 0
    assert use(owned, token) == AUTH_INVALID


def test_any_presence_spends_the_token_however_it_was_shown(owned):
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
