"""Records what the keys of a case say: a pcapng file for each key, and `ctap` events in the log."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mfalab.devices.security_key import SecurityKey
from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.eventlog import CaseLog
from mfalab.simulator.keys.fixture import Fixture
from mfalab.simulator.traces.capture import CaptureWriter
from mfalab.simulator.traces.recorder import KeyTap, Recording, RecordingFailed, Tape


class KeyRecording:
    """The recordings of one case.

    Args:
        folder: where pcapng files go, each named after the case and the key; made if need be.
        log: where events go.
        timeline: true time.
        reveal: write secrets as they are.
    """

    def __init__(
        self, folder: Path, log: CaseLog, timeline: Timeline, *, reveal: bool = False
    ) -> None:
        self._folder = folder
        self._log = log
        self._timeline = timeline
        self._reveal = reveal
        self._taps: dict[str, KeyTap] = {}
        self._open = ExitStack()

    def of_key(self, name: str, key: SecurityKey) -> None:
        """Record a simulated key.

        Raises:
            RecordingFailed: its file cannot be written.
        """
        tap = KeyTap(key, self._tape(name, key.model.name, self._log), self._timeline)
        self._taps[name] = tap
        self._open.callback(tap.drain)

    def of_fixture(self, name: str, fixture: Fixture) -> Fixture:
        """A key on the bench that is recorded; its own time is told in the story's.

        Raises:
            RecordingFailed: its file cannot be written.
        """
        log = _StoryLog(self._log, self._timeline, fixture)
        return Recording(fixture, self._tape(name, fixture.name, log))

    def close(self) -> None:
        """Write what is held back and close the files.

        Raises:
            RecordingFailed: a file cannot be written.
        """
        self._open.close()

    def _tape(self, name: str, about: str, log: CaseLog) -> Tape:
        stem = re.sub(r"[^\w.-]+", "-", f"{log.case}-{name}").strip("-")
        path = self._folder / f"{stem}.pcapng"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = self._open.enter_context(path.open("wb"))
        except OSError as error:
            raise RecordingFailed(str(path), error.strerror or str(error)) from None
        secrets = "Secrets are in it." if self._reveal else "Secrets are masked with zeros."
        capture = CaptureWriter(
            file, name=about, comment=f"CTAP traffic of {name} in {log.case}. {secrets}"
        )
        tape = Tape(capture, log=log, lane=name, reveal=self._reveal, name=str(path))
        self._open.callback(tape.flush)
        return tape


class _StoryLog(CaseLog):
    """A case's log for a key that lives in another time: its events are told in the story's.

    Args:
        log: the case's log.
        timeline: the story's time.
        fixture: the key, whose time is its own.
    """

    def __init__(self, log: CaseLog, timeline: Timeline, fixture: Fixture) -> None:
        super().__init__(log.case)
        self._log = log
        self._timeline = timeline
        self._fixture = fixture

    def add(self, kind: str, ts_ns: int, **fields: Any) -> None:
        """Append an event of the key's time at the time of the story."""
        ago_ns = max(0, self._fixture.now_ns() - ts_ns)
        since_ns = fields.get("until_ns", ts_ns) - ts_ns
        at_ns = max(self._timeline.start_ns, self._timeline.now_ns() - ago_ns)
        self._log.add(kind, at_ns, **{**fields, "until_ns": at_ns + since_ns})
