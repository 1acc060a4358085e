"""authenticatorGetInfo."""

import pytest

from mfalab.devices.ctap import Capability, load_model, model_names
from mfalab.devices.ctap.cose import Algorithm

COMMAND_OF_OPTION = {
    "clientPin": 6, "bioEnroll": 9, "credMgmt": 10, "largeBlobs": 12, "authnrCfg": 13,
    "credentialMgmtPreview": 0x41,
}  # fmt: skip


@pytest.mark.parametrize("name", model_names())
@pytest.mark.parametrize("option", COMMAND_OF_OPTION)
def test_a_command_is_there_just_when_its_option_is_announced(make_key, name, option):
    key = make_key(name)
    if not key.model.ctap2:
        assert key.authenticator.capabilities & Capability.CBOR == 0
        assert key.raw(b"\x04") == b"\x01"
        return
    announced = option in key.info()[4]
    status = key.status(COMMAND_OF_OPTION[option], {})
    assert (status != 0x01) == announced


def test_ctap_2_0_tells_nothing_that_came_later(make_key):
    assert set(make_key("fido-2.0").info()) == {1, 2, 3, 4, 5, 6}


def test_members_of_2_2_and_2_3_are_told_by_that_model_alone(make_key):
    newer = {0x16, 0x17, 0x18, 0x19, 0x1A, 0x1B, 0x1C, 0x1D, 0x1E, 0x1F}
    assert newer <= set(make_key("ctap-2.3").info())
    assert not newer & set(make_key("ctap-2.1-pin").info())


def test_always_uv_hides_u2f(make_key):
    key = make_key("always-uv")
    info = key.info()
    assert info[1] == ["FIDO_2_0", "FIDO_2_1"]
    assert info[4]["alwaysUv"] is True
    assert info[4]["makeCredUvNotRqd"] is False


def test_remaining_credentials_count_down(make_key):
    key = make_key()
    assert key.info()[0x14] == 50
    key.register(rk=True)
    key.register()
    assert key.info()[0x14] == 49


@pytest.mark.parametrize("name", [n for n in model_names() if load_model(n).ctap2])
def test_ids_and_answers_keep_the_announced_limits(make_key, name):
    key = make_key(name, make_cred_uv_not_required=True)
    for algorithm in key.model.algorithms:
        if algorithm in (Algorithm.RS256, Algorithm.PS256):
            continue  # its IDs are those of ES256, its keys take a second to find
        params = [{"alg": int(algorithm), "type": "public-key"}]
        for formats in (None, ["packed"]):
            wishes = {"formats": formats} if formats else {}
            request = key.make(params=params, extensions={"credProtect": 2}, **wishes)
            response = key.serve(key.begin(1, request))
            assert len(response) <= 7609
        if response[0] == 0:
            credential = key.register(params=params)
            assert len(credential) <= key.model.max_credential_id_length
