"""Files that are almost right: every one is read, or refused with its place, whatever is in it.

Shipped scenarios, a lab file and seed files are changed: lines cut, doubled and moved, words put in
the place of others, among them numbers that are none, lone surrogates and control characters. What
is read is also set up and, where it is short, played.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from mfalab.devices.errors import ProvisioningError
from mfalab.simulator.language.problems import Problem, ProblemsFound
from mfalab.simulator.language.seed_files import read_seeds
from mfalab.simulator.runner import run_case
from mfalab.simulator.scenario_files.loader import Case, load_cases
from mfalab.simulator.scenario_files.suites import shipped
from mfalab.simulator.workbench.lab_reading import read_lab_file

ODD = [
    *("", "null", "~", "true", "no", "-1", "0", "012", "1e999", ".nan", ".inf", "0x10", "1_0"),
    *("[]", "{}", "[a]", "{a: b}", "*a", "&a", "!!python/none x", "|", "? a", "- a", "<<: {a: b}"),
    *('"\\uD800"', '"a\\uDFFFb"', '"\\0"', '"\\x1b[31m"', '"\\u202E"', '"\\u2028"', "'\u00e9'"),
    *("9" * 40, "9" * 5000, "-9 y", "99999999 y", "1 fortnight", "400d", "1e400 s", "nan s"),
    *("9999-12-31T23:59:59Z", "10000-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "alice", "fob"),
    *("a" * 300, "\u00df" * 70, "../../x", "/dev/null", "any", "accepted", "{refused: any}"),
]
"""What stands in the place of a word."""
SCENARIOS = sorted(shipped().rglob("*.scenario.yaml"))
LAB = """\
lab: Bench one
rigs:
  rig: {driver: scpi, port: /dev/ttyACM0, serial: "0042"}
keys:
  left: {at: "hid:1-1.4", touch: "rig:1", power: "rig:1", pin: "2468"}
  card: {at: "nfc:ACR122U", touch: manual}
tokens:
  fob: {at: manual, serial: GAHT00001, seeds: fobs.csv, period: 30 s}
bind:
  security_key: [left, card, "sim:ctap-2.3"]
  hardware_totp: fob
longest_wait: 11 s
"""
CSV = (
    "serial number,secret key,time interval\nGAHT00001,JBSWY3DPEHPK3PXP,30\nGAHT00002,GEZDGNBV,60\n"
)
PSKC = """\
<?xml version="1.0" encoding="UTF-8"?>
<KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc">
<KeyPackage><DeviceInfo><SerialNo>GAHT00001</SerialNo></DeviceInfo>
<Key Id="1" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:totp">
<AlgorithmParameters><ResponseFormat Length="6" Encoding="DECIMAL"/></AlgorithmParameters>
<Data><Secret><PlainValue>MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=</PlainValue></Secret>
<TimeInterval><PlainValue>30</PlainValue></TimeInterval></Data></Key></KeyPackage>
</KeyContainer>
"""
_WORD = re.compile(r"[^\s{}\[\],:]+(?: [a-z%]+\b)?")

fuzz = settings(
    max_examples=150,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@st.composite
def changed(draw: st.DrawFn, text: str) -> bytes:
    """A text with one to four changes, as octets."""
    for _ in range(draw(st.integers(1, 4))):
        lines = text.split("\n")
        at = draw(st.integers(0, len(lines) - 1))
        match draw(
            st.sampled_from(("word", "word", "word", "cut", "double", "move", "tear", "put"))
        ):
            case "word":
                words = list(_WORD.finditer(text))
                if words:
                    word = draw(st.sampled_from(words))
                    odd = draw(st.sampled_from(ODD))
                    text = text[: word.start()] + odd + text[word.end() :]
            case "cut":
                text = "\n".join(lines[:at] + lines[at + 1 :])
            case "double":
                text = "\n".join([*lines[:at], lines[at], *lines[at:]])
            case "move":
                line = lines.pop(at)
                lines.insert(draw(st.integers(0, len(lines))), line)
                text = "\n".join(lines)
            case "tear":
                text = text[: draw(st.integers(0, len(text)))]
            case "put":
                place = draw(st.integers(0, len(text)))
                text = text[:place] + draw(st.text(max_size=4)) + text[place:]
    octets = text.encode("utf-8", "surrogatepass")
    return octets if draw(st.integers(0, 9)) else octets + draw(st.binary(max_size=6))


def wrong_with(read: Callable[[], object]) -> list[Problem]:
    """What a reader finds wrong with a file; nothing where it is read."""
    try:
        read()
    except ProblemsFound as found:
        return list(found.problems) or [Problem("", 0, 0, "", "")]
    return []


def is_located(problem: Problem) -> bool:
    """Whether a problem has a place and a sentence."""
    told = f"{problem}".encode("utf-8", "backslashreplace")
    return bool(problem.message and told) and min(problem.line, problem.column) >= 1


@seed(20_261_127)
@fuzz
@given(data=st.data())
@pytest.mark.slow
def test_scenario_file_is_read_or_refused_at_its_place(data: st.DataObject, tmp_path: Path) -> None:
    path = data.draw(st.sampled_from(SCENARIOS))
    file = tmp_path / "topic" / "story.scenario.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(data.draw(changed(path.read_text(encoding="utf-8"))))
    cases: list[Case] = []
    wrong = wrong_with(lambda: cases.extend(load_cases(file, "story.scenario.yaml")))
    assert all(map(is_located, wrong))
    for case in cases[:2]:
        if sum(step.times for step in case.scenario.steps) < 100:
            end = run_case(case)[-1]
            assert "defect in mfalab" not in end["why"], file.read_bytes()


@seed(20_261_127)
@fuzz
@given(octets=changed(LAB))
def test_lab_file_is_read_or_refused_at_its_place(octets: bytes, tmp_path: Path) -> None:
    (tmp_path / "fobs.csv").write_text(CSV)
    file = tmp_path / "lab.yaml"
    file.write_bytes(octets)
    assert all(map(is_located, wrong_with(lambda: read_lab_file(file))))


@seed(20_261_127)
@fuzz
@given(octets=st.one_of(changed(CSV), changed(PSKC)), name=st.sampled_from(("a.csv", "a.xml")))
def test_seed_file_is_read_or_refused_with_its_problems(
    octets: bytes, name: str, tmp_path: Path
) -> None:
    file = tmp_path / name
    file.write_bytes(octets)
    problems = []
    try:
        read_seeds(file)
    except ProvisioningError as error:
        problems = list(error.problems)
    assert all(problem.where and problem.what for problem in problems)


@pytest.mark.parametrize("text", ["a\ud800", "\udfff"])
def test_lone_surrogate_is_no_text_of_a_file(text: str, tmp_path: Path) -> None:
    escaped = "".join(f"\\u{ord(each):04x}" for each in text)
    lab, story = tmp_path / "lab.yaml", tmp_path / "x.scenario.yaml"
    for written in (text.encode("utf-8", "surrogatepass"), escaped.encode()):
        for key in (b"scenario", b"lab", b"people"):
            lab.write_bytes(b'%s: "%s"\n' % (key, written))
            story.write_bytes(b'%s: "%s"\n' % (key, written))
            for wrong in (
                wrong_with(lambda: load_cases(story)),
                wrong_with(lambda: read_lab_file(lab)),
            ):
                assert wrong
                assert all(map(is_located, wrong))
