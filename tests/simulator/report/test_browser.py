"""The page works in a real browser that has no network."""

import json
from urllib.parse import quote

import pytest

from mfalab.simulator.report import Report, read_logs, read_runs

pytestmark = pytest.mark.slow

CASE = "drift/fob_drift[45 ppm]"


@pytest.fixture
def visit(quiet_page, tmp_path, html):
    """Opens the report of a log, without a network."""

    def open_page(lines, fragment="", **options):
        path = tmp_path / "report.html"
        report = lines if isinstance(lines, Report) else read_runs(lines)
        path.write_text(html(report), encoding="utf-8")
        options = {"viewport": {"width": 1280, "height": 900}, "offline": True, **options}
        page = quiet_page(**options)
        page.goto(path.as_uri() + (f"#{quote(fragment)}" if fragment else ""))
        page.wait_for_selector("html[data-state=ready]")
        return page

    return open_page


def test_search_then_open_draws_timeline_and_plot(visit, sample_log):
    page = visit(sample_log)
    assert page.inner_text("h1") == "2 of 15 scenarios need attention"
    assert page.inner_text(".group:not([hidden]) h2").startswith("Needs attention")
    page.keyboard.press("/")
    page.keyboard.type("fob_drift 45")
    assert page.inner_text("[role=status]") == "1 of 15 scenarios"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector("canvas[data-drawn]")
    assert page.locator(".opened .event").count() == 28
    assert page.locator(".opened .lanes li").all_inner_texts() == [
        "alice\nperson",
        "fob\ndevice",
        "verifier",
    ]
    inked = page.evaluate(
        """() => {
            const canvas = document.querySelector("canvas");
            const {width, height} = canvas;
            const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
            let inked = 0;
            for (let i = 3; i < pixels.length; i += 4) inked += pixels[i] > 0;
            return inked;
        }"""
    )
    assert inked > 2_000


def test_a_link_opens_its_case(visit, sample_log):
    page = visit(sample_log, CASE)
    page.wait_for_selector("canvas[data-drawn]")
    assert page.get_attribute(".opened", "data-case") == CASE
    assert "InvalidAuthenticationCode" in page.inner_text(".opened .failure")
    assert page.inner_text(".opened .command code").endswith("--seed 7")


def test_filters_narrow_the_list_and_can_be_cleared(visit, sample_log):
    page = visit(sample_log)
    shown = page.locator(".case:visible")
    page.click(".chip[data-verdict=skipped]")
    assert shown.count() == 1
    page.click(".chip[data-verdict=skipped]")
    page.select_option("#by-topic", "sms")
    assert shown.count() == 1
    page.select_option("#by-topic", "")
    page.select_option("#by-tag", "smoke")
    assert shown.count() == 8
    page.fill("#search", "nothing like this")
    assert "No scenario matches" in page.inner_text("#scenarios")
    page.click("text=Clear the filter >> visible=true >> nth=0")
    shown.nth(14).wait_for()  # a form is reset first, and the list follows in the next task
    assert shown.count() == 15


def test_arrow_keys_read_the_timeline(visit, sample_log):
    page = visit(sample_log, CASE)
    page.locator(".opened .event").first.focus()
    page.keyboard.press("ArrowRight")
    assert page.inner_text(".opened .timeline .reading").startswith(
        "2026-03-02 09:00:00.400Z step 1 · fob · shows a code"
    )


def test_hostile_text_stays_text(visit, as_run, hostile_events):
    page = visit(as_run(hostile_events))
    page.click(".case .open")
    page.wait_for_selector("canvas[data-drawn]")
    page.click(".opened summary")
    assert page.locator("main script").count() == 0
    assert page.inner_text(".case .title").startswith('<script>alert("x")</script>')


def test_one_case_of_several_runs_is_told_apart(visit, two_runs_log):
    page = visit(two_runs_log, f"{CASE}~2")
    assert page.inner_text(".opened .run") == "run 2"
    assert page.inner_text("#summary .compare h2") == "Runs side by side"
    assert page.locator(f'.case[data-case="{CASE}"]').count() == 3
    assert page.locator(".side tr.parted").count() == 1
    assert "1 run was interrupted: 8 planned scenarios never started." in page.inner_text(
        "#summary"
    )


def test_runs_stand_side_by_side_and_a_verdict_leads_to_its_account(visit, three_benches):
    page = visit(read_logs(three_benches))
    rows = page.locator(".side tbody tr")
    assert rows.count() == 3  # at first what is not alike
    assert page.locator(".side thead th").all_inner_texts() == [
        "Case",
        "simulated",
        "hid:/dev/hidraw0",
        "nfc:Virtual PCD",
    ]
    assert "nfc:Virtual PCD cannot do it" in rows.nth(1).inner_text()
    assert rows.nth(2).locator(".absent").inner_text() == "not run"
    page.click("[data-agreement='not in all runs']")
    assert rows.count() == 1
    assert "parted" in rows.first.inner_text()
    page.click("[data-agreement=alike]")
    assert rows.count() == 2
    rows.first.locator("td:nth-of-type(2) a").click()
    page.wait_for_selector(".opened")
    assert page.get_attribute(".opened", "data-case") == "keys/case_1"
    assert page.inner_text(".opened .run") == "hid:/dev/hidraw0"
    assert "expected accepted, got refused" in page.inner_text(".opened .failure")
    page.select_option("#by-run", "2")
    assert page.locator(".case:visible").count() == 3


