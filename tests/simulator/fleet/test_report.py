"""The page of a study: what it says, and that it needs nothing but itself."""

import re
from dataclasses import replace

import pytest

from mfalab.simulator.fleet.report import Cost, describe, render, windows_study
from mfalab.simulator.fleet.results import Result
from mfalab.simulator.fleet.simulate import nothing, simulate
from mfalab.simulator.fleet.study import Study

COST = Cost(1.5, 2.5, 200 * 2**20)


def result_of(study: Study) -> Result:
    *_, last = simulate(study)
    return Result.of(study, last)


@pytest.fixture(scope="module")
def result() -> Result:
    return result_of(
        Study.model_validate(
            {
                "study": "Is <b>this</b> a question?",
                "tokens": 200,
                "fleets": 2,
                "years": 1,
                "policies": ["aws-observed", {"name": "</script>", "profile": "rfc6238"}],
            }
        )
    )


@pytest.fixture(scope="module")
def page(result: Result) -> str:
    return render(result, result_of(windows_study(result.study)), COST)


def test_texts_are_texts(page):
    assert "Is &lt;b&gt;this&lt;/b&gt; a question?" in page
    assert '<th scope="row">&lt;/script&gt;</th>' in page
    assert "<b>this" not in page


def test_nothing_is_fetched(page):
    assert "default-src 'none'" in page
    assert not re.findall(r"""(?:src|href)=["'](?!data:)""", page.partition("<script")[0])


def test_a_part_says_that_it_is_one(result, page):
    assert "Partial" not in page
    part = replace(result, tallies=nothing(result.study), complete=False)
    assert "Partial: interrupted after 0 of 400 tokens." in render(part, None, COST)


def test_windows_are_compared_on_the_same_people():
    study = Study.model_validate({"tokens": 90_000, "climate": "car"})
    compared = windows_study(study)
    assert (compared.tokens, compared.fleets, compared.climate) == (20_000, 1, {"car": 1.0})
    assert len(compared.policies) == 18


def test_a_study_is_told_in_one_line():
    study = Study.model_validate({"climate": {"car": "25 %", "office": "75 %"}})
    assert "Climates: 25 % car, 75 % office." in describe(study)


@pytest.mark.parametrize(
    ("tokens", "logins", "told", "rate"),
    [
        (1, 52, "1 token and 52 logins, each", "(21 logins a second"),
        (30_000, 4_700_000, "30,000 tokens and 4.7 M logins, each", "(1.9 M logins a second"),
        (10**7, 1_560_000_000, "10,000,000 tokens and 1,560 M logins", "(624 M logins a second"),
    ],
)
def test_what_it_cost_is_told(result, tokens, logins, told, rate):
    tallies = replace(result.tallies, tokens=tokens, logins=logins)
    text = COST.text(replace(result, tallies=tallies))
    assert text.startswith(told)
    assert rate in text
    assert "2.5 s of processor time" in text
    assert text.endswith("200 MiB")


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_draws_all_plots_and_axe_finds_nothing(
    page, scheme, browser, tmp_path, violations
):
    path = tmp_path / "page.html"
    path.write_text(page)
    opened = browser.new_page(color_scheme=scheme)
    said: list[str] = []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.goto(path.as_uri())
    opened.wait_for_selector("body[data-drawn='4']")
    assert said == []
    assert violations(opened) == []
    opened.close()
