"""Types of members, on every model and whether or not the request would have used them."""

from copy import deepcopy

import pytest

from mfalab.devices.ctap import CtapError, CtapStatus, cbor, load_model, model_names
from mfalab.devices.ctap.requests import read_request

CDH = bytes(32)
DESCRIPTOR = {"id": b"c", "type": "public-key", "transports": ["usb"]}
USER = {"id": b"u", "name": "u", "displayName": "U", "icon": "data:,u"}
KEY = {1: 2, 3: -25, -1: 1, -2: bytes(32), -3: bytes(32)}
CTAP2 = [name for name in model_names() if load_model(name).ctap2]
WRONG = {
    int: ("1", b"1", [], {}, True, None),
    bytes: (1, "text", [], {}, False, None),
    str: (1, b"bytes", [], {}, True, None),
    bool: (0, b"", "true", [], {}, None),
    list: (1, b"", "text", {}, True, None),
    dict: (1, b"", "text", [], True, None),
}
REQUESTS = {
    "makeCredential": (
        0x01,
        {
            1: CDH, 2: {"id": "a.example", "name": "A", "icon": "data:,a"}, 3: USER,
            4: [{"alg": -7, "type": "public-key"}], 5: [DESCRIPTOR], 6: {},
            7: {"rk": False, "uv": False}, 8: bytes(16), 9: 1,
        },
    ),
    "getAssertion": (
        0x02, {1: "a.example", 2: CDH, 3: [DESCRIPTOR], 4: {}, 5: {"up": True}, 6: bytes(16), 7: 1}
    ),
    "clientPIN": (0x06, {1: 1, 2: 1, 3: KEY, 4: bytes(16), 5: bytes(64), 6: bytes(16)}),
    "bioEnrollment": (
        0x09, {1: 1, 2: 7, 3: {1: b"t", 2: "thumb", 3: 100}, 4: 1, 5: bytes(16), 6: False}
    ),
    "credentialManagement": (
        0x0A, {1: 1, 2: {1: bytes(32), 2: DESCRIPTOR, 3: USER}, 3: 1, 4: bytes(16)}
    ),
    "credentialManagement preview": (
        0x41, {1: 1, 2: {1: bytes(32), 2: DESCRIPTOR, 3: USER}, 3: 1, 4: bytes(16)}
    ),
    "largeBlobs": (0x0C, {1: 17, 2: b"", 3: 0, 4: 17, 5: bytes(16), 6: 1}),
    "config": (0x0D, {1: 2, 2: {}, 3: 1, 4: bytes(16)}),
}  # fmt: skip
NEWER = {
    "makeCredential": (0x01, {10: 1, 11: ["packed"]}),
    "clientPIN": (0x06, {9: 1, 10: "a.example"}),
}
"""Members that CTAP 2.1 and 2.2 added to commands of CTAP 2.0."""


def spoiled(value):
    """The value with each part of it, itself included, turned into each other type."""
    yield from WRONG[type(value)]
    if isinstance(value, dict):
        for key, item in value.items():
            for other in spoiled(item):
                yield {**value, key: other}
    if isinstance(value, list):
        for item in value:
            for other in spoiled(item):
                yield [*value, other]


def spoiled_requests(members):
    for key, value in members.items():
        if type(value) is int:
            yield {**members, key: -1}
        for other in spoiled(value):
            yield {**members, key: other}


def depth(value):
    """How many maps and arrays are one in another."""
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


def has(key, command):
    return key.status(command, {}) != CtapStatus.INVALID_COMMAND


def test_every_request_is_known_to_some_model(make_key):
    """So that the test below, which passes over a model without the command, tries each."""
    keys = [make_key(model) for model in CTAP2]
    lacking = [
        name for name, (command, _) in REQUESTS.items() if not any(has(k, command) for k in keys)
    ]
    assert lacking == []


@pytest.mark.parametrize("model", CTAP2)
@pytest.mark.parametrize("name", REQUESTS)
def test_member_of_another_type_is_refused_before_anything_happens(make_key, model, name):
    key = make_key(model)
    command, members = REQUESTS[name]
    if not has(key, command):
        return
    before = key.storage.read()
    for request in spoiled_requests(deepcopy(members)):
        deep = depth(request) > cbor.MAX_NESTING
        expected = CtapStatus.INVALID_CBOR if deep else CtapStatus.CBOR_UNEXPECTED_TYPE
        if key.status(command, request) != expected:
            pytest.fail(f"{name} takes {request}")
    assert key.prompts == []
    assert key.storage.read() == before


@pytest.mark.parametrize("model", CTAP2)
@pytest.mark.parametrize("name", NEWER)
def test_members_of_a_later_version_are_unknown_to_ctap_2_0(name, model):
    command, members = NEWER[name]
    kind = load_model(model)
    for request in spoiled_requests(members):
        if kind.since_2_1:
            with pytest.raises(CtapError, match="CBOR_UNEXPECTED_TYPE"):
                read_request(command, request, kind)
        else:
            assert read_request(command, request, kind).raw() == {}


def test_unknown_members_and_parts_are_ignored(make_key):
    key = make_key()
    command, members = REQUESTS["makeCredential"]
    members = {**members, 3: {**USER, "more": 1}, 7: {"plat": 1}, 99: b"more"}
    assert read_request(command, members, key.model).raw() == members
