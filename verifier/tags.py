"""Tags: pairs of key and value, whose keys are told apart without case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mfalab.verifier import refusals

Pairs = tuple[tuple[str, str], ...]


def pairs(tags: Iterable[Mapping[str, str]]) -> Pairs:
    """Tags as they are kept.

    Raises:
        ServiceError: InvalidInput if two keys are equal but for case.
    """
    kept = tuple((tag["Key"], tag["Value"]) for tag in tags)
    if len({key.lower() for key, _ in kept}) < len(kept):
        raise refusals.duplicate_tag_keys()
    return kept


def added(present: Pairs, tags: Iterable[Mapping[str, str]], limit: int, quota: str) -> Pairs:
    """The tags after more were added; one of the same key is replaced.

    Raises:
        ServiceError: InvalidInput as `pairs`; LimitExceeded, with the quota's name.
    """
    new = pairs(tags)
    kept = without(present, (key for key, _ in new)) + new
    if len(kept) > limit:
        raise refusals.quota_exceeded(quota, limit)
    return kept


def without(present: Pairs, keys: Iterable[str]) -> Pairs:
    """The tags after those of some keys were taken away."""
    gone = {key.lower() for key in keys}
    return tuple(tag for tag in present if tag[0].lower() not in gone)


def shown(kept: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Tags as they are handed out, sorted by key."""
    return [{"Key": key, "Value": value} for key, value in sorted(kept)]
