"""Scenarios and profiles, described in plain text."""

from collections.abc import Callable

from mfalab.simulator.scenario_files.describe import describe, profiles, profiles_table
from mfalab.simulator.scenario_files.loader import Case
from mfalab.verifier import PROFILES


def test_case_is_described_with_what_differs_from_the_defaults(
    story: Callable[..., str], cases: Callable[..., list[Case]]
) -> None:
    text = story("{do: wait, for: 1 d}", more="verifier: rfc6238\ntags: [drift]\n")
    (case,) = cases(text)
    assert describe(case).splitlines() == [
        "topic/story",
        "  A minimal story",
        "  file      topic/story.scenario.yaml:3",
        "  source    -",
        "  tags      drift",
        "  start     2026-03-02T09:00:00.000Z",
        "  verifier  rfc6238",
        "  people    alice: defaults",
        "  people    ada: role: administrator",
        "  devices   fob: kind: hardware_totp, owner: alice, drift: 0 ppm",
        "  devices   app: kind: totp_app, owner: alice",
        "  steps",
        "     1  line 9    {do: wait, for: 1 d}",
    ]


def test_profiles_stand_side_by_side_in_the_words_of_scenarios() -> None:
    figures = profiles()
    header, *rows = profiles_table(figures).splitlines()
    assert header.split() == list(figures) == list(PROFILES)
    assert [row.split()[0] for row in rows] == list(figures["rfc6238"])
    (window,) = (row for row in rows if row.startswith("window_back "))
    assert window.split()[1:] == [
        word for name in figures for word in figures[name]["window_back"].split()
    ]


def test_case_of_a_matrix_is_told_with_its_own_values(
    story: Callable[..., str], cases: Callable[..., list[Case]]
) -> None:
    more = "matrix: [{trip.climate: -20 C, fob.age: 18 wk}]\n"
    (case,) = cases(
        story(
            "{do: travel, name: trip, device: fob, climate: 4 C}", "{do: wait, for: 1 d}", more=more
        )
    )
    assert case.steps[0][1] == "{do: travel, name: trip, device: fob, climate: -20 C}"
    assert case.steps[1][1] == "{do: wait, for: 1 d}"
    assert "age: 18 wk" in describe(case)
    assert "4 C" not in describe(case)
