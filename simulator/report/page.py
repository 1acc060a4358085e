"""Pages that need no network: one HTML file with its style, its programs and its data.

A page's Content-Security-Policy names its programs by their hashes and forbids every fetch, so that
neither hostile text in a log nor a library can load or run anything else.
"""

import base64
import gzip
import html
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from io import BytesIO

_SLOT = re.compile(r"\{\{(\w+)\}\}")


def texts_of(*assets: str) -> str:
    """Asset files as one text; each is named `package/file`, such as `report/report.css`."""
    return "\n".join(map(_asset, assets))


class PackedData:
    """Bytes that come in parts, for a script element that `inflate` reads: gzip and base64."""

    def __init__(self) -> None:
        self._compressed = BytesIO()
        # No time of day in the gzip header: equal reports are equal bytes.
        self._zip = gzip.GzipFile("", "wb", compresslevel=9, fileobj=self._compressed, mtime=0)

    def write(self, content: bytes) -> None:
        """Take the next part."""
        self._zip.write(content)

    def close(self) -> str:
        """All of it."""
        self._zip.close()
        return base64.b64encode(self._compressed.getvalue()).decode("ascii")


def packed(content: bytes) -> str:
    """Bytes as `PackedData`."""
    data = PackedData()
    data.write(content)
    return data.close()


def render_document(*, title: str, style: str, body: str, programs: Iterable[str] = ()) -> str:
    """A whole HTML document.

    Args:
        title: plain text.
        style: the style sheet.
        body: what is between the tags of the body.
        programs: the source of each program that may run; none may by default.
    """
    scripts = " ".join(map(_hash, programs))
    policy = (
        f"default-src 'none'; {f'script-src {scripts}; ' if scripts else ''}"
        f"style-src {_hash(style)}; img-src data:; base-uri 'none'; form-action 'none'"
    )
    slots = {"policy": policy, "title": html.escape(title), "style": style, "body": body}
    return _filled("report/document.html", slots)


@dataclass(frozen=True, slots=True)
class EntriesPage:
    """A page with a summary and a list of entries with verdicts, which `entries.js` shows.

    Args:
        mark: what kind of report it is.
        section: what the entries are, in the plural; the `id` of the element that they go into.
        headline: one line of plain text about all of them.
        foot: the last line, as HTML.
        style: the style sheet.
        programs: the asset files of its program after `format.js` and `entries.js`, in order.
        data: what the program shows, as JSON, packed.
        library: the source of a program that the page's own program starts; none by default.
        library_element: the HTML that carries it.
    """

    mark: str
    section: str
    headline: str
    foot: str
    style: str
    programs: Sequence[str]
    data: str
    library: str = ""
    library_element: str = ""

    def render(self) -> str:
        """The page as text."""
        program = texts_of("report/format.js", "report/entries.js", *self.programs)
        slots = {
            "mark": self.mark,
            "section": self.section,
            "label": self.section.capitalize(),
            "headline": html.escape(self.headline),
            "foot": self.foot,
            "data": self.data,
            "library": self.library_element,
            "program": program,
        }
        return render_document(
            title=f"{self.headline} - mfalab",
            style=self.style,
            body=_filled("report/entries.html", slots).rstrip(),
            programs=[each for each in (program, self.library) if each],
        )


def _asset(name: str) -> str:
    package, _, file = name.partition("/")
    asset = files(f"mfalab.simulator.{package}") / "assets" / file
    return asset.read_text(encoding="utf-8")


def _filled(template: str, slots: Mapping[str, str]) -> str:
    return _SLOT.sub(lambda found: slots[found.group(1)], _asset(template))


def _hash(source: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(source.encode()).digest()).decode('ascii')}'"
