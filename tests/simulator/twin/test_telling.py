"""A measurement in words and figures."""

import re
from dataclasses import replace

from mfalab.simulator.twin.telling import as_data, as_text, best_line, day_text, figures


def test_the_terminal_shows_figures_days_and_what_was_set_aside(account):
    text = as_text(account)
    assert re.search(r"^mean rate +-1\d\.\d\d ppm +-\d+\.\d+ to -\d+\.\d+ ppm$", text, re.MULTILINE)
    assert re.search(
        r"^aws-immediate, however it is used +2026-\d\d-\d\d +2026", text, re.MULTILINE
    )
    assert "set aside: line 3, 2026-03-02T09:00:00.000Z: it is <no> code" in text
    assert max(map(len, text.splitlines())) <= 100


def test_data_for_programs_has_every_figure_with_its_limits(account):
    data = as_data(account)
    rate = data["rate_ppm"]
    assert rate["low"] < -11 < rate["high"]
    assert data["level"] == 0.99
    assert data["slope_ppm_per_c"] is None
    assert {each["use"] for each in data["predictions"]} == {
        "however it is used",
        "not used until then",
        "used every day",
    }


def test_a_day_that_does_not_come_is_said_not_to(account):
    assert day_text(None) == "not in 10 years"
    assert day_text(account.measurement.model.start_ns) == "2026-03-02"


def test_the_line_ends_at_the_offset_and_moves_with_the_rate(account):
    measured = account.measurement
    assert best_line(measured, 0.0) == measured.offset_s
    day = best_line(measured, 86_400.0).value - measured.offset_s.value
    assert abs(day - measured.rate_ppm.value * 0.0864) < 0.1


def test_figures_that_were_not_fitted_are_left_out(account):
    assert [name for name, *_ in figures(account.measurement)] == [
        "offset at the last reading",
        "mean rate",
    ]


def test_without_predictions_and_remarks_text_and_data_have_none(account):
    measured = replace(account.measurement, set_aside=(), notes=())
    bare = replace(account, predictions=(), measurement=measured)
    assert "resynchronisation" not in as_text(bare)
    assert as_text(bare).splitlines()[-1].startswith("mean rate")
    assert (as_data(bare)["predictions"], as_data(bare)["set_aside"]) == ([], [])
