"""The page of a measurement: whole in itself, and readable everywhere."""

import re
from dataclasses import replace

import pytest

from mfalab.devices.otp.seed import OtpSeed
from mfalab.simulator.clocks import STEADY, QuartzClock
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.entropy import Entropy
from mfalab.simulator.twin.measuring import SetAside, measure
from mfalab.simulator.twin.page import render_page
from mfalab.simulator.twin.prediction import predict
from mfalab.simulator.twin.readings import CodeReading, Timing
from mfalab.simulator.twin.telling import Account, as_data, as_text
from mfalab.verifier import PROFILES

START_NS = 1_772_442_000 * NS_PER_S


class At:
    def now_ns(self) -> int:
        return START_NS


def account_of(rate_ppm: float, token: str = "0042", spacing_s: float = 66_700.0) -> Account:
    clock = QuartzClock(At(), replace(STEADY, offset_ppm=rate_ppm))
    seed = OtpSeed(b"twelve and eight bytes")
    times = [START_NS + round(k * spacing_s * NS_PER_S) for k in range(20)]
    readings = [
        CodeReading(t, seed.code_at_step(seed.step_at(clock.believed_ns(t))), Timing(10**9, 0))
        for t in times
    ]
    measured = measure(readings, [], seed, Entropy(0), draws=200)
    spoilt = SetAside(CodeReading(START_NS, "999999", Timing(0, 0), line=3), "it is <no> code")
    measured = replace(measured, set_aside=(spoilt,))
    found = [
        each for profile in PROFILES.values() for each in predict(measured, profile, Entropy(0))
    ]
    return Account(token, measured, found, "from fob.csv")


@pytest.fixture(scope="module")
def account() -> Account:
    return account_of(-11.0)


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


def test_a_hostile_name_stays_text():
    page = render_page(account_of(3.0, token="<script>alert(1)</script>"), Entropy(0))
    assert "<script" not in page


def test_a_clock_within_its_limits_of_right_is_said_to_keep_time():
    assert "keeps time as far as the readings tell" in render_page(account_of(0.0), Entropy(0))


@pytest.mark.parametrize(("rate_ppm", "spacing_s"), [(0.0, 45.0), (-40.0, 3000.0), (0.4, 2e6)])
def test_minutes_and_years_can_be_drawn(rate_ppm, spacing_s):
    account = account_of(rate_ppm, spacing_s=spacing_s)
    assert "<svg" in render_page(account, Entropy(0))
    assert as_text(account)


def test_the_terminal_shows_figures_days_and_what_was_set_aside(account):
    text = as_text(account)
    assert re.search(r"^mean rate +-1\d\.\d\d ppm +-\d+\.\d+ to -\d+\.\d+ ppm$", text, re.MULTILINE)
    assert re.search(r"^aws-observed, however it is used +2026-\d\d-\d\d +2026", text, re.MULTILINE)
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


@pytest.mark.slow
@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_its_width_in_both_themes(browser, account, tmp_path, width, scheme):
    path = tmp_path / "fob.html"
    path.write_text(render_page(account, Entropy(0)))
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("svg.plot:visible").count() == 2
    assert complaints == []
    context.close()
