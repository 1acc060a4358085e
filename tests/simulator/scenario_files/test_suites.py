"""Where cases come from: paths, names, the shipped suites."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mfalab.simulator.language.problems import ProblemsFound
from mfalab.simulator.scenario_files.loader import Case
from mfalab.simulator.scenario_files.suites import collect, select, shipped, shown_as

Write = Callable[..., Path]
Story = Callable[..., str]
STEP = "{do: wait, for: 1 s}"
MATRIX = "matrix: {fob.drift: [1 ppm, 2 ppm]}\n"


@pytest.fixture
def suite(story: Story, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two topics with three files below the current folder, and hidden copies of them."""
    for name in ("drift/slow", "drift/fast", "sms/lost"):
        write(story(STEP, more=MATRIX if name == "drift/fast" else ""), name)
        write(story(STEP), f".venv/lib/{name}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ids(*paths: str) -> list[str]:
    return [case.id for case in collect(paths)]


def wrong(*paths: str) -> str:
    with pytest.raises(ProblemsFound) as found:
        collect(paths)
    return str(found.value)


def test_folder_gives_its_cases_by_name_and_no_hidden_ones(suite: Path) -> None:
    everything = ["drift/fast[1 ppm]", "drift/fast[2 ppm]", "drift/slow", "sms/lost"]
    assert ids(".") == everything
    assert ids(str(suite)) == everything
    assert ids("drift") == everything[:3]


def test_paths_are_taken_in_the_order_given_and_each_case_once(suite: Path) -> None:
    assert ids("sms", "drift/slow.scenario.yaml", ".") == [
        "sms/lost",
        "drift/slow",
        "drift/fast[1 ppm]",
        "drift/fast[2 ppm]",
    ]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("drift/fast.scenario.yaml", ["drift/fast[1 ppm]", "drift/fast[2 ppm]"]),
        ("drift/fast.scenario.yaml::fast", ["drift/fast[1 ppm]", "drift/fast[2 ppm]"]),
        ("drift/fast.scenario.yaml::fast[2 ppm]", ["drift/fast[2 ppm]"]),
        ("drift/slow.scenario.yaml::slow", ["drift/slow"]),
        ("drift/slow.scenario.yaml::", ["drift/slow"]),
    ],
)
def test_file_and_case_choose(suite: Path, path: str, found: list[str]) -> None:
    assert ids(path) == found


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere", "nowhere:1:1: there is no such file or folder"),
        (
            "drift/fast.scenario.yaml::fast[3 ppm]",
            'no case "fast[3 ppm]"; known: fast[1 ppm], fast',
        ),
        ("drift::fast", '"::fast" belongs behind a file'),
        ("empty", "no file ends in .scenario.yaml here"),
        ("notes.yaml", "a scenario file ends in .scenario.yaml"),
        ("a.fleet.yaml", "a scenario file ends in .scenario.yaml; mfalab fleet runs a study"),
    ],
)
def test_path_that_leads_nowhere_is_told(suite: Path, path: str, message: str) -> None:
    (suite / "empty").mkdir()
    (suite / "notes.yaml").touch()
    (suite / "a.fleet.yaml").touch()
    assert message in wrong(path)


def test_problems_of_all_files_are_told_at_once(suite: Path, write: Write, story: Story) -> None:
    write(story("{do: sleep}"), "drift/bad")
    write("", "sms/worse")
    text = wrong(".", "nowhere")
    assert "drift/bad.scenario.yaml:7:10: " in text
    assert "sms/worse.scenario.yaml:1:1: the file is empty" in text
    assert "nowhere:1:1: " in text


def test_two_files_with_one_name_in_one_topic_collide(
    suite: Path, write: Write, story: Story
) -> None:
    """Their cases would have one id, and so one seed and one place in the log."""
    write(story(STEP), "other/sms/lost")
    assert "has a case called sms/lost too; rename a file" in wrong(".")
    assert ids("other") == ["sms/lost"]


