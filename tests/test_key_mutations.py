"""The shipped suites notice a verifier whose rules for security keys are broken, one at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest

from mfalab.verifier import console_login, device_rules, profile, second_page
from mfalab.verifier import security_keys as keys
from mfalab.verifier.calls import Refused
from mfalab.verifier.records import CredentialRecord, Device, WebAuthnChallenge
from mfalab.verifier.webauthn import attestation, ceremonies, cose, statements
from mfalab.verifier.webauthn.messages import UP, UV
from mfalab.verifier.webauthn.outcomes import CeremonyFailed, CeremonyOutcome
from support.breaks import Break, Patch, each, figures, nothing

pytestmark = pytest.mark.slow

# -- signatures and credentials --


def signature_not_verified(patch: Patch) -> None:
    right = cose.public_key
    patch.setattr(cose, "public_key", lambda raw: replace(right(raw), verify=nothing))


def credential_of_another_identity_accepted(patch: Patch) -> None:
    def broken(call: Any, _: object, assertion: Any) -> tuple[CredentialRecord, Device]:
        for credential in call.tx.find(CredentialRecord, credential_id=assertion.credential_id):
            device = call.tx.get(Device, credential.device_id)
            if device is not None:
                return credential, device
        raise CeremonyFailed(CeremonyOutcome.UNKNOWN_CREDENTIAL, "nobody registered it")

    patch.setattr(keys, "_registered", broken)


def first_key_only_may_sign(patch: Patch) -> None:
    right = ceremonies.request_options
    patch.setattr(
        ceremonies,
        "request_options",
        lambda known, *, challenge, allow: right(known, challenge=challenge, allow=allow[:1]),
    )


def key_registered_twice(patch: Patch) -> None:
    right = ceremonies.creation_options
    patch.setattr(
        ceremonies,
        "creation_options",
        lambda known, **words: right(known, **{**words, "exclude": []}),
    )


def app_id_of_an_old_key_not_asked_for(patch: Patch) -> None:
    right = ceremonies.request_options

    def broken(*args: Any, **words: Any) -> dict[str, Any]:
        return {k: value for k, value in right(*args, **words).items() if k != "extensions"}

    patch.setattr(ceremonies, "request_options", broken)


# -- challenges --


def challenge_accepted_again(patch: Patch) -> None:
    right = keys._spend

    def broken(call: Any, *args: Any) -> WebAuthnChallenge:
        known = right(call, *args)
        call.tx.update(replace(known, used=False))
        return known

    patch.setattr(keys, "_spend", broken)


def challenge_of_another_page_accepted(patch: Patch) -> None:
    right = keys._spend

    def broken(call: Any, challenge: str, ceremony: Any, identity: Any, holder: str) -> Any:
        known = call.tx.get(WebAuthnChallenge, challenge)
        return right(call, challenge, ceremony, identity, known.holder if known else holder)

    patch.setattr(keys, "_spend", broken)


def challenge_lives_twice_as_long(patch: Patch) -> None:
    figures(patch, challenge_lifetime_s=600)


def challenge_expires_early(patch: Patch) -> None:
    figures(patch, challenge_lifetime_s=250)


# -- where, and with whom --


def _authenticator_data(patch: Patch, better: Callable[[Any, bytes], Any]) -> None:
    right = ceremonies._check_authenticator_data

    def broken(data: Any, known: profile.Profile, rp_id_hash: bytes) -> None:
        right(better(data, rp_id_hash), known, rp_id_hash)

    patch.setattr(ceremonies, "_check_authenticator_data", broken)


def presence_not_looked_at(patch: Patch) -> None:
    _authenticator_data(patch, lambda data, _: replace(data, flags=data.flags | UP))


def verification_not_looked_at(patch: Patch) -> None:
    _authenticator_data(patch, lambda data, _: replace(data, flags=data.flags | UV))


def relying_party_not_looked_at(patch: Patch) -> None:
    _authenticator_data(patch, lambda data, wanted: replace(data, rp_id_hash=wanted))


def _origin(patch: Patch, taken: Callable[[str, profile.Profile], bool]) -> None:
    right = ceremonies.check_client_data

    def broken(client_data: Any, known: profile.Profile) -> None:
        if taken(urlsplit(client_data.origin).hostname or "", known):
            client_data = replace(client_data, origin=known.origins[0])
        right(client_data, known)

    patch.setattr(ceremonies, "check_client_data", broken)


def origin_not_looked_at(patch: Patch) -> None:
    _origin(patch, lambda host, known: True)


def origin_compared_by_its_end(patch: Patch) -> None:
    _origin(patch, lambda host, known: host.endswith(known.rp_id))


def origin_compared_by_its_host(patch: Patch) -> None:
    _origin(patch, lambda host, known: host in {urlsplit(each).hostname for each in known.origins})


# -- counters --


def _counter(patch: Patch, grew: Callable[[int, int], bool]) -> None:
    patch.setattr(ceremonies, "counter_grew", grew)


def counter_not_looked_at(patch: Patch) -> None:
    _counter(patch, lambda stored, received: True)


def counter_may_stand_still(patch: Patch) -> None:
    _counter(patch, lambda stored, received: received >= stored)


def keys_without_a_counter_refused(patch: Patch) -> None:
    _counter(patch, lambda stored, received: received > stored)


def counter_must_grow_by_one_or_two(patch: Patch) -> None:
    _counter(
        patch,
        lambda stored, received: received - stored in (1, 2) or received == stored == 0,
    )


def counter_not_kept(patch: Patch) -> None:
    right = keys._judge_counter

    def broken(call: Any, credential: CredentialRecord, received: int, seen: Any) -> Any:
        counted = right(call, credential, received, seen)
        return replace(counted, sign_count=credential.sign_count)

    patch.setattr(keys, "_judge_counter", broken)


def clone_forgotten(patch: Patch) -> None:
    right = keys._judge_counter

    def broken(call: Any, credential: CredentialRecord, received: int, seen: Any) -> Any:
        return right(call, replace(credential, cloned_ns=None), received, seen)

    patch.setattr(keys, "_judge_counter", broken)


def counter_judged_before_the_signature(patch: Patch) -> None:
    registered, judge = keys._registered, keys._judge_counter

    def early(call: Any, identity: Any, assertion: Any) -> tuple[CredentialRecord, Device]:
        credential, device = registered(call, identity, assertion)
        received = assertion.authenticator_data.sign_count
        return judge(call, credential, received, keys._Seen()), device

    patch.setattr(keys, "_registered", early)
    patch.setattr(keys, "_judge_counter", lambda call, credential, received, seen: credential)


# -- registration --


def any_key_registered_without_the_gate(patch: Patch) -> None:
    patch.setattr(device_rules, "check_self_management", nothing)


def ninth_key_allowed(patch: Patch) -> None:
    patch.setattr(device_rules, "check_device_limit", nothing)


def only_seven_keys_allowed(patch: Patch) -> None:
    figures(patch, devices_per_identity=7)


def attestation_not_verified(patch: Patch) -> None:
    right = statements.verify_statement

    def broken(registration: Any, key: cose.PublicKey) -> attestation.Attestation:
        try:
            return right(registration, key)
        except CeremonyFailed:
            return attestation.Attestation(attestation.AttestationType.NONE)

    patch.setattr(statements, "verify_statement", broken)


def every_maker_trusted(patch: Patch) -> None:
    patch.setattr(attestation, "check_trust", lambda *_: ())


# -- the lock of the second page --


def slips_at_the_key_count_for_the_lock(patch: Patch) -> None:
    patch.setattr(second_page, "CeremonyOutcome", SimpleNamespace(CLIENT_ERROR=None))


def refused_assertions_do_not_count_for_the_lock(patch: Patch) -> None:
    patch.setattr(console_login, "fail", lambda call, sign_in, identity, refusal: Refused(refusal))


BREAKS: list[tuple[Break, str]] = [
    (signature_not_verified, "bad-signatures"),
    (credential_of_another_identity_accepted, "own-key-for-anothers-account"),
    (first_key_only_may_sign, "key-lost-another-left"),
    (key_registered_twice, "same-key-twice"),
    (app_id_of_an_old_key_not_asked_for, "key-of-the-older-document"),
    (challenge_accepted_again, "overheard-assertion"),
    (challenge_of_another_page_accepted, "overheard-assertion"),
    (challenge_lives_twice_as_long, "challenge-grows-old"),
    (challenge_expires_early, "challenge-grows-old"),
    (presence_not_looked_at, "program-asks-in-silence"),
    (verification_not_looked_at, "verification-required"),
    (relying_party_not_looked_at, "verifier-moves-to-another-domain"),
    (origin_not_looked_at, "phishing-page"),
    (origin_compared_by_its_end, "phishing-page"),
    (origin_compared_by_its_host, "phishing-page"),
    (counter_not_looked_at, "counters"),
    (counter_may_stand_still, "counters"),
    (keys_without_a_counter_refused, "counters"),
    (counter_must_grow_by_one_or_two, "phishing-page"),
    (counter_not_kept, "counters"),
    (clone_forgotten, "cloned-key"),
    (counter_judged_before_the_signature, "lock-is-for-signatures-that-hold"),
    (any_key_registered_without_the_gate, "second-key-needs-mfa"),
    (ninth_key_allowed, "eight-keys"),
    (only_seven_keys_allowed, "eight-keys"),
    (attestation_not_verified, "bad-signatures"),
    (every_maker_trusted, "which-keys-are-accepted"),
    (slips_at_the_key_count_for_the_lock, "slips-and-the-lock"),
    (refused_assertions_do_not_count_for_the_lock, "slips-and-the-lock"),
]
"""A break, and the scenario that is tried first."""


@each(BREAKS)
def test_verifier_with_a_broken_rule_for_keys_is_noticed(
    notice: Callable[[Break, str], None], break_it: Break, word: str
) -> None:
    notice(break_it, word)
