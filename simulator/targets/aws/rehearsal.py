"""A stand-in for an endpoint that nothing is sent to: this project's verifier, in this process.

It shows the calls of a run before there is a run. What depends on answers, such as the id of a key,
is otherwise at the endpoint; which operations are called on which names is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.clocks.wall import WALL
from mfalab.simulator.entropy import SystemEntropy
from mfalab.simulator.language.setting import VerifierSpec
from mfalab.simulator.targets.aws.http import response
from mfalab.verifier import CHEAP, Credentials, MemoryStore, Silence, TokenSeed, Verifier
from mfalab.verifier.wire.messages import Request
from mfalab.verifier.wire.service import Endpoint

ANY_ACCOUNT = "123456789012"
"""The id of an account where none is given."""


class LeapingWall(Timeline):
    """Wall time that passes without waiting. See `Wall`."""

    announce: Callable[[Iterable[TokenSeed]], None]
    """Tells the verifier of hardware tokens."""
    rule: Callable[[Mapping[str, Any]], None]
    """Changes figures of its rules, in the words of scenarios."""

    def wait(self, duration_ns: int) -> None:
        """Let time pass at once."""
        self.advance(duration_ns)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """An endpoint in this process. See `Transport`.

    Attributes:
        administrator: credentials of an administrator of its account.
        clock: its time.
    """

    administrator: Credentials
    clock: LeapingWall
    endpoint: Endpoint

    @classmethod
    def of(cls, account: str) -> Rehearsal:
        """One with an account that has an administrator and nothing else."""
        chance = SystemEntropy().random_bytes("rehearsal")
        clock = LeapingWall(WALL.now_ns())
        verifier = Verifier(
            store=MemoryStore(),
            clock=clock,
            random_bytes=chance,
            password_cost=CHEAP,
            outbox=Silence(),
        )
        clock.announce = verifier.register_tokens

        def rule(figures: Mapping[str, Any]) -> None:
            verifier.profile = VerifierSpec.model_validate(figures).apply(verifier.profile)

        clock.rule = rule
        verifier.create_account(
            account, root_email="root@example.com", root_password=chance(16).hex()
        )
        user = verifier.create_user(account, "administrator", administrator=True)
        endpoint = Endpoint(verifier, wall_clock=WALL, random_bytes=chance)
        return cls(verifier.create_access_key(user.id), clock, endpoint)

    def __call__(self, request: AWSPreparedRequest) -> AWSResponse:
        """See `Transport`."""
        url = urlsplit(request.url)
        headers = {str(name).lower(): _text(value) for name, value in request.headers.items()}
        body = request.body or b""
        answer = self.endpoint.answer(
            Request(
                request.method,
                url.path or "/",
                url.query,
                tuple({"host": url.netloc, **headers}.items()),
                body.encode() if isinstance(body, str) else bytes(body),
            )
        )
        return response(request.url, answer.status, dict(answer.headers), answer.body)


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
