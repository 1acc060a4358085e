"""The HTML report is one file that fetches nothing and runs nothing but its own programs."""

import base64
import gzip
import json
import re
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from mfalab.simulator.report import HtmlReport, Report, read_runs


class Page(HTMLParser):
    """Collects scripts by id, the elements, and the policy, as a browser would see them."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.scripts = {}
        self.policy = ""
        self.current = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.append((tag, found))
        if tag == "meta" and found.get("http-equiv") == "Content-Security-Policy":
            self.policy = found["content"]
        if tag in {"script", "style"}:
            self.current = found.get("id") or found.get("type") or tag
            self.scripts[self.current] = ""

    def handle_data(self, data):
        if self.current:
            self.scripts[self.current] += data

    def handle_endtag(self, tag):
        self.current = None


@pytest.fixture
def page(sample_log, html):
    return Page(html(read_runs(sample_log)))


def _unpacked(text):
    return gzip.decompress(base64.b64decode(text, validate=True)).decode()


def test_nothing_is_fetched(page):
    addresses = [
        value
        for _, attributes in page.tags
        for name, value in attributes.items()
        if name in {"src", "href", "srcset", "action"}
    ]
    assert set(addresses) == {"data:,", "#scenarios"}
    assert page.policy.startswith("default-src 'none';")


def test_the_policy_names_exactly_the_programs_that_are_there(page):
    def named(text):
        return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"

    chart = _unpacked(page.scripts["chart"])
    program = page.scripts["module"]
    assert f"script-src {named(program)} {named(chart)};" in page.policy
    assert f"style-src {named(page.scripts['style'])};" in page.policy
    assert "unsafe" not in page.policy


def test_the_chart_library_keeps_its_licence(sample_log, page, html):
    assert _unpacked(page.scripts["chart"]).startswith("/*!\n * Chart.js v")
    assert "Released under the MIT License" in html(read_runs(sample_log))


def test_hostile_text_is_nowhere_in_the_markup(sample_log, page, html):
    assert len(page.scripts) == 4
    assert "alert(" not in html(read_runs(sample_log))
    data = json.loads(_unpacked(page.scripts["data"]))
    assert data["cases"][-1]["s"].startswith('<script>alert("x")</script>')
    assert "\\u202e" in data["cases"][-1]["s"]


def test_the_data_holds_the_failure_as_it_was_written(page):
    data = json.loads(_unpacked(page.scripts["data"]))
    failed = next(case for case in data["cases"] if case["v"] == "failed")
    assert failed["rep"] == "mfalab run scenarios --case 'drift/fob_drift[45 ppm]' --seed 7"
    assert [row[1] for row in failed["ln"]] == ["person", "device", "verifier"]


def test_equal_reports_are_equal_bytes(sample_log, html):
    report = read_runs(sample_log)
    assert html(report) == html(report)


def test_the_title_counts_verdicts(sample_log, html):
    title = re.search("<title>(.*)</title>", html(read_runs(sample_log)))
    assert title is not None
    assert title[1] == "1 failed, 1 error, 12 passed, 1 skipped - mfalab"


def test_a_report_without_cases_can_be_written(tmp_path):
    HtmlReport().write(Report(()), tmp_path / "empty.html")
    assert "no cases" in (tmp_path / "empty.html").read_text()


def test_the_bench_stands_in_the_headline(sample_log, html):
    assert "<title>1 failed" in html(read_runs(sample_log))
    lines = list(sample_log)
    lines[0] = json.dumps(json.loads(lines[0]) | {"bench": "Corner <bench>"})
    title = html(read_runs(lines)).partition("</title>")[0]
    assert title.endswith(" on Corner &lt;bench&gt; - mfalab")
