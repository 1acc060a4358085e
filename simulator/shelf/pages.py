"""The page `/shelf`: files of ours, and nothing from anywhere else.

The page itself says nothing and may be fetched without the token. What it shows and does is asked
for with the token, which is in the fragment of the URL that the start line shows: browsers send no
fragment, and no other site can add the header that carries the token.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Final

from mfalab.verifier.wire.messages import Request, Response

PREFIX: Final = "/shelf"
KEYS: Final = "/console/static/keys.js"
"""The script by which pages of the console have the security keys of the shelf."""
_FILES: Final[Mapping[str, tuple[str, str]]] = {
    "/shelf": ("shelf.html", "text/html; charset=utf-8"),
    "/shelf/shelf.css": ("shelf.css", "text/css; charset=utf-8"),
    KEYS: ("keys.js", "text/javascript; charset=utf-8"),
    "/shelf/icon.svg": ("icon.svg", "image/svg+xml"),
    "/shelf/shelf.js": ("shelf.js", "text/javascript; charset=utf-8"),
}
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = (
    ("content-security-policy", _POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cache-control", "no-cache"),
)


def answer(request: Request) -> Response:
    """A file of the page."""
    found = _FILES.get(request.path.rstrip("/"))
    if found is None:
        return _plain(404, "There is nothing here; the shelf is at /shelf.")
    if request.method not in ("GET", "HEAD"):
        return _plain(405, "GET shows the shelf.")
    name, kind = found
    body = files("mfalab.simulator.shelf").joinpath("assets", name).read_bytes()
    return Response(
        200, b"" if request.method == "HEAD" else body, (("content-type", kind), *_HEADERS)
    )


def _plain(status: int, text: str) -> Response:
    headers = (("content-type", "text/plain; charset=utf-8"), *_HEADERS)
    return Response(status, f"{text}\n".encode(), headers)
