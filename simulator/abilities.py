"""What steps need and what things can do, in one vocabulary.

A step declares its needs. A key or token on the bench, a simulated stand-in and a system under test
declare an `Offer`. `find_lack` compares the two and gives the sentence for a skip.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, unique
from types import MappingProxyType


@unique
class Ability(Enum):
    """Something that a thing can do; the value says it after "it cannot"."""

    # A key under any test
    REPORTS = "exchange CTAPHID reports"
    TOUCH = "be touched"
    FINGER = "have a finger put on it"
    DECLINE = "be told no by its user"
    POWER = "have its power cut"
    FAULTS = "be made faulty"
    BAD_WIRE = "be given a bad wire"
    INSIGHT = "be looked into"

    # A key in a scenario
    LATE_TOUCH = "be touched late or left alone"
    LATE_RESET = "be too late for a reset"
    UNPLUG = "be pulled out while it works"
    PIN = "have its PIN or its credentials changed"
    RESET = "be reset"
    U2F = "speak U2F"

    # Any device
    COPY = "be copied"
    BREAK = "be broken for a test"
    READ = "have its display read"
    SET_CLOCK = "have its clock set"
    TRAVEL = "be taken into another climate"

    # Time
    TOUCH_DEADLINE = "be touched so near to the end of a prompt in real time"
    RESET_DEADLINE = "be reset so near to the end of the time in which that is possible"
    LONG_WAIT = "pass so long a time at once"

    # A system under test
    CONSOLE = "be signed in to by a person"
    API = "be called by a program"
    PAGES = "show lists, and pages for administrators"
    ENROL = "be given devices"
    REMOVE = "have a device taken away"
    CODES = "judge one-time codes"
    RESYNC = "resynchronise a device by two codes"
    RACE = "judge codes that arrive at the same moment"
    COUNTERS = "verify event-based codes"
    SMS = "send codes by SMS"
    KEYS = "register security keys"
    KEY_OPTIONS = "be told what to ask of security keys"
    U2F_KEYS = "take over keys of the U2F API"
    ROOT = "have a root user"
    RULES = "be given other rules"
    SERVER_CLOCK = "have its own clock set"
    AWS_WORDS = "refuse in AWS's words"
    ANY_TIME = "be taken to another time"
    TOKENS = "be told the seeds of hardware tokens"
    ACCOUNTS = "have several accounts"
    ALONE = "have an account with nothing else in it"
    REQUESTS = "decide on requests to any service"
    CONTEXT = "show what policies see of MFA"
    REASONS = "tell why it refuses a code"
    FAILURES = "be made to fail"


OF_SYSTEM = frozenset(
    {
        Ability.CONSOLE,
        Ability.API,
        Ability.PAGES,
        Ability.ENROL,
        Ability.REMOVE,
        Ability.CODES,
        Ability.RESYNC,
        Ability.RACE,
        Ability.COUNTERS,
        Ability.SMS,
        Ability.KEYS,
        Ability.KEY_OPTIONS,
        Ability.U2F_KEYS,
        Ability.ROOT,
        Ability.RULES,
        Ability.SERVER_CLOCK,
        Ability.AWS_WORDS,
        Ability.ANY_TIME,
        Ability.TOKENS,
        Ability.ACCOUNTS,
        Ability.ALONE,
        Ability.REQUESTS,
        Ability.CONTEXT,
        Ability.REASONS,
        Ability.FAILURES,
    }
)
"""Those of a system under test; the others are of devices."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a step needs.

    Attributes:
        ability: what must be possible.
        device: the device that must be able to, by the scenario's name; None for each device that
            the scenario may mean, and for the system under test.
    """

    ability: Ability
    device: str | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """What a thing can do.

    Attributes:
        name: what to call it.
        can: its abilities.
        because: why it lacks one of the others, after a colon; nothing where that is plain.
    """

    name: str
    can: frozenset[Ability]
    because: Mapping[Ability, str] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of_all_but(cls, name: str, lacks: Mapping[Ability, str]) -> Offer:
        """The offer of a thing that can do everything but what is named, with the reasons."""
        return cls(name, frozenset(Ability) - lacks.keys(), lacks)


def find_lack(needs: Iterable[Need], offer: Offer, device: str | None = None) -> str | None:
    """What keeps a thing from doing what is needed, as a sentence; None when nothing does.

    Args:
        needs: what is needed.
        offer: what the thing can do.
        device: the device that it is to be; needs of other devices do not count.
    """
    for need in needs:
        if need.ability not in offer.can and need.device in (None, device):
            because = offer.because.get(need.ability)
            return f"{offer.name} cannot {need.ability.value}" + (f": {because}" if because else "")
    return None
