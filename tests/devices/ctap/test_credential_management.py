"""Credential management, large blobs and fingers beyond their error codes."""

from hashlib import sha256

import pytest

from mfalab.devices.ctap import CtapStatus

PARTY = sha256(b"example.com").digest()


@pytest.fixture
def full(key):
    key.set_pin()
    for rp in ("example.com", "b.example"):
        for user in (b"alice", b"bob"):
            key.register(rp=rp, user=user, rk=True, pin="1234")
    return key


def test_walks_belong_to_their_channel_and_end_with_other_commands(full):
    begun = full.manage(2)[1]
    assert begun[5] == 2
    full.channel = 2
    assert full.status(10, {1: 3}) == CtapStatus.NOT_ALLOWED
    full.channel = 1
    assert full.good(10, {1: 3})[3]["id"] == "b.example"
    assert full.status(10, {1: 3}) == CtapStatus.NOT_ALLOWED
    full.manage(4, {1: PARTY})
    full.info()
    assert full.status(10, {1: 5}) == CtapStatus.NOT_ALLOWED


def test_one_walk_is_not_gone_on_with_by_another(full):
    full.manage(2)
    assert full.status(10, {1: 5}) == CtapStatus.NOT_ALLOWED


def test_token_of_an_rp_manages_that_rp(full):
    status, answer = full.manage(4, {1: PARTY}, rp_id="example.com")
    assert (status, answer[9]) == (0, 2)
    params = {2: answer[7]}
    assert full.manage(6, params, rp_id="example.com")[0] == 0
    assert len(full.state.credentials) == 3


def test_deleted_credential_never_signs_and_makes_room(full):
    answer = full.manage(4, {1: PARTY})[1]
    remaining = full.info()[0x14]
    assert full.manage(6, {2: answer[7]})[0] == 0
    request = full.get(allow=[answer[7]["id"]], options={"up": False})
    assert full.status(2, request) == CtapStatus.NO_CREDENTIALS
    assert full.info()[0x14] == remaining + 1


def test_description_tells_protection_and_large_blob_key(key):
    key.set_pin()
    key.register(rk=True, pin="1234", extensions={"credProtect": 2, "largeBlobKey": True})
    answer = key.manage(4, {1: PARTY})[1]
    assert (answer[0x0A], len(answer[0x0B])) == (2, 32)
    assert answer[8][3] == -7


def test_update_without_names_removes_them(full):
    answer = full.manage(4, {1: PARTY})[1]
    params = {2: answer[7], 3: {"id": answer[6]["id"]}}
    assert full.manage(7, params)[0] == 0
    assert full.manage(4, {1: PARTY})[1][6] == {"id": answer[6]["id"]}


def test_preview_command_serves_old_clients(make_key):
    key = make_key("yubikey-like")
    key.set_pin()
    key.register(rk=True, pin="1234")
    assert key.manage(1, command=0x41) == (0, {1: 1, 2: 99})


@pytest.mark.parametrize("model", ["ctap-2.1-pin", "ctap-2.1-bio"])
def test_clients_that_know_only_the_preview_list_credentials_of_the_default_models(make_key, model):
    """As libfido2 1.12 does: the option, then the command 0x41 with a token that has cm."""
    key = make_key(model)
    key.set_pin()
    key.register(rk=True, pin="1234")
    assert key.info()[4]["credentialMgmtPreview"] is True
    assert "FIDO_2_1_PRE" in key.info()[1]
    status, answer = key.manage(2, command=0x41)
    assert (status, answer[5], answer[3]["id"]) == (0, 1, "example.com")
