"""The person in front of a security key: what a key asks for, and what they do about it.

A user is a function from `Asked` to `Reaction`, or to None for a user who is not there. Those
below are the usual ones; any other function will do, and none at all is needed to call `touch()`
on the key itself.

A reaction belongs to the request that called for it: a user who comes late finds the key dark and
does nothing. With `regardless` the hand is already on its way and touches whatever the key asks for
by then, another client's request included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum, unique

from mfalab.devices.ctap.commands import Prompt, SampleStatus


@dataclass(frozen=True, slots=True)
class Asked:
    """What a key asks its user for.

    Attributes:
        prompt: a touch, or a finger on the sensor.
        rp_id: the relying party that it is for, if the key knows.
        info: what the request is for, in a word or two.
        times: how often this request has asked already, this time included.
    """

    prompt: Prompt
    rp_id: str | None = None
    info: str = ""
    times: int = 1


@unique
class Gesture(Enum):
    """What a person can do to a key."""

    TOUCH = "touch"
    FINGER = "finger"
    DECLINE = "decline"


@dataclass(frozen=True, slots=True)
class Reaction:
    """What a person does, and how long after being asked.

    Attributes:
        gesture: what.
        after_ns: how long it takes to get there.
        finger: which finger, any text or bytes that tell it from others.
        sample: how good the sensor's picture of it is.
        regardless: do it even when the key asks for something else by then.
    """

    gesture: Gesture
    after_ns: int = 0
    finger: bytes | str = b""
    sample: SampleStatus = SampleStatus.GOOD
    regardless: bool = False

    def __post_init__(self) -> None:
        if self.after_ns < 0:
            raise ValueError(f"no user reacts {-self.after_ns} ns before being asked")


User = Callable[[Asked], Reaction | None]


def touching(after_ns: int = 0, *, regardless: bool = False) -> User:
    """A user who touches the key whenever it asks for anything."""
    reaction = Reaction(Gesture.TOUCH, after_ns, regardless=regardless)
    return lambda asked: reaction


def presenting(
    finger: bytes | str, after_ns: int = 0, *, sample: SampleStatus = SampleStatus.GOOD
) -> User:
    """A user who puts that finger on the sensor, and touches where there is none."""
    reaction = Reaction(Gesture.FINGER, after_ns, finger, sample)
    return lambda asked: reaction


def declining(after_ns: int = 0) -> User:
    """A user who says no."""
    reaction = Reaction(Gesture.DECLINE, after_ns)
    return lambda asked: reaction


def absent(asked: Asked) -> None:
    """A user who is not there."""


def in_turn(*courses: Reaction | User | None, then: User = absent) -> User:
    """A user who does one thing after another, one for each time of being asked.

    Args:
        courses: reactions, whole users for one time each, or None for doing nothing once.
        then: who they are when that is all done.
    """
    left: Iterator[Reaction | User | None] = iter(courses)

    def react(asked: Asked) -> Reaction | None:
        course = next(left, then)
        return course(asked) if callable(course) else course

    return react


def slower(user: User, by_ns: int) -> User:
    """The same person with a longer way to the key."""

    def react(asked: Asked) -> Reaction | None:
        reaction = user(asked)
        return reaction and replace(reaction, after_ns=reaction.after_ns + by_ns)

    return react
