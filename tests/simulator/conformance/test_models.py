"""The suite finds nothing in healthy keys, and leaves them as they were."""

import pytest

from mfalab.devices.ctap.model import model_names
from mfalab.simulator.conformance.chapters import CHAPTERS, TESTS
from mfalab.simulator.conformance.run import run
from mfalab.simulator.conformance.subject import Subject
from mfalab.simulator.entropy import Entropy

pytestmark = pytest.mark.slow

PLAIN = """
versions = ["FIDO_2_0", "FIDO_2_1"]
selection = true
wink = false
lock = false
attestation = "none"
"""
ODD = """
versions = ["U2F_V2", "FIDO_2_0", "FIDO_2_1_PRE", "FIDO_2_1"]
client_pin = true
pin_uv_protocols = [1, 2]
pin_uv_auth_token = true
fingers = 5
bio_enroll = true
bio_enroll_preview = true
no_mc_ga_permissions_with_client_pin = true
selection = true
slots = 5
cred_mgmt = true
large_blob_bytes = 1024
authnr_cfg = true
set_min_pin_length = true
always_uv = "off"
max_msg_size = 1024
extensions = ["credProtect", "hmac-secret"]
counter_start = 1000
counter_step = 7
attestation = "packed-self"
"""
STRICT = """
versions = ["FIDO_2_0", "FIDO_2_1"]
pin_uv_protocols = [2]
pin_uv_auth_token = true
client_pin = true
cred_mgmt = true
min_pin_length = 10
max_pin_length = 40
pin_complexity_policy = true
always_uv = "on"
always_uv_can_be_off = false
authnr_cfg = true
set_min_pin_length = true
selection = true
slots = 3
max_rp_ids_for_min_pin_length = 1
extensions = ["credProtect", "hmac-secret", "minPinLength"]
touch_before_no_credentials = false
"""
UNUSUAL = {"plain": PLAIN, "odd": ODD, "strict": STRICT}
"""Keys that are not shipped here: without a PIN at all; whose PIN gives no token to register or
sign in, and with the preview of fingerprints; and with a PIN policy and alwaysUv that stays on."""


@pytest.fixture(scope="module")
def unusual(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name, text in UNUSUAL.items():
        head = f'name = "{name}"\naaguid = "6d66616c-6162-4000-8000-0000000000f1"\n'
        (folder / f"{name}.toml").write_text(head + text)
    return lambda name: str(folder / f"{name}.toml")


def assert_as_new(fixture):
    state = fixture.key.state
    assert (state.pin_is_set, state.credentials, state.fingers) == (False, (), ())
    settings = fixture.key.authenticator.state.settings
    assert settings.min_pin_length == fixture.key.model.min_pin_length
    assert not settings.force_pin_change


@pytest.mark.parametrize("destructive", [False, True])
@pytest.mark.parametrize("model", model_names())
def test_healthy_key_fails_nothing_and_is_left_as_new(tested, failed, model, destructive):
    found, fixture = tested(model, destructive=destructive)
    assert failed(found) == []
    assert found.passed
    assert (found.ended, found.notes) == ("", ())
    assert_as_new(fixture)


@pytest.mark.parametrize("destructive", [False, True])
@pytest.mark.parametrize("name", UNUSUAL)
def test_unusual_key_fails_nothing_and_is_left_as_new(tested, failed, unusual, name, destructive):
    found, fixture = tested(unusual(name), destructive=destructive)
    assert failed(found) == []
    assert (found.ended, found.notes) == ("", ())
    assert_as_new(fixture)


@pytest.mark.parametrize("model", ["ctap-2.1-pin", "always-uv"])
def test_key_whose_pin_is_told_keeps_it_and_fails_nothing(tested, failed, silent, model):
    """A PIN that is known opens the tests that need one, without --destructive."""
    _, fixture = tested(model, ())
    chance = Entropy(2).random_bytes("client")
    subject = Subject(fixture, random_bytes=chance, announcer=silent())
    subject.refresh()
    subject.pins.set("Kq7-vz2-Bt9").must(0)
    subject.let_go()
    fixture.pin = "Kq7-vz2-Bt9"
    found = run(fixture, TESTS, silent(), random_bytes=chance)
    assert failed(found) == []
    assert not any("has no PIN" in result.why for result in found.results)
    state = fixture.key.state
    assert (state.pin_is_set, state.pin_retries, state.credentials) == (True, 8, ())


def test_every_test_passes_on_some_model(tested, unusual):
    """A test that no model here can run would never be seen to pass."""
    passed = set()
    for model in (*model_names(), *map(unusual, UNUSUAL)):
        found, _ = tested(model, destructive=True)
        passed |= {result.test.id for result in found.results if result.verdict.value == "passed"}
    assert {test.id for test in TESTS} - passed == {
        "getinfo/member-15-vendorprototypeconfigcommands",
        "twin/twin-does-not-sign",
        "twin/twin-does-not-know-u2f-handles",
    }


def test_chapters_are_in_the_order_of_the_run():
    assert [test.chapter for test in TESTS] == [
        chapter.title for chapter in CHAPTERS for _ in chapter.tests
    ]
