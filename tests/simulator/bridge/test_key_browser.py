"""What pages of Chromium see of a simulated key: register, sign in, and all that goes wrong."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from fido2.utils import websafe_decode

from mfalab.devices.ctap.faults import Faults
from mfalab.devices.ctap.user import absent, declining, touching
from mfalab.devices.transports.wire import Direction, WireFaults
from mfalab.simulator.keys.webauthn_client import PinAsked

from .conftest import SITE, Shop

pytestmark = pytest.mark.slow
S = 10**9

REQUIRED = {"userVerification": "required"}
WITH_PIN = [
    "all-features",
    "always-uv",
    "ctap-2.1-bio",
    "ctap-2.1-pin",
    "ctap-2.3",
    "enterprise",
    "fido-2.0",
    "slots-25",
    "yubikey-like",
]


@pytest.mark.parametrize("model", WITH_PIN)
def test_every_model_registers_and_signs_in(shop: Shop, use_key: Any, model: str) -> None:
    use_key(model, pin="246813")
    made, verdict = shop.register()
    assert verdict.user_verified
    assert shop.sign_in(made)[1].user_verified
    assert [each.outcome for each in shop.key_browser.journal] == ["answered"] * 2


def test_u2f_key_registers_and_signs_in(shop: Shop, use_key: Any) -> None:
    use_key("u2f-2016")
    made, verdict = shop.register()
    assert not verdict.user_verified
    assert not shop.sign_in(made)[1].user_verified


def test_u2f_key_with_nobody_there_gives_up_without_real_time(shop: Shop, use_key: Any) -> None:
    """python-fido2 polls it by a clock of its own."""
    use_key("u2f-2016").user = absent
    assert shop.refused("register", shop.creation()) == "NotAllowedError"
    assert shop.key_browser.time.now_ns() >= 60 * S


# -- the PIN --


def test_key_without_a_pin_proceeds_where_verification_is_preferred_only(shop: Shop) -> None:
    """python-fido2 says CONFIGURATION_UNSUPPORTED there."""
    made, verdict = shop.register(authenticatorSelection={"userVerification": "preferred"})
    assert not verdict.user_verified
    assert not shop.sign_in(made, userVerification="preferred")[1].user_verified
    asked = shop.creation(authenticatorSelection=REQUIRED)
    assert shop.refused("register", asked) == "NotAllowedError"


@pytest.mark.parametrize("wish", ["required", "preferred", "discouraged"])
def test_pin_is_typed_where_it_is_wanted(shop: Shop, use_key: Any, wish: str) -> None:
    use_key(pin="246813")
    made, verdict = shop.register(authenticatorSelection={"userVerification": wish})
    assert verdict.user_verified == (wish != "discouraged")
    assert shop.sign_in(made, userVerification=wish)[1].user_verified == (wish != "discouraged")
    typed = [each.pins_typed for each in shop.key_browser.journal]
    assert typed == ([0, 0] if wish == "discouraged" else [1, 1])


def test_wrong_pin_and_then_the_right_one(shop: Shop, use_key: Any) -> None:
    key = use_key(pin="246813")
    shop.key_browser.pin = ["000000", "246813"]
    assert shop.register(authenticatorSelection=REQUIRED)[1].user_verified
    assert shop.key_browser.journal[0].pins_typed == 2
    assert key.state.pin_retries == 8


def test_person_sees_what_the_pin_is_for_and_gives_up(shop: Shop, use_key: Any) -> None:
    use_key(pin="246813")
    seen = []

    def typing(asked: PinAsked) -> str | None:
        seen.append(asked)
        return "000000" if asked.times == 1 else None

    shop.key_browser.pin = typing
    assert shop.refused("register", shop.creation()) == "NotAllowedError"
    assert seen == [PinAsked("shop.test", 1), PinAsked("shop.test", 2)]
    assert shop.key_browser.journal[0].cause == "PIN_INVALID"


def test_blocked_pin(shop: Shop, use_key: Any) -> None:
    key = use_key(pin="246813")
    shop.key_browser.pin = ["000000"] * 8
    causes = []
    for _ in range(3):
        assert shop.refused("register", shop.creation()) == "NotAllowedError"
        causes.append(shop.key_browser.journal[-1].cause)
        key.power_cycle()
    assert causes == ["PIN_AUTH_BLOCKED", "PIN_AUTH_BLOCKED", "PIN_BLOCKED"]
    assert key.state.pin_retries == 0
    shop.key_browser.pin = "246813"
    assert shop.refused("register", shop.creation()) == "NotAllowedError"


def test_finger_does_instead_of_the_pin(shop: Shop, use_key: Any) -> None:
    use_key("ctap-2.1-bio", pin="246813", fingers=["thumb"])
    shop.key_browser.pin = None
    assert shop.register(authenticatorSelection=REQUIRED)[1].user_verified


# -- touch --


def test_late_touch_costs_no_real_time(shop: Shop) -> None:
    shop.key_browser.key.user = touching(after_ns=25 * S)
    shop.register()
    assert shop.key_browser.time.now_ns() == pytest.approx(25 * S, rel=0.05)


@pytest.mark.parametrize(
    ("user", "cause", "at_least_ns"),
    [
        (touching(after_ns=40 * S), "USER_ACTION_TIMEOUT", 25 * S),
        (absent, "USER_ACTION_TIMEOUT", 25 * S),
        (declining(after_ns=2 * S), "OPERATION_DENIED", 2 * S),
    ],
    ids=["too late", "absent", "declining"],
)
def test_touch_that_does_not_come(shop: Shop, user: Any, cause: str, at_least_ns: int) -> None:
    key = shop.key_browser.key
    made, _ = shop.register()
    key.user = user
    assert shop.refused("register", shop.creation()) == "NotAllowedError"
    assert shop.refused("signIn", shop.request(made)) == "NotAllowedError"
    assert [each.cause for each in shop.key_browser.journal[1:]] == [cause, cause]
    assert shop.key_browser.time.now_ns() >= 2 * at_least_ns
    key.user = touching()
    shop.sign_in(made)


def test_key_blinks_until_the_test_touches_it(shop: Shop) -> None:
    key_browser, key = shop.key_browser, shop.key_browser.key
    key.user = absent
    options, made = shop.creation(), None
    for act in ("register", "signIn"):
        with key_browser.hold():
            shop.begin(act, options if made is None else shop.request(made))
            key_browser.wait_for_prompt()
            assert key.asks.rp_id == "shop.test"
            assert key_browser.journal[-1].outcome == "pending"
            assert shop.page.evaluate("window.answer") is None
            key.touch()
            made = shop.outcome()["answer"]
            assert key_browser.time.now_ns() == 0


def test_touch_of_the_test_after_so_long(shop: Shop) -> None:
    key_browser, key = shop.key_browser, shop.key_browser.key
    key.user = absent
    with key_browser.hold():
        shop.begin("register", shop.creation())
        key_browser.wait_for_prompt()
        key_browser.advance("20 s")
        assert key.asks is not None
        key_browser.advance("20 s")
        assert shop.outcome()["error"] == "NotAllowedError"
        assert key.asks is None


def test_person_changes_their_mind_during_a_ceremony(shop: Shop) -> None:
    key_browser = shop.key_browser
    key_browser.key.user = absent
    with key_browser.hold():
        shop.begin("register", shop.creation())
        key_browser.wait_for_prompt()
        key_browser.key.user = declining()
        assert shop.outcome()["error"] == "NotAllowedError"


# -- power, faults --


def test_unplugged_key(shop: Shop) -> None:
    key_browser, key = shop.key_browser, shop.key_browser.key
    made, _ = shop.register()
    key.unplug()
    assert shop.refused("signIn", shop.request(made)) == "NotAllowedError"
    key.plug()
    shop.sign_in(made)
    key.user = absent
    with key_browser.hold():
        shop.begin("signIn", shop.request(made))
        key_browser.wait_for_prompt()
        key.unplug()
        assert shop.outcome()["error"] == "NotAllowedError"
    key.plug()
    key.user = touching()
    shop.sign_in(made)


def test_bad_signature_is_for_the_relying_party_to_find(shop: Shop) -> None:
    made, _ = shop.register()
    shop.key_browser.key.faults = Faults(bad_signatures=True)
    options = shop.request(made)
    answer = shop.page.evaluate("signIn", options)["answer"]
    with pytest.raises(Exception, match=r"[Ss]ignature"):
        shop.judges.assertion(options, answer, made)


@pytest.mark.parametrize("seed", range(4))
def test_page_survives_every_malformed_answer(shop: Shop, seed: int) -> None:
    made, _ = shop.register()
    shop.key_browser.key.faults = Faults(seed=seed, malformed_cbor=True)
    told = shop.page.evaluate("signIn", shop.request(made))
    assert told.get("error") == "NotAllowedError" or "answer" in told


def test_lost_reports_end_the_ceremony(shop: Shop) -> None:
    key = shop.key_browser.key
    key.wire = WireFaults(lost=1.0, direction=Direction.TO_HOST)
    assert shop.refused("register", shop.creation()) == "NotAllowedError"
    key.wire = WireFaults()
    shop.register()


# -- what a relying party asks --


def test_exclude_list(shop: Shop, use_key: Any) -> None:
    made, _ = shop.register()
    listed = {"type": "public-key", "id": made["id"]}  # Chromium fills in all transports
    again = shop.creation(excludeCredentials=[listed])
    assert shop.refused("register", again) == "InvalidStateError"
    given = shop.key_browser.journal[-1].options["excludeCredentials"]
    assert "smart-card" in given[0]["transports"]
    use_key()
    shop.register(excludeCredentials=[listed])


def test_credential_listed_without_transports(shop: Shop) -> None:
    made, _ = shop.register()
    made["response"].pop("transports")
    listed = [{"type": "public-key", "id": made["id"]}]
    shop.sign_in(made, listed=False, allowCredentials=listed)


def test_key_that_does_not_know_the_credential(shop: Shop, use_key: Any) -> None:
    made, _ = shop.register()
    first = shop.key_browser.key
    use_key()
    assert shop.refused("signIn", shop.request(made)) == "NotAllowedError"
    shop.key_browser.key = first
    shop.sign_in(made)


PASSKEY = {"residentKey": "required", "userVerification": "required"}


def test_discoverable_credentials_and_the_account_that_is_picked(shop: Shop, use_key: Any) -> None:
    use_key(pin="246813")
    made = {}
    for name, handle in (("alice", "YWxpY2U"), ("bob", "Ym9i")):
        user = {"id": handle, "name": name, "displayName": name}
        made[name], _ = shop.register(user=user, authenticatorSelection=PASSKEY)
    answer, _ = shop.sign_in(made["bob"], listed=False)
    assert answer["response"]["userHandle"] == "Ym9i"
    shop.key_browser.account = "alice"
    answer, _ = shop.sign_in(made["alice"], listed=False)
    assert answer["response"]["userHandle"] == "YWxpY2U"
    shop.key_browser.account = "carol"
    assert shop.refused("signIn", shop.request()) == "NotAllowedError"


def test_key_has_no_discoverable_credential(shop: Shop) -> None:
    shop.register()
    assert shop.refused("signIn", shop.request()) == "NotAllowedError"


@pytest.mark.parametrize(("conveyance", "format_"), [("none", "none"), ("direct", "packed")])
def test_attestation_is_conveyed_as_asked(shop: Shop, conveyance: str, format_: str) -> None:
    assert shop.register(attestation=conveyance)[1].format == format_


def test_prf(shop: Shop, use_key: Any) -> None:
    """Its secrets are binary: native objects come out of Chromium, the same for the same salt."""
    use_key("ctap-2.1-pin", pin="246813")
    made, _ = shop.register(extensions={"prf": {}})
    assert made["clientExtensionResults"]["prf"] == {"enabled": True}
    secrets = []
    for salt in ("AAAA", "AAAA", "BBBB"):
        options = shop.request(made, extensions={"prf": {"eval": {"first": salt}}})
        secrets.append(shop.page.evaluate(PRF, options))
    assert [len(each) for each in secrets] == [32, 32, 32]
    assert secrets[0] == secrets[1] != secrets[2]


PRF = """async (options) => {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  const credential = await navigator.credentials.get({ publicKey });
  return Array.from(new Uint8Array(credential.getClientExtensionResults().prf.results.first));
}"""


@pytest.mark.parametrize(
    ("model", "wish", "rk"),
    [
        ("ctap-2.1-pin", "required", True),
        ("ctap-2.1-pin", "preferred", True),
        ("ctap-2.1-pin", "discouraged", False),
        ("u2f-2016", "preferred", False),
    ],
)
def test_cred_props(shop: Shop, use_key: Any, model: str, wish: str, rk: bool) -> None:
    use_key(model)
    asked = {"residentKey": wish}
    made, _ = shop.register(authenticatorSelection=asked, extensions={"credProps": True})
    assert made["clientExtensionResults"]["credProps"] == {"rk": rk}


NATIVE = """async (options) => {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const credential = await navigator.credentials.create({ publicKey });
  const response = credential.response;
  return {
    credential: credential instanceof PublicKeyCredential,
    response: response instanceof AuthenticatorAttestationResponse,
    native: [navigator.credentials.create, response.getTransports, credential.toJSON]
      .map((each) => Function.prototype.toString.call(each).includes("[native code]")),
    own: Object.getOwnPropertyNames(navigator).concat(Object.getOwnPropertyNames(credential)),
    transports: response.getTransports(),
    algorithm: response.getPublicKeyAlgorithm(),
    publicKey: response.getPublicKey().byteLength,
    data: response.getAuthenticatorData().byteLength,
    json: credential.toJSON(),
  };
}"""


def test_all_that_a_page_holds_is_native(shop: Shop) -> None:
    options = shop.creation()
    told = shop.page.evaluate(NATIVE, options)
    assert told["credential"]
    assert told["response"]
    assert told["native"] == [True, True, True]
    assert told["own"] == []
    assert told["transports"] == ["nfc", "usb"]
    assert (told["algorithm"], told["publicKey"]) == (-7, 91)
    assert told["data"] > 100
    shop.judges.registration(options, told["json"])


@pytest.mark.parametrize(
    ("model", "algorithm"), [("enterprise", -257), ("ctap-2.3", -8), ("ctap-2.3", -48)]
)
def test_chromium_takes_public_keys_of_every_algorithm(
    shop: Shop, use_key: Any, model: str, algorithm: int
) -> None:
    use_key(model)
    asked = [{"type": "public-key", "alg": algorithm}]
    told = shop.page.evaluate("register", shop.creation(pubKeyCredParams=asked))
    assert told["answer"]["response"]["publicKeyAlgorithm"] == algorithm, told
    assert [each.rejected for each in shop.key_browser.journal] == [None]


def test_page_is_told_at_once_when_chromium_takes_no_answer(shop: Shop) -> None:
    """It once waited for ever. Chromium 156 knows no ES384."""
    asked = [{"type": "public-key", "alg": -35}]
    assert shop.refused("register", shop.creation(pubKeyCredParams=asked)) == "NotAllowedError"
    record = shop.key_browser.journal[0]
    assert record.outcome == "answered"
    assert "attestationObject" in str(record.rejected)


def test_no_key_of_ours_is_a_platform_authenticator_unless_a_test_says_so(shop: Shop) -> None:
    asked = "PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable()"
    assert shop.page.evaluate(asked) is False
    shop.key_browser.platform_authenticator = True
    assert shop.page.evaluate(asked) is True


# -- pages --


def test_strict_content_security_policy(open_shop: Any) -> None:
    shop = open_shop(f"{SITE}/strict")
    made, _ = shop.register()
    shop.sign_in(made)
    shop.begin("signIn", shop.request(made))
    assert "answer" in shop.outcome()


@pytest.mark.parametrize(
    ("origin", "rp_id"),
    [
        ("https://login.shop.test", "shop.test"),
        ("https://shop.test:8443", "shop.test"),
        ("https://shop.example", "shop.test"),
    ],
    ids=["suffix", "port", "related"],
)
def test_origins_that_may_ask(open_shop: Any, origin: str, rp_id: str) -> None:
    shop = open_shop(origin, origin=origin, rp_id=rp_id)
    made, _ = shop.register()
    shop.sign_in(made)
    assert shop.key_browser.journal[0].origin == origin


@pytest.mark.parametrize("origin", ["https://evil.test", "https://notshop.test"])
def test_origin_that_may_not_ask_meets_chromium_and_no_key(open_shop: Any, origin: str) -> None:
    shop = open_shop(origin)
    assert shop.refused("register", shop.creation()) == "SecurityError"
    assert shop.key_browser.journal == ()


def frame_of(shop: Shop, url: str) -> Any:
    shop.key_browser.wait_for(lambda: any(each.url == url for each in shop.page.frames))
    frame = next(each for each in shop.page.frames if each.url == url)
    frame.wait_for_load_state()
    return frame


@pytest.mark.parametrize("allowed", [True, False])
def test_frame_of_another_origin_needs_to_be_allowed(open_shop: Any, allowed: bool) -> None:
    permission = "publickey-credentials-create;publickey-credentials-get" if allowed else ""
    shop = open_shop(f"https://mall.test/frame?{SITE}/&{permission}")
    frame = frame_of(shop, f"{SITE}/")
    options = shop.creation()
    # Chromium wants an activation by the user for a registration in a frame.
    frame.locator("html").click()
    told = frame.evaluate("register", options)
    if not allowed:
        assert told["error"] == "NotAllowedError"
        assert shop.key_browser.journal == ()
        return
    answer = told["answer"]
    collected = websafe_decode(answer["response"]["clientDataJSON"])
    shop.judges.registration(options, answer, top_origin="https://mall.test")
    assert b'"crossOrigin":true,"topOrigin":"https://mall.test"' in collected
    assert shop.key_browser.journal[0].top_origin == "https://mall.test"
    asked = shop.request(answer)
    signed = frame.evaluate("signIn", asked)["answer"]
    assert b'"crossOrigin":true' in websafe_decode(signed["response"]["clientDataJSON"])


def test_frame_of_the_same_origin_needs_nothing(open_shop: Any) -> None:
    shop = open_shop(f"{SITE}/frame?{SITE}/&")
    told = frame_of(shop, f"{SITE}/").evaluate("register", shop.creation())
    assert b'"crossOrigin":false' in websafe_decode(told["answer"]["response"]["clientDataJSON"])


def test_two_tabs_at_once(open_shop: Any, key_browser: Any) -> None:
    """CTAPHID arbitrates: the second client waits until the key has done with the first."""
    context = key_browser.new_context()
    one, two = open_shop(context=context), open_shop(context=context)
    key_browser.key.user = absent
    with key_browser.hold():
        one.page.bring_to_front()  # Chromium serves only the page that has the focus
        one.begin("register", one.creation())
        key_browser.wait_for_prompt()
        two.page.bring_to_front()
        two.begin("register", two.creation())
        key_browser.wait_for(lambda: len(key_browser.journal) == 2)
        one.page.bring_to_front()  # and hands on an answer only then
        key_browser.key.touch()
        assert "answer" in one.outcome()
        two.page.bring_to_front()
        key_browser.wait_for_prompt()
        assert two.page.evaluate("window.answer") is None
        key_browser.key.touch()
        assert "answer" in two.outcome()


def test_two_tabs_of_two_contexts_without_a_hold(open_shop: Any, key_browser: Any) -> None:
    one, two = open_shop(), open_shop()
    key_browser.key.user = touching(after_ns=5 * S)
    one.begin("register", one.creation())
    two.begin("register", two.creation())
    assert "answer" in one.outcome()
    assert "answer" in two.outcome()


# -- what ends a ceremony --

ABORTED = """async (options) => {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const calling = new AbortController();
  window.callOff = () => calling.abort();
  try { await navigator.credentials.create({ publicKey, signal: calling.signal }); }
  catch (error) { window.answer = { error: error.name }; }
}"""


def test_abort_signal_ends_the_blinking(shop: Shop) -> None:
    key_browser = shop.key_browser
    key_browser.key.user = absent
    with key_browser.hold():
        shop.page.evaluate(f"(options) => {{ ({ABORTED})(options) }}", shop.creation())
        key_browser.wait_for_prompt()
        shop.page.evaluate("callOff()")
        assert shop.outcome() == {"error": "AbortError"}
        key_browser.wait_for(lambda: key_browser.key.asks is None)
        assert key_browser.journal[0].outcome == "called off"
        assert key_browser.journal[0].rejected is None
    key_browser.key.user = touching()
    shop.register()


def remove_frame(page: Any) -> None:
    page.evaluate("document.querySelector('iframe').remove()")


@pytest.mark.parametrize(
    ("address", "leave"),
    [
        (f"{SITE}/", lambda page: page.reload()),
        (f"{SITE}/", lambda page: page.goto("https://mall.test/")),
        (f"{SITE}/", lambda page: page.close()),
        (f"{SITE}/frame?{SITE}/&", remove_frame),
    ],
    ids=["reload", "elsewhere", "close", "removed frame"],
)
def test_document_that_goes_away_ends_the_blinking(
    open_shop: Any, address: str, leave: Callable[[Any], object]
) -> None:
    """Chromium cancels nothing then, and the key once blinked on."""
    open_shop()  # a page, so that there is one while the test waits
    shop = open_shop(address)
    key_browser = shop.key_browser
    key_browser.key.user = absent
    with key_browser.hold():
        frame = frame_of(shop, f"{SITE}/")
        frame.evaluate("(options) => { begin('register', options) }", shop.creation())
        key_browser.wait_for_prompt()
        leave(shop.page)
        key_browser.wait_for(lambda: key_browser.key.asks is None)
        assert key_browser.journal[0].outcome == "gone"


def test_reload_of_one_of_two_tabs_of_a_site_ends_its_own_ceremony_only(
    open_shop: Any, key_browser: Any
) -> None:
    """Chromium tells the origin that asks; which of two documents it was has to be found out."""
    context = key_browser.new_context()
    tabs = [open_shop(context=context) for _ in range(3)]
    key_browser.key.user = absent
    with key_browser.hold():
        tabs[1].page.bring_to_front()
        tabs[1].begin("register", tabs[1].creation())
        key_browser.wait_for_prompt()
        tabs[0].page.reload()
        tabs[2].page.close()
        for _ in range(3):  # longer than the extension takes to look
            tabs[0].page.wait_for_timeout(200)
        assert key_browser.journal[0].outcome == "pending"
        tabs[1].page.reload()
        key_browser.wait_for(lambda: key_browser.key.asks is None)
        assert key_browser.journal[0].outcome == "gone"
    # The question left no trace in the pages that did not ask.
    key_browser.key.user = touching()
    tabs[0].page.bring_to_front()
    tabs[0].register()


def test_time_limit_of_the_page(shop: Shop) -> None:
    """Chromium gives all the time it likes, whatever a page says."""
    shop.key_browser.key.user = absent
    shop.refused("register", shop.creation(timeout=1000))
    assert shop.key_browser.journal[0].options["timeout"] == 180_000


def test_page_and_key_share_a_virtual_time(shop: Shop) -> None:
    """A page that gives up by its own clock after ten seconds, and a key that waits for thirty."""
    key_browser = shop.key_browser
    shop.page.clock.install()
    key_browser.key.user = absent
    with key_browser.hold():
        shop.page.evaluate(f"(options) => {{ ({ABORTED})(options) }}", shop.creation())
        shop.page.evaluate("() => { setTimeout(() => callOff(), 10000) }")
        key_browser.wait_for_prompt()
        for _ in range(9):
            key_browser.advance("1 s")
            shop.page.clock.run_for(1000)
        assert key_browser.key.asks is not None
        assert shop.page.evaluate("window.answer") is None
        key_browser.advance("1 s")
        shop.page.clock.run_for(1000)
        assert shop.outcome() == {"error": "AbortError"}
        key_browser.wait_for(lambda: key_browser.key.asks is None)


SCRIPT = """
import sys
from mfalab import KeyBrowser
with KeyBrowser.open(pin="246813", executable=sys.argv[1]) as key_browser:
    page = key_browser.new_page()
    print(page.evaluate("isSecureContext"))
    print(key_browser.key.state.pin_is_set, key_browser.journal)
"""


def test_it_is_a_context_manager_without_pytest(mfa_chromium_options: dict[str, Any]) -> None:
    """In a process of its own, because a process has one Playwright."""
    command = [sys.executable, "-c", SCRIPT, mfa_chromium_options["executable"]]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert said == "False\nTrue ()\n"
