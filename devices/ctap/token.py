"""The pinUvAuthToken: one secret at a time, with what it may do and for how long.

Its life: `issue` makes a new one, use within 30 s (19.8 s over NFC) keeps it, 10 min end it; what
it is used for takes away presence, verification and permissions. Source: CTAP 2.1 section 6.5.2.1.
Before CTAP 2.1 a token had no permissions and lived as long as the power.
"""

from collections.abc import Callable
from typing import final

from mfalab.devices.ctap.commands import Permission, Transport
from mfalab.devices.durations import NS_PER_MS, NS_PER_S

MAX_USAGE_NS = 600 * NS_PER_S
"""After ten minutes a token is over, used or not."""


def usage_limit_ns(transport: Transport) -> int:
    """How soon a token must be used, and how long presence shown for it counts."""
    return 19_800 * NS_PER_MS if transport is Transport.NFC else 30 * NS_PER_S


@final
class PinUvAuthToken:
    """The token of an authenticator, in use or not.

    Attributes:
        value: 32 secret bytes.
        protocol: The PIN/UV protocol it was issued by.
        permissions: What it may still do.
        rp_id: The only relying party it serves, None while it has none.
        in_use: It is good for something.
    """

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        self._random_bytes = random_bytes
        self.value = b""
        self.stop()

    def stop(self) -> None:
        """The token is good for nothing any more."""
        self.protocol = 0
        self.permissions = Permission(0)
        self.rp_id: str | None = None
        self.in_use = False
        self.user_verified = False
        self._user_present = False
        self._used = False
        self._expires = False
        self._issued_ns = 0
        self._limit_ns = 0

    def issue(
        self,
        protocol: int,
        permissions: Permission,
        rp_id: str | None,
        *,
        now_ns: int,
        transport: Transport,
        user_present: bool = False,
        expires: bool = True,
    ) -> bytes:
        """Make a new token, which ends the one before, and give its value."""
        self.stop()
        self.value = self._random_bytes(32)
        self.protocol, self.permissions, self.rp_id = protocol, permissions, rp_id
        self.in_use = self.user_verified = True
        self._user_present, self._expires = user_present, expires
        self._issued_ns, self._limit_ns = now_ns, usage_limit_ns(transport)
        return self.value

    def observe(self, now_ns: int) -> None:
        """Time has passed: what is over ends."""
        if not self.in_use or not self._expires:
            return
        age_ns = now_ns - self._issued_ns
        if age_ns >= self._limit_ns:
            self._user_present = False
        if age_ns >= MAX_USAGE_NS or (not self._used and age_ns >= self._limit_ns):
            self.stop()

    def use(self) -> None:
        """It was used, so the time limit for the first use is kept."""
        self._used = True

    @property
    def user_present(self) -> bool:
        """Presence was shown when it was issued, not long ago, and was not spent yet."""
        return self.in_use and self._user_present

    def spend(self) -> None:
        """An operation with presence takes all but the permission to write large blobs."""
        self._user_present = self.user_verified = False
        self.permissions &= Permission.LARGE_BLOB_WRITE
