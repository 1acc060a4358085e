"""The test vectors of WebAuthn Level 3 section 16, produced to the byte.

The specification derives every value of a vector from a name and a salt, so the private keys need
not be written down. The stream gives the authenticator its key and its credential ID, the model its
AAGUID, flags and counter, attestation key and certificate. Client data is the client's. Everything
else, signatures included, is the authenticator's own work.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import load_der_x509_certificate

from mfalab.devices.ctap import cbor
from mfalab.devices.ctap.cose import Algorithm
from mfalab.devices.ctap.crypto import ec_private_key
from mfalab.devices.ctap.model import AttestationKind, CounterKind

RP = "example.org"
PIN = "1234"
LEVEL3 = json.loads(
    (Path(__file__).parents[2] / "verifier" / "webauthn" / "level3.json").read_text()
)
UV, BE, BS = 0x04, 0x08, 0x10
AAGUID = slice(37, 53)

# The salt of each attestation key; the specification numbers its values as they come.
ATTESTATION_SALT = {
    "packed.ES256": 7, "packed.ES384": 6, "packed.ES512": 7, "packed.EdDSA": 7, "fido-u2f.ES256": 5,
}  # fmt: skip
KEY_BYTES = {Algorithm.ES384: 48, Algorithm.ES512: 65}
PRODUCED = [
    "none.ES256",
    "none.ES256.crossOrigin",
    "none.ES256.topOrigin",
    "none.ES256.long-credential-id",
    "packed-self.ES256",
    "packed.ES256",
    "packed.ES384",
    "packed.ES512",
    "packed.EdDSA",
]
NOT_PRODUCED = {
    # Its AAGUID is not zero. A fido-u2f statement does not sign the AAGUID, so ours tells none
    # (WebAuthn section 8.6); but for those 16 bytes the vector comes out, see below.
    "fido-u2f.ES256",
    # No model here has this algorithm.
    "packed.Ed448",
    # Its primes are two Mersenne numbers. Ours are found from 32 bytes of the stream, and no 32
    # bytes lead to those.
    "packed.RS256",
    # Our keys attest as security keys do, not as platforms.
    "tpm.ES256",
    "android-key.ES256",
    "apple.ES256",
}


def derived(name, salt, size=32):
    """A value of the specification."""
    kdf = HKDF(algorithm=hashes.SHA256(), length=size, salt=bytes([salt]), info=name.encode())
    return kdf.derive(b"WebAuthn test vectors")


class Vector:
    """One vector: what goes into an authenticator, and what has to come out."""

    def __init__(self, name):
        members = LEVEL3[name]
        self.name = name
        self.kind, _, rest = name.partition(".")
        self.algorithm = Algorithm[rest.partition(".")[0].upper()]
        self.credential_id = bytes.fromhex(members["registration"]["credential_id"])
        self.private_key = derived(name, 1, KEY_BYTES.get(self.algorithm, 32))
        self.client_data_hashes = tuple(
            sha256(bytes.fromhex(members[ceremony]["clientDataJSON"])).digest()
            for ceremony in ("registration", "authentication")
        )
        self.attestation_object = bytes.fromhex(members["registration"]["attestationObject"])
        self.data = cbor.decode(self.attestation_object)["authData"]
        self.statement = cbor.decode(self.attestation_object)["attStmt"]
        self.assertion = {
            part: bytes.fromhex(members["authentication"][part])
            for part in ("authenticatorData", "signature")
        }

    def key(self, make_key, flags, storage=None):
        """A key with the vector's traits, and the flags that the model decides on."""
        kinds = {"packed": AttestationKind.PACKED_X5C}
        return make_key(
            "ctap-2.1-pin",
            storage=storage,
            aaguid=self.data[AAGUID],
            algorithms=(self.algorithm,),
            attestation=kinds.get(self.kind) or AttestationKind(self.kind),
            counter=CounterKind.ZERO,
            backup_eligible=bool(flags & BE),
            backup_state=bool(flags & BS),
            **self.maker,
        )

    @property
    def maker(self):
        """The fields of a model with the attestation key and certificate of the vector's maker."""
        if self.name not in ATTESTATION_SALT:
            return {}
        secret = ec_private_key(derived(self.name, ATTESTATION_SALT[self.name]))
        (der,) = self.statement["x5c"]
        form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        certificate = load_der_x509_certificate(der).public_bytes(Encoding.PEM)
        return {
            "attestation_key": secret.private_bytes(*form).decode(),
            "attestation_chain": certificate.decode(),
        }

    def authorised(self, key, flags, number):
        """The members that have the user verified, if the vector's user was."""
        if not flags & UV:
            return {}
        if key.state.pin is None:
            key.set_pin(PIN)
        return key.signed(PIN, self.client_data_hashes[number], permissions=1 + number, rp_id=RP)

    def register(self, make_key):
        """The key and its attestation object."""
        flags = self.data[32]
        key = self.key(make_key, flags)
        authorised = self.authorised(key, flags, 0)
        # The long ID is longer than any that the authenticator asks the stream for; it takes what
        # it is given.
        drawn = iter([self.private_key, self.credential_id])
        key.drawn = lambda size: next(drawn)
        made = key.good(
            1,
            key.make(
                rp=RP,
                rk=True,
                cdh=self.client_data_hashes[0],
                params=[{"alg": int(self.algorithm), "type": "public-key"}],
                **authorised,
            ),
        )
        return key, {"fmt": made[1], "attStmt": made[3], "authData": made[2]}

    def sign_in(self, make_key, storage):
        """Authenticator data and signature; the credential's backup state may have changed."""
        flags = self.assertion["authenticatorData"][32]
        key = self.key(make_key, flags, storage)
        authorised = self.authorised(key, flags, 1)
        got = key.good(2, key.get(rp=RP, cdh=self.client_data_hashes[1], **authorised))
        return {"authenticatorData": got[2], "signature": got[3]}


@pytest.fixture
def vector(request):
    """The vector of that name."""
    return Vector(request.param)


@pytest.mark.parametrize("vector", PRODUCED, indirect=True)
def test_vector_comes_out_to_the_byte(make_key, vector):
    key, made = vector.register(make_key)
    assert cbor.encode(made).hex() == vector.attestation_object.hex()
    assert vector.sign_in(make_key, key.storage) == vector.assertion


@pytest.mark.parametrize("vector", ["fido-u2f.ES256"], indirect=True)
def test_fido_u2f_vector_comes_out_but_for_its_aaguid(make_key, vector):
    key, made = vector.register(make_key)
    told = bytearray(vector.data)
    told[AAGUID] = bytes(16)
    assert made == {"fmt": "fido-u2f", "attStmt": vector.statement, "authData": bytes(told)}
    assert vector.sign_in(make_key, key.storage) == vector.assertion


def test_of_every_vector_it_is_known_whether_it_is_produced():
    assert {*PRODUCED, *NOT_PRODUCED, "attestation_ca_cert"} == set(LEVEL3)
    assert not {*PRODUCED} & NOT_PRODUCED
    assert "ED448" not in Algorithm.__members__
