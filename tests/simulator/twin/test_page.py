"""The page of a measurement: whole in itself, and readable everywhere."""

import re

import pytest

from mfalab.simulator.entropy import Entropy
from mfalab.simulator.twin.page import render_page
from mfalab.simulator.twin.telling import as_data, as_text


def test_the_page_says_what_was_measured_and_what_follows(account):
    page = render_page(account, Entropy(0))
    assert re.search(r"<h1[^>]*>Token 0042 loses \d\.\d\d s a day</h1>", page)
    assert page.count('<svg class="plot wide"') == page.count('<svg class="plot narrow"') == 2
    assert "rfc6238, used every day" in page
    assert "Set aside: line 3, 2026-03-02T09:00:00.000Z: it is &lt;no&gt; code." in page


def test_the_same_measurement_gives_the_same_page(account):
    assert render_page(account, Entropy(0)) == render_page(account, Entropy(0))


def test_no_code_and_no_secret_is_told(account):
    told = render_page(account, Entropy(0)) + as_text(account) + str(as_data(account))
    assert "999999" not in told
    for each in account.measurement.fitted:
        assert not re.search(rf"\b{each.reading.code}\b", told)


def test_a_hostile_name_stays_text(account_of):
    page = render_page(account_of(3.0, token="<script>alert(1)</script>"), Entropy(0))
    assert "<script" not in page


def test_a_clock_within_its_limits_of_right_is_said_to_keep_time(account_of):
    assert "keeps time as far as the readings tell" in render_page(account_of(0.0), Entropy(0))


@pytest.mark.parametrize(("rate_ppm", "spacing_s"), [(0.0, 45.0), (-40.0, 3000.0), (0.4, 2e6)])
def test_minutes_and_years_can_be_drawn(account_of, rate_ppm, spacing_s):
    account = account_of(rate_ppm, spacing_s=spacing_s)
    assert "<svg" in render_page(account, Entropy(0))
    assert as_text(account)


@pytest.mark.slow
@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_its_width_in_both_themes(quiet_page, account, tmp_path, width, scheme):
    path = tmp_path / "fob.html"
    path.write_text(render_page(account, Entropy(0)))
    page = quiet_page(viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True)
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("svg.plot:visible").count() == 2
