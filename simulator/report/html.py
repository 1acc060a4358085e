"""The HTML report: one file that needs no network, holding its data, its program and Chart.js.

The page's Content-Security-Policy names its programs by their hashes and forbids every fetch,
so that neither hostile text in a log nor the chart library can load or run anything else.
"""

import base64
import gzip
import html
import re
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from mfalab.simulator.report.model import Report
from mfalab.simulator.report.pack import pack
from mfalab.simulator.report.text import counts_text

_CHART = "django/static/chartkick/Chart.bundle.js"
_PROGRAMS = (
    "format.js",
    "axis.js",
    "timeline.js",
    "plots.js",
    "filter.js",
    "compare.js",
    "report.js",
)
_SLOT = re.compile(r"\{\{(\w+)\}\}")


def write_html(report: Report, path: Path) -> None:
    """Write the report as one self-contained HTML file; an existing file is replaced."""
    path.write_text(render_html(report), encoding="utf-8", newline="\n")


def render_html(report: Report) -> str:
    """The report as the text of one self-contained HTML file."""
    assets = files("mfalab.simulator.report") / "assets"
    program = "\n".join((assets / name).read_text(encoding="utf-8") for name in _PROGRAMS)
    style = (assets / "report.css").read_text(encoding="utf-8")
    chart = _chart()
    summary = counts_text(report.counts)
    slots = {
        "policy": (
            f"default-src 'none'; script-src {_hash(program)} {chart.hash}; "
            f"style-src {_hash(style)}; img-src data:; base-uri 'none'; form-action 'none'"
        ),
        "title": html.escape(f"{summary} - mfalab"),
        "summary": html.escape(summary),
        "style": style,
        "program": program,
        "licence": chart.licence,
        "chart": chart.packed,
        "data": _packed(pack(report)),
    }
    template = (assets / "report.html").read_text(encoding="utf-8")
    return _SLOT.sub(lambda found: slots[found.group(1)], template)


class _Chart(NamedTuple):
    """What the page needs of the chart library."""

    packed: str
    hash: str
    licence: str


@cache
def _chart() -> _Chart:
    bundle = (files("chartkick") / _CHART).read_bytes()
    text = bundle.decode()
    return _Chart(_packed(bundle), _hash(text), _licence(text))


def _packed(content: bytes) -> str:
    # No time of day in the gzip header: equal reports are equal bytes.
    return base64.b64encode(gzip.compress(content, compresslevel=9, mtime=0)).decode("ascii")


def _hash(source: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(source.encode()).digest()).decode('ascii')}'"


def _licence(bundle: str) -> str:
    """The licence comment with which the bundle begins, made safe inside an HTML comment."""
    comment = bundle[: bundle.index("*/") + 2] if bundle.startswith("/*") else ""
    return comment.replace("--", "- -")
