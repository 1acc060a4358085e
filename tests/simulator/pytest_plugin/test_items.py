"""The pytest door: scenario files are items like any others."""

import subprocess
import sys
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

pytest_plugins = ["pytester"]
AWAY = ("benchmark", "hypothesispytest", "asyncio", "randomly")
QUICKLY = (*(f"-pno:{name}" for name in AWAY), "--assert=plain")
"""Without what has nothing to do with us and is loaded again for each run."""
PLUGIN = ".pytest_plugin"
pytestmark = pytest.mark.slow
Story = Callable[..., str]

GOOD = "{do: enable, who: alice, device: fob}"
BAD = "{do: sign_in, who: alice, password: wrong}"


@pytest.fixture
def suite(pytester: pytest.Pytester, story: Story) -> pytest.Pytester:
    """A project with a good scenario of two cases and a bad one."""
    for name, text in {
        "good": story(
            GOOD,
            "{do: measure, device: fob, offset: <= 1 s}",
            more="tags: [drift, hardware-token]\nmatrix: {fob.drift: [1 ppm, 2 ppm]}\n",
        ),
        "bad": story(GOOD, BAD, more="tags: [sms]\n"),
    }.items():
        path = pytester.path / "topic" / f"{name}.scenario.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return pytester


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess(*QUICKLY, *arguments)


def test_cases_are_chosen_as_any_tests_are(suite: pytest.Pytester) -> None:
    run(suite).assert_outcomes(passed=2, failed=1)
    run(suite, "-k", "good").assert_outcomes(passed=2)
    run(suite, "-k", "bad or 2").assert_outcomes(passed=1, failed=1)
    run(suite, "-m", "drift").assert_outcomes(passed=2)
    run(suite, "-m", "hardware-token and not sms", "--strict-markers").assert_outcomes(passed=2)
    run(suite, "-x").assert_outcomes(failed=1)
    run(suite, "--lf").assert_outcomes(failed=1)
    run(suite, "topic/good.scenario.yaml::good[2 ppm]").assert_outcomes(passed=1)
    run(suite, "topic/bad.scenario.yaml").assert_outcomes(failed=1)
    run(suite, "-p", "no:mfalab", "topic").assert_outcomes()
    listed = run(suite, "--collect-only", "-q")
    listed.stdout.fnmatch_lines(
        [
            "topic/bad.scenario.yaml::bad",
            "topic/good.scenario.yaml::good[[]1 ppm]",
            "topic/good.scenario.yaml::good[[]2 ppm]",
        ]
    )
    assert run(suite, "topic/bad.scenario.yaml::nobody").ret == pytest.ExitCode.USAGE_ERROR


