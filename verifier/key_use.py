"""The last use of an access key, which IAM tells later than it happens."""

from collections.abc import Iterable

from mfalab.verifier.moments import SECOND_NS
from mfalab.verifier.records import AccessKey, Use

GRAIN_NS = 15 * 60 * SECOND_NS
"""How exact the last use of an access key is kept, so that not every call writes."""


def is_news(key: AccessKey, service: str, now_ns: int) -> bool:
    """Whether a use now differs from the last one that was written down."""
    if not key.uses:
        return True
    used_ns, last_service, _ = key.uses[-1]
    return last_service != service or now_ns - used_ns >= GRAIN_NS


def after_use(uses: Iterable[Use], used: Use) -> tuple[Use, ...]:
    """The uses worth keeping: the last that is told by now, the next to be told, and the newest.

    So a key that is used all the time, at changing services, keeps three of them, and the news of
    none is put off by a newer one.
    """
    now_ns, known = used[0], list(uses)
    told = [use for use in known if use[2] <= now_ns][-1:]
    # What is told after a newer use would be no news.
    coming = [use for use in known if use[2] > now_ns and use > max(told, default=())]
    return (*told, *coming[:1], used)


def last_use(key: AccessKey, now_ns: int) -> Use | None:
    """The last use that IAM tells of; None if it knows none yet."""
    told = [use for use in key.uses if use[2] <= now_ns]
    return told[-1] if told else None
