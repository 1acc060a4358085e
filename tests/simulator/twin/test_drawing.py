"""Plots as SVG: where things are, what is written at the axes, and what a reading says."""

import re
from xml.etree import ElementTree as ET

import pytest

from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.entropy import Entropy
from mfalab.simulator.twin.drawing import Drawing, future_plot, readings_plot
from mfalab.simulator.twin.prediction import Use

NOON_NS = 1_772_452_800 * NS_PER_S
DAY_S = 86_400.0


def drawing(days: float = 10.0) -> Drawing:
    return Drawing(960, 300, (-days * DAY_S, 0.0), (-50.0, 50.0))


def labels(made: Drawing) -> list[str]:
    return re.findall(r"<text [^>]*>([^<]*)</text>", made.svg("wide", "x"))


def test_time_goes_right_and_offset_goes_up():
    made = drawing()
    assert made.x(-10 * DAY_S) == made.left < made.x(-DAY_S) < made.x(0.0) == made.right
    assert made.y(-50.0) == made.bottom > made.y(0.0) > made.y(50.0) == made.top


def test_what_is_far_outside_is_drawn_just_outside():
    made = drawing()
    height = made.bottom - made.top
    assert made.y(1e9) == made.bottom - 3 * height
    assert made.y(-1e9) == made.bottom + 2 * height


def test_a_measurement_of_one_moment_is_in_the_middle():
    made = Drawing(960, 300, (0.0, 0.0), (-1.0, 1.0))
    assert made.x(0.0) == (made.left + made.right) / 2


def test_a_box_is_cut_at_the_edges_of_time():
    made = drawing()
    made.box("window", (-1e9, 1e9), (-10.0, 10.0))
    (box,) = ET.fromstring(made.svg("wide", "x")).iter("rect")
    assert float(box.attrib["x"]) == made.left
    assert float(box.attrib["width"]) == made.right - made.left


@pytest.mark.parametrize(
    ("days", "label"),
    [(0.2, "03-02 11:00"), (10.0, "2026-02-28"), (300.0, "2026-01"), (3000.0, "2018-01")],
)
def test_times_are_hours_days_or_months(days, label):
    made = drawing(days)
    made.axes(NOON_NS)
    assert label in labels(made)


def test_offsets_are_round_figures_with_signs():
    made = drawing()
    made.axes(NOON_NS)
    assert {"-40 s", "0 s", "+40 s"} <= set(labels(made))


def test_names_are_escaped():
    assert 'aria-label="&lt;a&gt; &quot;b&quot;"' in drawing().svg("wide", '<a> "b"')


def test_each_plot_is_drawn_wide_and_narrow_and_is_well_formed(account):
    (shown, *_) = [each for each in account.predictions if each.use is not Use.DAILY]
    plots = (
        readings_plot(account.measurement),
        future_plot(account.measurement, shown, Entropy(0)),
    )
    for plot in plots:
        root = ET.fromstring(f"<p>{plot}</p>")
        assert [each.attrib["class"] for each in root] == ["plot wide", "plot narrow"]
        readings = [each for each in root.iter("g") if each.attrib["class"] == "read"]
        assert len(readings) == 2 * len(account.measurement.fitted)
        assert "the offset was from" in (readings[0].findtext("title") or "")