def test_runs_that_agree_say_so(visit, three_benches):
    page = visit(read_logs([three_benches[0]] * 2))
    assert "Every case ended alike in all 2 runs." in page.inner_text(".compare")
    assert not page.locator(".side").is_visible()


@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_runs_side_by_side_fit_the_width_in_both_themes(visit, three_benches, width, scheme):
    view = {"width": width, "height": 800}
    page = visit(read_logs(three_benches), viewport=view, color_scheme=scheme)
    page.click("[data-agreement=alike]")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(CONTRAST) == []


@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_its_width_in_both_themes(visit, sample_log, width, scheme):
    page = visit(sample_log, CASE, viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.wait_for_selector("canvas[data-drawn]")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    weak = page.evaluate(CONTRAST)
    assert weak == []


def test_the_theme_button_overrides_the_system(visit, sample_log):
    page = visit(sample_log, color_scheme="light")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("#theme")
    page.click("#theme")
    assert page.inner_text("#theme") == "Theme: dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light


# WCAG 2.2 success criterion 1.4.3: 4.5 to 1 for text, against the first background behind it.
CONTRAST = """() => {
    const paint = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const rgba = (colour) => {
        paint.clearRect(0, 0, 1, 1);
        paint.fillStyle = colour;
        paint.fillRect(0, 0, 1, 1);
        return [...paint.getImageData(0, 0, 1, 1).data];
    };
    const light = ([r, g, b]) => {
        const part = (v) => ((v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
    };
    const behind = (node) => {
        const layers = [];
        for (let at = node; at; at = at.parentElement) {
            const colour = rgba(getComputedStyle(at).backgroundColor);
            if (colour[3]) layers.push(colour);
            if (colour[3] === 255) break;
        }
        return layers.reverse().reduce((under, over) =>
            under.map((v, i) => over[i] * over[3] / 255 + v * (1 - over[3] / 255)), [0, 0, 0]);
    };
    const weak = new Set();
    for (const node of document.querySelectorAll("body *")) {
        const own = [...node.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
        if (!own || !node.checkVisibility() || node.closest(".hidden, script, noscript")) continue;
        const style = getComputedStyle(node);
        const text = light(rgba(node.ownerSVGElement ? style.fill : style.color));
        const back = light(behind(node));
        const ratio = (Math.max(text, back) + 0.05) / (Math.min(text, back) + 0.05);
        const name = `${node.tagName}.${node.getAttribute("class")}`;
        if (ratio < 4.5) weak.add(`${name} ${ratio.toFixed(2)}`);
    }
    return [...weak];
}"""


def test_on_paper_each_name_stands_beside_its_lane(visit, sample_log):
    page = visit(sample_log, CASE, viewport={"width": 720, "height": 1000})
    page.emulate_media(media="print")
    # In one look: the page may still be scrolling to the case.
    names, rails = page.locator(".opened .swim").evaluate(
        """drawing => [".lanes li", ".rail"].map(select =>
            [...drawing.querySelectorAll(select)].map(part => part.getBoundingClientRect())
                .map(box => box.y + box.height / 2))"""
    )
    assert len(names) == len(rails) > 1
    assert names == pytest.approx(rails, abs=4)


def test_a_long_topic_is_shown_whole(visit, as_run, drift_events):
    topic = "a-topic-whose-name-is-longer-than-its-column-is-wide"
    for event in drift_events:
        if event["kind"] == "case_started":
            event["topic"] = topic
    page = visit(as_run(drift_events))
    name = page.locator(".topics .name")
    assert name.inner_text() == topic
    assert name.evaluate("each => each.scrollWidth <= each.clientWidth")


def test_long_words_stay_within_a_narrow_page(visit, as_run, drift_events):
    long = "examples/a_verifier_with_a_name_that_no_telephone_is_wide_enough_for.py:Verifier"
    for event in drift_events:
        if event["kind"] == "case_started":
            lanes = [{**each, "label": long} for each in event["lanes"]]
            event |= {"scenario": long, "topic": long, "source": long, "tags": [long]}
            event["lanes"] = lanes
    head, *rest = as_run(drift_events)
    events = [json.dumps(json.loads(head) | {"bench": long}), *rest]
    page = visit(events, drift_events[0]["case"], viewport={"width": 400, "height": 800})
    page.wait_for_selector("canvas[data-drawn]")
    assert page.evaluate("document.documentElement.scrollWidth") == 400


def test_the_only_case_is_not_all_of_them(visit, as_run, drift_events):
    assert visit(as_run(drift_events)).locator("h1").inner_text() == "1 scenario passed"
