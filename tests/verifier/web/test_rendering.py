"""Pages are escaped, complete, and safe by their headers."""

import re
from importlib import resources
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from mfalab.verifier.web.rendering import ASSETS, POLICY, SAFETY, Renderer

WEB = Path(str(resources.files("mfalab.verifier.web")))


def test_what_is_shown_is_escaped() -> None:
    page = Renderer(lambda: 0).page("stale.html", 403, {"text": "<b>&\"'", "link": '"><script>'})
    assert b"&lt;b&gt;&amp;&#34;&#39;" in page.body
    assert b'"&#34;&gt;&lt;script&gt;"' in page.body


def test_name_that_a_template_does_not_know_is_a_defect() -> None:
    with pytest.raises(UndefinedError):
        Renderer(lambda: 0).page("stale.html", 403, {})


@pytest.mark.parametrize("name", sorted(path.name for path in (WEB / "templates").iterdir()))
def test_template_has_nothing_inline_and_nothing_unescaped(name: str) -> None:
    text = (WEB / "templates" / name).read_text()
    assert not re.search(r"\sstyle=|\son\w+=|javascript:|<style|\|\s*safe|autoescape", text)
    assert all(" src=" in tag for tag in re.findall(r"<script[^>]*>", text))
    assert not re.search(r"https?://", text)
    for form in re.findall(r'<form[^>]*method="post".*?</form>', text, re.DOTALL):
        assert "parts.token(token)" in form, form


def test_assets_are_those_that_are_there() -> None:
    assert sorted(ASSETS) == sorted(path.name for path in (WEB / "assets").iterdir())
    renderer = Renderer(lambda: 0)
    for name in ASSETS:
        found = renderer.asset(name)
        assert found is not None
        assert found.body
        assert b"http" not in found.body.replace(b"http://www.w3.org/2000/svg", b"")
    assert renderer.asset("../rendering.py") is None
    script = (WEB / "assets" / "console.js").read_text()
    assert not re.search(r"innerHTML|eval|document\.write|fetch|XMLHttp", script)


def test_policy_lets_nothing_inline_and_nothing_from_elsewhere() -> None:
    assert "unsafe" not in POLICY
    assert POLICY.startswith("default-src 'none'")
    assert {value for rule in POLICY.split("; ") for value in rule.split()[1:]} == {
        "'none'", "'self'", "'script'"
    }  # fmt: skip
    assert len({name for name, _ in SAFETY}) == len(SAFETY)


def test_moments_are_for_people() -> None:
    page = Renderer(lambda: 0)._environment.from_string("{{ 1700000000000000000 | instant }}")
    assert page.render() == "2023-11-14 22:13 UTC"


def test_file_to_keep_has_a_name() -> None:
    given = Renderer(lambda: 0).file(b"a,b", "text/csv", "report.csv")
    assert ("content-disposition", 'attachment; filename="report.csv"') in given.headers
