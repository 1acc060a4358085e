"""The embedded verifier offers all, and races with threads."""

from mfalab.simulator.abilities import Ability
from mfalab.simulator.lab import Lab
from mfalab.simulator.targets.embedded import EMBEDDED
from mfalab.verifier import ServiceError


def test_it_can_do_all() -> None:
    assert EMBEDDED.offer.can == frozenset(Ability)


def test_requests_of_a_race_meet() -> None:
    lab = Lab.of(people={"alice": {}})
    won: list[int] = []

    def submit() -> None:
        won.append(1)
        if len(won) > 1:
            raise ServiceError("Late", "too late", 409)

    assert sum(lab.target.race(submit, 8)) == 1
