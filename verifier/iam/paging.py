"""Lists in pages, as IAM's `Marker` and `MaxItems` ask for them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any, TypeVar

from mfalab.verifier import refusals

T = TypeVar("T")


def page(
    items: list[T], key: Callable[[T], str], marker: str | None, max_items: int | None
) -> tuple[list[T], dict[str, Any]]:
    """One page of items that are sorted by a key, and the answer's fields about the rest.

    A marker names the last item that was shown, so a page is right although items came or went.
    """
    last = None if marker is None else _unwrap(marker)
    rest = [item for item in items if last is None or key(item) > last]
    size = 100 if max_items is None else max_items
    shown = rest[:size]
    answer: dict[str, Any] = {"IsTruncated": len(rest) > size}
    if len(rest) > size:
        answer["Marker"] = base64.urlsafe_b64encode(b"after:" + key(shown[-1]).encode()).decode()
    return shown, answer


def _unwrap(marker: str) -> str:
    try:
        text = base64.b64decode(marker, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise refusals.invalid_marker() from None
    if not text.startswith("after:"):
        raise refusals.invalid_marker()
    return text.removeprefix("after:")
