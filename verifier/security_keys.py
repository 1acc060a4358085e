"""Security keys: registering them, and signing in with them, each in one transaction.

A challenge is spent by the first answer that names it, accepted or not; a refusal therefore keeps
what was written (`Refused`). One physical key serves any number of identities: each
registration has a key pair of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from mfalab.verifier import device_rules, names, refusals
from mfalab.verifier.authorization import account_of
from mfalab.verifier.calls import Call, Refused
from mfalab.verifier.enrolment import bind
from mfalab.verifier.errors import ServiceError
from mfalab.verifier.moments import SECOND_NS
from mfalab.verifier.records import (
    Ceremony,
    CredentialRecord,
    Device,
    DeviceKind,
    Identity,
    WebAuthnChallenge,
)
from mfalab.verifier.store.protocol import unreadable_record
from mfalab.verifier.webauthn import ceremonies, cose, messages, u2f
from mfalab.verifier.webauthn.messages import UP, UV
from mfalab.verifier.webauthn.outcomes import CeremonyDecision, CeremonyFailed, CeremonyOutcome

CHALLENGE_BYTES = 32

Response = object
"""What the page posts, which may be anything: the client's response in WebAuthn's JSON form, or the
`DOMException` that it raised instead, as `{"error": {"name": "NotAllowedError"}}`."""


def begin_registration(call: Call, target: Identity, name: str) -> dict[str, Any]:
    """Ask for a new credential: `PublicKeyCredentialCreationOptionsJSON`."""
    device_rules.check_self_management(call.tx, call.caller, target, call.profile)
    device_rules.check_device_limit(call.tx, target, call.profile)
    challenge = _give_out(call, Ceremony.REGISTRATION, target, call.caller.access_key_id, name)
    return ceremonies.creation_options(
        call.profile,
        challenge=challenge,
        user_id=target.id.encode(),
        user_name=target.name or call.caller.account.root_email,
        exclude=credentials_of(call, target),
    )


def finish_registration(call: Call, target: Identity, response: Response) -> str:
    """Register the credential that the client made; returns the security key's serial number."""
    device_rules.check_self_management(call.tx, call.caller, target, call.profile)
    device_rules.check_device_limit(call.tx, target, call.profile)
    seen = _Seen()
    try:
        return _register(call, target, response, seen)
    except CeremonyFailed as failure:
        decision = seen.decide(call, failure.outcome, failure.reason)
        call.observe(decision)
        raise Refused(_registration_refusal(call, target, decision)) from None


def begin_authentication(call: Call, identity: Identity, page_id: str) -> dict[str, Any]:
    """Ask any of an identity's keys to sign: `PublicKeyCredentialRequestOptionsJSON`."""
    challenge = _give_out(call, Ceremony.AUTHENTICATION, identity, page_id, "")
    return ceremonies.request_options(
        call.profile, challenge=challenge, allow=credentials_of(call, identity)
    )


def verify(call: Call, identity: Identity, page_id: str, response: Response) -> CeremonyDecision:
    """Decide on an assertion, and write the consequences."""
    seen = _Seen()
    try:
        _authenticate(call, identity, page_id, response, seen)
    except CeremonyFailed as failure:
        decision = seen.decide(call, failure.outcome, failure.reason)
    else:
        decision = seen.decide(call, CeremonyOutcome.ACCEPTED)
    call.observe(decision)
    return decision


def register_u2f(
    call: Call, owner: Identity, name: str, registration_data: bytes, client_data_hash: bytes
) -> str:
    """Take over a key of the U2F API, registered for the profile's `app_id`.

    Raises:
        CeremonyFailed: the registration does not verify.
    """
    app_id = call.profile.app_id
    if app_id is None:
        raise CeremonyFailed(CeremonyOutcome.WRONG_RP_ID, "the profile has no app_id")
    device_rules.check_device_limit(call.tx, owner, call.profile)
    key_handle, public_key = u2f.verify_registration(registration_data, client_data_hash, app_id)
    credential = CredentialRecord(
        device_id="",
        credential_id=key_handle,
        public_key=public_key,
        sign_count=0,
        aaguid=bytes(16),
        transports=(),
        backup_eligible=False,
        backed_up=False,
        user_verified=False,
        attestation_format="fido-u2f",
        app_id=app_id,
    )
    _check_is_new(call, key_handle)
    return _enrol(call, owner, name, credential)


