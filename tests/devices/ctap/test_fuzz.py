"""Any request gets an answer: a code, never an exception, and a refusal changes nothing."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mfalab.devices.ctap import CtapStatus, cbor, load_model

COMMANDS = st.sampled_from([1, 2, 4, 6, 7, 8, 9, 10, 11, 12, 13, 0x40, 0x41]) | st.integers(0, 255)
SCALARS = (
    st.integers(-300, 300)
    | st.sampled_from([0, 1, 2, 9, -7, -25, 2**32 - 1, 2**64 - 1])
    | st.binary(max_size=70)
    | st.text(max_size=5)
    | st.sampled_from(["public-key", "example.com", "id", "type", "alg", "rk", "up", "uv"])
    | st.booleans()
    | st.none()
)
KEYS = st.integers(-3, 12) | st.sampled_from(
    ["id", "type", "alg", "rk", "up", "uv", "hmac-secret", "credProtect", "credBlob", "name"]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=12,
)
MAPS = st.dictionaries(st.integers(0, 12), VALUES, max_size=10)
MODELS = st.sampled_from(["ctap-2.1-bio", "ctap-2.3", "fido-2.0", "yubikey-like", "u2f-2016"])


@st.composite
def near_requests(draw):
    """A good request of makeCredential or getAssertion with some members changed."""
    descriptor = {"id": draw(st.binary(max_size=80)), "type": "public-key"}
    make = {
        1: bytes(32),
        2: {"id": "example.com"},
        3: {"id": b"alice"},
        4: [{"alg": -7, "type": "public-key"}],
        5: [descriptor],
        6: {},
        7: {},
    }
    get = {1: "example.com", 2: bytes(32), 3: [descriptor], 4: {}, 5: {}}
    command, base = draw(st.sampled_from([(1, make), (2, get)]))
    return bytes([command]) + cbor_or_nothing(base | draw(MAPS))


def cbor_or_nothing(value):
    try:
        return cbor.encode(value)
    except TypeError:
        return b""


REQUESTS = (
    st.binary(max_size=80)
    | st.builds(lambda command, rest: bytes([command]) + rest, COMMANDS, st.binary(max_size=60))
    | st.builds(
        lambda command, members: bytes([command]) + cbor_or_nothing(members), COMMANDS, MAPS
    )
    | near_requests()
)


def key_for(make_key, model, prepared):
    key = make_key(model)
    if prepared and load_model(model).ctap2:
        key.set_pin("4711ab")
        key.register(pin="4711ab", rk=True)
    return key


@pytest.mark.slow
@settings(max_examples=300)
@given(model=MODELS, prepared=st.booleans(), requests=st.lists(REQUESTS, min_size=1, max_size=4))
@example(model="ctap-2.1-bio", prepared=True, requests=[b"\x09\xa1\x06\xf5"])
def test_any_cbor_gets_a_code_and_a_refusal_changes_nothing(make_key, model, prepared, requests):
    key = key_for(make_key, model, prepared)
    for request in requests:
        before = key.storage.read()
        response = key.raw(request)
        status = CtapStatus(response[0])
        if status is not CtapStatus.SUCCESS:
            assert len(response) == 1
            assert without_tries(key.storage.read()) == without_tries(before)
        elif len(response) > 1:
            assert cbor.encode(cbor.decode(response[1:])) == response[1:]


def without_tries(records):
    return {name: value for name, value in records.items() if name != "retries"}


@pytest.mark.slow
@settings(max_examples=300)
@given(
    apdu=st.binary(max_size=90)
    | st.builds(
        lambda ins, p1, data, tail: bytes([0, ins, p1, 0, 0, 0, len(data)]) + data + tail,
        st.integers(0, 4),
        st.sampled_from([0, 3, 7, 8]),
        st.binary(max_size=200),
        st.sampled_from([b"", b"\0\0"]),
    )
)
def test_any_apdu_gets_a_status_word(make_key, apdu):
    key = make_key("u2f-2016")
    before = key.storage.read()
    transaction = key.authenticator.begin_u2f(1, apdu)
    word = int.from_bytes(transaction.response[-2:], "big")
    assert word in (0x9000, 0x6700, 0x6985, 0x6A80, 0x6D00, 0x6E00)
    assert key.storage.read() == before


def test_every_truncation_of_a_good_request_is_invalid_cbor(make_key):
    key = make_key()
    request = b"\x01" + cbor.encode(key.make(rk=True, extensions={"credProtect": 2}))
    before = key.storage.read()
    for length in range(2, len(request)):
        assert key.raw(request[:length]) == bytes([CtapStatus.INVALID_CBOR])
    assert key.storage.read() == before
