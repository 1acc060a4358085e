"""Hostile requests at the shelf: every one is answered, and nothing is half done."""

import json
from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mfalab.simulator.shelf.api import Api
from mfalab.simulator.shelf.shelf import VERBS
from mfalab.simulator.shelf.story import replay, write_story
from mfalab.verifier.wire.messages import Request

from .conftest import FOB, make_shelf

NAMES = ("alice", "ada", "root", "fob", "app", "sms", "key", "nobody", "")
WORDS = st.one_of(
    st.sampled_from([*NAMES, *VERBS, "office", "25 C", "45 ppm", "30 s", "-5 min", "on", "off"]),
    st.sampled_from(["1 y", "airplane", "1 steps", "+12025550123", "1234", "true", "99999999 d"]),
    st.text(max_size=12),
)
KEYS = st.one_of(
    st.sampled_from(["do", "who", "device", "from", "to", "by", "for", "until", "of", "climate"]),
    st.sampled_from(["kind", "owner", "drift", "serial", "on", "pin", "phone", "number", "is"]),
    st.sampled_from(["advance", "uri", "png", "shown", "begin", "fob", "network", "until_next"]),
    st.text(max_size=6),
)
VALUES = st.recursive(
    st.one_of(WORDS, st.none(), st.booleans(), st.integers(), st.floats()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)
STEPS = st.fixed_dictionaries(
    {"do": st.sampled_from(sorted(VERBS))},
    optional={
        "who": st.sampled_from(NAMES),
        "device": st.sampled_from(NAMES),
        "from": st.sampled_from(NAMES),
        "to": WORDS,
        "by": WORDS,
        "for": WORDS,
        "of": st.sampled_from(NAMES),
        "climate": WORDS,
        "pin": WORDS,
        "phone": st.sampled_from(NAMES),
        "network": WORDS,
        "until_next": st.sampled_from(["code", "leading zero", "budget"]),
    },
)
BODIES = st.one_of(
    st.binary(max_size=40),
    VALUES.map(lambda value: json.dumps(value).encode()),
    STEPS.map(lambda value: json.dumps(value).encode()),
)
PATHS = st.one_of(
    st.sampled_from(["clock", "devices", "steps", "scenario", "record", "events", "webauthn"]),
    st.tuples(
        st.sampled_from(NAMES) | st.text(max_size=6),
        st.sampled_from(["", "/code", "/press", "/scan", "/touch"]),
    ).map(lambda parts: f"devices/{quote(parts[0])}{parts[1]}"),
    st.text(max_size=10).map(quote),
)
REQUESTS = st.tuples(st.sampled_from(["GET", "POST", "PUT", "DELETE"]), PATHS, BODIES)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    st.lists(
        REQUESTS | STEPS.map(lambda step: ("POST", "steps", json.dumps(step).encode())),
        min_size=5,
        max_size=25,
    )
)
def test_every_request_is_answered(requests: list[tuple[str, str, bytes]]) -> None:
    shelf = make_shelf()
    shelf.put(
        {
            "fob": FOB,
            "app": {"kind": "totp_app", "owner": "alice"},
            "sms": {"kind": "sms_phone", "owner": "ada"},
            "key": {"kind": "security_key", "owner": "ada"},
        }
    )
    api = Api(shelf)
    for method, path, body in requests:
        headers = (
            (("content-type", "image/png"),) if path.endswith("scan") and body[:1] != b"{" else ()
        )
        request = Request(method, f"/_mfalab/{path}", "", headers, body, "127.0.0.1")
        before = len(shelf.lab.devices)
        response = api.answer(request)
        assert response.status < 500, (method, path, body)
        if response.status >= 400:
            told: dict[str, Any] = json.loads(response.body)
            assert told["error"], (method, path, body)
            assert len(shelf.lab.devices) == before
    assert replay(write_story(shelf)) == []
