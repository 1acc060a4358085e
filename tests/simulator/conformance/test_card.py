"""The suite on a card, where a tap is the touch and what passes are APDUs."""

import pytest
from fido2.pcsc import CtapPcscDevice

from mfalab.devices.schedule import OwnTime
from mfalab.devices.security_key import SecurityKey
from mfalab.simulator.abilities import Ability
from mfalab.simulator.conformance.chapters import TESTS
from mfalab.simulator.conformance.report import told_trace
from mfalab.simulator.conformance.run import run
from mfalab.simulator.entropy import Entropy
from mfalab.simulator.keys.fixture import CannotDo, Fixture


class CardFixture(Fixture):
    """A simulated key on a reader; each way that is opened is a tap."""

    def __init__(self, model: str) -> None:
        super().__init__("nfc:simulated", frozenset({Ability.POWER, Ability.INSIGHT}))
        self.destructive = True
        self.time = OwnTime()
        self.key = SecurityKey(
            model, random_bytes=Entropy(1).random_bytes("key"), scheduler=self.time
        )

    def now_ns(self):
        return self.time.now_ns()

    def wait(self, duration_ns):
        self.time.advance(duration_ns)

    def connect(self):
        return CtapPcscDevice(self.key.card(), self.name)

    def reports(self):
        raise CannotDo(self.name, Ability.REPORTS)

    def power(self, on):
        self.key.lift() if not on else self.key.tap()

    def close(self):
        self.key.lift()


@pytest.mark.slow
@pytest.mark.parametrize("destructive", [False, True])
@pytest.mark.parametrize("model", ["ctap-2.1-pin", "enterprise", "yubikey-like"])
def test_card_fails_nothing(silent, failed, model, destructive):
    found = run(
        CardFixture(model),
        TESTS,
        silent(),
        random_bytes=Entropy(1).random_bytes("client"),
        destructive=destructive,
    )
    assert failed(found) == []
    assert (found.ended, found.notes) == ("", ())
    passed = {result.test.chapter for result in found.results if result.verdict.value == "passed"}
    assert {"getInfo", "makeCredential", "getAssertion", "Whole run"} <= passed


def test_card_speaks_no_ctaphid(silent, chosen):
    found = run(
        CardFixture("ctap-2.1-pin"),
        chosen("ctaphid/ping-of-57-bytes"),
        silent(),
        random_bytes=Entropy(1).random_bytes("client"),
    )
    assert found.results[0].why == "nfc:simulated cannot exchange CTAPHID reports"


def test_trace_of_a_card_tells_its_commands(silent, chosen):
    fixture = CardFixture("ctap-2.1-pin")
    from mfalab.devices.ctap.faults import Faults

    fixture.key.faults = Faults(wrong_aaguid=True)
    found = run(
        fixture,
        chosen("makecredential/aaguid-is-that-of-get-info"),
        silent(),
        random_bytes=Entropy(1).random_bytes("client"),
    )
    told = [line["text"] for line in told_trace(found.results[0])]
    assert any(text.startswith("NFCCTAP_MSG makeCredential {") for text in told)
