"""Chance: named random streams grown from one seed; nothing else may draw randomness.

A stream belongs to a name, not to a moment, so adding a device or asking in another order changes
no other's. Code that needs chance takes an `EntropySource` or one `Stream`.
"""

import random  # noqa: TID251 - this module is where chance comes from
from collections.abc import Callable
from hashlib import sha256
from typing import Protocol, final

Stream = random.Random
"""A stream of random numbers, with all the distributions of `random.Random`."""


class EntropySource(Protocol):
    """Where streams come from."""

    def stream(self, name: str) -> Stream:
        """The stream of that name, at its start."""

    def child(self, name: str) -> "EntropySource":
        """A source of its own for a part with streams of its own."""

    def random_bytes(self, name: str) -> Callable[[int], bytes]:
        """A function from a length to that many random bytes."""


@final
class Entropy:
    """Chance that repeats: the same seed and name always give the same stream.

    A stream is Python's Mersenne Twister seeded with SHA-256 of seed and name. It is good enough
    to simulate with and to make up test secrets, and never good enough to protect anything.

    Args:
        seed: A whole number or a text; `7` and `"7"` are the same seed.
    """

    __slots__ = ("_key",)

    def __init__(self, seed: int | str) -> None:
        self._key = sha256(b"seed\0" + str(seed).encode()).digest()

    def stream(self, name: str) -> Stream:
        """The stream of that name, always at its start: ask once and keep it."""
        return Stream(int.from_bytes(self._derive(b"stream\0", name)))

    def child(self, name: str) -> "Entropy":
        """A source for one part, whose names are apart from all other parts' names."""
        child = Entropy("")
        child._key = self._derive(b"child\0", name)
        return child

    def random_bytes(self, name: str) -> Callable[[int], bytes]:
        """A function from a length to that many bytes, the next of the stream of that name."""
        return self.stream(name).randbytes

    def _derive(self, purpose: bytes, name: str) -> bytes:
        # The key in the middle has a fixed length, so no two names can run into each other.
        return sha256(purpose + self._key + name.encode()).digest()


@final
class SystemEntropy:
    """Chance from the operating system, for real secrets and real devices; never repeats."""

    __slots__ = ()

    def stream(self, name: str) -> Stream:
        """An unpredictable stream, whatever the name."""
        return random.SystemRandom()

    def child(self, name: str) -> "SystemEntropy":
        """This source."""
        return self

    def random_bytes(self, name: str) -> Callable[[int], bytes]:
        """The operating system's random bytes."""
        return random.SystemRandom().randbytes
