"""Scenario files into cases: every mistake at once, each at its place."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mfalab.simulator.language.problems import Problem, ProblemsFound
from mfalab.simulator.scenario_files import loader
from mfalab.simulator.scenario_files.loader import Case, load_cases

Story = Callable[..., str]
Problems = Callable[..., list[Problem]]
Cases = Callable[..., list[Case]]
SIGN_IN = "{do: sign_in, who: alice, with: fob}"


def test_five_mistakes_are_five_located_messages(write: Callable[..., Path]) -> None:
    path = write(
        """\
scenario: Five mistakes
people: {alice: {}, ada: {role: adminstrator}}
devices:
  fob: {kind: hardware_totp, owner: alise, drift: 45}
steps:
  - {do: enabel, who: alice, device: fob}
  - {do: sign_in, who: alice, wiht: fob}
"""
    )
    with pytest.raises(ProblemsFound) as found:
        load_cases(path, "suites/five.scenario.yaml")
    assert str(found.value) == (
        """\
suites/five.scenario.yaml:2:33: "adminstrator" is not known here; did you mean "administrator"?
    people: {alice: {}, ada: {role: adminstrator}}
                                    ^
suites/five.scenario.yaml:4:37: no person is called "alise"; did you mean "alice"?
      fob: {kind: hardware_totp, owner: alise, drift: 45}
                                        ^
suites/five.scenario.yaml:4:51: '45' has no unit, a drift needs one; write a number and a unit: \
ppm, ppb
      fob: {kind: hardware_totp, owner: alise, drift: 45}
                                                      ^
suites/five.scenario.yaml:6:10: step 1: unknown step "enabel"; did you mean "enable"?
      - {do: enabel, who: alice, device: fob}
             ^
