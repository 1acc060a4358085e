"""Sessions and roles become steps that are replayed with the same verdicts."""

import json
from typing import Any

import pytest

from mfalab.simulator.shelf.shelf import Shelf
from mfalab.simulator.shelf.story import write_story
from mfalab.verifier import Credentials, ServiceError

from .conftest import FOB, People, steps_of


def test_roles_and_federated_users(shelf: Shelf, people: People) -> None:
    """A role is in the story with its trust policy; what it demands of MFA is judged again."""
    root = people.account
    alice = f"arn:aws:iam::{root}:user/alice"
    demands = {"Bool": {"aws:MultiFactorAuthPresent": True}}
    trust = {"Effect": "Allow", "Principal": {"AWS": alice}, "Action": "sts:AssumeRole"}
    role = people.verifier.create_role(
        root,
        "Deployer",
        trust_policy=json.dumps(
            {"Version": "2012-10-17", "Statement": {**trust, "Condition": demands}}
        ),
        policies=["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"],
        max_session_s=7200,
    )
    shelf.recorder.begin()
    shelf.put({"fob": FOB})
    people.enable("fob")
    arn = people.verifier.role_arn(role)
    sts = people.verifier.sts(people.keys["alice"])
    ask = {"RoleArn": arn, "RoleSessionName": "work"}
    with pytest.raises(ServiceError):
        sts.assume_role(**ask)
    shelf.advance(60 * 10**9)
    serial = shelf.device("fob").known_serial()
    mfa = {"SerialNumber": serial, "TokenCode": people.code("fob"), "DurationSeconds": 7200}
    session = Credentials.of(sts.assume_role(**ask, **mfa))
    people.verifier.authorize(session, "s3:ListAllMyBuckets")
    with pytest.raises(ServiceError):
        sts.assume_role(**ask, Tags=[{"Key": "a", "Value": "b"}])
    with pytest.raises(ServiceError):
        sts.get_federation_token(Name="visitor")
    ada = people.verifier.sts(people.keys["ada"])
    everything = '{"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
    made = Credentials.of(ada.get_federation_token(Name="visitor", Policy=everything))
    people.verifier.authorize(made, "s3:ListAllMyBuckets")
    steps, text = steps_of(shelf), write_story(shelf)
    refused = "expect: {refused: AccessDenied}}"
    alices = "who: alice, role: Deployer"
    visitor = "federated_user: visitor"
    policy = json.dumps(everything)
    assert steps[1:] == [
        f"{{do: assume_role, {alices}, {refused}",
        "{do: wait, for: 1 min}",
        f"{{do: assume_role, {alices}, with: fob, duration: 7200 s, as: session1}}",
        "{do: request, who: alice, action: s3:ListAllMyBuckets, using: session1}",
        f"{{do: get_federation_token, who: alice, {visitor}, {refused}",
        f"{{do: get_federation_token, who: ada, {visitor}, policy: {policy}, as: session2}}",
        "{do: request, who: ada, action: s3:ListAllMyBuckets, using: session2}",
    ]
    assert "policies: [AmazonS3ReadOnlyAccess]" in text
    assert "# not expressed: assume_role (sts): Tags cannot be given in a step\n" in text


@pytest.mark.parametrize("duration_s", [900, "900", "0900"])
def test_duration_is_a_number_or_its_spelling_of_a_request(
    shelf: Shelf, people: People, duration_s: Any
) -> None:
    people.verifier.sts(people.keys["alice"]).get_session_token(DurationSeconds=duration_s)
    assert steps_of(shelf) == [
        f"{{do: get_session, who: alice, duration: {duration_s} s, as: session1}}"
    ]
