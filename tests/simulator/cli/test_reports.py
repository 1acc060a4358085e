"""`mfalab report` and `mfalab compare`: what they take for a log, and what they say of it."""

import json

import pytest

HEAD = (
    '{"v":1,"kind":"run_started","seed":1,"mfalab":"0","cases":1,"bench":"simulated","wall_ns":0}\n'
)


@pytest.fixture
def logged(mfalab, suite):
    """Runs the suite and returns its log's text."""

    def run(name="run.jsonl", seed=1):
        mfalab("run", "t", "--log", name, "--seed", seed)
        return (suite / name).read_text()

    return run


def test_a_log_that_was_cut_short_is_reported_as_interrupted(mfalab, suite, logged):
    whole = logged()
    (suite / "cut.jsonl").write_text(whole[: len(whole) * 2 // 3])
    assert mfalab("report", "cut.jsonl", "--html", "cut.html").code == 0
    assert "<title>interrupted: " in (suite / "cut.html").read_text()
    assert "interrupted" in mfalab("report", "cut.jsonl").out
    told = json.loads(mfalab("report", "cut.jsonl", "--format", "json").out)
    assert (told["interrupted"], told["planned"]) == (True, 3)


def test_a_log_cut_within_a_character_is_reported(mfalab, suite, logged):
    whole = logged()
    (suite / "cut.jsonl").write_bytes(whole.encode() + b'{"v":1,"kind":"note","what":"\xe2\x82')
    assert mfalab("report", "cut.jsonl").code == 0


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        ("", 1, "this log is empty"),
        ("\n\n", 1, "this log is empty"),
        ("PK\x03\x04", 1, "not a JSON object"),
        ("5\n", 1, "not a JSON object"),
        ('{"v":1,"kind":"run_st', 1, "no event log"),
        (HEAD + "5\n", 2, "not a JSON object"),
        (HEAD + "[" * 100_000 + "\n", 2, "not a JSON object"),
        (HEAD + '{"v":' + "[" * 100_000 + "\n", 2, "a value that no event has"),
        (HEAD + '{"v":1,"ts_ns":' + "5" * 5000 + "}\n", 2, "a value that no event has"),
        (HEAD + '{"v":1,"kind":"no\n' + HEAD[1:], 2, "this line is cut"),
        ('{"v":1}\nnothing\n{}\n', 1, 'no field "kind"'),
        ('{"v":2,"kind":"run_started"}\n', 1, "the schema version is 2"),
    ],
)
@pytest.mark.parametrize("command", ["report", "compare"])
def test_what_is_no_log_is_told_at_its_place(mfalab, suite, command, text, place, why):
    (suite / "x.jsonl").write_text(text)
    ran = mfalab(command, *["x.jsonl"] * (2 if command == "compare" else 1))
    assert ran.code == 2
    assert f"Error: x.jsonl:{place}: " in ran.err
    assert why in ran.err


@pytest.mark.parametrize("mark", ["\x85", "\u2028", "\u2029", "\x0b", "\x0c", "\x1c", "\ufeff"])
def test_a_title_may_hold_any_mark_that_some_take_for_a_line_end(mfalab, suite, mark):
    title = json.dumps(f"one{mark}two")
    steps = "steps: [{do: sign_in, who: alice}]\n"
    text = f"scenario: {title}\npeople: {{alice: {{}}}}\n{steps}"
    (suite / "t" / "good.scenario.yaml").write_text(text)
    assert mfalab("run", "t/good.scenario.yaml", "--log", "run.jsonl").code == 0
    assert mfalab("report", "run.jsonl", "--html", "r.html").code == 0
    told = json.loads(mfalab("report", "run.jsonl", "--format", "json").out)
    assert told["cases"][0]["scenario"] == f"one{mark}two"


def test_a_report_for_programs_is_that_of_the_run(mfalab, suite):
    ran = mfalab("run", "t", "--log", "run.jsonl", "--format", "json")
    assert json.loads(mfalab("report", "run.jsonl", "--format", "json").out) == json.loads(ran.out)
    twice = json.loads(mfalab("report", "run.jsonl", "run.jsonl", "--format", "json").out)
    assert twice == [json.loads(ran.out)] * 2


def test_two_equal_runs_have_no_change(mfalab, logged):
    logged("one.jsonl")
    logged("two.jsonl", seed=2)
    ran = mfalab("compare", "one.jsonl", "two.jsonl")
    assert (ran.code, ran.out) == (0, "3 cases: 0 worse, 0 otherwise changed, 3 alike\n")


def test_what_newly_fails_is_worse_and_the_other_way_round_is_not(mfalab, suite, logged):
    logged("one.jsonl")
    path = suite / "t" / "bad.scenario.yaml"
    path.write_text(path.read_text().replace("password: wrong", "with: fob"))
    logged("two.jsonl")
    better = mfalab("compare", "one.jsonl", "two.jsonl")
    assert better.code == 0
    assert better.out.startswith("newly passed   t/bad\n")
    worse = mfalab("compare", "two.jsonl", "one.jsonl", "--format", "json")
    told = json.loads(worse.out)
    assert (worse.code, told["worse"]) == (1, True)
    assert [(each["case"], each["change"]) for each in told["changes"]] == [
        ("t/bad", "newly failed"),
        ("t/bad", "other refusal"),
    ]
    assert told["changes"][0]["reproduce"].startswith("mfalab run t/bad.scenario.yaml::bad")
