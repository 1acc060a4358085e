"""What all real keys have in common: the wall's time, the bench's hands, and a lock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from mfalab.devices.ctap.commands import Prompt
from mfalab.devices.ctap.user import Asked, Gesture
from mfalab.devices.errors import DeviceError
from mfalab.simulator.abilities import Ability
from mfalab.simulator.clocks.wall import WALL
from mfalab.simulator.keys.fixture import CannotDo, Fixture
from mfalab.simulator.keys.hands import Channel, Hand
from mfalab.simulator.keys.lock import Lock

_GESTURES = {Gesture.FINGER: Ability.FINGER, Gesture.DECLINE: Ability.DECLINE}


@dataclass(eq=False, repr=False)
class NotOne(DeviceError):
    """An address means nothing that is plugged in, or several things.

    Args:
        wanted: what the address says.
        found: what is plugged in.
    """

    wanted: str
    found: tuple[str, ...]


class Handling(TypedDict, total=False):
    """What a bench gives a real key; see `RealFixture`."""

    touch: Channel | None
    power: Channel | None
    destructive: bool
    pin: str | None


class RealFixture(Fixture):
    """A key that can be held in a hand.

    Args:
        name: its address.
        can: what it can do beside being touched and powered, which hands decide.
        touch: the channel that touches it; None when there is none.
        power: the channel that cuts its power; None when there is none.
        destructive: whether what is on it may be changed for good.
        pin: its PIN, if it has one and the bench may use it.
    """

    def __init__(
        self,
        name: str,
        can: frozenset[Ability],
        *,
        touch: Channel | None = None,
        power: Channel | None = None,
        destructive: bool = False,
        pin: str | None = None,
    ) -> None:
        hands = {Ability.TOUCH} if touch else set()
        hands |= {Ability.POWER} if power else set()
        super().__init__(name, can | hands, destructive=destructive, pin=pin)
        self._hand = Hand(touch) if touch else None
        self._power = power
        self._hold: Lock | None = None

    def now_ns(self) -> int:
        """See `Fixture.now_ns`."""
        return WALL.now_ns()

    def wait(self, duration_ns: int) -> None:
        """See `Fixture.wait`; it is really waited."""
        WALL.wait(duration_ns)

    def hold(self, *identity: str) -> None:
        """Keep other runs off the key.

        Raises:
            InUse: another run has it.
        """
        if self._hold is None:
            self._hold = Lock(self.name, *identity)

    def close(self) -> None:
        """See `Fixture.close`."""
        if self._hand is not None:
            self._hand.withdraw()
        if self._hold is not None:
            self._hold.release()
            self._hold = None

    def asked(self) -> None:
        """The key wants its user: let them do what they do.

        Raises:
            CannotDo: they do what the bench has no hand for.
            RigError: the rig cannot.
        """
        reaction = self.user(Asked(Prompt.TOUCH))
        if reaction is None or self._hand is None:
            return
        ability = _GESTURES.get(reaction.gesture)
        if ability is not None and ability not in self.can:
            raise CannotDo(self.name, ability, "Touch it, or leave it alone.")
        self._hand.reach(reaction.after_ns)

    def settled(self) -> None:
        """The key no longer wants its user.

        Raises:
            RigError: the rig failed in the mean time.
        """
        if self._hand is not None:
            self._hand.withdraw()
