"""The suite finds nothing in the keys that come along, and leaves them as they were."""

import pytest

from mfalab.devices.ctap.model import model_names
from mfalab.simulator.conformance.chapters import CHAPTERS, TESTS

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("destructive", [False, True])
@pytest.mark.parametrize("model", model_names())
def test_healthy_key_fails_nothing_and_is_left_as_new(tested, failed, model, destructive):
    found, fixture = tested(model, destructive=destructive)
    assert failed(found) == []
    assert found.passed
    assert (found.ended, found.notes) == ("", ())
    state = fixture.key.state
    assert (state.pin_is_set, state.credentials, state.fingers) == (False, (), ())
    settings = fixture.key.authenticator.state.settings
    assert settings.min_pin_length == fixture.key.model.min_pin_length
    assert not settings.force_pin_change


@pytest.mark.parametrize("model", ["ctap-2.1-pin", "always-uv"])
def test_key_whose_pin_is_told_keeps_it_and_fails_nothing(tested, failed, model, chosen):
    """Without --destructive a PIN that is known opens the tests that need one."""
    pin = "Kq7-vz2-Bt9"
    setter = chosen("clientpin/pin-is-set-by-protocol-2")
    found, fixture = tested(model, setter, destructive=True)
    assert found.passed
    from mfalab.simulator.conformance.run import run
    from mfalab.simulator.conformance.subject import Subject

    subject = Subject(fixture, random_bytes=lambda size: b"\1" * size, sees=None)
    subject.refresh()
    assert subject.pins.set(pin).status == 0
    subject.let_go()
    fixture.pin = pin
    again = run(fixture, TESTS, _Watcher(), random_bytes=lambda size: _chance(size))
    assert failed(again) == []
    assert not any("--destructive" in r.why and "no PIN" in r.why for r in again.results)
    assert fixture.key.state.pin_is_set
    assert fixture.key.state.credentials == ()
    assert fixture.key.state.pin_retries == 8


class _Watcher:
    def begins(self, test, number, total):
        pass

    def ends(self, result):
        pass

    def blinking(self, left_ns):
        pass

    def says(self, text):
        pass


_CALLS = iter(range(10**9))


def _chance(size):
    from hashlib import shake_256

    return shake_256(next(_CALLS).to_bytes(8)).digest(size)


def test_every_test_runs_on_some_model(tested):
    """A test that no shipped model can run would never be seen to pass."""
    run = set()
    for model in model_names():
        found, _ = tested(model, destructive=True)
        run |= {r.test.id for r in found.results if r.verdict.value == "passed"}
    never = sorted({test.id for test in TESTS} - run)
    assert never == []


def test_chapters_are_in_the_order_of_the_run():
    assert [test.chapter for test in TESTS] == [
        chapter.title for chapter in CHAPTERS for _ in chapter.tests
    ]
