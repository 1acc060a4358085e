"""A rehearsal answers in the process, by the rules of the verifier."""

from __future__ import annotations

import boto3
import pytest

from mfalab.simulator.targets.aws.rehearsal import Rehearsal
from mfalab.simulator.targets.aws.wire import Wire
from mfalab.verifier import ServiceError, TokenSeed


@pytest.mark.parametrize("url", [None, "https://sts.example:8443"])
def test_it_answers_for_any_address(url: str | None) -> None:
    stage = Rehearsal.of("111122223333")
    keys = stage.administrator
    session = boto3.Session(keys.access_key_id, keys.secret_access_key, region_name="eu-west-1")
    wire = Wire("it", session, stage, url)
    assert wire.call("sts", "get_caller_identity", {})["Account"] == "111122223333"
    wire.call("iam", "create_user", {"UserName": "alice"})
    with pytest.raises(ServiceError, match="EntityAlreadyExists"):
        wire.call("iam", "create_user", {"UserName": "alice"})
    assert wire.call("s3", "list_buckets", {})["Buckets"]


def test_it_is_told_of_tokens() -> None:
    stage = Rehearsal.of("111122223333")
    stage.clock.announce([TokenSeed("GAHT00000001", b"1" * 20)])
    with pytest.raises(ValueError, match="is known already"):
        stage.clock.announce([TokenSeed("GAHT00000001", b"1" * 20)])


def test_its_time_leaps() -> None:
    clock = Rehearsal.of("111122223333").clock
    before_ns = clock.now_ns()
    clock.wait(10**18)
    assert clock.now_ns() - before_ns == 10**18
