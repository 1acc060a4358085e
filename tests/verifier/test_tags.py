"""Tags: one for each key, whatever its case."""

import pytest

from mfalab.verifier import ServiceError, tags

RED = {"Key": "Team", "Value": "red"}
BLUE = {"Key": "team", "Value": "blue"}


def test_key_of_another_case_is_replaced() -> None:
    kept = tags.added(tags.pairs([RED]), [BLUE], 1, "TagsPerUser")
    assert tags.shown(kept) == [BLUE]


def test_one_request_names_a_key_once() -> None:
    with pytest.raises(ServiceError, match="InvalidInput: Duplicate tag keys found"):
        tags.pairs([RED, BLUE])


def test_limit_counts_what_is_there_afterwards() -> None:
    kept = tags.pairs([RED])
    with pytest.raises(ServiceError, match="Cannot exceed quota for TagsPerUser: 1"):
        tags.added(kept, [{"Key": "x", "Value": ""}], 1, "TagsPerUser")
    assert tags.without(kept, ["TEAM", "unknown"]) == ()
