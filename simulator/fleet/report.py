"""A study as one HTML page that needs no network: a table, four plots, and what it cost."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

import numpy as np

from mfalab.simulator.fleet.results import PolicyResult, Result
from mfalab.simulator.fleet.study import Policy, Study
from mfalab.simulator.report.html import chart_library
from mfalab.simulator.report.page import packed, render_document, texts_of

_COLUMNS: Final = {
    "refused logins": "refused",
    "resyncs": "resyncs",
    "lockouts": "lockouts",
    "fallen out": "fallen_out",
    "wrong codes": "wrong_codes",
    "logins missed, waiting": "waiting",
}
_WINDOWS: Final = (0, 1, 2, 3, 4, 5, 6, 8, 10)
_SAMPLE: Final = 20_000
"""Tokens on which windows are compared."""
_SLOT: Final = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a study cost.

    Attributes:
        seconds: by the wall.
        processor_seconds: of all threads.
        memory_bytes: the most that was resident.
    """

    seconds: float
    processor_seconds: float
    memory_bytes: int

    def text(self, result: Result) -> str:
        """In one sentence."""
        logins = result.tallies.logins
        rate = logins / max(self.processor_seconds, 1e-9)
        tokens = result.tallies.tokens
        policies = len(result.study.policies)
        judged = f", each judged by {policies} policies," if policies > 1 else ""
        return (
            f"{tokens:,} token{'s' if tokens != 1 else ''} and {_amount(logins)} logins{judged} in "
            f"{self.seconds:.1f} s: {self.processor_seconds:.1f} s of processor time "
            f"({_amount(rate)} logins a second of it), "
            f"{self.memory_bytes / 2**20:,.0f} MiB"
        )


def _amount(number: float) -> str:
    """To be read, not to be computed with."""
    if number < 1e6:
        return f"{number:,.0f}"
    return f"{number / 1e6:,.{0 if number >= 1e7 else 1}f} M"


def windows_study(study: Study) -> Study:
    """The same people and tokens under windows of all sizes, with and without drift memory."""
    policies = [
        Policy(
            name=f"{'memory' if memory else 'no memory'} +-{steps}",
            profile="rfc6238",
            window_back=steps,
            window_ahead=steps,
            drift_memory=memory,
        )
        for memory in (False, True)
        for steps in _WINDOWS
    ]
    fleet = min(study.tokens, _SAMPLE)
    return study.model_copy(update={"policies": policies, "fleets": 1, "tokens": fleet})


def render(result: Result, windows: Result | None, cost: Cost) -> str:
    """The page.

    Args:
        result: of the study.
        windows: of its `windows_study`; without it the picture has the policies alone.
        cost: what it took.
    """
    study = result.study
    policies = result.policies()
    program = "\n".join((texts_of("report/format.js"), _asset("fleet.js")))
    library, element = chart_library()
    slots = {
        "headline": html.escape(study.study),
        "study": html.escape(describe(study)),
        "partial": _partial(result),
        "heads": "".join(
            f'<th scope="col">{head}</th>'
            for head in (
                "policy",
                *_COLUMNS,
                "days until half had a refused code",
                "guesses a day",
                "guessed in a year",
            )
        ),
        "rows": "\n".join(map(_row, policies)),
        "cost": html.escape(cost.text(result)),
        "data": packed(json.dumps(_data(result, policies, windows), allow_nan=False).encode()),
        "library": element,
        "program": program,
    }
    body = _SLOT.sub(lambda found: slots[found.group(1)], _asset("fleet.html"))
    return render_document(
        title=f"{study.study} - mfalab",
        style=texts_of("report/report.css") + "\n" + _asset("fleet.css"),
        body=body,
        programs=[program, library],
    )


def describe(study: Study) -> str:
    """The study in one line."""

    def mixed(shares: dict[str, float]) -> str:
        if len(shares) == 1:
            return next(iter(shares))
        return ", ".join(f"{100 * share:g} % {name}" for name, share in shares.items())

    return (
        f"{study.fleets} x {study.tokens:,} tokens for {study.years:g} years from {study.begins}. "
        f"Crystals: {mixed(study.crystal)}. Climates: {mixed(study.climate)}. "
        f"Habits: {mixed(study.habit)}. Seed {study.seed}."
    )


def _asset(name: str) -> str:
    return (files("mfalab.simulator.fleet") / "assets" / name).read_text(encoding="utf-8")


def _partial(result: Result) -> str:
    if result.complete:
        return ""
    of = result.study.tokens * result.study.fleets
    return (
        f'<p class="partial" role="status">Partial: interrupted after {result.tallies.tokens:,} of '
        f"{of:,} tokens.</p>"
    )


def _row(policy: PolicyResult) -> str:
    first = policy.days_to_first[1]
    cells = [
        *(f"{policy.per_thousand_a_year(name):,.1f}" for name in _COLUMNS.values()),
        "never" if first is None else f"{first:,}",
        f"{policy.exposure.guesses_a_day:,.0f}",
        f"{policy.exposure.in_a_year:.2g}",
    ]
    return (
        f'<tr><th scope="row">{html.escape(policy.name)}</th>'
        + "".join(f"<td>{cell}</td>" for cell in cells)
        + "</tr>"
    )


def _data(result: Result, policies: list[PolicyResult], windows: Result | None) -> dict[str, Any]:
    """What the plots show."""
    weeks = np.array([(first - result.study.begins).days // 7 for first in result.firsts])
    tokens = max(result.tallies.tokens, 1)
    shown = []
    for index, policy in enumerate(policies):
        reached = result.tallies.first_refusals[index].cumsum() / tokens
        at = np.clip(np.append(weeks[1:], len(reached)) - 1, 0, len(reached) - 1)
        shown.append(
            _point(policy)
            | {
                "refused": result.by_month(index, "refused").tolist(),
                "first": [round(100 * float(each), 3) for each in reached[at]],
            }
        )
    curves: dict[str, list[dict[str, Any]]] = {}
    for each in windows.policies() if windows else []:
        curve, _, _ = each.name.rpartition(" ")
        curves.setdefault(curve, []).append(_point(each))
    costs = [each["cost"] for each in (*shown, *(p for c in curves.values() for p in c))]
    least = min((cost for cost in costs if cost), default=1.0) / 3
    return {
        "months": [first.strftime("%Y-%m") for first in result.firsts],
        "policies": shown,
        "windows": curves,
        "least": least,
        "clocks": [
            [None if np.isnan(value) else value for value in row]
            for row in result.clock_steps().tolist()
        ],
    }


def _point(policy: PolicyResult) -> dict[str, Any]:
    return {
        "name": policy.name,
        "cost": policy.per_thousand_a_year("refused"),
        "guessed": policy.exposure.in_a_year,
    }
