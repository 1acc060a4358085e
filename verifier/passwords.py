"""Passwords at rest: Argon2id (RFC 9106)."""

from collections.abc import Callable
from dataclasses import dataclass

from argon2.exceptions import VerifyMismatchError
from argon2.low_level import Type, hash_secret, verify_secret

_SALT_BYTES = 16
_HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class PasswordCost:
    """The work of one hash: passes, memory in KiB, lanes."""

    time_cost: int
    memory_kib: int
    parallelism: int


RFC9106 = PasswordCost(time_cost=3, memory_kib=64 * 1024, parallelism=4)
"""The second recommended option of RFC 9106 section 4: 64 MiB."""
CHEAP = PasswordCost(time_cost=1, memory_kib=8, parallelism=1)
"""The least that Argon2 allows, for simulations that sign in a million times."""


class PasswordHasher:
    """Hashes passwords at a given cost, with salts from a given source."""

    def __init__(self, *, random_bytes: Callable[[int], bytes], cost: PasswordCost) -> None:
        self._random_bytes = random_bytes
        self._cost = cost
        self._nobody = self._hash(b"", bytes(_SALT_BYTES))

    def hash(self, password: str) -> str:
        """A salted hash in the PHC string format, which names its own cost."""
        return self._hash(_octets(password), self._random_bytes(_SALT_BYTES))

    def verify(self, password_hash: str, password: str) -> bool:
        """Whether the password is the one that was hashed.

        Raises:
            argon2.exceptions.Argon2Error: the stored text is no Argon2id hash.
        """
        try:
            return verify_secret(password_hash.encode(), _octets(password), Type.ID)
        except VerifyMismatchError:
            return False

    def burn(self, password: str) -> None:
        """The work of `verify` without a user, so that an unknown name answers no sooner."""
        self.verify(self._nobody, password)

    def _hash(self, password: bytes, salt: bytes) -> str:
        cost = self._cost
        return hash_secret(
            password,
            salt,
            time_cost=cost.time_cost,
            memory_cost=cost.memory_kib,
            parallelism=cost.parallelism,
            hash_len=_HASH_BYTES,
            type=Type.ID,
        ).decode()


def _octets(password: str) -> bytes:
    # Half of a surrogate pair is no UTF-8, but it may be typed, and must then just be wrong.
    return password.encode("utf-8", "surrogatepass")