suites/five.scenario.yaml:7:31: step 2: unknown key "wiht"; did you mean "with"?
      - {do: sign_in, who: alice, wiht: fob}
                                  ^"""
    )


@pytest.mark.parametrize(
    ("step", "column", "message"),
    [
        ("{do: sigh_in, who: alice}", 10, 'unknown step "sigh_in"; did you mean "sign_in"?'),
        ("{do: xyzzy}", 10, 'unknown step "xyzzy"; mfalab steps lists all'),
        ("{do: sign_in, who: alcie}", 24, 'no person is called "alcie"; did you mean "alice"?'),
        ("{do: sign_in, who: alice, with: fbo}", 37, 'no device is called "fbo"; did you mean'),
        ("{do: sign_in, who: fob}", 24, 'no person is called "fob"; known: alice, ada'),
        ("{do: sign_in, with: fob}", 5, '"who" is missing'),
        ("{do: sign_in, who: alice, password: worng}", 41, '"worng" is not known here; did you'),
        ("{do: wait, for: 90}", 21, "'90' has no unit, a duration needs one"),
        ("{do: wait, for_: 90 s}", 16, 'unknown key "for_"; did you mean "for"?'),
        ("{do: wait, for: -1 s}", 21, "'-1 s' is negative; this lasts 0 s or longer"),
        ("{do: get_session, who: alice, duration: 0.5 s}", 45, "no whole number of seconds"),
        ("{do: wait}", 5, "wait takes exactly one of for, until, until_next"),
        ("{do: wait, for: 1 d, until_next: code, of: fob}", 5, "wait takes exactly one of"),
        (
            "{do: wait, until: 2026-03-02}",
            23,
            "'2026-03-02' has no time of day and no zone; write RFC 3339",
        ),
        ("{do: list_users, who: ada, mfa: {bob: None}}", 38, 'no person is called "bob"'),
        (
            "{do: get_session, who: alice, using: mfa}",
            42,
            'no session is called "mfa"; known: keys',
        ),
        ("{do: assume_role, who: alice, role: dev}", 41, 'no role is called "dev"; known: none'),
        ("{do: switch_phone, phone: fob, to: off}", 31, 'no phone is called "fob"; known: app'),
        ("{do: sign_in, who: alice, code: currnet}", 37, 'did you mean "current"?'),
        ("{do: enable, who: alice, device: fob, codes: [a1]}", 50, "a pair has two codes, not 1"),
        (
            "{do: guess, who: ada, as: alice, device: fob, tries: 0}",
            58,
            "greater than or equal to 1",
        ),
        ("{do: measure, device: fob, offset: 2 steps}", 40, "'2 steps' is not a limit; write <= 2"),
        ("{do: sign_in, who: alice, expect: refused}", 39, '"refused" is no expectation; write'),
        (
            "{do: sign_in, who: alice, expect: {status: 403}}",
            39,
            "message, status and decision belong",
        ),
        ("{who: alice}", 5, 'this step has no "do"'),
        ("wait", 5, "a mapping {KEY: VALUE} belongs here, not 'wait'"),
        ("{do: tag, who: ada, device: app, tags: [a]}", 44, "a mapping {KEY: VALUE} belongs here"),
        ("{do: list_devices, who: ada, devices: app}", 43, "a list [ITEM, ITEM] belongs here"),
        ("{do: sign_in, who: [alice]}", 24, "a text belongs here"),
        ("{do: sign_in, who: }", 24, "a text belongs here, not None"),
    ],
)
def test_mistake_in_a_step_is_told_at_its_key_or_value(
    story: Story, problems: Problems, step: str, column: int, message: str
) -> None:
    (problem,) = problems(story(step))
    assert (problem.line, problem.column) == (7, column), str(problem)
    assert problem.message.startswith("step 1: ")
    assert message in problem.message


@pytest.mark.parametrize(
    ("line", "column", "message"),
    [
        ("scenaro: x", 1, 'unknown key "scenaro"; did you mean "scenario"?'),
        ("verifier: aws", 11, '"aws" is not known here'),
        ("verifier: {window: 3 steps}", 12, 'unknown key "window"; did you mean "window_'),
        ("verifier: {window_back: 3}", 25, "'3' has no unit, a number of time steps needs one"),
        ("verifier: {throttle_window: 0.5 s}", 29, "'0.5 s' is no whole number of seconds"),
        ("start: 2026-03-02T09:00:00", 8, "RFC 3339 with a zone"),
        ("tags: [Drift]", 8, '"Drift" does not fit'),
        ("tags: [drift, xfail]", 15, '"xfail" is a marker that pytest acts on'),
        ("phones: {p: {clock: gps}}", 21, '"gps" is not known here; known: network, airplane'),
        ("carrier: {loses: 2}", 18, "'2' has no unit, a share needs one"),
        ("roles: {dev: {trusts: [bob]}}", 24, 'no person or account is called "bob"'),
        ("accounts: {other: {id: 123}}", 24, '"123" does not fit'),
        ("roles: {al ice: {}}", 9, '"al ice" does not fit'),
        ("phones: {alice: {}}", 10, '"alice" is ambiguous: it is also in people; rename one'),
        ("phones: []", 9, "a mapping {KEY: VALUE} belongs here"),
        ("source: [a]", 9, "a text belongs here"),
    ],
)
def test_mistake_in_the_setting_is_told_at_its_place(
    story: Story, problems: Problems, line: str, column: int, message: str
) -> None:
    (problem,) = problems(story(SIGN_IN, more=f"{line}\n"))
    assert (problem.line, problem.column) == (1, column), str(problem)
    assert message in problem.message


@pytest.mark.parametrize(
    ("device", "column", "message"),
    [
        ("{kind: hardware_topt, owner: alice}", 13, 'unknown device kind "hardware_topt"; did you'),
        ("{owner: alice}", 6, 'this device has no "kind"; known: hardware_totp, hardware_hotp'),
        ("{kind: totp_app, owner: alice, drift: 1 ppm}", 37, 'unknown key "drift"'),
        ("{kind: totp_app}", 6, '"owner" is missing'),
        ("{kind: totp_app, owner: alice, on: phne}", 41, 'no phone is called "phne"'),
        (
            "{kind: hardware_totp, owner: alice, climate: 21}",
            51,
            "known: drawer, office, pocket, outdoors, car; or '21' has no unit",
        ),
    ],
)
def test_mistake_in_a_device_is_told_at_its_place(
    problems: Problems, device: str, column: int, message: str
) -> None:
    found = problems(
        f"scenario: x\npeople: {{alice: {{}}}}\ndevices:\n  d: {device}\n"
        "steps: [{do: wait, for: 1 s}]\n"
    )
    assert message in found[0].message
    assert {(problem.line, problem.column) for problem in found} == {(4, column)}


@pytest.mark.parametrize("text", ["just words", "[a, b]", "{}", "scenario: x\nsteps: []\n"])
def test_document_that_is_no_scenario_is_told(problems: Problems, text: str) -> None:
    assert all(problem.line >= 1 for problem in problems(text))


@pytest.mark.parametrize(
    ("routine", "step", "column", "message"),
    [
        ("{signs_in: fob, every: 1 wk, for: 1 y}", "{do: wait, for: 1 y}", 18, "no step begins"),
        ("", "{do: routine}", 5, "step 1 (routine): no person has one; give one a routine:"),
        ("{signs_in: fbo, every: 1 wk, for: 1 y}", "{do: routine}", 38, 'called "fbo"; did you'),
        ("{signs_in: fob, every: 2 y, for: 1 y}", "{do: routine}", 27, "for holds every 0 times"),
        ("{signs_in: fob, every: 1 s, for: 9 y}", "{do: routine}", 27, "1 to 100000 times"),
        ("{signs_in: fob, every: 0 s, for: 1 y}", "{do: routine}", 27, "longer than 0 s"),
        ("{signs_in: fob, every: 1 d}", "{do: routine}", 27, '"for" is missing'),
        ("{signs_in: fob, every: 1 d, for: 2 d, jitter: 2 d}", "{do: routine}", 27, "keep their"),
        ("{signs_in: fob, every: 1 d, for: 2 d}", "{do: routine, times: 2}", 5, "leave times out"),
    ],
)
def test_routine_that_cannot_be_is_told_at_its_place(
    story: Story, problems: Problems, routine: str, step: str, column: int, message: str
) -> None:
    text = story(step)
    if routine:
        text = text.replace("people: {alice: {}", f"people: {{alice: {{routine: {routine}}}")
    (problem,) = problems(text)
    assert (problem.column, message in problem.message) == (column, True), problem


def test_nothing_behind_a_name_means_the_defaults(cases: Cases) -> None:
    (case,) = cases("scenario: x\npeople:\n  alice:\nsteps: [{do: sign_in, who: alice}]\n")
    assert case.scenario.people["alice"].role == "user"


def test_code_that_begins_with_zero_survives(story: Story, cases: Cases) -> None:
    (case,) = cases(
        story(
            "{do: sign_in, who: alice, with: fob, code: 012345}",
            "{do: enable, who: alice, device: fob, codes: [012345, 000000]}",
        )
    )
    sign_in, enable = (step.model_dump() for step in case.scenario.steps)
    assert sign_in["code"] == "012345"
    assert enable["codes"] == ("012345", "000000")


def test_session_is_known_after_the_step_that_names_it(
    story: Story, cases: Cases, problems: Problems
) -> None:
    make = "{do: get_session, who: alice, with: fob, as: mfa}"
    use = "{do: who_am_i, who: alice, using: mfa}"
    assert len(cases(story(make, use))[0].scenario.steps) == 2
    (problem,) = problems(story(use, make))
    assert 'step 1: no session is called "mfa"' in problem.message


def test_phone_of_an_app_is_called_like_the_app(story: Story, cases: Cases) -> None:
    assert cases(story("{do: switch_phone, phone: app, to: off}"))


def test_arn_is_a_principal(story: Story, cases: Cases) -> None:
    assert cases(
        story(SIGN_IN, more="roles: {dev: {trusts: ['arn:aws:iam::1:root', main, alice]}}\n")
    )


def test_case_knows_its_names_lines_and_texts(story: Story, cases: Cases) -> None:
    (case,) = cases(story(SIGN_IN, "{do: wait,\n     for: 1 d}"), "drift/fob")
    assert (case.name, case.params, case.topic) == ("fob", "", "drift")
    assert case.id == "drift/fob"
    assert case.node == "drift/fob.scenario.yaml::fob"
    assert case.line == 1
    assert case.steps == ((7, SIGN_IN), (8, "{do: wait, for: 1 d}"))


# -- the matrix --


def test_mapping_makes_every_combination(story: Story, cases: Cases) -> None:
    found = cases(
        story(SIGN_IN, more="matrix: {fob.drift: [1 ppm, 2 ppm], alice.typing: [instant, 5 s]}\n")
    )
    assert [case.params for case in found] == [
        "1 ppm, instant",
        "1 ppm, 5 s",
        "2 ppm, instant",
        "2 ppm, 5 s",
    ]
    assert [case.scenario.devices["fob"].drift for case in found] == [1.0, 1.0, 2.0, 2.0]
    assert [case.scenario.people["alice"].typing for case in found] == ["instant", 5 * 10**9] * 2
    assert found[2].local_id == "story[2 ppm, instant]"


def test_rows_make_a_case_each_and_case_is_the_label(story: Story, cases: Cases) -> None:
    found = cases(
        story(
            "{do: sign_in, name: entry, who: alice, with: fob}",
            more="""matrix:
  - {case: right, entry.code: current}
  - {case: a guess, entry.code: 012345, entry.expect: {refused: InvalidAuthenticationCode}}
  - {entry.code: wrong, entry.expect: {refused: any}}