def test_failure_is_an_account_and_no_traceback(suite: pytest.Pytester) -> None:
    result = run(suite, "--mfa-seed", "7", "-rf")
    result.stdout.fnmatch_lines(
        [
            "*_ bad _*",
            "step      2 sign_in, topic/bad.scenario.yaml:9",
            f"*{BAD}",
            "expected  accepted",
            "got *",
            "believed *2026-03-02T09:*",
            "reproduce mfalab run topic/bad.scenario.yaml::bad --seed 7",
            "FAILED topic/bad.scenario.yaml::bad - *",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*pytest_plugin*.py*")


def test_failure_can_be_repeated_from_where_pytest_was_started(suite: pytest.Pytester) -> None:
    """The path was once that from the root of the project."""
    (suite.path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    suite.chdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(suite.path / "topic")
        result = suite.runpytest_inprocess(*QUICKLY, "bad.scenario.yaml")
    result.stdout.fnmatch_lines(["reproduce mfalab run bad.scenario.yaml::bad --seed 1"])


def test_junit_has_names_and_measurements(suite: pytest.Pytester) -> None:
    run(suite, "--junitxml", "j.xml")
    cases = ET.parse(suite.path / "j.xml").getroot().findall(".//testcase")
    assert [case.get("name") for case in cases] == ["bad", "good[1 ppm]", "good[2 ppm]"]
    assert {case.get("classname") for case in cases} == {
        "topic.bad.scenario.yaml",
        "topic.good.scenario.yaml",
    }
    measured = cases[1].find(".//property")
    assert measured is not None
    assert measured.get("name") == "fob offset"
    assert str(measured.get("value")).endswith(" s")


def test_bad_file_is_located_with_exit_code_2_and_no_traceback(
    suite: pytest.Pytester, story: Story
) -> None:
    wrong = suite.path / "topic" / "wrong.scenario.yaml"
    wrong.write_text(story("{do: enabel, who: alice}", "{do: wait, for: 90}"))
    result = run(suite)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert int(result.ret) == 2
    result.stdout.fnmatch_lines(
        [
            'topic/wrong.scenario.yaml:7:10: step 1: unknown step "enabel"; did you mean "enable"?',
            "      - {do: enabel, who: alice}",
            "             ^",
            "topic/wrong.scenario.yaml:8:21: step 2: '90' has no unit*",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*pytest_plugin*.py*")


def test_own_tags_run_where_markers_are_strict_and_warnings_errors(
    pytester: pytest.Pytester, story: Story
) -> None:
    """A tag that no suite of ours has once ended the collection."""
    text = story(GOOD, more="tags: [every-night, team-b]\n")
    (pytester.path / "x.scenario.yaml").write_text(text)
    run(pytester, "--strict-markers", "-W", "error").assert_outcomes(passed=1)
    run(pytester, "--strict-markers", "-m", "every-night and team-b").assert_outcomes(passed=1)
    result = run(pytester, "--strict-markers", "-m", "every-day")
    assert result.ret == pytest.ExitCode.USAGE_ERROR  # no scenario has it


def test_seed_is_shown_and_a_wrong_one_is_a_usage_error(suite: pytest.Pytester) -> None:
    run(suite, "--mfa-seed", "7").stdout.fnmatch_lines(["mfalab: --mfa-seed 7"])
    suite.makeini("[pytest]\nmfa_seed = 12\n")
    run(suite).stdout.fnmatch_lines(["mfalab: --mfa-seed 12"])
    suite.makeini("[pytest]\nmfa_seed = twelve\n")
    result = run(suite)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: mfa_seed = twelve: give a whole number, such as 7"])


def test_fixtures_of_every_scope_apply(suite: pytest.Pytester) -> None:
    suite.makeconftest(
        """
        import pytest
        seen = []
        def fixture(scope):
            @pytest.fixture(scope=scope, autouse=True, name=f"{scope}_one")
            def one():
                seen.append(scope)
                yield
            return one
        session, package, module, function = map(
            fixture, ("session", "package", "module", "function")
        )
        def pytest_sessionfinish():
            print("\\nseen", {scope: seen.count(scope) for scope in seen})
        """
    )
    result = run(suite, "-s")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["seen {'session': 1, 'package': 1, 'module': 2, 'function': 3}"])


def test_several_processes_share_the_work(suite: pytest.Pytester) -> None:
    result = suite.runpytest_subprocess("-n", "2", *QUICKLY)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["reproduce mfalab run topic/bad.scenario.yaml::bad --seed 1"])


def test_fixtures_serve_in_a_suite_of_another_project(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nmfa_seed = 5\n")
    pytester.makepyfile(
        """
        import pytest
        from mfalab import ExpectationFailed

        def test_lab(lab, clock, verifier, fob, totp_app, mfa_seed):
            assert mfa_seed == 5
            before = clock.now_ns()
            lab.enable(who="alice", device="fob")
            assert clock.now_ns() > before
            clock.advance(400 * 86_400 * 10**9)
            assert len(fob.read_code()) == 6
            assert verifier is lab.verifier
            lab.create(who="alice", device="app")
            assert len(totp_app.code(lab.device("app").account)) == 6

        def test_failure(lab):
            lab.sign_in(who="alice", password="wrong")

        def test_labs_are_not_shared(lab, fob):
            lab.list_devices(who="alice", devices=[])
            assert fob is lab.device("fob").thing

        def test_clock_alone(clock):
            clock.advance(1)
        """
    )
    result = run(pytester)
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["E *ExpectationFailed: expected accepted, got refused: *"])
    result.stdout.fnmatch_lines(["E *verifier: 2026-03-02T09:00:*"])


def test_plugin_is_light_for_those_who_do_not_use_it(pytester: pytest.Pytester) -> None:
    """It is imported in every pytest run of everybody who has mfalab installed."""
    code = (
        "import sys, mfalab.simulator.pytest_plugin\n"
        "heavy = {'pydantic', 'simpy', 'yaml', 'click', 'rich', 'argon2', 'pskc', 'segno'}\n"
        "print(sorted(heavy & sys.modules.keys()))\n"
        "print(sorted(name for name in sys.modules if name.startswith('mfalab.')))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "[]",
        str([f"mfalab.simulator{below}" for below in ("", PLUGIN, f"{PLUGIN}.items")]),
    ]
    pytester.makepyfile(
        """
        import sys
        def test_nothing():
            assert "mfalab.simulator.lab" not in sys.modules
            assert "simpy" not in sys.modules
        """
    )
    result = pytester.runpytest_subprocess(*QUICKLY, "-W", "error")
    result.assert_outcomes(passed=1)


def test_help_and_markers_tell_what_there_is(pytester: pytest.Pytester) -> None:
    result = run(pytester, "--help")
    result.stdout.fnmatch_lines(["MFA scenarios:", "  --mfa-seed*N*"])
    run(pytester, "--markers").stdout.fnmatch_lines(["@pytest.mark.hardware-token: hardware *"])
    assert run(pytester, "--mfa-seed", "x").ret == pytest.ExitCode.USAGE_ERROR


def test_file_with_another_ending_is_left_alone(pytester: pytest.Pytester) -> None:
    (pytester.path / "test_x.yaml").write_text("not: ours")
    (pytester.path / "scenario.yaml").write_text("not: ours")
    assert run(pytester).ret == pytest.ExitCode.NO_TESTS_COLLECTED


VERIFIER = """
from mfalab import Capabilities

class No:
    capabilities = Capabilities()
    def set_time(self, now_ns): ...
    def enrol(self, account, seed, algorithm, digits, period_s): ...
    def attempt(self, account, code): return False
    def revoke(self, account): ...
    def close(self): ...
"""


def test_another_verifier_is_under_test_where_one_is_named(
    pytester: pytest.Pytester, story: Story
) -> None:
    signs = "{do: sign_in, who: alice, with: fob}"
    for name, text in {
        "signs": story(GOOD, "{do: wait, for: 1 h}", signs),
        "asks": story("{do: who_am_i, who: alice}"),
    }.items():
        (pytester.path / f"{name}.scenario.yaml").write_text(text)
    (pytester.path / "verifier.py").write_text(VERIFIER)
    result = run(pytester, "--mfa-target", "otp:verifier.py:No")
    result.assert_outcomes(failed=1, skipped=1)
    result.stdout.fnmatch_lines(["*refused, no reason given*"])
    wrong = pytester.runpytest_subprocess(*QUICKLY, "--mfa-target", "opt")
    wrong.stderr.fnmatch_lines(['ERROR: --mfa-target: "opt" is no target; did you mean "otp"?'])
    assert wrong.ret == pytest.ExitCode.USAGE_ERROR


def test_endpoint_that_is_not_there_is_a_usage_error(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    gone = pytester.runpytest_subprocess(*QUICKLY, "--mfa-target", "aws:http://127.0.0.1:9")
    gone.stderr.fnmatch_lines(["ERROR: --mfa-target: aws 127.0.0.1:9 is not to be reached: *"])
    assert gone.ret == pytest.ExitCode.USAGE_ERROR


def test_target_that_dies_ends_the_session(pytester: pytest.Pytester, story: Story) -> None:
    for name in ("one", "two"):
        (pytester.path / f"{name}.scenario.yaml").write_text(story(GOOD))
    fails = "period_s): raise TargetGone('it is gone')"
    verifier = VERIFIER.replace("period_s): ...", fails)
    known = "from mfalab.simulator.environment.target import TargetGone\n"
    (pytester.path / "verifier.py").write_text(known + verifier)
    result = run(pytester, "--mfa-target", "otp:verifier.py:No")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*--mfa-target: it is gone*"])
