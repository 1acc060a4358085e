"""The tags of the shipped suites."""

from mfalab.simulator.scenario_files.loader import Case
from mfalab.simulator.scenario_files.tags import TAGS


def test_every_tag_of_the_shipped_scenarios_is_known_and_used(shipped_cases: list[Case]) -> None:
    used = {tag for case in shipped_cases for tag in case.scenario.tags}
    assert used == set(TAGS)
