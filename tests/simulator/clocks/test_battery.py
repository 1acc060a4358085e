"""Coin cell and mains."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfalab.devices.power import PowerSource
from mfalab.simulator.clocks.battery import ALWAYS_ON, Battery, Mains, PowerNow
from mfalab.simulator.clocks.durations import NS_PER_DAY, NS_PER_S, NS_PER_YEAR
from mfalab.simulator.clocks.timeline import Timeline

FITTED_NS = 1_772_442_000 * NS_PER_S
CELL = Battery(FITTED_NS, life_ns=1000 * NS_PER_DAY)


@pytest.mark.parametrize(
    ("day", "volts"),
    [(-1, 3.0), (0, 3.0), (899, 3.0), (900, 3.0), (950, 2.75), (990, 2.55), (1000, 0.0)],
)
def test_cell_is_flat_for_nine_tenths_of_its_life_then_falls_to_its_death(
    day: int, volts: float
) -> None:
    assert CELL.voltage_v(FITTED_NS + day * NS_PER_DAY) == pytest.approx(volts, abs=1e-9)


def test_cell_is_alive_until_the_very_end_of_its_life() -> None:
    assert CELL.voltage_v(CELL.dies_ns - 1) == pytest.approx(2.5)
    assert CELL.alive(CELL.dies_ns - 1)
    assert not CELL.alive(CELL.dies_ns)


def test_whole_sag_loses_half_a_volt_times_half_a_tenth_of_life() -> None:
    lost = CELL.excess_v_s(3.0, FITTED_NS, CELL.dies_ns)
    assert lost == pytest.approx(-0.5 * 100 * 86_400 / 2)


def test_dead_cell_adds_nothing_more() -> None:
    later_ns = CELL.dies_ns + NS_PER_YEAR
    assert CELL.excess_v_s(3.0, FITTED_NS, later_ns) == CELL.excess_v_s(
        3.0, FITTED_NS, CELL.dies_ns
    )


@given(
    start_day=st.integers(-100, 1000),
    days=st.integers(0, 400),
    reference_v=st.floats(1.5, 5.0),
)
def test_closed_integral_agrees_with_summing_the_voltage(
    start_day: int, days: int, reference_v: float
) -> None:
    start_ns = FITTED_NS + start_day * NS_PER_DAY
    middles_ns = (start_ns + day * NS_PER_DAY + NS_PER_DAY // 2 for day in range(days))
    summed = sum(
        (CELL.voltage_v(middle_ns) - reference_v) * 86_400
        for middle_ns in middles_ns
        if CELL.alive(middle_ns)
    )
    closed = CELL.excess_v_s(reference_v, start_ns, start_ns + days * NS_PER_DAY)
    assert closed == pytest.approx(summed, rel=1e-9, abs=1e-3)


def test_battery_without_life_is_refused() -> None:
    with pytest.raises(ValueError, match="a battery cannot last 0 ns"):
        Battery(FITTED_NS, life_ns=0)


def test_mains_never_sags_and_never_dies() -> None:
    assert ALWAYS_ON.alive(10**20)
    assert ALWAYS_ON.voltage_v(10**20) == 3.0
    assert Mains(3.3).excess_v_s(3.0, 0, 10 * NS_PER_S) == pytest.approx(3.0)


def test_device_sees_its_cell_die_and_work_again_when_replaced() -> None:
    timeline = Timeline(FITTED_NS)
    power = PowerNow(CELL, timeline)
    as_devices_see_it: PowerSource = power
    timeline.advance(1000 * NS_PER_DAY - 1)
    assert as_devices_see_it.alive()
    timeline.advance(1)
    assert not as_devices_see_it.alive()
    assert power.voltage_v() == 0.0
    power.supply = Battery(timeline.now_ns())
    assert as_devices_see_it.alive()
    assert power.voltage_v() == 3.0
