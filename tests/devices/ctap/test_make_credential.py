"""authenticatorMakeCredential."""

from hashlib import sha256

import pytest

from mfalab.devices.ctap import Prompt

CDH = sha256(b"client data").digest()


UP, UV, BE, BS, AT, ED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80


def flags(answer):
    return answer[2][32]


def test_registration_asks_for_one_touch_and_tells_presence_only(key):
    answer = key.good(1, key.make())
    assert key.prompts == [Prompt.TOUCH]
    assert flags(answer) == UP | AT
    assert answer[2][:32] == sha256(b"example.com").digest()
    assert answer[2][37:53] == key.model.aaguid


def test_first_supported_algorithm_of_the_list_wins(key):
    wishes = [{"alg": alg, "type": "public-key"} for alg in (-257, -8, -7)]
    answer = key.good(1, key.make(params=wishes))
    assert answer[3]["alg"] == -7  # the attestation key's
    credential = key.register(params=wishes, user=b"bob", rk=True)
    assert key.state.credentials[credential].algorithm == -8


def test_unknown_members_options_extensions_and_types_are_ignored(key):
    request = key.make(
        options={"unknown": True},
        extensions={"unknown": [1, 2]},
        exclude=[{"type": "unknown", "id": b"x", "more": 1}],
    )
    assert key.status(1, request | {0x63: "unknown"}) == 0


def test_uv_true_beside_a_pin_uv_auth_param_is_absent(key):
    key.set_pin()
    signed = key.signed("1234", CDH, 1, "example.com")
    answer = key.good(1, key.make(options={"uv": True}, **signed))
    assert flags(answer) == UP | UV | AT


def test_pin_uv_auth_param_without_a_pin_is_ignored_since_2_1(key):
    answer = key.good(1, key.make(param=bytes(16), protocol=2))
    assert flags(answer) == UP | AT


def test_enterprise_attestation_is_an_unknown_member_to_2_0(make_key):
    assert make_key("fido-2.0").status(1, make_key("fido-2.0").make(enterprise=1)) == 0


@pytest.mark.parametrize(("model", "kept"), [("fido-2.0", True), ("ctap-2.1-pin", False)])
def test_icons_are_kept_by_2_0_alone(make_key, model, kept):
    key = make_key(model)
    request = key.make(rk=True)
    request[2]["icon"], request[3]["icon"] = "data:,rp", "data:,user"
    key.good(1, request)
    (credential,) = key.state.credentials.values()
    assert dict(credential.rp).get("icon") == ("data:,rp" if kept else None)
    assert dict(credential.user).get("icon") == ("data:,user" if kept else None)


def test_up_true_is_legal_since_2_1(key):
    assert key.status(1, key.make(options={"up": True})) == 0


def test_same_rp_and_user_overwrites_and_a_prefix_does_not(key):
    first = key.register(user=b"alice", rk=True)
    prefix = key.register(user=b"alic", rk=True)
    assert set(key.state.credentials) == {first, prefix}
    second = key.register(user=b"alice", rk=True)
    assert set(key.state.credentials) == {prefix, second}
    assert key.status(2, key.get(allow=[first])) == 0x2E


def test_overwriting_works_in_a_full_store(make_key):
    key = make_key("slots-25", slots=1)
    key.register(user=b"alice", rk=True)
    key.register(user=b"alice", rk=True)
    assert key.status(1, key.make(user=b"bob", rk=True)) == 0x28


def test_level_three_credential_is_not_excluded_without_verification(key):
    credential = key.register(extensions={"credProtect": 3})
    assert key.status(1, key.make(exclude=[credential])) == 0


def test_level_three_credential_is_excluded_with_verification(key):
    key.set_pin()
    credential = key.register(extensions={"credProtect": 3}, pin="1234")
    signed = key.signed("1234", CDH, 1, "example.com")
    assert key.status(1, key.make(exclude=[credential], **signed)) == 0x19