def test_path_is_shown_as_seen_from_here(suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = suite / "drift/slow.scenario.yaml"
    assert shown_as(file) == "drift/slow.scenario.yaml"
    monkeypatch.chdir(suite / "sms")
    assert shown_as(file) == str(file)
    assert shown_as(Path("../drift/slow.scenario.yaml")) == str(file)


def test_shipped_suites_are_found_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shipped_cases: list[Case]
) -> None:
    monkeypatch.chdir(tmp_path)
    one = min(shipped().rglob("*.scenario.yaml"))
    assert ids(str(one))[0] == shipped_cases[0].id
    assert len(shipped_cases) >= 120


def test_shipped_cases_name_their_source(shipped_cases: list[Case]) -> None:
    assert [case.id for case in shipped_cases if not case.scenario.source] == []


@pytest.mark.parametrize(
    ("words", "tags", "found"),
    [
        ((), (), 4),
        (("fast",), (), 2),
        (("FAST", "2 ppm"), (), 1),
        (("minimal",), (), 4),
        (("nothing",), (), 0),
        ((), ("drift",), 0),
    ],
)
def test_cases_are_selected_by_words_and_tags(
    suite: Path, words: tuple[str, ...], tags: tuple[str, ...], found: int
) -> None:
    assert len(select(collect(["."]), words=words, tags=tags)) == found


def test_tag_is_a_whole_word_and_every_tag_counts(shipped_cases: list[Case]) -> None:
    drift = select(shipped_cases, tags=["drift"])
    both = select(shipped_cases, tags=["drift", "resync"])
    assert 0 < len(both) < len(drift)
    assert select(shipped_cases, tags=["dri"]) == []


@pytest.mark.parametrize(
    "name", ["b.scenario.yml", "b.Scenario.yaml", "b.scenario.YAML", "below/b.scenario.yml"]
)
def test_file_with_almost_the_ending_is_not_left_out_in_silence(
    write: Callable[..., Path], story: Callable[..., str], tmp_path: Path, name: str
) -> None:
    """A folder was green although one of its stories was never run."""
    write(story("{do: wait, for: 1 d}"), "t/a")
    other = tmp_path / "t" / name
    other.parent.mkdir(exist_ok=True)
    other.write_text(story("{do: wait, for: 1 d}"))
    with pytest.raises(ProblemsFound, match=r"rename it, or it is not run") as found:
        collect([str(tmp_path / "t")])
    assert [each.path for each in found.value.problems] == [str(other)]


@pytest.mark.parametrize("files", [2, 4, 8])
def test_seed_file_is_read_once_for_all_scenarios_of_a_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: int
) -> None:
    read, whole = [], Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: (read.append(path), whole(path))[1])
    serials = [f"GAHT{number:05d}" for number in range(10)]
    (tmp_path / "fobs.csv").write_text(
        "serial,seed\n" + "".join(f"{each},{'31' * 20}\n" for each in serials)
    )
    fobs = "".join(
        f"  {each}: {{kind: hardware_totp, owner: alice, serial: {each}, seeds: fobs.csv}}\n"
        for each in serials
    )
    for number in range(files):
        (tmp_path / f"s{number}.scenario.yaml").write_text(
            f"scenario: A box of tokens\npeople: {{alice: {{}}}}\ndevices:\n{fobs}"
            "matrix: {alice.typing: [1 s, 2 s]}\nsteps: [{do: wait, for: 1 s}]\n"
        )
    assert len(collect([str(tmp_path)])) == 2 * files
    assert [path for path in read if path.suffix == ".csv"] == [tmp_path / "fobs.csv"]


def test_folder_that_cannot_be_read_is_said(suite: Path) -> None:
    """/proc has some; here, a path is too long. Without a word, what it has would be left out."""
    at = os.open(suite, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=at)
        below = os.open("d" * 250, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    try:
        assert wrong(".").endswith(":1:1: cannot be read: File name too long")
        assert ids("sms") == ["sms/lost"]
    finally:
        shutil.rmtree(suite / ("d" * 250))
