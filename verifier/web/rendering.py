"""Pages from templates, the files that they need, and the headers of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from mfalab.verifier.moments import iso
from mfalab.verifier.records import DeviceKind
from mfalab.verifier.wire.messages import Response

ASSETS: Mapping[str, str] = {
    "style.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""All files that pages may ask for, with their types."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"""Nothing inline, nothing from elsewhere, no frames, and no script that fetches."""

SAFETY: tuple[tuple[str, str], ...] = (
    ("content-security-policy", POLICY),
    ("x-frame-options", "DENY"),
    ("x-content-type-options", "nosniff"),
    # `no-referrer` would make browsers say `Origin: null` in the forms of our own pages.
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "publickey-credentials-get=(self), publickey-credentials-create=(self)",
    ),
    ("cache-control", "no-store"),
)
"""Headers of every answer."""

KINDS: Mapping[DeviceKind, str] = {
    DeviceKind.VIRTUAL: "Authenticator app",
    DeviceKind.HARDWARE: "Hardware TOTP token",
    DeviceKind.FIDO: "Security key",
    DeviceKind.SMS: "Text message (SMS)",
}
"""The kinds of device as the pages call them."""


class Renderer:
    """Makes answers.

    Args: the verifier's time, which pages show; scripts of the same origin that pages load, and
    which may ask it.
    """

    def __init__(self, now_ns: Callable[[], int], scripts: Sequence[str] = ()) -> None:
        policy = f"{POLICY}; connect-src 'self'" if scripts else POLICY
        self._safety = (("content-security-policy", policy), *SAFETY[1:])
        self._environment = Environment(
            loader=PackageLoader("mfalab.verifier.web", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["instant"] = _instant
        self._environment.globals |= {"kinds": KINDS, "now_ns": now_ns, "scripts": scripts}

    def page(self, template: str, status: int, fields: Mapping[str, Any]) -> Response:
        """A page."""
        text = self._environment.get_template(template).render(fields)
        return Response(
            status, text.encode(), (("content-type", "text/html; charset=utf-8"), *self._safety)
        )

    def redirect(self, location: str, status: int = 303) -> Response:
        """The way to another page."""
        return Response(status, b"", (("location", location), *SAFETY))

    def file(self, content: bytes, content_type: str, name: str | None = None) -> Response:
        """A file: with a name, one to be kept."""
        headers = (("content-type", content_type), *SAFETY)
        if name is not None:
            headers = (("content-disposition", f'attachment; filename="{name}"'), *headers)
        return Response(200, content, headers)

    def asset(self, name: str) -> Response | None:
        """A file of ours."""
        if name not in ASSETS:
            return None
        file = resources.files("mfalab.verifier.web").joinpath("assets", name)
        return self.file(file.read_bytes(), ASSETS[name])


def _instant(moment: Any) -> str:
    """A moment, as nanoseconds or as IAM's answers have it, for people."""
    text = iso(moment) if isinstance(moment, int) else f"{moment:%Y-%m-%dT%H:%M:%S}"
    return f"{text[:10]} {text[11:16]} UTC"