""",
        )
    )
    assert [case.params for case in found] == ["right", "a guess", "wrong, refused any"]
    assert [step.model_dump()["code"] for case in found for step in case.scenario.steps] == [
        "current",
        "012345",
        "wrong",
    ]
    assert found[1].scenario.steps[0].expect.refused == "InvalidAuthenticationCode"
    assert found[1].data["steps"][0]["code"] == "012345"


@pytest.mark.parametrize(
    ("path", "value", "get"),
    [
        ("verifier", "rfc6238", lambda case: case.scenario.verifier.profile),
        ("verifier.profile", "rfc6238", lambda case: case.scenario.verifier.profile),
        ("start", "2038-01-19T03:14:08Z", lambda case: str(case.scenario.start // 2**31)),
        ("carrier.loses", "100 %", lambda case: str(case.scenario.carrier.loses)),
        ("ada.role", "user", lambda case: case.scenario.people["ada"].role),
    ],
)
def test_matrix_reaches_every_part_of_the_setting(
    story: Story, cases: Cases, path: str, value: str, get: Callable[[Case], str]
) -> None:
    (case,) = cases(story(SIGN_IN, more=f"matrix: {{{path}: [{value}]}}\n"))
    expected = {"start": str(10**9), "carrier.loses": "1.0"}.get(path, value)
    assert get(case) == expected


@pytest.mark.parametrize(
    ("matrix", "column", "message"),
    [
        ("{fbo.drift: [1 ppm]}", 10, 'nothing is called "fbo"; did you mean "fob"?'),
        ("{fob: [1 ppm]}", 10, 'say which field of "fob" changes: fob.FIELD'),
        ("{fob.drfit: [1 ppm]}", 10, 'unknown key "drfit"; did you mean "drift"?'),
        ("{fob.drift: 1 ppm}", 21, "fob.drift needs a list of values"),
        ("{fob.drift: []}", 21, "fob.drift needs a list of values"),
        ("{fob.drift: [1 ppm, 90]}", 29, "'90' has no unit"),
        ("{app.owner: [alice, bob]}", 29, 'no person is called "bob"'),
        ("{fob.drift: [1 ppm, 1 ppm]}", 1, 'two cases are called "1 ppm"; name one `case`'),
        ("{}", 9, "the matrix is empty; remove it"),
        ("[]", 9, "the matrix is empty; remove it"),
        ("[{}]", 10, "a row of the matrix is {PATH: VALUE}"),
        ("[a]", 10, "a row of the matrix is {PATH: VALUE}"),
        ("", 8, "matrix is {PATH: [VALUES]} or a list of rows"),
        ("x", 9, "matrix is {PATH: [VALUES]} or a list of rows"),
        (
            f"{{{', '.join(f'alice.{axis}: [1, 2, 3, 4, 5]' for axis in 'abcdefghij')}}}",
            9,
            "the matrix makes 9765625 cases, and a file may have 20000; leave values out, or",
        ),
        (f"[{', '.join(['{fob.drift: 1 ppm}'] * 20_001)}]", 9, "the matrix makes 20001 cases"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_mistake_in_the_matrix_is_told_at_its_place(
    story: Story, problems: Problems, matrix: str, column: int, message: str
) -> None:
    found = problems(story(SIGN_IN, more=f"matrix: {matrix}\n"))
    assert message in found[0].message, str(found[0])
    assert (found[0].line, found[0].column) == (1, column), str(found[0])
    assert len(found) == 1


def test_name_of_a_device_and_a_step_is_ambiguous_in_the_matrix(
    story: Story, problems: Problems
) -> None:
    (problem,) = problems(
        story(
            "{do: sign_in, name: fob, who: alice}",
            "{do: sign_in, name: twin, who: alice}",
            "{do: sign_in, name: twin, who: alice}",
            more="matrix: {fob.drift: [1 ppm]}\n",
        )
    )
    assert '"fob" is ambiguous: it is in devices and steps; rename one' in problem.message


def test_profile_by_name_has_no_fields_for_the_matrix(story: Story, problems: Problems) -> None:
    more = "verifier: rfc6238\nmatrix: {verifier.window_back: [1 steps]}\n"
    (problem,) = problems(story(SIGN_IN, more=more))
    assert "write verifier as {profile: NAME} to change its fields" in problem.message


def test_mistake_beside_a_wrong_matrix_is_told_too(story: Story, problems: Problems) -> None:
    found = problems(story("{do: sign_in, who: bob}", more="matrix: {x.y: [1]}\n"))
    assert ["nothing is called" in found[0].message, "no person" in found[1].message] == [True] * 2


SEEDED = """\
scenario: Two tokens of one file
start: 2026-01-01T00:00:00Z
people: {alice: {}, bob: {role: nothing}}
devices:
  known: {kind: hardware_totp, owner: alice, serial: A0000001, seeds: fobs.csv}
  other: {kind: hardware_totp, owner: alice, serial: A0000009, seeds: fobs.csv}
  fixed: {kind: hardware_totp, owner: alice, serial: A0000001, seeds: fobs.csv, digits: 6}
  gone: {kind: hardware_totp, owner: alice, serial: A0000009, seeds: no.csv}
