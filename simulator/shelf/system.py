"""A served verifier as the system that an environment is built around."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mfalab.simulator.abilities import Ability, Offer
from mfalab.simulator.environment.target import Premises
from mfalab.simulator.targets.embedded import EmbeddedVerifier
from mfalab.verifier import (
    CHEAP,
    Account,
    CeremonyDecision,
    Clock,
    Decision,
    Profile,
    Store,
    TrailEvent,
    Verifier,
)
from mfalab.verifier.web.mailbox import Mailbox

Happening = Decision | CeremonyDecision


class ServedVerifier(EmbeddedVerifier):
    """A verifier whose account is there before its environment is."""

    def create_account(self, *of: Any, **words: Any) -> Account:
        """The account that is served; it is opened once."""
        with self.store.transaction() as tx:
            accounts = tx.find(Account)
        return accounts[0] if accounts else super().create_account(*of, **words)


class ServedSystem:
    """The verifier that a server answers from. See `SystemUnderTest`.

    Args:
        store: where its records are.
        profile: its figures.
        random_bytes: source of all secrets.
        furnish: opens its account, if the store has none.
        clock: its time; that of the environment when left out.

    Attributes:
        mailbox: what it sent to people, once it is open.
        when_decided: is told each decision, when the environment knows it.
    """

    label = address = "served"
    one_process = True
    suite = ""
    offer = Offer("the served verifier", frozenset(Ability))
    wall = None
    mailbox: Mailbox

    def __init__(
        self,
        store: Store,
        profile: Profile,
        random_bytes: Callable[[int], bytes],
        furnish: Callable[[Verifier], object],
        clock: Clock | None = None,
    ) -> None:
        self._store = store
        self._profile = profile
        self._random_bytes = random_bytes
        self._furnish = furnish
        self._clock = clock
        self.when_decided: Callable[[Happening], None] = lambda happening: None

    def open(self, premises: Premises) -> ServedVerifier:
        """The verifier on its store, with its account."""

        def observe(happening: Happening | TrailEvent) -> None:
            if not isinstance(happening, TrailEvent):
                premises.observer(happening)
                self.when_decided(happening)

        clock = self._clock or premises.clock
        self.mailbox = Mailbox(clock, premises.outbox)
        verifier = ServedVerifier(
            store=self._store,
            clock=clock,
            random_bytes=self._random_bytes,
            profile=self._profile,
            password_cost=CHEAP,
            outbox=self.mailbox,
            observer=observe,
        )
        self._furnish(verifier)
        return verifier
