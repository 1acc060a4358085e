"""What the extension may ask of ceremonies, and how they end; no browser takes part."""

from collections.abc import Callable
from typing import Any

import pytest

from mfalab.devices.ctap.faults import Faults
from mfalab.devices.ctap.user import absent, touching
from mfalab.devices.durations import NS_PER_S
from mfalab.devices.security_key import SecurityKey
from mfalab.simulator.bridge.ceremonies import Ceremonies, Person
from mfalab.simulator.bridge.key_time import KeyTime
from mfalab.simulator.entropy import Entropy
from mfalab.simulator.keys.webauthn_client import TIMEOUT_MS

CALLER = {"origin": "https://shop.test", "sameOriginWithAncestors": True}
OPTIONS = {
    "challenge": "AAAA",
    "rp": {"name": "Shop", "id": "shop.test"},
    "user": {"id": "YWxpY2U", "name": "alice", "displayName": "Alice"},
    "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
    "extensions": {"remoteDesktopClientOverride": CALLER},
}
REQUEST = {"worker": "w", "requestId": 1, "options": OPTIONS}

Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def time() -> KeyTime:
    return KeyTime()


@pytest.fixture(params=["ctap-2.1-pin"])
def key(time: KeyTime, request: pytest.FixtureRequest) -> SecurityKey:
    made = SecurityKey(request.param, random_bytes=Entropy(1).random_bytes("key"), scheduler=time)
    made.plug()
    return made


@pytest.fixture
def ceremonies(time: KeyTime) -> Ceremonies:
    return Ceremonies(time)


@pytest.fixture
def ask(ceremonies: Ceremonies, key: SecurityKey) -> Ask:
    def ask(what: str, **message: Any) -> dict[str, Any]:
        answer = ceremonies.ask(what, {**REQUEST, **message}, Person(key, None, None))
        while answer.get("pending"):
            answer = ceremonies.ask("wait", REQUEST, Person(key, None, None))
        return answer

    return ask


def test_answer_is_text_for_chromium(ask: Ask, ceremonies: Ceremonies) -> None:
    assert "responseJson" in ask("create")
    ceremonies.end()


@pytest.mark.parametrize(
    ("what", "message", "error"),
    [
        ("create", {"worker": None}, ValueError),
        ("create", {"requestId": "1"}, ValueError),
        ("create", {"options": None}, ValueError),
        ("create", {"options": {}}, ValueError),
        ("create", {"options": {**OPTIONS, "rp": None}}, ValueError),
        ("create", {"options": {**OPTIONS, "rp": {}}}, ValueError),
        ("create", {"options": {**OPTIONS, "extensions": {}}}, ValueError),
        ("create", {"topOrigin": 7}, ValueError),
        ("get", {}, ValueError),
        ("wait", {}, LookupError),
        ("cancel", {}, LookupError),
        ("nonsense", {}, LookupError),
    ],
)
def test_what_is_asked_amiss(
    ask: Ask, ceremonies: Ceremonies, what: str, message: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        ask(what, **message)
    assert ceremonies.journal == []


def test_word_that_is_none_is_no_part_of_a_ceremony(ask: Ask) -> None:
    ask("create")
    with pytest.raises(LookupError, match="nothing is called"):
        ask("nonsense")


@pytest.mark.parametrize("key", ["u2f-2016"], indirect=True)
def test_page_that_names_no_time_limit_waits_for_five_minutes(
    ask: Ask, key: SecurityKey, time: KeyTime
) -> None:
    """A U2F key has no limit of its own, and was polled for ever."""
    key.user = absent
    assert ask("create")["error"]["name"] == "NotAllowedError"
    assert time.now_ns() == TIMEOUT_MS * 10**6


def test_ceremony_that_is_called_off_says_so_and_no_answer_comes_after(
    ceremonies: Ceremonies, key: SecurityKey, time: KeyTime
) -> None:
    person = Person(key, None, None)
    key.user = absent
    with time.hold():
        assert ceremonies.ask("create", REQUEST, person) == {"pending": True}
        ceremonies.ask("cancel", REQUEST, person)
        ceremonies.ask("gone", REQUEST, person)
        ceremonies.end()
    assert ceremonies.journal[0].outcome == "called off"
    assert ceremonies.ask("wait", REQUEST, person)["error"]["name"] == "AbortError"
    ceremonies.ask("rejected", {**REQUEST, "message": "Invalid requestId"}, person)
    assert ceremonies.journal[0].rejected is None


def test_time_passes_for_one_client_while_another_finds_the_key_busy(
    ceremonies: Ceremonies, key: SecurityKey, time: KeyTime
) -> None:
    """The second asks what the key can do, for which python-fido2 has no event to wait with."""
    person = Person(key, None, None)
    key.user = touching(after_ns=5 * NS_PER_S)
    second = {**REQUEST, "requestId": 2}
    with time.hold():
        assert ceremonies.ask("create", REQUEST, person) == {"pending": True}
        assert ceremonies.ask("create", second, person) == {"pending": True}
    for request in (REQUEST, second):
        for _ in range(60):  # each look waits for a quarter of a second
            answer = ceremonies.ask("wait", request, person)
            if not answer.get("pending"):
                break
        assert "responseJson" in answer, ceremonies.journal
    ceremonies.end()
    assert 10 * NS_PER_S <= time.now_ns() < 11 * NS_PER_S


def test_fault_of_ours_is_told_at_the_end_and_one_of_a_broken_key_is_not(
    ask: Ask, ceremonies: Ceremonies, key: SecurityKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trip(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(SecurityKey, "device", trip)
    key.faults = Faults(malformed_cbor=True)
    assert ask("create")["error"]["name"] == "NotAllowedError"
    ceremonies.end()
    key.faults = Faults()
    assert ask("create")["error"]["name"] == "NotAllowedError"
    with pytest.raises(ExceptionGroup) as caught:
        ceremonies.end()
    assert isinstance(caught.value.exceptions[0], ZeroDivisionError)


def test_page_without_a_platform_authenticator(ask: Ask, ceremonies: Ceremonies) -> None:
    assert ask("uvpaa") == {"isUvpaa": False}
    ceremonies.platform_authenticator = True
    assert ask("uvpaa") == {"isUvpaa": True}
