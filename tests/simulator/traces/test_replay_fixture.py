"""A recording is a fixture: it can do what was done in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fido2.ctap import CtapError
from fido2.ctap2 import Ctap2

from mfalab.devices.ctap.user import declining
from mfalab.devices.transports.memory import KeyUnplugged
from mfalab.simulator.abilities import Ability
from mfalab.simulator.keys.fixture import CannotDo, Fixture
from mfalab.simulator.keys.simulated import SimulatedFixture
from mfalab.simulator.traces.replay_fixture import RecordingUnusable, ReplayFixture

Record = Callable[..., Path]


def replayed(path: Path) -> ReplayFixture:
    return ReplayFixture(f"replay:{path}")


class TestAbilities:
    def test_are_what_was_done(self, record: Record, key: SimulatedFixture) -> None:
        path = record(lambda fixture: Ctap2(fixture.connect()))
        with replayed(path) as fixture:
            assert fixture.can == {Ability.REPORTS}
            with pytest.raises(CannotDo, match="never cut in the recording"):
                fixture.power(False)
        key.user = declining()

        def declined(fixture: Fixture) -> None:
            with pytest.raises(CtapError):
                Ctap2(fixture.connect()).selection()

        path = record(declined)
        with replayed(path) as fixture:
            assert fixture.can == {Ability.REPORTS, Ability.TOUCH, Ability.DECLINE}

    def test_files_without_a_recording_are_refused_in_one_sentence(self, tmp_path: Path) -> None:
        for content, why in (
            (None, "No such file or directory"),
            (b"text", "it is no capture"),
            (b"", "there is no CTAP traffic in it"),
        ):
            path = tmp_path / "x.pcapng"
            if content is not None:
                path.write_bytes(content)
            with pytest.raises(RecordingUnusable, match=why):
                replayed(path)

    def test_a_closed_recording_has_no_ways_to_it(self, record: Record) -> None:
        fixture = replayed(record(lambda fixture: Ctap2(fixture.connect())))
        fixture.close()
        with pytest.raises(KeyUnplugged):
            fixture.reports()