matrix:
  start: ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"]
steps:
  - {do: sign_in, who: alice}
"""


def test_seed_files_are_looked_at_beside_other_mistakes(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token was missed only when all else was right; a path was doubled in the second case."""
    path = write(SEEDED)
    (path.parent / "fobs.csv").write_text(f"serial,seed,digits\nA0000001,{'31' * 20},6\n")
    monkeypatch.chdir(path.parent.parent)
    with pytest.raises(ProblemsFound) as found:
        load_cases(path.relative_to(path.parent.parent))
    told = [(each.line, each.message.split(";")[0]) for each in found.value.problems]
    assert told == [
        (3, '"nothing" is not known here'),
        (6, 'the seed file has no token "A0000009"'),
        (7, "the seed file says what digits is"),
        (8, "the seed file cannot be read: No such file or directory"),
    ]


def test_mistake_outside_the_matrix_is_told_once_for_all_cases(
    story: Story, problems: Problems
) -> None:
    more = "matrix: {fob.drift: [1 ppm, 2 ppm, 3 ppm]}\n"
    assert len(problems(story("{do: sign_in, who: bob}", more=more))) == 1


def test_loading_costs_what_its_cases_cost(
    story: Story,
    write: Callable[..., Path],
    calls_of: Callable[[Callable[[], object]], int],
    assert_linear: Callable[[list[int]], None],
) -> None:
    """Each case read the whole matrix once more: 1,200 cases took 5 s, and 10,000 never began."""

    def load(cases: int, form: str) -> int:
        drifts = [f"{drift} ppm" for drift in range(cases)]
        matrix = {
            "combinations": f"{{fob.drift: [{', '.join(drifts)}]}}",
            "rows": f"[{', '.join(f'{{fob.drift: {drift}}}' for drift in drifts)}]",
        }[form]
        path = write(story(SIGN_IN, more=f"matrix: {matrix}\n"))
        return calls_of(lambda: load_cases(path))

    load(1, "rows")  # what is made once in a process is made now
    for form in ("combinations", "rows"):
        assert_linear([load(cases, form) for cases in (50, 100, 200)])


@pytest.mark.parametrize("count", [50, 100, 200])
def test_names_are_looked_up_once_each_whatever_their_number(
    cases: Cases, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """Sessions were gathered from all steps before, once for each step that names one."""
    looked: list[int] = []
    gather = loader._sessions_made

    def counted(data: dict[str, Any]) -> dict[str, int]:
        looked.append(len(data["steps"]))
        return gather(data)

    monkeypatch.setattr(loader, "_sessions_made", counted)
    steps = "".join(
        f"  - {{do: get_session, who: alice, as: s{number}}}\n"
        f"  - {{do: who_am_i, who: alice, using: s{number}}}\n"
        for number in range(count)
    )
    (case,) = cases(f"scenario: x\npeople: {{alice: {{}}}}\nsteps:\n{steps}")
    assert len(case.steps) == 2 * count
    assert looked == [2 * count]
