"""The suite finds each fault that a simulated key can have, by the test that docs name."""

import re
from pathlib import Path

import pytest

from mfalab.devices.ctap.faults import Faults, Lapse
from mfalab.devices.transports.wire import Direction, WireFaults
from mfalab.simulator.conformance.run import run
from mfalab.simulator.entropy import Entropy
from mfalab.simulator.keys.simulated import SimulatedFixture

pytestmark = pytest.mark.slow

DOCS = Path(__file__).parents[3] / "docs" / "conformance.md"


def missing(name):
    return {"faults": Faults(missing=frozenset([name]))}


FINDERS = {
    "bad signatures": ("getassertion/assertion-verifies", {"faults": Faults(bad_signatures=True)}),
    "wrong AAGUID": (
        "makecredential/aaguid-is-that-of-get-info",
        {"faults": Faults(wrong_aaguid=True)},
    ),
    "malformed CBOR: cut short": (
        "getinfo/get-info-is-canonical",
        {"faults": Faults(malformed_cbor=True, seed=0)},
    ),
    "malformed CBOR: a byte more": (
        "getinfo/get-info-is-canonical",
        {"faults": Faults(malformed_cbor=True, seed=1)},
    ),
    "malformed CBOR: no map": (
        "getinfo/get-info-answers",
        {"faults": Faults(malformed_cbor=True, seed=2)},
    ),
    "malformed CBOR: in the middle of a run": (
        "whole-run/every-answer-was-canonical",
        {"faults": Faults(malformed_cbor=True, seed=1), "at": 150},
    ),
    "missing: credMgmt": ("getinfo/announced-credmgmt-is-there", missing("credMgmt")),
    "missing: clientPin": ("getinfo/announced-clientpin-is-there", missing("clientPin")),
    "missing: largeBlobs": ("getinfo/announced-largeblobs-is-there", missing("largeBlobs")),
    "missing: authnrCfg": ("getinfo/announced-authnrcfg-is-there", missing("authnrCfg")),
    "missing: bioEnroll": (
        "getinfo/announced-bioenroll-is-there",
        {"model": "ctap-2.1-bio", **missing("bioEnroll")},
    ),
    "missing: perCredMgmtRO": (
        "clientpin/token-for-percredmgmtro",
        {"model": "ctap-2.3", "destructive": True, **missing("perCredMgmtRO")},
    ),
    "missing: selection": ("getinfo/selection-is-there", missing("selection")),
    "missing: U2F_V2": ("getinfo/announced-u2f-is-there", missing("U2F_V2")),
    "missing: wink": ("ctaphid/announced-wink-works", missing("wink")),
    "missing: lock": ("ctaphid/announced-lock-works", missing("lock")),
    "missing: msg": ("ctaphid/announced-msg-works", missing("msg")),
    "missing: credProtect": ("extensions/cred-protect-3", missing("credProtect")),
    "missing: hmac-secret": ("extensions/hmac-secret-by-protocol-2", missing("hmac-secret")),
    "missing: hmac-secret-mc": (
        "extensions/secret-at-registration",
        {"model": "ctap-2.3", **missing("hmac-secret-mc")},
    ),
    "missing: credBlob": (
        "extensions/blob-comes-back",
        {"destructive": True, **missing("credBlob")},
    ),
    "missing: largeBlobKey": (
        "extensions/large-blob-key-is-the-same",
        {"destructive": True, **missing("largeBlobKey")},
    ),
    "missing: minPinLength": (
        "authenticatorconfig/listed-rp-is-told-the-pin-length",
        {"destructive": True, **missing("minPinLength")},
    ),
    "missing: thirdPartyPayment": (
        "extensions/payment-credential-says-so",
        {"model": "ctap-2.3", "destructive": True, **missing("thirdPartyPayment")},
    ),
    "counter stands still": (
        "getassertion/counter-grows",
        {"faults": Faults(counter_still=True), "used": True},
    ),
    "counter jumps back": (
        "whole-run/counters-never-fell",
        {"faults": Faults(counter_back=20), "at": "makecredential/credentials-differ"},
    ),
    "full store": (
        "reset/reset-makes-room",
        {"faults": Faults(full_store=True), "destructive": True},
    ),
    "worn-out store": (
        "makecredential/credential-is-made",
        {"faults": Faults(worn_out_store=True)},
    ),
    "slow crypto": (
        "whole-run/registration-is-in-time",
        {"faults": Faults(slow_crypto_ns=2_000_000_000)},
    ),
    "power cut, the write lost": (
        "getassertion/assertion-verifies",
        {"faults": Faults(power_cut_at_write=1), "at": "getassertion/assertion-verifies"},
    ),
    "power cut, the write done": (
        "makecredential/credential-is-made",
        {
            "faults": Faults(power_cut_at_write=1, power_cut_done=True),
            "at": "makecredential/credential-is-made",
        },
    ),
    "unplugged in the middle": (
        "ctaphid/half-a-message-times-out",
        {
            "act": lambda fixture: fixture._time.after(100_000_000, fixture.key.unplug),
            "at": "ctaphid/half-a-message-times-out",
        },
    ),
    "lost packets": ("ctaphid/ping-of-7609-bytes", {"wire": WireFaults(lost=0.02)}),
    "duplicated packets": ("ctaphid/ping-of-7609-bytes", {"wire": WireFaults(duplicated=0.02)}),
    "reordered packets": ("ctaphid/ping-of-7609-bytes", {"wire": WireFaults(reordered=0.02)}),
    "corrupted packets": ("ctaphid/ping-of-7609-bytes", {"wire": WireFaults(corrupted=0.02)}),
    "stalled endpoint": (
        "ctaphid/init-on-own-channel-keeps-it",
        {
            "wire": WireFaults(stalled=True),
            "at": "ctaphid/init-on-own-channel-keeps-it",
        },
    ),
}
LAPSES = {
    Lapse.ASSERTION_SPENDS_NOTHING: "clientpin/assertion-spends-the-token",
    Lapse.SPENDS_ONE_PERMISSION: "clientpin/registration-spends-the-token",
    Lapse.SPENDING_GIVES_LBW: "clientpin/registration-gives-no-lbw",
    Lapse.SPENDING_TAKES_LBW: "clientpin/registration-leaves-lbw",
    Lapse.SILENT_ASSERTION_SPENDS: "clientpin/silent-assertions-spend-nothing",
    Lapse.TOKEN_SURVIVES_RESET: "reset/reset-ends-tokens",
    Lapse.TOKEN_SURVIVES_PIN_CHANGE: "clientpin/token-dies-of-pin-change",
    Lapse.TOKEN_IS_BOUND_TO_NO_RP: "clientpin/token-is-bound-to-the-first-rp",
    Lapse.ANY_TOKEN_WRITES_BLOBS: "largeblobs/writing-takes-permission",
    Lapse.BLOBS_SURVIVE_RESET: "reset/reset-ends-large-blobs",
    Lapse.SETTINGS_SURVIVE_RESET: "reset/reset-ends-settings",
    Lapse.ASSERTION_IS_ALWAYS_VERIFIED: "getassertion/unverified-assertion-says-so",
    Lapse.NAMES_FOR_EVERYONE: "getassertion/unverified-assertion-tells-no-names",
    Lapse.EXCLUDES_WITHOUT_TOUCH: "makecredential/exclusion-takes-a-touch",
    Lapse.EXCLUDES_PROTECTED: "extensions/protected-credential-does-not-exclude",
    Lapse.DISCOVERS_PROTECTED: "extensions/cred-protect-3-is-not-discovered",
    Lapse.U2F_USES_PROTECTED: "extensions/protected-credential-is-not-for-u2f",
    Lapse.USER_ID_BY_PREFIX: "getassertion/longer-handle-is-another-account",
    Lapse.ONE_LARGE_BLOB_KEY: "extensions/large-blob-keys-differ",
    Lapse.SCOPED_TOKEN_DELETES_OTHERS: "credentialmanagement/rp-token-leaves-others-alone",
    Lapse.CHANGE_IS_NOT_PROVED: "clientpin/change-with-wrong-param-is-refused",
    Lapse.SHORT_PIN_IS_KEPT: "authenticatorconfig/short-pin-has-to-be-changed",
}
FINDERS |= {
    f"lapse: {lapse}": (finder, {"faults": Faults(lapses=frozenset([lapse])), "destructive": True})
    for lapse, finder in LAPSES.items()
}


