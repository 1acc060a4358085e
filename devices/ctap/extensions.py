"""Extensions of authenticatorMakeCredential and authenticatorGetAssertion.

Source: CTAP 2.1 section 12, CTAP 2.2 for hmac-secret-mc and thirdPartyPayment. An extension that
the model does not offer is ignored, whatever its input.
"""

from dataclasses import dataclass, replace
from hmac import digest as hmac_digest
from typing import Any

from mfalab.devices.ctap.core import Core
from mfalab.devices.ctap.faults import Lapse
from mfalab.devices.ctap.fields import Members
from mfalab.devices.ctap.pin_protocols import PinUvProtocol
from mfalab.devices.ctap.state import Credential
from mfalab.devices.ctap.status import CtapError, CtapStatus

_SALT_BYTES = 32


def large_blob_key(core: Core, credential: Credential) -> bytes:
    """The 32-byte key of a credential for large blobs."""
    everyones = core.lapses(Lapse.ONE_LARGE_BLOB_KEY)
    seed = core.state.secrets.master if everyones else credential.seed
    return hmac_digest(seed, b"largeBlobKey", "sha256")


@dataclass(frozen=True, slots=True)
class _HmacSecret:
    """An hmac-secret input, decrypted."""

    protocol: PinUvProtocol
    shared: bytes
    salts: bytes

    def output(self, credential: Credential, uv: bool) -> bytes:
        """One or two 32-byte secrets, encrypted for the client."""
        purpose = b"hmac-secret with UV" if uv else b"hmac-secret without UV"
        cred_random = hmac_digest(credential.seed, purpose, "sha256")
        outputs = [
            hmac_digest(cred_random, self.salts[at : at + _SALT_BYTES], "sha256")
            for at in range(0, len(self.salts), _SALT_BYTES)
        ]
        return self.protocol.encrypt(self.shared, b"".join(outputs))


def _read_hmac_secret(core: Core, members: Members) -> _HmacSecret:
    peer = members.required(1, dict)
    salt_enc, salt_auth = members.required(2, bytes), members.required(3, bytes)
    number = members.unsigned(4)
    protocol = core.protocol(1 if number is None else number)
    shared = protocol.decapsulate(peer)
    if not protocol.verify(shared, salt_enc, salt_auth):
        raise CtapError(core.model.hmac_secret_bad_mac_status, "saltAuth is wrong")
    vector = 16 if protocol.number == 2 else 0
    if len(salt_enc) - vector not in (_SALT_BYTES, 2 * _SALT_BYTES):
        why = f"saltEnc has {len(salt_enc)} bytes, one or two salts of 32 are taken"
        raise CtapError(CtapStatus.INVALID_LENGTH, why)
    return _HmacSecret(protocol, shared, protocol.decrypt(shared, salt_enc))


