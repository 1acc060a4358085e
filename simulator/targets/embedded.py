"""The verifier of this project, in the lab's own process and time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Final

from mfalab.simulator.abilities import Ability, Offer
from mfalab.simulator.environment.target import Premises, Target
from mfalab.verifier import CHEAP, ServiceError, Verifier


def race(submit: Callable[[], object], requests: int) -> list[bool]:
    """See `Target.race`: every request has a thread of its own."""
    together = Barrier(requests)

    def request(_: int) -> bool:
        together.wait()
        try:
            submit()
        except ServiceError:
            return False
        return True

    with ThreadPoolExecutor(requests) as pool:
        return list(pool.map(request, range(requests)))


class EmbeddedVerifier(Verifier):
    """A verifier as a target: see `Target`."""

    race = staticmethod(race)

    def close(self) -> None:
        """Nothing is held."""


class EmbeddedSystem:
    """The embedded verifier: it can do all that a scenario may ask. See `SystemUnderTest`."""

    label = address = "embedded"
    suite = ""
    one_process = False
    offer = Offer("the embedded verifier", frozenset(Ability))
    wall = None

    def open(self, premises: Premises) -> Target:
        """A new verifier on the case's store."""
        return EmbeddedVerifier(
            store=premises.store,
            clock=premises.clock,
            random_bytes=premises.random_bytes,
            delays=premises.delays,
            profile=premises.profile,
            password_cost=CHEAP,
            outbox=premises.outbox,
            observer=premises.observer,
        )


EMBEDDED: Final = EmbeddedSystem()
"""What is under test unless something else is named."""
