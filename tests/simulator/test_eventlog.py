"""The event log: one JSON object a line, secrets masked."""

import json
import pickle

import pytest

from mfalab.simulator.eventlog import MASK, CaseLog, Secret, encode

EVENT = {"kind": "note", "detail": {"code": Secret("012345"), "pair": [Secret("a"), "b"]}}


def test_secret_is_masked_wherever_it_stands() -> None:
    assert json.loads(encode(EVENT)) == {
        "v": 1,
        "kind": "note",
        "detail": {"code": MASK, "pair": [MASK, "b"]},
    }
    assert "012345" not in encode(EVENT)


def test_secret_is_revealed_when_asked_for() -> None:
    assert json.loads(encode(EVENT, reveal=True))["detail"] == {
        "code": "012345",
        "pair": ["a", "b"],
    }


def test_secret_shows_itself_nowhere() -> None:
    secret = Secret("012345")
    assert "012345" not in f"{secret} {secret!r} {[secret]}"
    assert not hasattr(secret, "__dict__")


def test_secret_survives_the_way_between_processes() -> None:
    assert pickle.loads(pickle.dumps(Secret("012345"))).reveal() == "012345"


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", 1j])
def test_value_that_is_no_json_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="does not belong into the event log"):
        encode({"kind": "note", "detail": value})


def test_event_is_one_line_whatever_is_in_it() -> None:
    line = encode({"kind": "note", "what": "two\nlines\u2028three ä"})
    assert "\n" not in line
    assert "ä" in line


def test_case_stamps_its_events() -> None:
    log = CaseLog("drift/fob")
    log.add("note", 5, lane="alice", what="waits")
    assert log.events == [
        {"kind": "note", "case": "drift/fob", "ts_ns": 5, "lane": "alice", "what": "waits"}
    ]
