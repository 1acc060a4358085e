"""What a key announces, however odd it is, and why a test does not apply."""

import pytest

from mfalab.simulator.conformance.facts import (
    CTAP2,
    Facts,
    has_extension,
    has_member,
    has_option,
    is_enterprise,
    lacks_option,
    option_is,
    speaks_protocol,
    supports_algorithm,
)


def facts(**info):
    return Facts(info={int(key[1:], 16): value for key, value in info.items()}, ctap2=True)


@pytest.mark.parametrize(
    ("versions", "since"),
    [
        (["FIDO_2_0"], False),
        (["FIDO_2_1_PRE"], False),
        (["U2F_V2", "FIDO_2_1"], True),
        (["FIDO_2_3"], True),
        (["FIDO_2_x", 5], False),
        ("FIDO_2_1", False),
    ],
)
def test_versions_from_2_1_on_are_known_and_previews_are_not(versions, since):
    assert facts(x01=versions).since_2_1 is since


def test_members_of_another_type_are_passed_over():
    odd = facts(x04=["rk"], x03="aaguid", x05=True, x06=[True, 2, 9], x0a=[{"alg": "x"}, 7])
    assert (odd.options, odd.aaguid, odd.max_msg_size) == ({}, b"", 1024)
    assert (odd.protocols, odd.algorithms) == ((2,), ())
    assert facts().algorithms == (-7,)


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        (has_option("rk"), None),
        (has_option("up"), "the key does not announce option up"),
        (lacks_option("up", "plat"), None),
        (lacks_option("up", "ep"), "the key announces option ep"),
        (option_is("rk", value=True), None),
        (option_is("rk", value=False), "option rk is true"),
        (option_is("up", value=True), "the key does not announce option up"),
        (is_enterprise(enabled=False), None),
        (is_enterprise(enabled=True), "enterprise attestation is off"),
        (has_extension("credBlob"), "the key does not announce extension credBlob"),
        (has_member(0x04), None),
        (has_member(0x0F), "the key's getInfo has no maxCredBlobLength (0x0F)"),
        (speaks_protocol(2), "the key does not speak PIN/UV auth protocol 2"),
        (supports_algorithm(-8, "EdDSA"), "the key does not announce EdDSA"),
        (CTAP2, None),
    ],
)
def test_conditions_say_what_is_missing(condition, why):
    assert condition(facts(x04={"rk": True, "ep": False})) == why


def test_a_key_whose_info_cannot_be_read_is_told_apart_from_one_without_ctap2():
    assert CTAP2(Facts(trouble="getInfo gave nothing", ctap2=True)) == (
        "what the key can do is unknown: getInfo gave nothing"
    )
    assert CTAP2(Facts(trouble="x")) == "the key does not speak CTAP2"
