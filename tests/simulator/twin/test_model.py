"""What the unknowns of a clock do to its offset."""

import numpy as np
import pytest

from mfalab.simulator.clocks.durations import NS_PER_DAY, NS_PER_S
from mfalab.simulator.twin.model import Climatology, Model
from mfalab.simulator.twin.readings import Temperature

START_NS = 1_772_442_000 * NS_PER_S
END_NS = START_NS + 100 * NS_PER_DAY
SPAN_S = 100 * 86_400.0


def climate(*celsius: float) -> Climatology:
    """Temperatures at equal distances from the first to the last reading."""
    apart_ns = (END_NS - START_NS) // max(1, len(celsius) - 1)
    known = [Temperature(START_NS + k * apart_ns, c) for k, c in enumerate(celsius)]
    return Climatology(known, START_NS, END_NS)


def test_without_temperatures_there_is_no_slope():
    model = Model(START_NS, END_NS)
    names = [each.name for each in model.parameters]
    assert names[:3] == ["offset_s", "rate_ppm", "ageing_ppm"]
    assert not model.fits_temperature


@pytest.mark.parametrize(
    ("crystal", "celsius", "fits"),
    [("quartz", (10.0, 30.0), True), ("quartz", (20.0, 22.9), False), ("tcxo", (10, 30), False)],
)
def test_a_slope_is_fitted_where_it_was_warm_and_cold_and_the_crystal_minds(crystal, celsius, fits):
    model = Model(START_NS, END_NS, crystal=crystal, climate=climate(*celsius))
    assert model.fits_temperature is fits


def test_a_row_has_an_entry_for_each_unknown_and_is_the_offset_at_the_last_reading():
    model = Model(START_NS, END_NS, climate=climate(10.0, 30.0, 15.0))
    assert len(model.row(-1e6)) == len(model.parameters)
    assert model.row(0.0) == pytest.approx([1.0] + [0.0] * (len(model.parameters) - 1), abs=1e-12)


def test_what_bends_the_line_is_nothing_at_its_ends():
    """So the rate is the mean rate of the measurement."""
    first = Model(START_NS, END_NS, climate=climate(10.0, 30.0, 15.0)).row(-SPAN_S)
    assert first[:2] == pytest.approx([1.0, -SPAN_S * 1e-6])
    assert first[2:] == pytest.approx([0.0] * (len(first) - 2), abs=1e-9)


def test_the_walk_of_a_long_measurement_is_fitted_and_that_of_a_short_one_is_not():
    def walks(model: Model) -> int:
        return sum(each.name.startswith("walk_") for each in model.parameters)

    assert walks(Model(START_NS, START_NS + NS_PER_DAY)) == 0
    assert walks(Model(START_NS, START_NS + 3000 * NS_PER_DAY)) == 8


def test_a_token_made_long_ago_bends_the_line_less():
    middle = -SPAN_S / 2
    new = Model(START_NS, END_NS).row(middle)[2]
    old = Model(START_NS, END_NS, made_ns=START_NS - 1000 * NS_PER_DAY).row(middle)[2]
    assert abs(old) < abs(new) / 5


def test_integrals_of_the_temperature_are_those_that_numpy_sums():
    celsius = (10.0, 30.0, 15.0, 18.0, 5.0)
    weather = climate(*celsius)
    times = np.linspace(-SPAN_S, 0.0, 400_001)
    warm = np.interp(times, np.linspace(-SPAN_S, 0.0, len(celsius)), celsius)
    assert weather.mean_c == pytest.approx(np.trapezoid(warm, times) / SPAN_S, rel=1e-9)
    since = times >= -0.3 * SPAN_S
    for power, integral in zip((1, 2), weather.integrals(-0.3 * SPAN_S), strict=True):
        summed = np.trapezoid((warm[since] - weather.mean_c) ** power, times[since])
        assert integral == pytest.approx(-summed, rel=1e-6)


def test_after_the_last_reading_it_is_as_warm_as_it_was_on_average():
    weather = climate(10.0, 30.0)
    first, second = weather.integrals(1000.0)
    assert first == 0.0
    assert second == pytest.approx(1000.0 * weather.mean_square_c2)
    assert weather.mean_square_c2 == pytest.approx(20.0**2 / 12)


def test_before_the_first_and_after_the_last_known_temperature_it_stays():
    weather = Climatology([Temperature(START_NS + NS_PER_DAY, 21.0)], START_NS, END_NS)
    assert (weather.mean_c, weather.coldest_c, weather.warmest_c) == (21.0, 21.0, 21.0)
    assert weather.longest_gap_s == 99 * 86_400.0
    assert not weather.varies
