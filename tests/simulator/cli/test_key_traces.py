"""`mfalab key record` and `show-trace`; tests/simulator/traces/test_commands.py has more."""

import json

import pytest
from click.testing import CliRunner, Result

from mfalab.simulator.cli.key import key


def run(*words: object) -> Result:
    return CliRunner().invoke(key, [str(word) for word in words])


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "model.pcapng"
    done = run("record", "sim:ctap-2.1-pin", path, "basics")
    assert done.exit_code == 0, done.output
    return path


def test_what_is_recorded_is_counted_and_can_be_shown(recording):
    lines = run("show-trace", recording).output.splitlines()
    again = run("record", "sim:ctap-2.1-pin", recording, "basics").output
    assert again.startswith(f"{recording}: ")
    assert "messages of sim:ctap-2.1-pin" in again
    assert len(lines) > 10


def test_every_word_narrows_what_is_shown(recording):
    told = json.loads(run("show-trace", recording, "-k", "INIT", "--format", "json").output)
    assert told
    assert {each["command"] for each in told} == {"INIT"}


@pytest.mark.parametrize("content", [None, b"no recording"])
def test_what_is_no_recording_is_wrong_usage(tmp_path, content):
    path = tmp_path / "x.pcapng"
    if content is not None:
        path.write_bytes(content)
    assert run("show-trace", path).exit_code == 2
