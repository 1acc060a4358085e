"""The relying party's checks, ceremony by ceremony (WebAuthn Level 3 sections 7.1 and 7.2).

Pure functions: the options for the client, and the judgement of its answer. The challenge is
looked up and spent by `mfalab.verifier.security_keys`, in the transaction that decides.

The order is the standard's. A counter counts only under a signature that verified, so that no other
key can mark this one as cloned.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature

from mfalab.verifier.profile import CounterRule, Profile, UserVerification
from mfalab.verifier.records import Ceremony, CredentialRecord
from mfalab.verifier.webauthn import attestation, cose, messages, statements
from mfalab.verifier.webauthn.messages import BE, BS, UP, UV
from mfalab.verifier.webauthn.outcomes import CeremonyFailed, CeremonyOutcome

_REQUIRED = UserVerification.REQUIRED


@dataclass(frozen=True, slots=True)
class Registered:
    """The result of a registration that passed."""

    attestation: attestation.Attestation
    certifications: tuple[tuple[str, str], ...]

    def credential_of(self, registration: messages.Registration) -> CredentialRecord:
        """The credential record (WebAuthn Level 3 section 7.1 step 27), of no device yet."""
        data = registration.authenticator_data
        return CredentialRecord(
            device_id="",
            credential_id=data.credential_id,
            public_key=data.public_key,
            sign_count=data.sign_count,
            aaguid=data.aaguid,
            transports=registration.transports,
            backup_eligible=bool(data.flags & BE),
            backed_up=bool(data.flags & BS),
            user_verified=bool(data.flags & UV),
            attestation_format=registration.format,
            certifications=self.certifications,
        )


def creation_options(
    profile: Profile,
    *,
    challenge: str,
    user_id: bytes,
    user_name: str,
    exclude: Iterable[CredentialRecord],
) -> dict[str, Any]:
    """What the client is asked to create: `PublicKeyCredentialCreationOptionsJSON`."""
    options: dict[str, Any] = {
        "rp": {"id": profile.rp_id, "name": profile.rp_name},
        "user": {"id": messages.encode(user_id), "name": user_name, "displayName": user_name},
        "challenge": challenge,
        "pubKeyCredParams": [{"type": "public-key", "alg": alg} for alg in profile.algorithms],
        "timeout": profile.challenge_lifetime_s * 1000,
        "excludeCredentials": [_descriptor(credential) for credential in exclude],
        "authenticatorSelection": {
            **_selection(profile),
            "requireResidentKey": False,
            "userVerification": profile.user_verification.value,
        },
        "attestation": profile.attestation.value,
    }
    if profile.app_id is not None:
        options["extensions"] = {"appidExclude": profile.app_id}
    return options


def _selection(profile: Profile) -> dict[str, str]:
    """Which authenticators are asked for: security keys, or with passkeys any."""
    if profile.passkeys:
        return {"residentKey": "preferred"}
    return {"authenticatorAttachment": "cross-platform", "residentKey": "discouraged"}


def request_options(
    profile: Profile, *, challenge: str, allow: Iterable[CredentialRecord]
) -> dict[str, Any]:
    """What the client is asked to sign: `PublicKeyCredentialRequestOptionsJSON`.

    The `appid` extension is there when one of the keys is of the U2F API.
    """
    credentials = list(allow)
    options: dict[str, Any] = {
        "challenge": challenge,
        "timeout": profile.challenge_lifetime_s * 1000,
        "rpId": profile.rp_id,
        "allowCredentials": [_descriptor(credential) for credential in credentials],
        "userVerification": profile.user_verification.value,
    }
    if any(credential.app_id == profile.app_id is not None for credential in credentials):
        options["extensions"] = {"appid": profile.app_id}
    return options


def judge_registration(
    registration: messages.Registration, profile: Profile, now_ns: int
) -> Registered:
    """Steps 7 to 24 of registration, but for the challenge and the credential's novelty.

    Raises:
        CeremonyFailed: with the first check that was not passed.
    """
    check_client_data(registration.client_data, profile)
    if registration.attachment == "platform" and not profile.passkeys:
        raise CeremonyFailed(
            CeremonyOutcome.PLATFORM_AUTHENTICATOR,
            "the authenticator is built into the machine; security keys were asked for",
        )
    _check_authenticator_data(registration.authenticator_data, profile, _hash(profile.rp_id))
    cose_key = registration.authenticator_data.cose_key
    try:
        algorithm = cose.algorithm_of(cose_key)
        # Before the key is loaded: it may be sound and of an algorithm that is not known here.
        if algorithm not in profile.algorithms:
            raise CeremonyFailed(
                CeremonyOutcome.UNSUPPORTED_ALGORITHM,
                f"the key's algorithm is {algorithm}; asked for were {list(profile.algorithms)}",
            )
        key = cose.load(cose_key)
    except cose.InvalidKey as error:
        raise CeremonyFailed(CeremonyOutcome.INVALID_KEY, str(error)) from None
    verified = statements.verify_statement(registration, key)
    return Registered(verified, attestation.check_trust(verified, registration, profile, now_ns))


def judge_assertion(
    assertion: messages.Assertion, credential: CredentialRecord, profile: Profile
) -> None:
    """Steps 10 to 21 of authentication, but for the challenge: all before the counter.

    Raises:
        CeremonyFailed: with the first check that was not passed.
    """
    data = assertion.authenticator_data
    check_client_data(assertion.client_data, profile)
    # The client says whether it fell back to the U2F API's scope; only a key of that API may.
    fallen_back = assertion.extensions.get("appid") is True
    scope = credential.app_id if fallen_back else profile.rp_id
    if scope is None or (fallen_back and scope != profile.app_id):
        raise CeremonyFailed(CeremonyOutcome.WRONG_RP_ID, "the key is none of the U2F API")
    _check_authenticator_data(data, profile, _hash(scope))
    if bool(data.flags & BE) != credential.backup_eligible:
        raise CeremonyFailed(
            CeremonyOutcome.INCONSISTENT_BACKUP, "the key's eligibility for backup has changed"
        )
    try:
        cose.public_key(credential.public_key).verify(
            assertion.signature, data.raw + assertion.client_data.hash
        )
    except InvalidSignature:
        raise CeremonyFailed(
            CeremonyOutcome.BAD_SIGNATURE, "the signature is not that of the registered key"
        ) from None


def counter_grew(stored: int, received: int) -> bool:
    """Step 22: whether a signature counter is as it should be. A key without one sends zeros."""
    return received > stored or received == stored == 0


def judge_counter(
    credential: CredentialRecord, received: int, rule: CounterRule, now_ns: int
) -> tuple[CredentialRecord, CeremonyFailed | None]:
    """Step 22 by a rule: the credential as it is to be kept, and why it is refused, if it is."""
    if rule is CounterRule.LOCK and credential.cloned_ns is not None:
        return credential, CeremonyFailed(
            CeremonyOutcome.CLONED, "the key was found to be cloned before"
        )
    stored = credential.sign_count
    counted = replace(credential, sign_count=max(stored, received))
    if rule is CounterRule.IGNORE or counter_grew(stored, received):
        return counted, None
    if credential.cloned_ns is None:
        counted = replace(counted, cloned_ns=now_ns)
    if rule is CounterRule.REPORT:
        return counted, None
    return counted, CeremonyFailed(
        CeremonyOutcome.COUNTER_REGRESSED,
        f"the signature counter is {received} after {stored}: this key has a copy",
    )


def used(
    credential: CredentialRecord, assertion: messages.Assertion, now_ns: int
) -> CredentialRecord:
    """Step 24: the credential record after an assertion that passed."""
    flags = assertion.authenticator_data.flags
    return replace(
        credential,
        backed_up=bool(flags & BS),
        user_verified=credential.user_verified or bool(flags & UV),
        last_used_ns=now_ns,
    )


def check_type(client_data: messages.ClientData, ceremony: Ceremony) -> None:
    """Refuse client data of the other ceremony.

    Raises:
        CeremonyFailed: WRONG_TYPE.
    """
    if client_data.type != ceremony.value:
        raise CeremonyFailed(
            CeremonyOutcome.WRONG_TYPE,
            f"the client data is of type {client_data.type!r}, not {ceremony.value!r}",
        )


def check_client_data(client_data: messages.ClientData, profile: Profile) -> None:
    """Where the ceremony took place.

    Raises:
        CeremonyFailed: WRONG_ORIGIN or CROSS_ORIGIN.
    """
    if client_data.origin not in profile.origins:
        raise CeremonyFailed(
            CeremonyOutcome.WRONG_ORIGIN,
            f"the ceremony took place at {client_data.origin!r}; "
            f"its place is {' or '.join(profile.origins)}",
        )
    if client_data.cross_origin and not profile.cross_origin:
        raise CeremonyFailed(
            CeremonyOutcome.CROSS_ORIGIN, "the ceremony took place in a frame of another page"
        )
    top = client_data.top_origin
    if top is not None and (not client_data.cross_origin or top not in profile.top_origins):
        raise CeremonyFailed(
            CeremonyOutcome.CROSS_ORIGIN, f"the ceremony took place in a frame of {top!r}"
        )


def _check_authenticator_data(
    data: messages.AuthenticatorData, profile: Profile, rp_id_hash: bytes
) -> None:
    if data.rp_id_hash != rp_id_hash:
        raise CeremonyFailed(
            CeremonyOutcome.WRONG_RP_ID,
            f"the key answered for another relying party than {profile.rp_id!r}",
        )
    if not data.flags & UP:
        raise CeremonyFailed(CeremonyOutcome.NO_USER_PRESENCE, "nobody touched the key")
    if profile.user_verification is _REQUIRED and not data.flags & UV:
        raise CeremonyFailed(
            CeremonyOutcome.NO_USER_VERIFICATION, "the key did not verify its user"
        )
    if data.flags & BS and not data.flags & BE:
        raise CeremonyFailed(
            CeremonyOutcome.INCONSISTENT_BACKUP, "the key is backed up without being eligible"
        )


def _descriptor(credential: CredentialRecord) -> dict[str, Any]:
    descriptor: dict[str, Any] = {
        "type": "public-key",
        "id": messages.encode(credential.credential_id),
    }
    if credential.transports:
        descriptor["transports"] = list(credential.transports)
    return descriptor


@lru_cache(maxsize=64)
def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
