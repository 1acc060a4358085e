"""What python-fido2 leaves to a browser, or does otherwise than browsers do."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key
from fido2.utils import websafe_decode

from mfalab import Browser, DOMException, SecurityKey
from mfalab.simulator.entropy import Entropy
from mfalab.simulator.keys.webauthn_client import PinAsked

RP_ID = "example.com"
MODELS = (
    "all-features",
    "always-uv",
    "ctap-2.1-bio",
    "ctap-2.1-pin",
    "ctap-2.3",
    "enterprise",
    "fido-2.0",
    "slots-25",
    "u2f-2016",
    "yubikey-like",
)


def key_of(model: str, pin: str | None = None) -> SecurityKey:
    key = SecurityKey(model, random_bytes=Entropy(1).random_bytes("key"))
    key.plug()
    if pin is not None:
        set_pin(key, pin)
    return key


def set_pin(key: SecurityKey, pin: str) -> None:
    from fido2.ctap2 import ClientPin, Ctap2

    ClientPin(Ctap2(key.device())).set_pin(pin)


def creation(algorithm: int = -7, **changes: Any) -> dict[str, Any]:
    return {
        "challenge": "AAAA",
        "rp": {"name": "Example", "id": RP_ID},
        "user": {"id": "YWxpY2U", "name": "alice", "displayName": "Alice"},
        "pubKeyCredParams": [{"type": "public-key", "alg": algorithm}],
        **changes,
    }


def request(credential: str, **changes: Any) -> dict[str, Any]:
    listed = {"type": "public-key", "id": credential, **changes}
    return {"challenge": "AAAA", "rpId": RP_ID, "allowCredentials": [listed]}


# -- transports --


@pytest.mark.parametrize(
    "transports",
    [["smart-card"], ["usb", "smart-card"], ["carrier-pigeon"], [], ["usb", "nfc", "ble"]],
)
def test_transports_that_python_fido2_does_not_know_are_ignored(transports: list[str]) -> None:
    """Chromium names all it knows where a page names none, smart-card among them: a ValueError."""
    browser = Browser(key_of("ctap-2.1-pin"))
    made = browser.create(creation())
    assert browser.get(request(made["id"], transports=transports))["id"] == made["id"]
    excluded = {"type": "public-key", "id": made["id"], "transports": transports}
    with pytest.raises(DOMException, match="InvalidStateError"):
        browser.create(creation(excludeCredentials=[excluded]))


@pytest.mark.parametrize("model", MODELS)
def test_transports_that_a_key_tells_may_be_told_back_to_it(model: str) -> None:
    """Keys that are cards as well tell pages of smart-card themselves."""
    browser = Browser(key_of(model, None if model == "u2f-2016" else "246813"), pin="246813")
    made = browser.create(creation())
    told = made["response"]["transports"]
    assert browser.get(request(made["id"], transports=told))["id"] == made["id"]


# -- PINs --


def asked_for(browser: Browser) -> dict[str, Any]:
    return browser.create(creation(authenticatorSelection={"userVerification": "required"}))


def test_user_who_mistypes_the_pin_is_asked_again() -> None:
    browser = Browser(key_of("ctap-2.1-pin", "246813"), pin=["1111", "246813"])
    assert asked_for(browser)["type"] == "public-key"
    assert browser.key.state.pin_retries == 8


def test_user_who_knows_no_other_pin_gives_up_after_the_wrong_one() -> None:
    browser = Browser(key_of("ctap-2.1-pin", "246813"), pin="1111")
    with pytest.raises(DOMException, match="PIN_INVALID"):
        asked_for(browser)
    assert browser.key.state.pin_retries == 7


def test_function_sees_whom_the_pin_is_for_and_how_often_it_was_asked() -> None:
    seen = []

    def typing(asked: PinAsked) -> str | None:
        seen.append(asked)
        return ["1111", "2222", None][asked.times - 1]

    browser = Browser(key_of("ctap-2.1-pin", "246813"), pin=typing)
    with pytest.raises(DOMException, match="PIN_INVALID"):
        asked_for(browser)
    assert seen == [PinAsked(RP_ID, times) for times in (1, 2, 3)]


def test_three_wrong_pins_in_a_row_end_the_ceremony_until_the_key_is_pulled_out() -> None:
    key = key_of("ctap-2.1-pin", "246813")
    browser = Browser(key, pin=["1111", "1111", "1111", "246813"])
    with pytest.raises(DOMException, match="PIN_AUTH_BLOCKED"):
        asked_for(browser)
    key.power_cycle()
    browser.pin = "246813"
    assert asked_for(browser)["type"] == "public-key"


def test_eight_wrong_pins_block_the_key() -> None:
    key = key_of("ctap-2.1-pin", "246813")
    browser = Browser(key, pin="1111")
    reasons = []
    for _ in range(9):
        with pytest.raises(DOMException) as caught:
            asked_for(browser)
        reasons.append(caught.value.message)
        key.power_cycle()
    assert reasons == ["PIN_INVALID"] * 7 + ["PIN_BLOCKED"] * 2


# -- extensions and what pages read --


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("wish", ["discouraged", "preferred"])
def test_every_model_answers_cred_props_with_a_truth_value(model: str, wish: str) -> None:
    browser = Browser(key_of(model, None if model == "u2f-2016" else "246813"), pin="246813")
    asked = creation(extensions={"credProps": True}, authenticatorSelection={"residentKey": wish})
    told = browser.create(asked)["clientExtensionResults"]["credProps"]
    assert told == {"rk": wish == "preferred" and model != "u2f-2016"}


def test_large_blob_is_ignored_by_a_key_without_and_refused_where_it_is_required() -> None:
    """python-fido2 raises a ValueError."""
    browser = Browser(key_of("fido-2.0"))
    made = browser.create(creation(extensions={"largeBlob": {"support": "preferred"}}))
    asked = {**request(made["id"]), "extensions": {"largeBlob": {"read": True}}}
    assert browser.get(asked)["id"] == made["id"]
    with pytest.raises(DOMException, match="NotAllowedError"):
        browser.create(creation(extensions={"largeBlob": {"support": "required"}}))


@pytest.mark.parametrize("salts", [{"first": "AAAA"}, {"first": "AAAA", "second": "BBBB"}])
def test_prf_gives_a_secret_for_each_salt(salts: dict[str, str]) -> None:
    browser = Browser(key_of("ctap-2.1-pin", "246813"), pin="246813")
    made = browser.create(creation(extensions={"prf": {}}))
    asked = {**request(made["id"]), "extensions": {"prf": {"eval": salts}}}
    secrets = browser.get(asked)["clientExtensionResults"]["prf"]["results"]
    assert {name: len(websafe_decode(secret)) for name, secret in secrets.items()} == dict.fromkeys(
        salts, 32
    )


@pytest.mark.parametrize(
    ("model", "algorithm"),
    [
        ("ctap-2.3", -7),
        ("ctap-2.3", -8),
        ("ctap-2.3", -35),
        ("ctap-2.3", -48),
        ("ctap-2.3", -49),
        ("ctap-2.3", -50),
        ("enterprise", -257),
    ],
)
def test_page_reads_the_public_key_of_every_algorithm(model: str, algorithm: int) -> None:
    made = Browser(key_of(model)).create(creation(algorithm))["response"]
    assert made["publicKeyAlgorithm"] == algorithm
    assert load_der_public_key(websafe_decode(made["publicKey"]))
