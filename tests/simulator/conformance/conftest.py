"""Runs of the suite on simulated keys, without output."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from mfalab.devices.ctap.faults import Faults
from mfalab.devices.ctap.state import Counter
from mfalab.devices.transports.wire import WireFaults
from mfalab.simulator.conformance.chapters import TESTS
from mfalab.simulator.conformance.run import Run, run
from mfalab.simulator.conformance.subject import Subject
from mfalab.simulator.entropy import Entropy
from mfalab.simulator.keys.simulated import SimulatedFixture


class Silent:
    """A watcher without output, and does something when the n-th test begins."""

    def __init__(self, act: Callable[[], object] = lambda: None, at: int | str = 0) -> None:
        self.act = act
        self.at = at
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.said: list[str] = []

    def begin(self, test, number, total):
        self.begun.append(test.id)
        if self.at in (len(self.begun), test.id):
            self.act()

    def end(self, result):
        self.ended.append(result.test.id)

    def blink(self, left_ns):
        pass

    def say(self, text):
        self.said.append(text)


@pytest.fixture(scope="session")
def silent():
    return Silent


@pytest.fixture
def subject() -> Iterator[Subject]:
    """A key under test that is touched when it asks and may be changed for good."""
    fixture = SimulatedFixture("ctap-2.1-pin")
    chance = Entropy(1).random_bytes("client")
    found = Subject(fixture, random_bytes=chance, announcer=Silent(), destructive=True)
    found.user.touch()
    found.refresh()
    yield found
    found.let_go()


@pytest.fixture(scope="session")
def chosen():
    """Tests by their IDs."""
    by_id = {test.id: test for test in TESTS}
    return lambda *ids: [by_id[each] for each in ids]


@pytest.fixture(scope="session")
def tested() -> Callable[..., tuple[Run, SimulatedFixture]]:
    """Runs tests on a simulated key that may be faulty from some test on."""

    def tested(
        model: str = "ctap-2.1-pin",
        tests: Iterable[Any] = TESTS,
        *,
        faults: Faults | None = None,
        wire: WireFaults | None = None,
        at: int | str = 1,
        act: Callable[[SimulatedFixture], object] | None = None,
        used: bool = False,
        **options: Any,
    ) -> tuple[Run, SimulatedFixture]:
        fixture = SimulatedFixture(model, seed="key")
        options.setdefault("random_bytes", Entropy(1).random_bytes("client"))
        if used:
            fixture.key.authenticator.state.change(Counter(41))

        def spoil() -> None:
            if faults is not None:
                fixture.key.faults = faults
            if wire is not None:
                fixture.key.wire = wire
            if act is not None:
                act(fixture)

        return run(fixture, list(tests), Silent(spoil, at), **options), fixture

    return tested


@pytest.fixture(scope="session")
def failed():
    """The IDs of the tests of a run that did not pass."""
    return lambda found: [
        r.test.id for r in found.results if r.verdict.value in ("failed", "error")
    ]
