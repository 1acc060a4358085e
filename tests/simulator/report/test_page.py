"""Pages that need no network: one file, and a policy that lets run what it holds and no more."""

import base64
import gzip
import re
from dataclasses import replace
from hashlib import sha256

import pytest

from mfalab.simulator.report.page import EntriesPage, packed, render_document, texts_of


def policy_of(page: str) -> dict[str, list[str]]:
    found = re.search('Content-Security-Policy" content="([^"]*)"', page)
    assert found is not None
    rules = (rule.split() for rule in found[1].split(";"))
    return {name: values for name, *values in rules}


def hash_of(text: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"


@pytest.fixture
def page() -> EntriesPage:
    return EntriesPage(
        mark="of a test",
        section="tests",
        headline="1 <b> {{data}}",
        foot="The end.",
        style="p {}",
        programs=["conformance/conformance.js"],
        data=packed(b'{"tests": []}'),
    )


def test_a_document_without_programs_lets_none_run():
    page = render_document(title="A & B", style="p {}", body="<p>{{title}}</p>")
    assert policy_of(page) == {
        "default-src": ["'none'"],
        "style-src": [hash_of("p {}")],
        "img-src": ["data:"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }
    assert "<title>A &amp; B</title>" in page


def test_what_stands_in_a_slot_is_not_taken_for_a_slot(page):
    assert "<p>{{title}}</p>" in render_document(title="A", style="", body="<p>{{title}}</p>")
    assert '<h1 id="headline">1 &lt;b&gt; {{data}}</h1>' in page.render()


def test_an_entries_page_runs_the_shared_program_with_its_own_behind(page):
    text = page.render()
    program = text.split('<script type="module">')[1].split("</script>")[0]
    own = texts_of("conformance/conformance.js")
    assert program == texts_of("report/format.js", "report/entries.js") + "\n" + own
    assert policy_of(text)["script-src"] == [hash_of(program)]


def test_a_library_may_run_as_well(page):
    text = replace(page, library="run()", library_element='<i id="chart"></i>').render()
    assert hash_of("run()") in policy_of(text)["script-src"]
    assert '<i id="chart"></i><script type="module">' in text


def test_the_section_is_where_the_skip_link_leads(page):
    text = page.render()
    assert '<a class="skip" href="#tests">Skip to the tests</a>' in text
    assert '<section id="tests" aria-label="Tests" tabindex="-1">' in text


def test_equal_content_is_packed_to_equal_text_that_unpacks():
    text = packed(b"content" * 99)
    assert text == packed(b"content" * 99)
    assert gzip.decompress(base64.b64decode(text)) == b"content" * 99
