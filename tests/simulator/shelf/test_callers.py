"""Callers are known by their credentials, as far as the story goes back."""

from mfalab.simulator.shelf.shelf import Shelf
from mfalab.verifier import Credentials

from .conftest import People, steps_of


def test_keys_are_looked_up_and_sessions_of_before_the_story_are_not(
    shelf: Shelf, people: People
) -> None:
    verifier = people.verifier
    before = Credentials.of(verifier.sts(people.keys["ada"]).get_session_token())
    people.verifier.iam(people.keys["ada"]).create_user(UserName="Bob")
    shelf.recorder.begin()
    verifier.authorize(before, "s3:ListAllMyBuckets")
    made = verifier.iam(people.keys["ada"]).create_access_key(UserName="Bob")["AccessKey"]
    keys = Credentials(made["AccessKeyId"], made["SecretAccessKey"])
    verifier.sts(keys).get_caller_identity()
    assert shelf.notebook.omitted == {
        "authorize (authorize): by credentials that the story does not know": 1,
        "create_access_key (iam)": 1,
    }
    assert steps_of(shelf) == ["{do: who_am_i, who: Bob, using: keys}"]
