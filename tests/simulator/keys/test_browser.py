"""A browser as a relying party with py_webauthn sees it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import webauthn
from cryptography.hazmat.primitives.serialization import load_der_public_key
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.cose import COSEAlgorithmIdentifier as Algorithm
from webauthn.helpers.structs import AttestationConveyancePreference as Conveyance
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
)
from webauthn.helpers.structs import UserVerificationRequirement as Verification

from mfalab import Browser, DOMException, LabClock, SecurityKey
from mfalab.devices.ctap.user import absent, declining, touching
from mfalab.simulator.entropy import Entropy

RP_ID = "example.com"
SITE = "https://example.com"
Keys = Callable[..., SecurityKey]


def options(**changes: Any) -> Any:
    given = {"rp_id": RP_ID, "rp_name": "Example", "user_name": "alice", **changes}
    return webauthn.generate_registration_options(**given)


def registered(browser: Browser, origin: str = SITE, **changes: Any) -> Any:
    """What py_webauthn verifies of a registration under its own default options, and the answer."""
    asked = options(**changes)
    answer = browser.create(webauthn.options_to_json(asked))
    verified = webauthn.verify_registration_response(
        credential=json.dumps(answer),
        expected_challenge=asked.challenge,
        expected_rp_id=RP_ID,
        expected_origin=origin,
    )
    return verified, answer


def signed_in(browser: Browser, made: Any, **changes: Any) -> Any:
    listed = [PublicKeyCredentialDescriptor(id=made.credential_id)]
    given = {"rp_id": RP_ID, "allow_credentials": listed, **changes}
    asked = webauthn.generate_authentication_options(**given)
    return webauthn.verify_authentication_response(
        credential=browser.get(webauthn.options_to_json(asked)),
        expected_challenge=asked.challenge,
        expected_rp_id=RP_ID,
        expected_origin=SITE,
        credential_public_key=made.credential_public_key,
        credential_current_sign_count=made.sign_count,
    )


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(DOMException) as caught:
        act()
    return caught.value.name


def selecting(**wishes: Any) -> dict[str, Any]:
    return {"authenticator_selection": AuthenticatorSelectionCriteria(**wishes)}


# -- user verification --


def test_default_options_pass_with_a_key_that_has_no_pin(security_key: SecurityKey) -> None:
    """`preferred` once was refused by the client until a PIN was set."""
    browser = Browser(security_key)
    made, _ = registered(browser)
    assert not made.user_verified
    assert not signed_in(browser, made).user_verified


@pytest.mark.parametrize("model", ["ctap-2.1-pin", "fido-2.0", "ctap-2.3", "always-uv"])
def test_default_options_verify_the_user_of_a_key_with_a_pin(
    make_security_key: Keys, model: str
) -> None:
    browser = Browser(make_security_key(model=model, pin="2468"), pin="2468")
    made, _ = registered(browser)
    assert made.user_verified
    assert signed_in(browser, made).user_verified


@pytest.mark.parametrize("typed", ["fa\u00e7ade", "fac\u0327ade"])
def test_pin_is_one_pin_on_all_keyboards(make_security_key: Keys, typed: str) -> None:
    browser = Browser(make_security_key(pin="fa\u00e7ade"), pin=typed)
    assert registered(browser)[0].user_verified


def test_default_options_verify_the_owner_of_a_finger(make_security_key: Keys) -> None:
    key = make_security_key(model="ctap-2.1-bio", pin="2468", fingers=["thumb"])
    assert registered(Browser(key))[0].user_verified


def test_u2f_key_registers_under_default_options(make_security_key: Keys) -> None:
    browser = Browser(make_security_key(model="u2f-2016"))
    made, answer = registered(browser)
    assert not signed_in(browser, made).user_verified
    assert answer["response"]["transports"] == ["usb"]


def test_discouraged_asks_for_no_pin(make_security_key: Keys) -> None:
    browser = Browser(make_security_key(pin="2468"))
    discouraged = selecting(user_verification=Verification.DISCOURAGED)
    assert not registered(browser, **discouraged)[0].user_verified


@pytest.mark.parametrize("pin", [None, "0000"])
def test_without_the_pin_there_is_no_credential(make_security_key: Keys, pin: str | None) -> None:
    browser = Browser(make_security_key(pin="2468"), pin=pin)
    assert refusal(lambda: registered(browser)) == "NotAllowedError"


def test_required_is_refused_with_a_key_that_has_no_pin(security_key: SecurityKey) -> None:
    required = selecting(user_verification=Verification.REQUIRED)
    browser = Browser(security_key)
    assert refusal(lambda: registered(browser, **required)) == "NotAllowedError"


# -- origins --


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ("https://login.example.com", None),
        ("https://example.com:8443", None),
        ("https://example.com.evil.test", "SecurityError"),
        ("https://example.org", "SecurityError"),
        ("http://example.com", "SecurityError"),
    ],
)
def test_page_asks_for_its_own_domain_only(
    security_key: SecurityKey, origin: str, name: str | None
) -> None:
    browser = Browser(security_key, origin=origin)
    if name is None:
        assert registered(browser, origin=origin)[1]["type"] == "public-key"
    else:
        assert refusal(lambda: registered(browser)) == name


@pytest.mark.parametrize("host", ["127.0.0.1:5000", "[::1]:5000"])
def test_address_is_no_domain(security_key: SecurityKey, host: str) -> None:
    browser = Browser(security_key, origin=f"http://{host}")
    assert refusal(lambda: browser.create(bare())) == "SecurityError"
    browser.origin = "http://localhost:5000"
    assert browser.create(bare())["authenticatorAttachment"] == "cross-platform"


def test_domain_of_the_page_stands_for_an_rp_id_that_is_left_out(
    security_key: SecurityKey,
) -> None:
    browser = Browser(security_key, origin="https://login.example.com")
    answer = browser.create(bare())
    given = {"challenge": "AAAA", "allowCredentials": [{"type": "public-key", "id": answer["id"]}]}
    assert browser.get(given)["id"] == answer["id"]
    assert refusal(lambda: browser.get({**given, "rpId": RP_ID})) == "NotAllowedError"
    browser.origin = None
    with pytest.raises(TypeError, match=r"set browser\.origin"):
        browser.get(given)


# -- what pages read --


@pytest.mark.parametrize(
    ("algorithm", "spki_bytes"), [(Algorithm.ECDSA_SHA_256, 91), (Algorithm.EDDSA, 44)]
)
def test_answer_is_registration_response_json(
    security_key: SecurityKey, algorithm: Algorithm, spki_bytes: int
) -> None:
    made, answer = registered(Browser(security_key), supported_pub_key_algs=[algorithm])
    inner = answer["response"]
    assert json.loads(json.dumps(answer)) == answer
    assert set(answer) == {
        "id",
        "rawId",
        "type",
        "response",
        "authenticatorAttachment",
        "clientExtensionResults",
    }
    assert inner["transports"] == sorted(inner["transports"])
    assert "usb" in inner["transports"]
    assert inner["publicKeyAlgorithm"] == algorithm
    spki = base64url_to_bytes(inner["publicKey"])
    assert (len(spki), load_der_public_key(spki) is not None) == (spki_bytes, True)
    assert spki[-32:] in made.credential_public_key  # the last coordinate
    collected = json.loads(base64url_to_bytes(inner["clientDataJSON"]))
    assert (collected["type"], collected["origin"]) == ("webauthn.create", SITE)


@pytest.mark.parametrize(
    ("conveyance", "fmt"), [(Conveyance.NONE, "none"), (Conveyance.DIRECT, "packed")]
)
def test_attestation_is_conveyed_as_asked(
    security_key: SecurityKey, conveyance: Conveyance, fmt: str
) -> None:
    assert registered(Browser(security_key), attestation=conveyance)[0].fmt == fmt


def test_options_come_as_mapping_text_or_in_public_key(security_key: SecurityKey) -> None:
    browser = Browser(security_key, origin=SITE)
    for form in (bare(), json.dumps(bare()), {"publicKey": bare()}):
        assert browser.create(form)["type"] == "public-key"


# -- errors --


def bare(**changes: Any) -> dict[str, Any]:
    return {
        "challenge": "AAAA",
        "rp": {"name": "Example"},
        "user": {"id": "YWxpY2U", "name": "alice", "displayName": "Alice"},
        "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"challenge": "AA=="}, "EncodingError"),
        ({"challenge": "+/+/"}, "EncodingError"),
        ({"excludeCredentials": [{"type": "public-key", "id": "A"}]}, "EncodingError"),
        ({"pubKeyCredParams": [{"type": "password", "alg": -7}]}, "NotSupportedError"),
        ({"pubKeyCredParams": [{"type": "public-key", "alg": -65535}]}, "NotAllowedError"),
        ({"authenticatorSelection": {"authenticatorAttachment": "platform"}}, "NotAllowedError"),
    ],
)
def test_options_that_no_browser_takes(
    security_key: SecurityKey, changes: dict[str, Any], name: str
) -> None:
    browser = Browser(security_key, origin=SITE)
    assert refusal(lambda: browser.create(bare(**changes))) == name


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({**bare(), "challenge": None}, "options have no challenge"),
        (bare(user={"name": "alice"}), r"no user\.id"),
        (bare(user={"id": "", "name": "alice"}), "0 bytes; it has 1 to 64"),
        (bare(challenge=b"\0\0"), "binary values are base64url text"),
        (options(), r"options_to_json\(options\)"),
    ],
)
def test_options_that_are_no_webauthn_json(
    security_key: SecurityKey, given: Any, message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        Browser(security_key, origin=SITE).create(given)


def test_registering_a_key_again_is_an_invalid_state(security_key: SecurityKey) -> None:
    browser = Browser(security_key)
    made, _ = registered(browser)
    again = {"exclude_credentials": [PublicKeyCredentialDescriptor(id=made.credential_id)]}
    assert refusal(lambda: registered(browser, **again)) == "InvalidStateError"


def test_key_that_does_not_know_the_credential(
    security_key: SecurityKey, make_security_key: Keys
) -> None:
    browser = Browser(security_key)
    made, _ = registered(browser)
    browser.key = make_security_key()
    assert refusal(lambda: signed_in(browser, made)) == "NotAllowedError"


def test_person_who_does_not_touch(security_key: SecurityKey, clock: LabClock) -> None:
    browser = Browser(security_key)
    security_key.user = declining()
    assert refusal(lambda: registered(browser)) == "NotAllowedError"
    security_key.unplug()
    assert refusal(lambda: registered(browser)) == "NotAllowedError"
    security_key.plug()
    security_key.user = absent
    before = clock.now()
    assert refusal(lambda: registered(browser)) == "NotAllowedError"
    assert 25 < (clock.now() - before).total_seconds() < 65


def test_page_that_waits_ten_seconds_gets_no_touch_of_the_twentieth(
    security_key: SecurityKey, clock: LabClock
) -> None:
    browser = Browser(security_key)
    security_key.user = touching(after_ns=20 * 10**9)
    before = clock.now()
    assert refusal(lambda: registered(browser, timeout=10_000)) == "NotAllowedError"
    assert 9 < (clock.now() - before).total_seconds() < 12
    registered(browser, timeout=60_000)


# -- accounts and mediation --

PASSKEY = selecting(resident_key=ResidentKeyRequirement.REQUIRED)


def test_user_picks_one_of_several_accounts(make_security_key: Keys) -> None:
    browser = Browser(make_security_key(pin="2468"), pin="2468")
    made = {name: registered(browser, user_name=name, **PASSKEY)[1] for name in ("alice", "bob")}
    asked = {"challenge": "AAAA", "rpId": RP_ID}
    assert browser.get(asked)["id"] == made["bob"]["id"]
    assert browser.get(asked, account="alice")["id"] == made["alice"]["id"]
    assert refusal(lambda: browser.get(asked, account="carol")) == "NotAllowedError"


def test_conditional_mediation_offers_discoverable_credentials_only(
    make_security_key: Keys,
) -> None:
    browser = Browser(make_security_key(pin="2468"), pin="2468")
    plain, _ = registered(browser)
    allowed = [{"type": "public-key", "id": "AAAA"}]
    asked = {"challenge": "AAAA", "rpId": RP_ID}
    assert refusal(lambda: browser.get(asked, mediation="conditional")) == "AbortError"
    _, answer = registered(browser, **PASSKEY)
    assert browser.get(asked, mediation="conditional")["id"] == answer["id"]
    listed = {**asked, "allowCredentials": allowed}
    assert refusal(lambda: browser.get(listed, mediation="conditional")) == "AbortError"
    assert plain.credential_id
    assert refusal(lambda: browser.create(bare(), mediation="conditional")) == "NotAllowedError"


def test_key_with_time_of_its_own_will_do() -> None:
    key = SecurityKey("ctap-2.1-pin", random_bytes=Entropy(1).random_bytes("key"))
    key.plug()
    made, _ = registered(Browser(key))
    assert signed_in(Browser(key), made).new_sign_count > made.sign_count
