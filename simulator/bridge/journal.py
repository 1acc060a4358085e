"""What happened between pages and keys, for assertions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Outcome = Literal["pending", "answered", "refused", "called off", "gone"]


@dataclass(slots=True)
class PageRequest:
    """One call of `navigator.credentials.create` or `get`, and what became of it.

    Attributes:
        kind: which of the two.
        origin: of the page that asked.
        top_origin: of the page around it, when that has another; None also where two documents of
            one origin asked in the same moment.
        rp_id: the relying party; Chromium has checked that the page may ask for it.
        options: as Chromium hands them on, in WebAuthn JSON.
        key: name of the security key that was asked.
        began_ns: when, in the keys' time.
        outcome: `answered` with a credential; `refused` with an error; `called off` by the page
            (AbortSignal); `gone` with its document (reload, closed tab, removed frame).
        answer: what the page got, in WebAuthn JSON.
        error: name of the `DOMException` that it got.
        cause: why, such as CTAP's error; pages are told less.
        pins_typed: how many PINs were typed.
        rejected: what Chromium said of our answer, if it did not take it.
    """

    kind: Literal["create", "get"]
    origin: str
    top_origin: str | None
    rp_id: str
    options: dict[str, Any] = field(repr=False)
    key: str
    began_ns: int
    outcome: Outcome = "pending"
    answer: dict[str, Any] | None = field(default=None, repr=False)
    error: str | None = None
    cause: str = ""
    pins_typed: int = 0
    rejected: str | None = None
