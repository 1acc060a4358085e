"""The terminal says little while all is well, and everything when it is not."""

import io
import json

import pytest

from mfalab.simulator.report import TerminalReporter


@pytest.fixture
def said(sample_log):
    def say(lines=sample_log, *, verbosity=0, colour=False, is_tty=False):
        stream = io.StringIO()
        reporter = TerminalReporter(stream, verbosity=verbosity, colour=colour, is_tty=is_tty)
        for line in lines:
            reporter.event(json.loads(line))
        reporter.close()
        return stream.getvalue()

    return say


def test_a_pipe_gets_failures_and_one_summary_line(said):
    *_, blank, summary = said().split("\n")[:-1]
    assert blank == ""
    assert summary == (
        "1 failed, 1 error, 12 passed, 1 skipped in 4.1 s (wall), 13.4 y of device life"
    )
    assert "enable_ok" not in said()


def test_a_clean_run_is_one_line(said, as_run, drift_events):
    assert said(as_run(drift_events)) == "1 passed in 4.1 s (wall), 1.1 y of device life\n"


def test_a_failure_names_everything_that_is_needed_to_understand_it(said, as_run, failing_events):
    assert said(as_run(failing_events)).split("\n\n")[0] == (
        "failed    drift/fob_drift[45 ppm]\n"
        "          A fob that drifted out of the window is resynchronised\n"
        "step      6 sign_in, scenarios/drift/fob_drift.scenario.yaml:17\n"
        "          - {do: sign_in, who: alice, with: fob}\n"
        "expected  accepted\n"
        "got       InvalidAuthenticationCode\n"
        "message   MultiFactorAuthentication failed with invalid MFA one time pass code.\n"
        "why       the verifier refused a code that the scenario expects it to accept\n"
        "believed  fob: 2027-04-06T09:29:13Z, step 60233457 (+1553.208 s from true time)\n"
        "          verifier: 2027-04-06T09:03:20Z, step 60233406 (+0.000 s from true time)\n"
        "reproduce mfalab run scenarios --case 'drift/fob_drift[45 ppm]' --seed 7"
    )


def test_verbose_prints_a_line_per_case(said):
    lines = said(verbosity=1).splitlines()
    assert "passed  drift/fob_drift[20 ppm] (1.1 y)" in lines
    assert "skipped devices/needs_bench (0 s): no bench is configured" in lines


def test_quiet_prints_the_summary_only(said):
    assert said(verbosity=-1).count("\n") == 1
    assert said(verbosity=-1, is_tty=True).count("\n") == 1


def test_hostile_text_cannot_command_the_terminal(said):
    text = said(verbosity=1)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert r"\u001b[31mred\u0007" in text


def test_an_interrupted_run_says_how_far_it_came(said, as_run, drift_events):
    text = said(as_run(drift_events, killed=True))
    assert text == "interrupted: 1 passed, 8 not finished, 1.1 y of device life\n"


def test_a_terminal_shows_progress_and_keeps_failures(said):
    text = said(is_tty=True, colour=True)
    assert "15/15" in text
    assert "\x1b[1;31mfailed" in text
    assert "\x1b[1;31m1 failed, 1 error, 12 passed" in text


def test_no_color_is_honoured_unless_colour_is_asked_for(said, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[32m" not in said(is_tty=True, colour=None, verbosity=1)
    assert "\x1b[32m" in said(is_tty=False, colour=True, verbosity=1)
    monkeypatch.delenv("NO_COLOR")
    assert "\x1b[32m" in said(is_tty=True, colour=None, verbosity=1)
    assert "\x1b" not in said(is_tty=False, colour=None, verbosity=1)


def test_a_long_line_on_a_terminal_is_not_broken(said):
    reproduce = "mfalab run scenarios --case 'drift/fob_drift[45 ppm]' --seed 7"
    message = "MultiFactorAuthentication failed with invalid MFA one time pass code."
    text = said(is_tty=True)
    assert reproduce in text
    assert message in text
