"""The report of a run as one HTML file that needs no network, in the style of the suites' report.

It holds its data, its programs and its style; the page's Content-Security-Policy names the program
by its hash and forbids every fetch, so that hostile text in a trace can neither load nor run.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from mfalab.simulator.conformance.report import as_plain, headline
from mfalab.simulator.conformance.run import Run

__all__ = ["render_html", "write_html"]

_SLOT: Final = re.compile(r"\{\{(\w+)\}\}")


def write_html(run: Run, path: Path) -> None:
    """Write the report as one self-contained HTML file; an existing file is replaced."""
    path.write_text(render_html(run), encoding="utf-8", newline="\n")


def render_html(run: Run) -> str:
    """The report as the text of one self-contained HTML file."""
    shared = files("mfalab.simulator.report") / "assets"
    ours = files("mfalab.simulator.conformance") / "assets"
    program = _text(shared / "format.js") + "\n" + _text(ours / "conformance.js")
    style = _text(shared / "report.css") + "\n" + _text(ours / "conformance.css")
    data = json.dumps(as_plain(run), ensure_ascii=False, separators=(",", ":")).encode()
    slots = {
        "policy": (
            f"default-src 'none'; script-src {_hash(program)}; style-src {_hash(style)}; "
            "img-src data:; base-uri 'none'; form-action 'none'"
        ),
        "title": html.escape(f"{headline(run)} - mfalab"),
        "summary": html.escape(headline(run)),
        "style": style,
        "program": program,
        # No time of day in the gzip header: equal reports are equal bytes.
        "data": base64.b64encode(gzip.compress(data, compresslevel=9, mtime=0)).decode("ascii"),
    }
    return _SLOT.sub(lambda found: slots[found.group(1)], _text(ours / "conformance.html"))


def _text(resource: Traversable) -> str:
    return resource.read_text(encoding="utf-8")


def _hash(source: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(source.encode()).digest()).decode('ascii')}'"