def credential_of(call: Call, device: Device) -> CredentialRecord | None:
    """A security key's credential; None for a device that has none."""
    return call.tx.get(CredentialRecord, device.id)


def credentials_of(call: Call, identity: Identity) -> list[CredentialRecord]:
    """The credentials of all of an identity's security keys."""
    found = (
        credential_of(call, device) for device in device_rules.devices_of(call.tx, identity.id)
    )
    return [credential for credential in found if credential is not None]


@dataclass(slots=True)
class _Seen:
    """The facts that a ceremony has shown so far, for the decision on it."""

    serial: str = ""
    message: messages.Registration | messages.Assertion | None = None
    stored_sign_count: int | None = None
    cloned: bool = False

    def decide(self, call: Call, outcome: CeremonyOutcome, reason: str = "") -> CeremonyDecision:
        message = self.message
        if message is None:
            return CeremonyDecision(outcome, self.serial, call.operation, call.now_ns, reason)
        data = message.authenticator_data
        return CeremonyDecision(
            outcome=outcome,
            serial=self.serial,
            operation=call.operation,
            now_ns=call.now_ns,
            reason=reason,
            credential_id=message.credential_id,
            origin=message.client_data.origin,
            user_present=bool(data.flags & UP),
            user_verified=bool(data.flags & UV),
            sign_count=data.sign_count,
            stored_sign_count=self.stored_sign_count,
            attestation=message.format if isinstance(message, messages.Registration) else None,
            cloned=self.cloned,
        )


def _register(call: Call, target: Identity, response: Response, seen: _Seen) -> str:
    _refuse_client_error(response)
    registration = seen.message = messages.registration(response)
    ceremonies.check_type(registration.client_data, Ceremony.REGISTRATION)
    challenge = _spend(
        call,
        registration.client_data.challenge,
        Ceremony.REGISTRATION,
        target,
        call.caller.access_key_id,
    )
    registered = ceremonies.judge_registration(registration, call.profile, call.now_ns)
    _check_is_new(call, registration.credential_id)
    credential = registered.credential_of(registration)
    seen.serial = _enrol(call, target, challenge.name, credential)
    seen.stored_sign_count = credential.sign_count
    call.observe(seen.decide(call, CeremonyOutcome.ACCEPTED))
    return seen.serial


def _enrol(call: Call, owner: Identity, name: str, credential: CredentialRecord) -> str:
    account = account_of(call.tx, owner.account_id)
    device = Device(
        id=names.unique_id("MFA", call.random_bytes),
        kind=DeviceKind.FIDO,
        serial=names.fido_serial(account, owner.name, name, call.random_bytes),
        account_id=owner.account_id,
        name=name,
        path="/",
        created_ns=call.now_ns,
    )
    call.tx.insert(device)
    call.tx.insert(replace(credential, device_id=device.id))
    bind(call, device.id, owner)
    return device.serial


def _authenticate(
    call: Call, identity: Identity, page_id: str, response: Response, seen: _Seen
) -> None:
    _refuse_client_error(response)
    assertion = seen.message = messages.assertion(response)
    ceremonies.check_type(assertion.client_data, Ceremony.AUTHENTICATION)
    challenge = assertion.client_data.challenge
    _spend(call, challenge, Ceremony.AUTHENTICATION, identity, page_id)
    credential, device = _registered(call, identity, assertion)
    seen.serial, seen.cloned = device.serial, credential.cloned_ns is not None
    seen.stored_sign_count = credential.sign_count
    try:
        ceremonies.judge_assertion(assertion, credential, call.profile)
    except cose.InvalidKey as error:
        raise unreadable_record("a credential", error) from error
    credential = _judge_counter(call, credential, assertion.authenticator_data.sign_count, seen)
    call.tx.update(ceremonies.used(credential, assertion, call.now_ns))


