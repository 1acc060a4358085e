"""Tags: pairs of key and value, whose keys are told apart without case but for policies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mfalab.verifier import refusals

Pairs = tuple[tuple[str, str], ...]


def pairs(tags: Iterable[Mapping[str, str]], *, fold: bool = True) -> Pairs:
    """Tags as they are kept.

    Args:
        tags: as they are handed in.
        fold: whether keys are the same that differ in case only; those of policies are not.

    Raises:
        ServiceError: InvalidInput if two keys are the same.
    """
    kept = tuple((tag["Key"], tag["Value"]) for tag in tags)
    if len({_key(key, fold=fold) for key, _ in kept}) < len(kept):
        raise refusals.duplicate_tag_keys() if fold else refusals.duplicate_policy_tag_keys()
    return kept


def added(
    present: Pairs,
    tags: Iterable[Mapping[str, str]],
    limit: int,
    quota: str,
    *,
    fold: bool = True,
) -> Pairs:
    """The tags after more were added; one of the same key is replaced.

    Raises:
        ServiceError: InvalidInput as `pairs`; LimitExceeded, with the quota's name.
    """
    new = pairs(tags, fold=fold)
    kept = without(present, (key for key, _ in new), fold=fold) + new
    if len(kept) > limit:
        raise refusals.quota_exceeded(quota, limit)
    return kept


def without(present: Pairs, keys: Iterable[str], *, fold: bool = True) -> Pairs:
    """The tags after those of some keys were taken away."""
    gone = {_key(key, fold=fold) for key in keys}
    return tuple(tag for tag in present if _key(tag[0], fold=fold) not in gone)


def shown(kept: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Tags as they are handed out, sorted by key."""
    return [{"Key": key, "Value": value} for key, value in sorted(kept)]


def _key(key: str, *, fold: bool) -> str:
    return key.lower() if fold else key
