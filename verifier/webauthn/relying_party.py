"""A relying party of its own: users who come as they are, their keys, and nothing else.

It keeps all in memory, and no more than its limits: who was not seen for longest is forgotten.
`mfalab.verifier.security_keys` is the account's; there a key is registered by who is signed in.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from mfalab.verifier.clock import Clock
from mfalab.verifier.moments import SECOND_NS
from mfalab.verifier.profile import Profile
from mfalab.verifier.records import Ceremony, CredentialRecord
from mfalab.verifier.webauthn import ceremonies, messages
from mfalab.verifier.webauthn.outcomes import CeremonyFailed, CeremonyOutcome

MOST_USERS: Final = 1000
MOST_KEYS: Final = 16
"""Of one user."""
LONGEST_PUBLIC_KEY: Final = 4096
"""Bytes; the longest of an algorithm that is known here, ML-DSA-87, has 2,600."""
_TRANSPORTS = frozenset({"ble", "hybrid", "internal", "nfc", "smart-card", "usb"})
_CHALLENGE_BYTES = 32
_USER_ID_BYTES = 16


@dataclass(slots=True)
class User:
    """Somebody with keys."""

    id: bytes
    name: str
    keys: dict[bytes, CredentialRecord] = field(default_factory=dict)
    """By their credential ids."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A ceremony that was begun: what its answer is held to.

    Attributes:
        profile: the rules, as they were asked for.
        answered: whether an answer has named its challenge.
    """

    ceremony: Ceremony
    challenge: str
    user: User
    profile: Profile
    issued_ns: int
    answered: bool = False


class RelyingParty:
    """Registers keys, and lets who has one sign in.

    Args:
        profile: the rules; a ceremony may be begun under others.
        clock: the time in which challenges grow old.
        random_bytes: source of challenges and user ids.
    """

    def __init__(
        self, profile: Profile, clock: Clock, random_bytes: Callable[[int], bytes]
    ) -> None:
        self.profile = profile
        self._clock = clock
        self._random_bytes = random_bytes
        self._users: OrderedDict[str, User] = OrderedDict()
        self._owners: dict[bytes, User] = {}

    def begin_registration(
        self, user_name: str, display_name: str, profile: Profile
    ) -> tuple[Asked, dict[str, Any]]:
        """Ask for a new key; who is not known yet becomes a user.

        Returns:
            What the answer is held to, and `PublicKeyCredentialCreationOptionsJSON`.
        """
        user = self._users.get(user_name)
        if user is None:
            user = self._users[user_name] = User(self._random_bytes(_USER_ID_BYTES), user_name)
        self._users.move_to_end(user_name)
        if len(self._users) > MOST_USERS:
            self._forget(self._users.popitem(last=False)[1])
        asked = self._ask(Ceremony.REGISTRATION, user, profile)
        options = ceremonies.creation_options(
            profile,
            challenge=asked.challenge,
            user_id=user.id,
            user_name=user_name,
            exclude=user.keys.values(),
        )
        options["user"]["displayName"] = display_name
        return asked, options

    def begin_authentication(
        self, user_name: str, profile: Profile
    ) -> tuple[Asked, dict[str, Any]]:
        """Ask any of a user's keys to sign.

        Returns:
            What the answer is held to, and `PublicKeyCredentialRequestOptionsJSON`.

        Raises:
            CeremonyFailed: nobody of this name has a key.
        """
        user = self._users.get(user_name)
        if user is None or not user.keys:
            raise CeremonyFailed(
                CeremonyOutcome.UNKNOWN_CREDENTIAL, f"no user {user_name!r} has a key"
            )
        self._users.move_to_end(user_name)
        asked = self._ask(Ceremony.AUTHENTICATION, user, profile)
        options = ceremonies.request_options(
            profile, challenge=asked.challenge, allow=user.keys.values()
        )
        return asked, options

    def check(self, asked: Asked, client_data: messages.ClientData) -> None:
        """Whether an answer names the challenge that it is held to, and in time.

        Raises:
            CeremonyFailed: it does not.
        """
        ceremonies.check_type(client_data, asked.ceremony)
        if client_data.challenge != asked.challenge:
            raise CeremonyFailed(
                CeremonyOutcome.UNKNOWN_CHALLENGE,
                "the challenge was not given out for this ceremony",
            )
        if asked.answered:
            raise CeremonyFailed(
                CeremonyOutcome.REPLAYED_CHALLENGE, "the challenge was answered before"
            )
        age_s = (self._clock.now_ns() - asked.issued_ns) / SECOND_NS
        if age_s > asked.profile.challenge_lifetime_s:
            raise CeremonyFailed(
                CeremonyOutcome.EXPIRED_CHALLENGE,
                f"the challenge is {age_s:.0f} s old; "
                f"it is good for {asked.profile.challenge_lifetime_s} s",
            )

    def register(self, asked: Asked, registration: messages.Registration) -> None:
        """Register a key, whose challenge was checked.

        Raises:
            CeremonyFailed: it is not taken.
        """
        now_ns, user = self._clock.now_ns(), asked.user
        registered = ceremonies.judge_registration(registration, asked.profile, now_ns)
        if registration.credential_id in self._owners:
            raise CeremonyFailed(
                CeremonyOutcome.ALREADY_REGISTERED, "a credential with this id is registered"
            )
        length = len(registration.authenticator_data.public_key)
        if length > LONGEST_PUBLIC_KEY:
            raise CeremonyFailed(CeremonyOutcome.INVALID_KEY, f"the public key has {length} bytes")
        if len(user.keys) >= MOST_KEYS:
            raise CeremonyFailed(
                CeremonyOutcome.ALREADY_REGISTERED, f"{user.name!r} has {MOST_KEYS} keys already"
            )
        if self._users.get(user.name) is not user:
            raise CeremonyFailed(
                CeremonyOutcome.UNKNOWN_CHALLENGE, f"{user.name!r} was forgotten; begin again"
            )
        known = tuple(each for each in registration.transports if each in _TRANSPORTS)
        key = replace(registered.credential_of(registration), transports=known)
        user.keys[key.credential_id] = key
        self._owners[key.credential_id] = user

    def authenticate(self, asked: Asked, assertion: messages.Assertion) -> None:
        """Decide on an assertion, whose challenge was checked.

        Raises:
            CeremonyFailed: it is refused.
        """
        now_ns, user = self._clock.now_ns(), asked.user
        key = user.keys.get(assertion.credential_id)
        if key is None:
            raise CeremonyFailed(
                CeremonyOutcome.UNKNOWN_CREDENTIAL, f"the credential is none of {user.name!r}'s"
            )
        if assertion.user_handle not in (None, user.id):
            raise CeremonyFailed(
                CeremonyOutcome.WRONG_USER_HANDLE, "the key answered for another user"
            )
        ceremonies.judge_assertion(assertion, key, asked.profile)
        received, rule = assertion.authenticator_data.sign_count, asked.profile.counter_rule
        counted, failure = ceremonies.judge_counter(key, received, rule, now_ns)
        user.keys[key.credential_id] = counted
        if failure is not None:
            raise failure
        user.keys[key.credential_id] = ceremonies.used(counted, assertion, now_ns)

    def _ask(self, ceremony: Ceremony, user: User, profile: Profile) -> Asked:
        challenge = messages.encode(self._random_bytes(_CHALLENGE_BYTES))
        return Asked(ceremony, challenge, user, profile, self._clock.now_ns())

    def _forget(self, user: User) -> None:
        for credential_id in user.keys:
            del self._owners[credential_id]