@dataclass(frozen=True, slots=True)
class RegistrationExtensions:
    """The extension inputs of one makeCredential, read and checked."""

    cred_protect: int | None = None
    cred_blob: bytes | None = None
    hmac_secret: bool | None = None
    hmac_secret_at_make: _HmacSecret | None = None
    large_blob_key: bool = False
    min_pin_length: bool = False
    third_party_payment: bool = False

    @classmethod
    def read(cls, core: Core, inputs: Members, *, rk: bool) -> "RegistrationExtensions":
        """Read the inputs.

        Raises:
            CtapError: CBOR_UNEXPECTED_TYPE, INVALID_OPTION, MISSING_PARAMETER and the codes of
                hmac-secret.
        """
        if not inputs.raw():
            return _NO_EXTENSIONS
        read = cls()
        if core.has_extension("credProtect"):
            level = inputs.optional("credProtect", int)
            if level not in (None, 1, 2, 3):
                raise CtapError(CtapStatus.INVALID_OPTION, f"credProtect {level}")
            read = replace(read, cred_protect=level)
        if core.has_extension("credBlob"):
            read = replace(read, cred_blob=inputs.optional("credBlob", bytes))
        if core.has_extension("hmac-secret"):
            read = replace(read, hmac_secret=inputs.optional("hmac-secret", bool))
        if core.has_extension("hmac-secret-mc") and "hmac-secret-mc" in inputs:
            if not read.hmac_secret:
                why = "hmac-secret-mc comes without hmac-secret"
                raise CtapError(CtapStatus.MISSING_PARAMETER, why)
            given = Members(inputs.required("hmac-secret-mc", dict), "hmac-secret-mc")
            read = replace(read, hmac_secret_at_make=_read_hmac_secret(core, given))
        if core.has_extension("largeBlobKey"):
            asked = inputs.optional("largeBlobKey", bool)
            if asked is False or (asked and not rk):
                why = "largeBlobKey is true and for discoverable credentials"
                raise CtapError(CtapStatus.INVALID_OPTION, why)
            read = replace(read, large_blob_key=bool(asked))
        if core.has_extension("minPinLength"):
            read = replace(read, min_pin_length=bool(inputs.optional("minPinLength", bool)))
        if core.has_extension("thirdPartyPayment"):
            asked = inputs.optional("thirdPartyPayment", bool)
            read = replace(read, third_party_payment=bool(asked))
        return read

    def apply(self, core: Core, credential: Credential) -> Credential:
        """The credential with what the extensions add to it."""
        if self is _NO_EXTENSIONS:
            return credential
        blob = self.cred_blob
        if blob is not None and (
            not credential.discoverable or len(blob) > core.model.cred_blob_bytes
        ):
            blob = None
        return replace(
            credential,
            cred_protect=self.cred_protect or 1,
            cred_blob=blob,
            hmac_secret=bool(self.hmac_secret),
            large_blob_key=self.large_blob_key,
            third_party_payment=self.third_party_payment,
        )

    def outputs(self, core: Core, credential: Credential, rp_id: str, uv: bool) -> dict[str, Any]:
        """The signed outputs, empty when there are none."""
        outputs: dict[str, Any] = {}
        if self.cred_protect is not None:
            outputs["credProtect"] = self.cred_protect
        if self.cred_blob is not None:
            outputs["credBlob"] = credential.cred_blob is not None
        if self.hmac_secret is not None:
            outputs["hmac-secret"] = self.hmac_secret
        if self.hmac_secret_at_make is not None:
            outputs["hmac-secret-mc"] = self.hmac_secret_at_make.output(credential, uv)
        settings = core.state.settings
        if self.min_pin_length and rp_id in settings.min_pin_length_rp_ids:
            outputs["minPinLength"] = settings.min_pin_length
        return outputs


_NO_EXTENSIONS = RegistrationExtensions()


@dataclass(frozen=True, slots=True)
class AssertionExtensions:
    """The extension inputs of one getAssertion, read and checked."""

    cred_blob: bool = False
    hmac_secret: _HmacSecret | None = None
    large_blob_key: bool = False
    third_party_payment: bool = False

    @classmethod
    def read(cls, core: Core, inputs: Members, *, up: bool) -> "AssertionExtensions":
        """Read the inputs.

        Raises:
            CtapError: CBOR_UNEXPECTED_TYPE, INVALID_OPTION, UNSUPPORTED_OPTION for hmac-secret
                without presence, and its other codes.
        """
        if not inputs.raw():
            return _NO_ASSERTION_EXTENSIONS
        read = cls()
        if core.has_extension("credBlob"):
            read = replace(read, cred_blob=bool(inputs.optional("credBlob", bool)))
        if core.has_extension("hmac-secret") and "hmac-secret" in inputs:
            given = Members(inputs.required("hmac-secret", dict), "hmac-secret")
            if not up:
                raise CtapError(CtapStatus.UNSUPPORTED_OPTION, "hmac-secret needs presence")
            read = replace(read, hmac_secret=_read_hmac_secret(core, given))
        if core.has_extension("largeBlobKey"):
            asked = inputs.optional("largeBlobKey", bool)
            if asked is False:
                raise CtapError(CtapStatus.INVALID_OPTION, "largeBlobKey is true or absent")
            read = replace(read, large_blob_key=bool(asked))
        if core.has_extension("thirdPartyPayment"):
            asked = inputs.optional("thirdPartyPayment", bool)
            read = replace(read, third_party_payment=bool(asked))
        return read

    def outputs(self, credential: Credential, uv: bool) -> dict[str, Any]:
        """The signed outputs for one credential."""
        outputs: dict[str, Any] = {}
        if self.cred_blob:
            outputs["credBlob"] = credential.cred_blob or b""
        if self.hmac_secret is not None and credential.hmac_secret:
            outputs["hmac-secret"] = self.hmac_secret.output(credential, uv)
        if self.third_party_payment:
            outputs["thirdPartyPayment"] = credential.third_party_payment
        return outputs


_NO_ASSERTION_EXTENSIONS = AssertionExtensions()
