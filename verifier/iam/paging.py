"""Lists in pages, as IAM's `Marker` and `MaxItems` ask for them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from mfalab.verifier import refusals, tags
from mfalab.verifier.calls import Paging
from mfalab.verifier.records import Identity, Role, UserGroup

T = TypeVar("T")
Named = TypeVar("Named", Identity, UserGroup, Role)


def page(
    items: Iterable[T], key: Callable[[T], str], paging: Paging
) -> tuple[list[T], dict[str, Any]]:
    """One page of items, sorted by a key, and the answer's fields about the rest.

    A marker names the last item that was shown, so a page is right although items came or went.
    """
    marker, max_items = paging.get("Marker"), paging.get("MaxItems")
    last = None if marker is None else _unwrap(marker)
    rest = [item for item in sorted(items, key=key) if last is None or key(item) > last]
    size = 100 if max_items is None else max_items
    shown = rest[:size]
    answer: dict[str, Any] = {"IsTruncated": len(rest) > size}
    if len(rest) > size:
        answer["Marker"] = base64.urlsafe_b64encode(b"after:" + key(shown[-1]).encode()).decode()
    return shown, answer


def page_by_name(
    found: Iterable[Named], path_prefix: str | None, paging: Paging
) -> tuple[list[Named], dict[str, Any]]:
    """One page of the entities below a path, by name without case."""
    wanted = [each for each in found if each.path.startswith(path_prefix or "/")]
    return page(wanted, lambda each: each.name_key, paging)


def page_of_tags(kept: tags.Pairs, paging: Paging) -> dict[str, Any]:
    """The answer with one page of tags, by key."""
    shown, rest = page(kept, lambda tag: tag[0], paging)
    return {"Tags": tags.shown(shown), **rest}


def _unwrap(marker: str) -> str:
    try:
        text = base64.b64decode(marker, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise refusals.invalid_marker() from None
    if not text.startswith("after:"):
        raise refusals.invalid_marker()
    return text.removeprefix("after:")
