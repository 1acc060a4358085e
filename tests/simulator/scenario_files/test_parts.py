"""Cases of one file share what no row of the matrix changes."""

from collections.abc import Callable

from mfalab.simulator.scenario_files.loader import Case

Story = Callable[..., str]
Cases = Callable[..., list[Case]]
STEPS = ("{do: enable, who: alice, device: fob}", "{do: sign_in, name: try, who: alice}")


def test_what_no_row_changes_is_one_object_in_all_cases(story: Story, cases: Cases) -> None:
    rows = "[{fob.drift: 1 ppm}, {try.with: fob}, {alice.typing: 5 s}]"
    drift, step, person = cases(story(*STEPS, more=f"matrix: {rows}\n"))
    first, second, third = (case.scenario for case in (drift, step, person))
    assert first.devices["app"] is second.devices["app"] is third.devices["app"]
    assert first.steps[0] is second.steps[0] is third.steps[0]
    assert first.steps[1] is third.steps[1]
    assert first.people["ada"] is third.people["ada"]
    assert drift.data["devices"]["app"] is step.data["devices"]["app"]


def test_what_a_row_changes_is_changed_in_its_case_only(story: Story, cases: Cases) -> None:
    rows = "[{fob.drift: 1 ppm}, {try.with: fob}, {alice.typing: 5 s}]"
    found = cases(story(*STEPS, more=f"matrix: {rows}\n"))
    assert [case.data["devices"]["fob"]["drift"] for case in found] == ["1 ppm", "0 ppm", "0 ppm"]
    assert [case.scenario.devices["fob"].drift for case in found] == [1.0, 0.0, 0.0]
    assert [case.scenario.steps[1].with_ for case in found] == [None, "fob", None]
    assert [case.scenario.people["alice"].typing for case in found] == [
        "natural",
        "natural",
        5 * 10**9,
    ]


def test_entry_that_is_wrong_until_a_row_puts_it_right(story: Story, cases: Cases) -> None:
    text = story(*STEPS, more="matrix: [{fob.drift: 1 ppm}, {fob.drift: 2 ppm}]\n")
    found = cases(text.replace("drift: 0 ppm", "drift: much"))
    assert [case.scenario.devices["fob"].drift for case in found] == [1.0, 2.0]
