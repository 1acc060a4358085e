"""The page of a run works in a real browser that has no network, wide and narrow."""

from urllib.parse import quote

import pytest

from mfalab.devices.ctap.faults import Faults
from mfalab.simulator.conformance.html import write_html

pytestmark = pytest.mark.slow

WINK = "ctaphid/announced-wink-works"


@pytest.fixture(scope="module")
def report(tested, tmp_path_factory):
    found, _ = tested(faults=Faults(missing=frozenset({"wink", "selection"}), wrong_aaguid=True))
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_html(found, path)
    return path, found


@pytest.fixture
def visit(quiet_page, report):
    """Opens the page, without a network."""

    def open_page(fragment="", **options):
        path, _ = report
        options = {"viewport": {"width": 1280, "height": 900}, "offline": True, **options}
        page = quiet_page(**options)
        page.goto(path.as_uri() + (f"#{quote(fragment)}" if fragment else ""))
        page.wait_for_selector("html[data-state=ready]")
        return page

    return open_page


def test_headline_counts_what_needs_attention(visit, report):
    page = visit()
    _, found = report
    bad = found.counts[next(v for v in found.counts if v.value == "failed")]
    assert page.inner_text("h1").startswith(f"{bad} of ")
    assert page.inner_text(".group:not([hidden]) h2").startswith("Needs attention")
    assert "sim:ctap-2.1-pin" in page.inner_text(".data")


def test_verdicts_filter_and_a_test_opens_with_its_trace(visit):
    page = visit()
    page.click("[data-verdict=failed]")
    assert page.locator(".case:visible").count() == page.locator(".case.failed").count()
    row = page.locator(f'[data-test="{WINK}"]')
    row.locator("button.open").click()
    assert "CTAPHID_ERROR 0x01 INVALID_CMD" in row.locator(".failure").inner_text()
    assert row.locator(".trace li").all_inner_texts()[1].endswith("ERROR INVALID_CMD")
    assert page.url.endswith(quote(WINK, safe=""))


def test_search_looks_into_traces_and_can_be_cleared(visit, report):
    """The page's policy forbids eval, and with it Playwright's waiting for an expression."""
    from playwright.sync_api import expect

    page = visit()
    page.keyboard.press("/")
    page.keyboard.type("error invalid_cmd wink")
    expect(page.locator(".case:not([hidden])")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator(".case[hidden]")).to_have_count(0)
    assert page.locator(".case:visible").count() == len(report[1].results)


def test_a_chapter_of_the_summary_filters(visit):
    page = visit()
    page.click(".topics button:has-text('largeBlobs')")
    assert page.locator("#by-chapter").input_value() == "largeBlobs"
    assert "of" in page.inner_text("[role=status]")


def test_a_link_to_a_test_opens_it(visit):
    page = visit(WINK)
    assert page.locator(f'[data-test="{WINK}"] .inside').is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_runs_over_the_edge(visit, width, scheme):
    page = visit(WINK, viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.click(".key-facts summary")
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_theme_can_be_chosen(visit):
    page = visit()
    for theme in ("light", "dark", "system"):
        page.click("#theme")
        assert page.inner_text("#theme") == f"Theme: {theme}"
