"""Recordings of what the keys of a case say."""

from pathlib import Path

import pytest
from fido2.ctap2.base import Ctap2

from mfalab import Lab
from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.environment.key_recording import KeyRecording
from mfalab.simulator.eventlog import CaseLog
from mfalab.simulator.keys.simulated import SimulatedFixture
from mfalab.simulator.language.setting import Setting
from mfalab.simulator.traces.recorder import RecordingFailed

PCAPNG = b"\x0a\x0d\x0d\x0a"


def test_each_key_has_a_file_named_after_the_case_and_itself(tmp_path: Path) -> None:
    key = {"kind": "security_key", "owner": "alice"}
    setting = Setting.model_validate({"people": {"alice": {}}, "devices": {"a": key, "b": key}})
    lab = Lab(setting, case="topic/story[x, 1]", record=tmp_path / "new")
    assert lab.recording is not None
    lab.check_key(device="a", powered=True)
    lab.set_pin(who="alice", device="a", pin="2468")
    lab.recording.close()
    files = sorted((tmp_path / "new").iterdir())
    assert [file.name for file in files] == [
        "topic-story-x-1--a.pcapng",
        "topic-story-x-1--b.pcapng",
    ]
    assert all(file.read_bytes().startswith(PCAPNG) for file in files)
    assert b"2468" not in files[0].read_bytes()
    lanes = {event["lane"] for event in lab.journal.log.events if event["kind"] == "ctap"}
    assert lanes == {"a"}


def test_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    recording = KeyRecording(tmp_path / "file", CaseLog("x"), Timeline(0))
    with pytest.raises(RecordingFailed, match=r"x-key\.pcapng"):
        recording.of_fixture("key", SimulatedFixture("ctap-2.1-pin"))


def test_events_of_a_key_on_the_bench_are_told_in_the_time_of_the_story(tmp_path: Path) -> None:
    log, timeline = CaseLog("x"), Timeline(5_000)
    recording = KeyRecording(tmp_path, log, timeline)
    fixture = SimulatedFixture("ctap-2.1-pin")
    fixture.wait(10**12)
    recorded = recording.of_fixture("key", fixture)
    timeline.advance(10**9)
    with recorded.connect() as device:
        Ctap2(device)
    recording.close()
    ctap = [event for event in log.events if event["kind"] == "ctap"]
    assert ctap
    for event in ctap:
        assert 5_000 <= event["ts_ns"] <= event["until_ns"] <= timeline.now_ns()
