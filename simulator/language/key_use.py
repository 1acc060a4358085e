"""How a person uses a security key: when they touch it, what they type, where they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, Literal

from pydantic import Field

from mfalab.simulator.abilities import Ability, Need
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.language.units import Duration
from mfalab.simulator.language.words import PersonName, Pin, Strict

_PROMPT_NS: Final = 30 * NS_PER_S
_EDGE_NS: Final = 3 * NS_PER_S
SUBDOMAIN: Final = "a subdomain"
NEARBY: Final = ("another port", SUBDOMAIN)
"""Origins that an honest browser lets ask for the same relying party."""


class KeyUse(Strict):
    """How a person uses a security key in one ceremony."""

    touch: (
        Literal["natural", "at once", "late", "never", "declined", "not asked for"] | Duration
    ) = "natural"
    """When they touch it: natural is some seconds, late is after it gave up, or a duration. Not
    asked for is a sign-in by a program that asks the key in silence (CTAP 2.1, option `up`)."""
    pin: Annotated[
        Pin, Field(json_schema_extra={"examples": ["right", "wrong", "none", "1234"]})
    ] = "right"
    """What they type when asked for the PIN: right, wrong, none, or the very text."""
    finger: str | None = None
    """Which finger they put on a sensor; the first that is enrolled when left out."""
    origin: Annotated[
        str | None, Field(json_schema_extra={"examples": ["https://example.com", *NEARBY]})
    ] = None
    """The site they are at; the relying party's own when left out. `another port` and `a subdomain`
    are those of the own host."""
    client: Literal["honest", "careless"] = "honest"
    """Whether the browser checks that a site may ask for a relying party, as all browsers do."""
    credential_of: PersonName | None = None
    """A page that was tampered with asks for this person's registration of the key instead."""
    handle_of: PersonName | None = None
    """The answer was tampered with and names this person as the one who signs in."""
    verification: Literal["as asked", "left out"] = "as asked"
    """Whether the page was tampered with so that it asks for no PIN and no finger."""
    rp_id: str | None = None
    """A page that was tampered with signs in for this relying party instead."""
    pulled_out_after: Duration | None = Field(default=None)
    """The key is pulled out so long after it begins to work."""

    def needs(self, device: str | None) -> Iterator[Need]:
        """What the key, or whichever key is used, must be able to."""
        if isinstance(self.touch, int) and is_near(self.touch, _PROMPT_NS):
            yield Need(Ability.TOUCH_DEADLINE, device)
        if isinstance(self.touch, int) or self.touch in ("late", "never", "declined"):
            yield Need(Ability.LATE_TOUCH, device)
        if self.touch not in ("never", "not asked for"):
            yield Need(Ability.TOUCH, device)
        if self.touch == "declined":
            yield Need(Ability.DECLINE, device)
        if self.finger is not None:
            yield Need(Ability.FINGER, device)
        if self.pin not in ("right", "none"):
            yield Need(Ability.PIN, device)  # a wrong one costs a try
        if self.pulled_out_after is not None:
            yield Need(Ability.UNPLUG, device)


def is_near(duration_ns: int | None, deadline_ns: int) -> bool:
    """Whether a duration ends so near before a deadline that real time may miss it."""
    return duration_ns is not None and deadline_ns - _EDGE_NS < duration_ns <= deadline_ns
