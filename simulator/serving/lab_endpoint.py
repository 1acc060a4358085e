"""A lab's verifier on a socket, for tests of what talks to AWS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from mfalab.simulator.entropy import SystemEntropy
from mfalab.simulator.environment.lab_clock import LabClock
from mfalab.simulator.lab import Lab
from mfalab.simulator.serving.application import TOKEN_BYTES, application, pages_of
from mfalab.simulator.serving.fido import PLACE, at_origin, origin_of
from mfalab.simulator.serving.server import Server, listen, url_of
from mfalab.verifier import Credentials
from mfalab.verifier.web.mailbox import Mailbox

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
    console: str
    """Where people sign in: the URL of the console's pages."""
    inbox: str
    """Where a browser shows their mail, texts and calls."""
    passwords: Mapping[str, str]
    """For the console, as the lab's people know them at the beginning; by their names in it."""

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
    """Serve a lab's verifier from a thread, until the end of the context.

    For this time its relying party is at the console's origin, so that keys which the lab's people
    register sign in at the pages, and the other way round.
    """
    verifier, random_bytes = lab.verifier, SystemEntropy().random_bytes("request ids")
    listener = listen("127.0.0.1", 0)
    url, token = url_of(listener), random_bytes(TOKEN_BYTES).hex()
    profile, outbox = verifier.profile, verifier.outbox
    mailbox = Mailbox(verifier.clock, outbox)
    verifier.profile, verifier.outbox = at_origin(profile, origin_of(url)), mailbox
    answers = application(
        verifier, mailbox, origin=origin_of(url), token=token, random_bytes=random_bytes
    )
    people = {name: person.keys for name, person in lab.people.items()}
    endpoint = LabEndpoint(
        url,
        lab.accounts["main"].id,
        lab.timeline,
        {name: keys for name, keys in people.items() if keys is not None},
        passwords={name: person.password for name, person in lab.people.items()},
        **pages_of(url, token),
    )
    try:
        with Server(answers, listener):
            yield endpoint
    finally:
        place = {name: getattr(profile, name) for name in PLACE}
        verifier.profile, verifier.outbox = replace(verifier.profile, **place), outbox