def _registered(
    call: Call, identity: Identity, assertion: messages.Assertion
) -> tuple[CredentialRecord, Device]:
    """The credential that signed, if it is one of the identity's own."""
    for credential in call.tx.find(CredentialRecord, credential_id=assertion.credential_id):
        device = call.tx.get(Device, credential.device_id)
        if device is not None and device.owner_id == identity.id:
            handle = assertion.user_handle
            if handle is not None and handle != identity.id.encode():
                raise CeremonyFailed(
                    CeremonyOutcome.WRONG_USER_HANDLE, "the key answered for another user"
                )
            return credential, device
    raise CeremonyFailed(
        CeremonyOutcome.UNKNOWN_CREDENTIAL, "the credential is none of this identity's"
    )


def _judge_counter(
    call: Call, credential: CredentialRecord, received: int, seen: _Seen
) -> CredentialRecord:
    """The credential with its new counter, and with the mark of a clone if the counter says so."""
    rule = call.profile.counter_rule
    counted, failure = ceremonies.judge_counter(credential, received, rule, call.now_ns)
    seen.stored_sign_count, seen.cloned = counted.sign_count, counted.cloned_ns is not None
    if failure is not None:
        call.tx.update(counted)
        raise failure
    return counted


def _give_out(call: Call, ceremony: Ceremony, identity: Identity, holder: str, name: str) -> str:
    challenge = messages.encode(call.random_bytes(CHALLENGE_BYTES))
    call.tx.insert(WebAuthnChallenge(challenge, ceremony, identity.id, holder, name, call.now_ns))
    return challenge


def _spend(
    call: Call, challenge: str, ceremony: Ceremony, identity: Identity, holder: str
) -> WebAuthnChallenge:
    """Spend the challenge that an answer names, if it was given out for this ceremony."""
    known = call.tx.get(WebAuthnChallenge, challenge)
    if (
        known is None
        or known.ceremony is not ceremony
        or known.identity_id != identity.id
        or known.holder != holder
    ):
        raise CeremonyFailed(
            CeremonyOutcome.UNKNOWN_CHALLENGE, "the challenge was not given out for this ceremony"
        )
    if known.used:
        raise CeremonyFailed(
            CeremonyOutcome.REPLAYED_CHALLENGE, "the challenge was answered before"
        )
    call.tx.update(replace(known, used=True))
    age_ns, lifetime_s = call.now_ns - known.issued_ns, call.profile.challenge_lifetime_s
    if age_ns > lifetime_s * SECOND_NS:
        raise CeremonyFailed(
            CeremonyOutcome.EXPIRED_CHALLENGE,
            f"the challenge is {age_ns // SECOND_NS} s old; it is good for {lifetime_s} s",
        )
    return known


def _check_is_new(call: Call, credential_id: bytes) -> None:
    if call.tx.find(CredentialRecord, credential_id=credential_id):
        raise CeremonyFailed(
            CeremonyOutcome.ALREADY_REGISTERED, "a credential with this id is registered"
        )


def _refuse_client_error(response: Response) -> None:
    error = messages.client_error(response)
    if error is not None:
        outcome = (
            CeremonyOutcome.ALREADY_REGISTERED
            if error == "InvalidStateError"
            else CeremonyOutcome.CLIENT_ERROR
        )
        raise CeremonyFailed(outcome, f"the client raised {error}")


def _registration_refusal(call: Call, target: Identity, decision: CeremonyDecision) -> ServiceError:
    match decision.outcome:
        case CeremonyOutcome.ALREADY_REGISTERED:
            for known in call.tx.find(CredentialRecord, credential_id=decision.credential_id):
                device = call.tx.get(Device, known.device_id)
                if device is not None and device.owner_id != target.id:
                    return refusals.device_in_use()
            return refusals.device_already_on_user(target.name or "root")
        case (
            CeremonyOutcome.UNTRUSTED_ATTESTATION
            | CeremonyOutcome.UNSUPPORTED_ALGORITHM
            | CeremonyOutcome.PLATFORM_AUTHENTICATOR
        ):
            return refusals.security_key_not_accepted()
        case _:
            return refusals.security_key_not_registered()
