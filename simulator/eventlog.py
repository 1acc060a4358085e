"""The event log: what happened in a run, one JSON object a line.

`environment/journal.py` writes what happens in a case, `runner.py` where runs, cases and steps
begin and end. The schema is in docs/event-log.md. Events are plain dictionaries with `Secret`
values where a secret stands; `encode` masks them unless they are asked for.
"""

from __future__ import annotations

import json
from typing import Any, final

VERSION = 1
MASK = "******"

Event = dict[str, Any]


@final
class Secret:
    """A text that is masked wherever it is shown, unless it is asked to be revealed."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return MASK

    def reveal(self) -> str:
        """The text itself."""
        return self._text


def encode(event: Event, *, reveal: bool = False) -> str:
    """An event as one line of JSON, without the newline.

    Raises:
        TypeError: a value is neither JSON nor a `Secret`.
    """

    def unwrap(value: object) -> str:
        if isinstance(value, Secret):
            return value.reveal() if reveal else MASK
        raise TypeError(f"{value!r} does not belong into the event log")

    return json.dumps(
        {"v": VERSION, **event}, default=unwrap, ensure_ascii=False, separators=(",", ":")
    )


class CaseLog:
    """The events of one case, stamped with its id and true time."""

    def __init__(self, case: str) -> None:
        self.case = case
        self.events: list[Event] = []

    def add(self, kind: str, ts_ns: int, **fields: Any) -> None:
        """Append an event at true time `ts_ns`."""
        self.events.append({"kind": kind, "case": self.case, "ts_ns": ts_ns, **fields})

    def take(self) -> list[Event]:
        """The events since the last call; they are no longer held here."""
        taken, self.events = self.events, []
        return taken
