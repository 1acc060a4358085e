"""authenticatorMakeCredential."""

from hashlib import sha256

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
