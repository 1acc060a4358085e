"""What is drawn for tokens has the distributions of the study."""

import numpy as np
import pytest

from mfalab.simulator.fleet import layout
from mfalab.simulator.fleet.simulate import chunks, draw_tokens
from mfalab.simulator.fleet.study import Study

TOKENS = 20_000


@pytest.fixture(scope="module")
def drawn() -> np.ndarray:
    told = {"tokens": TOKENS, "fleets": 1, "lost": "10 %", "shelf": "4 wk to 30 wk", "seed": 3}
    (chunk,) = chunks(Study.model_validate(told))
    return draw_tokens(Study.model_validate(told), chunk)[1].T


def test_crystals_are_those_of_the_data_sheet(drawn):
    """A normal of 4 ppm, cut off at 12; a turnover of 25 degC, 1.7; half of all age backwards."""
    offset = drawn[layout.D_OFFSET]
    assert abs(offset.mean()) < 5 * 4 / np.sqrt(TOKENS)
    assert offset.std() == pytest.approx(3.95, abs=0.1)
    assert 11 < np.abs(offset).max() <= 12
    assert drawn[layout.D_TURNOVER].mean() == pytest.approx(25, abs=0.06)
    assert drawn[layout.D_TURNOVER].std() == pytest.approx(1.68, abs=0.05)
    assert (drawn[layout.D_AGEING] > 0).mean() == pytest.approx(0.5, abs=0.02)
    assert len(set(np.abs(drawn[layout.D_AGEING]))) == 1


def test_time_on_the_shelf_is_in_whole_weeks_between_its_ends(drawn):
    weeks, count = np.unique(drawn[layout.D_SHELF], return_counts=True)
    assert weeks.tolist() == list(range(4, 31))
    assert np.abs(count - TOKENS / 27).max() < 5 * np.sqrt(TOKENS / 27)


def test_the_walk_on_the_shelf_has_the_variances_of_its_days(drawn):
    days = 7 * drawn[layout.D_SHELF]
    rate = drawn[layout.D_WALK_RATE] / np.sqrt(days)
    gathered = drawn[layout.D_WALK_OFFSET] / np.sqrt(days**3 / 3)
    assert rate.std() == pytest.approx(1, abs=0.03)
    assert gathered.std() == pytest.approx(1, abs=0.03)
    assert np.corrcoef(rate, gathered)[0, 1] == pytest.approx(np.sqrt(3) / 2, abs=0.01)


def test_a_share_is_lost_in_each_year(drawn):
    year_steps = 365.25 * 86_400 / 30
    for years in (1, 2, 5):
        lost = (drawn[layout.D_LOST] < years * year_steps).mean()
        assert lost == pytest.approx(1 - 0.9**years, abs=0.02)


def test_tokens_are_enrolled_in_the_hours_of_the_first_day(drawn):
    hours = drawn[layout.D_ENROLLED] / (3600 * layout.TICKS)
    assert 9 <= hours.min() < 9.01
    assert 16.99 < hours.max() < 17
