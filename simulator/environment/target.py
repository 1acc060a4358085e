"""The port that every system under test fits: what a scenario needs of it, and no more.

The embedded verifier is one; `mfalab.simulator.targets` has others. A target says in its offer what
it can do, in the words of `abilities`, so a case that needs more is skipped before its first step.
What a target is asked for beyond its offer it never sees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from mfalab.simulator.abilities import Offer
from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.clocks.wall import Wall
from mfalab.verifier import (
    Account,
    CeremonyDecision,
    Clock,
    Console,
    Credentials,
    Decision,
    Identity,
    MfaContext,
    Outbox,
    Profile,
    Role,
    ServiceError,
    Store,
    TokenSeed,
    TrailEvent,
)


class TargetFailed(Exception):
    """The system under test gave no verdict: it is broken, or not there. Args: what it said.

    A database that is locked, an HTTP 500 or a command that is not found is no refusal.
    """


class TargetGone(TargetFailed):
    """The system under test is not there, or not any more: no case will have a verdict."""


class NotOffered(TargetFailed):
    """A case needs what the system under test has not, as its furnishing showed."""


class Target(Protocol):
    """A system under test in one case: furnished, and then used through its doors."""

    @property
    def profile(self) -> Profile:
        """Its rules, as far as they are known, and their name: windows are drawn from them."""
        ...

    @profile.setter
    def profile(self, profile: Profile) -> None: ...

    @property
    def console(self) -> Console:
        """Where people sign in and manage their devices; of its pages, those that it offers."""
        ...

    # boto3's clients have no types; nor has what stands for them here.

    def iam(self, credentials: Credentials) -> Any:
        """IAM as this caller sees it, with boto3's methods; raises `ServiceError`."""
        ...

    def sts(self, credentials: Credentials) -> Any:
        """STS as this caller sees it, with boto3's methods; raises `ServiceError`."""
        ...

    # Furnishing: names and words are those of `mfalab.verifier.Verifier`.

    def create_account(self, *of: Any, **words: Any) -> Account:
        """Open an account with its root user."""
        ...

    def create_user(self, *of: Any, **words: Any) -> Identity:
        """Create a user of an account."""
        ...

    def create_group(self, *of: Any, **words: Any) -> Any:
        """Create a group of users."""
        ...

    def create_policy(self, *of: Any, **words: Any) -> Any:
        """Create a managed policy."""
        ...

    def create_role(self, *of: Any, **words: Any) -> Role:
        """Create a role."""
        ...

    def create_access_key(self, identity_id: str) -> Credentials:
        """Long-term credentials of an identity."""
        ...

    def role_arn(self, role: Role) -> str:
        """The ARN of a role."""
        ...

    def identity_arn(self, identity_id: str) -> str:
        """The ARN of an identity."""
        ...

    def register_tokens(self, seeds: Iterable[TokenSeed]) -> None:
        """Announce hardware tokens, as their makers do."""
        ...

    def register_u2f_key(
        self, identity_id: str, name: str, registration_data: bytes, client_data_hash: bytes
    ) -> str:
        """Give an identity a key that was registered through the U2F API."""
        ...

    def authorize(self, *of: Any, **words: Any) -> Any:
        """Decide whether an identity may do something that no API of the target's does."""
        ...

    def mfa_context(self, credentials: Credentials) -> MfaContext:
        """What policies would see of MFA."""
        ...

    def inject(self, operation: str, error: ServiceError, times: int = 1) -> None:
        """Let the next calls of an operation fail."""
        ...

    def race(self, submit: Callable[[], object], requests: int) -> list[bool]:
        """Let so many requests meet, and tell which were accepted; a refusal is `ServiceError`."""
        ...

    def close(self) -> None:
        """Let go of it at the end of a case.

        Raises:
            TargetFailed: it is broken, or something is left there.
            ExpectationFailed: what it did in the case was of no use to a person.
        """
        ...


@dataclass(frozen=True, slots=True)
class Premises:
    """What a target finds in a lab.

    Attributes:
        store: where an embedded verifier keeps its records.
        clock: the verifier's time, right or wrong; a target whose time moves otherwise follows it.
        random_bytes: its source of chance.
        delays: its source of chance for how long things take, a stream for each.
        profile: the rules that the scenario asks for.
        timeline: true time, for a target that keeps step with the wall's clock.
        outbox: carries messages, mail and calls.
        observer: told of what it decides.
    """

    store: Store
    clock: Clock
    random_bytes: Callable[[int], bytes]
    delays: Callable[[str], Callable[[int], bytes]]
    profile: Profile
    timeline: Timeline
    outbox: Outbox
    observer: Callable[[Decision | CeremonyDecision | TrailEvent], None]


class SystemUnderTest(Protocol):
    """What a run tests: it is opened for each case."""

    @property
    def label(self) -> str:
        """What to call it in reports."""
        ...

    @property
    def address(self) -> str:
        """What `--target` names it by."""
        ...

    @property
    def one_process(self) -> bool:
        """Whether its cases share a world, so that they are run one after the other."""
        ...

    @property
    def suite(self) -> str:
        """The shipped suite that is about it; all of them where it is empty."""
        ...

    @property
    def offer(self) -> Offer:
        """What it can do for a scenario."""
        ...

    @property
    def wall(self) -> Wall | None:
        """The clock that its time is, so that a case begins now and waits are real; else None."""
        ...

    def open(self, premises: Premises) -> Target:
        """Open it for one case.

        Raises:
            TargetFailed: it is broken, or not there.
        """
        ...
