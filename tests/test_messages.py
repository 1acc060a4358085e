"""Every message about a usual slip of the pen: what was written, the exact text, and its place.

A message that misleads costs more than none. `5m` was once answered with 5 ms, a tab with "found
character that cannot start any token".
"""

from pathlib import Path

import pytest

from mfalab.simulator.language.problems import ProblemsFound
from mfalab.simulator.scenario_files.loader import load_cases

HEAD = "scenario: x\npeople: {alice: {}}\ndevices: {fob: {kind: hardware_totp, owner: alice}}\n"
LACKS = "or the line before it lacks its colon and space"
INDENTATION = "YAML: the indentation fits nothing above; begin where the entry's neighbours begin"
COLON = "YAML: a text with a colon and a space behind it needs quotes"
COMMA = (
    "YAML: a comma or the closing } is missing before this; "
    "a text with a colon and a space needs quotes"
)
UNITS = "ns, us, ms, s, min, h, d, wk, y"


def wait(duration: str) -> str:
    return f"{HEAD}steps:\n  - {{do: wait, for: {duration}}}\n"


def starting(time: str) -> str:
    return f"start: {time}\n{HEAD}steps:\n  - {{do: wait, for: 1 d}}\n"


def expecting(outcome: str) -> str:
    return f"{HEAD}steps:\n  - {{do: sign_in, who: alice, with: fob, expect: {outcome}}}\n"


TABLE: list[tuple[str | bytes, str, str]] = [
    # YAML
    ("people:\n\talice: {}\n", "2:1", "YAML: a tab indents here; indent with spaces"),
    ("people:\n  a: {}\n\tb: {}\n", "3:1", "YAML: a tab indents here; indent with spaces"),
    ("steps:\n-\tdo: wait\n\tfor: 1 d\n", "2:2", "YAML: a tab indents here; indent with spaces"),
    ("scenario: One: two\n", "1:14", COLON),
    ("steps:\n  - source: RFC 4226: HOTP\n", "2:21", COLON),
    ("people:\n  a: {}\n b: {}\n", "3:2", INDENTATION),
    ("steps:\n  - {do: wait}\n - {do: wait}\n", "3:2", INDENTATION),
    (
        "scenario: x\n  people: {}\n",
        "2:9",
        f"YAML: this key is indented deeper than what it belongs to, {LACKS} (scenario: x)",
    ),
    (
        "scenario:x\npeople: {}\n",
        "2:7",
        f"YAML: this key is indented deeper than what it belongs to, {LACKS} (scenario:x)",
    ),
    (
        "scenario: x\npeople\nsteps: []\n",
        "3:1",
        "YAML: the line before lacks its colon and space (people)",
    ),
    ("people: {alice: {}\nsteps: []\n", "2:1", COMMA),
    ("a: {scenario: One: two}\n", "1:18", COMMA),
    ("scenario: @home\n", "1:11", "YAML: a text cannot begin with @; put it in quotes"),
    ("scenario: 'x\n", "2:1", "YAML: a quote is opened and never closed"),
    (
        "devices:\n  fob: &f {owner: a}\n  two:\n    <<: *f\n",
        "4:5",
        'the merge key "<<" is not used here; write it out',
    ),
    # Encodings
    ("scenario: x\n".encode("utf-16"), "1:1", "is UTF-16; save it as UTF-8"),
    (
        "scenario: x\n".encode("utf-16-be"),
        "1:1",
        "YAML: character U+0000 is not allowed here; save it as UTF-8 if it is UTF-16",
    ),
    ("scenario: ä\n".encode("latin-1"), "1:1", "is not UTF-8: byte 10 is wrong; save it as UTF-8"),
    # Durations
    (
        wait("90"),
        "5:21",
        f"step 1: '90' has no unit, a duration needs one; write a number and a unit: {UNITS}",
    ),
    (wait("5m"), "5:21", "step 1: a duration has no unit 'm'; did you mean \"5 min\"?"),
    (
        wait("18 months"),
        "5:21",
        (
            "step 1: a duration has no unit 'months'; "
            "a month has no fixed length: write days, weeks or years"
        ),
    ),
    (wait("2 dyas"), "5:21", "step 1: a duration has no unit 'dyas'; did you mean \"2 days\"?"),
    (
        wait("'1,5 h'"),
        "5:21",
        "step 1: '1,5 h' has a comma; write decimals behind a point",
    ),
    # Expectations
    (
        expecting("{refused: NotHold}"),
        "5:60",
        'step 1: "NotHold" is no refusal; did you mean "NotHeld"?',
    ),
    (
        expecting("{refused: any, decision: replaid}"),
        "5:75",
        'step 1: "replaid" is no decision on a refusal; did you mean "replayed"?',
    ),
    # Times
    (
        starting("2026-03-02 09:00:00Z"),
        "1:8",
        "'2026-03-02 09:00:00Z' has a space; write it with a T: 2026-03-02T09:00:00Z",
    ),
    (
        starting("2026-03-02 09:00:00"),
        "1:8",
        (
            "'2026-03-02 09:00:00' has a space; "
            "write it with a T, and a zone behind it: 2026-03-02T09:00:00Z"
        ),
    ),
    (
        starting("2026-03-02T09:00:00"),
        "1:8",
        (
            "'2026-03-02T09:00:00' has no zone; "
            "write RFC 3339 with a zone, such as 2026-03-02T09:00:00Z"
        ),
    ),
]


@pytest.mark.parametrize(("text", "place", "message"), TABLE)
def test_slip_is_told_in_a_sentence_of_its_own(
    tmp_path: Path, text: str | bytes, place: str, message: str
) -> None:
    path = tmp_path / "slip.scenario.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ProblemsFound) as found:
        load_cases(path, "slip")
    first = found.value.problems[0]
    assert (f"{first.line}:{first.column}", first.message) == (place, message)
    assert len(found.value.problems) == 1


@pytest.mark.parametrize("text", [wait("1 day"), wait("400 days"), "\ufeff" + wait("1 d")])
def test_what_is_no_slip_is_taken(tmp_path: Path, text: str) -> None:
    path = tmp_path / "right.scenario.yaml"
    path.write_text(text)
    assert len(load_cases(path)) == 1