@pytest.mark.parametrize("fault", FINDERS)
def test_fault_is_found(tested, failed, fault):
    finder, setting = FINDERS[fault]
    found, _ = tested(**setting)
    assert finder in failed(found)
    assert not found.passed


def test_each_lapse_has_a_test_that_finds_it():
    assert set(LAPSES) == set(Lapse)


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("kind", ["lost", "duplicated", "reordered", "corrupted"])
def test_wire_that_spoils_one_way_only_is_found(tested, failed, kind, direction):
    found, _ = tested(wire=WireFaults(**{kind: 0.02}, direction=direction))
    assert failed(found)


@pytest.mark.parametrize("write", [1, 2, 4, 8, 30])
def test_power_cut_at_any_write_is_told_as_the_loss_of_the_key(tested, write):
    """The key is brought back, and what it kept fails no further test."""
    found, fixture = tested(faults=Faults(power_cut_at_write=write), destructive=True)
    bad = [result for result in found.results if result.verdict.value == "failed"]
    assert [result.expected for result in bad] == ["a key that answers"]
    assert found.ended == ""
    assert not fixture.key.state.pin_is_set


def test_cloned_state_on_two_keys_is_found(failed, silent, chosen):
    """Two simulated keys of one seed have one master secret: each signs for the other."""
    tests = chosen("twin/twin-does-not-sign", "twin/twin-does-not-know-u2f-handles")
    one, other = (SimulatedFixture("ctap-2.1-pin", seed=5) for _ in range(2))
    found = run(one, tests, silent(), random_bytes=Entropy(1).random_bytes("client"), twin=other)
    assert failed(found) == [test.id for test in tests]
    assert "one is a clone" in found.results[0].got


def test_two_keys_of_their_own_are_no_clones(failed, silent, chosen):
    tests = chosen("twin/twin-does-not-sign", "twin/twin-does-not-know-u2f-handles")
    one, other = (SimulatedFixture("ctap-2.1-pin", seed=seed) for seed in (5, 6))
    found = run(one, tests, silent(), random_bytes=Entropy(1).random_bytes("client"), twin=other)
    assert [result.verdict.value for result in found.results] == ["passed", "passed"]


def test_docs_name_each_fault_and_the_test_that_finds_it():
    rows = re.findall(r"^\| ([^|]+?) \| `([^`|]+)` \|", DOCS.read_text(), re.MULTILINE)
    expected = {name: finder for name, (finder, _) in FINDERS.items()}
    expected["cloned state on two keys"] = "twin/twin-does-not-sign"
    assert dict(rows) == expected
