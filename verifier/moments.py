"""Times as the API words them: UTC, one second exact."""

from datetime import UTC, datetime

SECOND_NS = 10**9


def moment(ns: int) -> datetime:
    """An aware datetime, as boto3 hands it out."""
    return datetime.fromtimestamp(ns // SECOND_NS, UTC)


def iso(ns: int) -> str:
    """Text such as `2026-09-11T10:00:00Z`."""
    return f"{moment(ns).replace(tzinfo=None).isoformat()}Z"
