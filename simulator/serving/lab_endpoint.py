"""A lab's verifier on a socket, for tests of what talks to AWS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from mfalab.simulator.clocks.wall import WALL
from mfalab.simulator.entropy import SystemEntropy
from mfalab.simulator.environment.lab_clock import LabClock
from mfalab.simulator.lab import Lab
from mfalab.simulator.serving.server import Server, listen, url_of
from mfalab.verifier import Credentials
from mfalab.verifier.wire.asgi import Application
from mfalab.verifier.wire.service import Endpoint

REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class LabEndpoint:
    """Where AWS's clients find a lab's verifier."""

    url: str
    account: str
    """Its id."""
    clock: LabClock
    """True time of the lab, which the verifier follows: `clock.advance("30 s")`."""
    users: Mapping[str, Credentials]
    """The access keys of the lab's people, by their names in the lab."""

    def client_settings(self, who: str) -> dict[str, str]:
        """Keywords for `boto3.client` and `boto3.Session.client`: a person's, and where to.

        Raises:
            KeyError: no person of this name has access keys.
        """
        keys = self.users[who]
        return {
            "endpoint_url": self.url,
            "region_name": REGION,
            "aws_access_key_id": keys.access_key_id,
            "aws_secret_access_key": keys.secret_access_key,
        }

    def environment(self, who: str) -> dict[str, str]:
        """Environment variables for programs: a person's, and where to.

        Raises:
            KeyError: no person of this name has access keys.
        """
        keys = self.users[who]
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": keys.access_key_id,
            "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
        }


@contextmanager
def served_lab(lab: Lab) -> Iterator[LabEndpoint]:
    """Serve a lab's verifier from a thread, until the end of the context."""
    random_bytes = SystemEntropy().random_bytes("request ids")
    answers = Endpoint(lab.verifier, wall_clock=WALL, random_bytes=random_bytes)
    listener = listen("127.0.0.1", 0)
    people = {name: person.keys for name, person in lab.people.items()}
    endpoint = LabEndpoint(
        url_of(listener),
        lab.accounts["main"].id,
        lab.timeline,
        {name: keys for name, keys in people.items() if keys is not None},
    )
    with Server(Application(answers.answer_all), listener):
        yield endpoint
