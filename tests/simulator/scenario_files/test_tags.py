"""The tags of the shipped suites."""

import pytest

from mfalab.simulator.scenario_files.loader import Case
from mfalab.simulator.scenario_files.tags import TAGS, without_effect


def test_every_tag_of_the_shipped_scenarios_is_known_and_used(shipped_cases: list[Case]) -> None:
    used = {tag for case in shipped_cases for tag in case.scenario.tags}
    assert used == set(TAGS)


@pytest.mark.parametrize("tag", ["skip", "skipif", "xfail", "parametrize", "usefixtures"])
def test_tag_that_pytest_acts_on_is_refused(tag: str) -> None:
    """A scenario with `tags: [xfail]` could fail and be green."""
    with pytest.raises(ValueError, match="pytest acts on"):
        without_effect(tag)
    assert without_effect(f"{tag}-ours") == f"{tag}-ours"
