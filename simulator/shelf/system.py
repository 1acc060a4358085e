"""A served verifier as the system that an environment is built around."""

from __future__ import annotations

from collections.abc import Callable

from mfalab.simulator.abilities import Ability, Offer
from mfalab.simulator.environment.target import Premises
from mfalab.simulator.shelf.doors import ListenedTo
from mfalab.verifier import (
    CHEAP,
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


class ServedSystem:
    """The verifier that a server answers from. See `SystemUnderTest`.

    Args:
        store: where its records are.
        profile: its figures.
        random_bytes: source of all secrets.
        furnish: opens its account, if the store has none.
        clock: its time; that of the environment when left out.

    Attributes:
        verifier: what was opened.
        mailbox: what it sent to people, once it is open.
        watched: whether the environment has devices that decisions may be about.
        when_decided: is told each decision, when the environment knows it.
    """

    verifier: ListenedTo
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
        self.watched: Callable[[], bool] = lambda: False
        self.when_decided: Callable[[Happening], None] = lambda happening: None

    def open(self, premises: Premises) -> ListenedTo:
        """The verifier on its store, with its account."""

        def observe(happening: Happening | TrailEvent) -> None:
            if isinstance(happening, TrailEvent):
                return
            verifier.decided = happening.outcome.value
            if self.watched():  # a server without devices has no windows to keep
                premises.observer(happening)
                self.when_decided(happening)

        clock = self._clock or premises.clock
        self.mailbox = Mailbox(clock, premises.outbox)
        verifier = ListenedTo(
            store=self._store,
            clock=clock,
            random_bytes=self._random_bytes,
            profile=self._profile,
            password_cost=CHEAP,
            outbox=self.mailbox,
            observer=observe,
            trail=False,
        )
        self._furnish(verifier)
        self.verifier = verifier
        return verifier
