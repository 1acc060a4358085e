"""What keeps a device running."""

from typing import Protocol, final


class PowerSource(Protocol):
    """A battery or a mains socket, as far as a device can tell."""

    def alive(self) -> bool:
        """Whether there is enough power to work now."""


@final
class SteadyPower:
    """Power that never fails: a phone that is charged every night."""

    def alive(self) -> bool:
        """Always true."""
        return True
