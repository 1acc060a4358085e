"""Attestation statements of every format, and each thing that may be wrong with one."""

from __future__ import annotations

import datetime
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.x509.oid import NameOID
from fido2 import cbor
from fido2.attestation import TpmAttestation
from fido2.cose import ES256, RS256
from fido2.webauthn import AuthenticatorData

from mfalab.verifier import AttestationPolicy, CeremonyOutcome
from mfalab.verifier.webauthn import cose, messages
from mfalab.verifier.webauthn import der as der_module
from mfalab.verifier.webauthn.outcomes import CeremonyFailed
from mfalab.verifier.webauthn.statements import verify_statement

FAILED = ("InvalidRegistration", "The security key could not be registered. Start again.", 400)
AAGUID = bytes(range(16))
LEAF = "Authenticator Attestation"


@pytest.fixture
def root(make_certificate: Any) -> Any:
    return make_certificate("CA", ca=True)


class TestSecurityKeys:
    def test_certificate_without_the_aaguid_extension(
        self, people: Any, new_key: Any, make_certificate: Any, root: Any
    ) -> None:
        people.register(new_key(form="packed", chain=[make_certificate(LEAF, root)]))
        assert people.last().attestation == "packed"

    @pytest.mark.parametrize(
        ("unit", "changes"),
        [
            ("Something else", {}),
            (LEAF, {"ca": True}),
            (LEAF, {"aaguid": bytes(16)}),
            (LEAF, {"aaguid": AAGUID, "critical": True}),
            (LEAF, {"basic_constraints": False}),
            (LEAF, {"without": NameOID.COUNTRY_NAME}),
            (LEAF, {"without": NameOID.ORGANIZATION_NAME}),
            (LEAF, {"without": NameOID.COMMON_NAME}),
            (LEAF, {"key": ec.derive_private_key(7, ec.SECP384R1())}),
        ],
        ids=lambda value: str(value)[:30],
    )
    def test_packed_certificate_that_breaks_a_requirement(
        self,
        people: Any,
        new_key: Any,
        make_certificate: Any,
        root: Any,
        refused: Any,
        unit: str,
        changes: dict[str, Any],
    ) -> None:
        key = new_key(form="packed", chain=[make_certificate(unit, root, **changes)])
        with refused(*FAILED):
            people.register(key)
        assert people.last().outcome is CeremonyOutcome.INVALID_ATTESTATION

    @pytest.mark.parametrize(
        ("form", "change"),
        [
            ("none", lambda made: {"alg": -7}),
            ("self", lambda made: {**made, "alg": -257}),
            ("self", lambda made: {**made, "sig": made["sig"][:-1]}),
            ("self", lambda made: {"alg": -7}),
            ("self", lambda made: {**made, "ecdaaKeyId": b""}),
            ("self", lambda made: {**made, "x5c": []}),
            ("self", lambda made: {**made, "x5c": [b"no certificate"]}),
            ("packed", lambda made: {**made, "alg": -8}),
            ("packed", lambda made: {**made, "sig": b""}),
            ("fido-u2f", lambda made: {**made, "x5c": made["x5c"] * 2}),
            ("fido-u2f", lambda made: {**made, "sig": b""}),
            ("fido-u2f", lambda made: {"x5c": made["x5c"]}),
            ("fido-u2f", lambda made: {"sig": made["sig"]}),
        ],
    )
    def test_statement_that_does_not_verify(
        self,
        people: Any,
        new_key: Any,
        make_certificate: Any,
        root: Any,
        refused: Any,
        form: str,
        change: Any,
    ) -> None:
        key = new_key(form=form, chain=[make_certificate(LEAF, root)])
        with refused(*FAILED):
            people.register(key, statement=change)
        assert people.last().outcome is CeremonyOutcome.INVALID_ATTESTATION

    def test_fido_u2f_attests_es256_only(
        self, people: Any, new_key: Any, make_certificate: Any, root: Any, refused: Any
    ) -> None:
        people.company.set(algorithms=(-35, -7))
        key = new_key(form="fido-u2f", algorithm=-35, chain=[make_certificate(LEAF, root)])
        with refused(*FAILED):
            people.register(key)

    def test_u2f_key_signs_in(
        self, people: Any, new_key: Any, make_certificate: Any, root: Any
    ) -> None:
        key = new_key(form="fido-u2f", aaguid=bytes(16), chain=[make_certificate("U2F", root)])
        people.register(key)
        assert people.last().attestation == "fido-u2f"
        assert people.sign_in(key).mfa


# -- statements of platforms, by a CA of the tests --

OID = x509.ObjectIdentifier
SIGNS, GENERATED = bytes.fromhex("a1053103020102"), bytes.fromhex("bf853e03020100")
FROM = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
TPM_MODEL = {"2.23.133.2.1": "id:AAAA0000", "2.23.133.2.2": "Test", "2.23.133.2.3": "id:0001"}


def asn1(tag: str, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    length = bytes([size]) if size < 0x80 else b"\x82" + size.to_bytes(2, "big")
    return bytes.fromhex(tag) + length + content


def tpm2b(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def sha(data: bytes, name: str = "sha256") -> bytes:
    return hashlib.new(name, data).digest()


@dataclass
class Platform:
    """An authenticator built into a device; `twists` spoil what it says, each in one place."""

    twists: dict[str, Any] = field(default_factory=dict)
    rsa: bool = False

    def __post_init__(self) -> None:
        self.private: Any = (
            rsa.generate_private_key(65537, 2048)
            if self.rsa
            else ec.generate_private_key(ec.SECP256R1())
        )
        kind = RS256 if self.rsa else ES256
        self.cose = dict(kind.from_cryptography_key(self.private.public_key()))
        self.client_data = json.dumps(
            {"type": "webauthn.create", "challenge": "AAAA", "origin": "https://example.org"}
        ).encode()
        self.data = (
            sha(b"example.org") + b"\x45" + bytes(4) + AAGUID + b"\0\x04" + b"made"
        ) + cbor.encode(self.cose)
        self.message = self.data + sha(self.client_data)

    def twist(self, name: str, value: Any) -> Any:
        return self.twists.get(name, value)

    def register(self, form: str) -> tuple[messages.Registration, cose.PublicKey]:
        statement = {"tpm": self.tpm, "android-key": self.android, "apple": self.apple}[form]()
        statement |= self.twist("statement", {})
        statement = {name: value for name, value in statement.items() if value is not None}
        made = {"fmt": form, "attStmt": statement, "authData": self.data}
        registration = messages.Registration(
            b"made",
            messages.client_data(self.client_data),
            messages.authenticator_data(self.data),
            form,
            cbor.decode(cbor.encode(made))["attStmt"],
            (),
            {},
            None,
        )
        return registration, cose.public_key(registration.authenticator_data.public_key)

    def certificate(self, key: Any, *extensions: tuple[x509.ExtensionType, bool]) -> bytes:
        unit = x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, LEAF)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name(self.twist("subject", [unit])))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CA")]))
            .public_key(self.twist("certified", key).public_key())
            .serial_number(7)
            .not_valid_before(FROM)
            .not_valid_after(FROM + datetime.timedelta(days=9000))
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        ca = ec.derive_private_key(3, ec.SECP256R1())
        return builder.sign(ca, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    def signed(self, key: Any, message: bytes) -> bytes:
        key = self.twist("signer", key)
        if isinstance(key, rsa.RSAPrivateKey):
            digest = hashes.SHA1() if self.twist("alg", 0) == -65535 else hashes.SHA256()
            return key.sign(message, padding.PKCS1v15(), digest)
        made = key.sign(message, ec.ECDSA(hashes.SHA256()))
        assert isinstance(made, bytes)
        return made

    def android(self) -> dict[str, Any]:
        tee = asn1(
            "30",
            self.twist("purpose", SIGNS),
            self.twist("all", b""),
            self.twist("origin", GENERATED),
        )
        description = asn1(
            "30",
            bytes.fromhex("0202012c0a01010201290a0101"),
            asn1("04", self.twist("challenge", sha(self.client_data))),
            asn1("04"),
            asn1("30", self.twist("software", bytes.fromhex("bf853d0802060190c8e4a5f8"))),
            tee,
            self.twist("ninth", b""),
        )
        oid = OID(self.twist("oid", "1.3.6.1.4.1.11129.2.1.17"))
        extension = x509.UnrecognizedExtension(oid, self.twist("description", description))
        certificate = self.certificate(self.private, (extension, False))
        return {"alg": -7, "sig": self.signed(self.private, self.message), "x5c": [certificate]}

    def apple(self) -> dict[str, Any]:
        nonce = asn1("30", asn1("a1", asn1("04", self.twist("nonce", sha(self.message)))))
        oid = OID(self.twist("oid", "1.2.840.113635.100.8.2"))
        extension = x509.UnrecognizedExtension(oid, self.twist("extension", nonce))
        return {"x5c": [self.certificate(self.private, (extension, False))]}

    def tpm(self) -> dict[str, Any]:
        kind = "0001" if self.rsa else "0023"
        if self.rsa:
            unique = tpm2b(self.twist("modulus", self.cose[-1]))
            parameters = self.twist("parameters", "0010 0010 0800 00000000")
        else:
            unique = tpm2b(self.cose[-2]) + tpm2b(self.twist("y", self.cose[-3]))
            parameters = self.twist("parameters", "0010 0010 0003 0010")
        area = (
            bytes.fromhex(self.twist("kind", kind) + self.twist("name_alg", "000b") + "00040072")
            + tpm2b(b"policy")
            + bytes.fromhex(parameters)
            + unique
            + self.twist("after_area", b"")
        )
        algorithm = self.twist("alg", -7)
        digest = sha(self.message, "sha1" if algorithm == -65535 else "sha256")
        info = (
            bytes.fromhex(self.twist("magic", "ff544347") + self.twist("type", "8017"))
            + tpm2b(b"signer")
            + tpm2b(self.twist("extra", digest))
            + bytes(17 + 8)
            + tpm2b(self.twist("name", bytes.fromhex("000b") + sha(area)))
            + tpm2b(b"")
            + self.twist("after_info", b"")
        )
        aik: Any = ec.derive_private_key(5, ec.SECP256R1())
        if algorithm != -7:
            aik = rsa.generate_private_key(65537, 2048)
        self.twists.setdefault("subject", [])
        model = [
            x509.NameAttribute(OID(oid), text)
            for oid, text in self.twist("model", TPM_MODEL).items()
        ]
        names = x509.SubjectAlternativeName([x509.DirectoryName(x509.Name(model))])
        usage = x509.ExtendedKeyUsage([OID(self.twist("usage", "2.23.133.8.3"))])
        extensions: list[tuple[x509.ExtensionType, bool]] = [
            (names, True),
            (usage, False),
            *self.twist("basic", [(x509.BasicConstraints(ca=False, path_length=None), True)]),
        ]
        if "aaguid" in self.twists:
            value = b"\x04\x10" + self.twists["aaguid"]
            extensions.append(
                (x509.UnrecognizedExtension(OID("1.3.6.1.4.1.45724.1.1.4"), value), False)
            )
        return {
            "ver": "2.0",
            "alg": algorithm,
            "x5c": [self.certificate(aik, *extensions)],
            "sig": self.signed(aik, info),
            "certInfo": info,
            "pubArea": area,
        }


OTHER = ec.derive_private_key(11, ec.SECP256R1())


@pytest.mark.parametrize(
    ("form", "twists", "rsa_key"),
    [
        ("tpm", {}, False),
        ("tpm", {"aaguid": AAGUID}, False),
        ("tpm", {"parameters": "0006 0080 0043 001a000b0000 0003 0007000b"}, False),
        ("tpm", {"alg": -257}, True),
        ("tpm", {"alg": -65535}, True),
        ("tpm", {"parameters": "0010 0015 0800 00010001"}, True),
        ("tpm", {"parameters": "0010 0014000b 0800 00000000"}, True),
        ("android-key", {}, False),
        (
            "android-key",
            {
                "software": bytes.fromhex("a1053103020102bf853e03020100"),
                "purpose": b"",
                "origin": b"",
            },
            False,
        ),
        ("apple", {}, False),
    ],
)
def test_statement_of_a_platform_verifies(form: str, twists: dict[str, Any], rsa_key: bool) -> None:
    found = verify_statement(*Platform(dict(twists), rsa_key).register(form))
    assert found.type == {"tpm": "attca", "android-key": "basic", "apple": "anonca"}[form]
    assert len(found.certificates) == 1


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("tpm", {"statement": {"ver": "1.2"}}, "version 2.0"),
    ("tpm", {"statement": {"ver": None}}, "version 2.0"),
    ("tpm", {"statement": {"alg": None}}, "lacks alg or sig"),
    ("tpm", {"statement": {"alg": "ES256"}}, "lacks alg or sig"),
    ("tpm", {"statement": {"alg": -8}}, "no hash belongs to algorithm -8"),
    ("tpm", {"statement": {"alg": -35}}, "another digest"),
    ("tpm", {"statement": {"sig": None}}, "lacks alg or sig"),
    ("tpm", {"statement": {"sig": b""}}, "signature is wrong"),
    ("tpm", {"statement": {"x5c": None}}, "no list of certificates"),
    ("tpm", {"statement": {"x5c": []}}, "no list of certificates"),
    ("tpm", {"statement": {"x5c": [b"none"]}}, "cannot be read"),
    ("tpm", {"statement": {"certInfo": None}}, "lacks certInfo or pubArea"),
    ("tpm", {"statement": {"pubArea": "text"}}, "lacks certInfo or pubArea"),
    ("tpm", {"statement": {"pubArea": b"\0\x23"}}, "pubArea is cut short at byte 2"),
    ("tpm", {"statement": {"certInfo": b"\xffTCG"}}, "certInfo is cut short at byte 4"),
    ("tpm", {"kind": "0008"}, "key of type 0x0008"),
    ("tpm", {"parameters": "0010 0010 0010 0010"}, "none of NIST's"),
    ("tpm", {"parameters": "0010 0010 0004 0010"}, "."),
    ("tpm", {"y": bytes(32)}, "."),
    ("tpm", {"after_area": b"\0"}, "bytes follow pubArea"),
    ("tpm", {"magic": "ff544348"}, "not made by a TPM"),
    ("tpm", {"type": "8018"}, "no certificate of a key"),
    ("tpm", {"extra": bytes(32)}, "another digest"),
    ("tpm", {"name": b"\0\x0b" + bytes(32)}, "another key than pubArea"),
    ("tpm", {"name_alg": "0010"}, "another key than pubArea"),
    ("tpm", {"after_info": b"\0"}, "bytes follow certInfo"),
    ("tpm", {"signer": OTHER}, "signature is wrong"),
    ("tpm", {"certified": ec.derive_private_key(7, ec.SECP384R1())}, "no key for algorithm -7"),
    (
        "tpm",
        {"subject": [x509.NameAttribute(NameOID.COMMON_NAME, "TPM")]},
        "has a subject",
    ),
    ("tpm", {"model": dict(list(TPM_MODEL.items())[:2])}, "no manufacturer, model or version"),
    ("tpm", {"usage": "1.3.6.1.5.5.7.3.2"}, "none for attestation identity keys"),
    ("tpm", {"basic": []}, "no basic constraints"),
    ("tpm", {"basic": [(x509.BasicConstraints(ca=True, path_length=None), True)]}, "of a CA"),
    ("tpm", {"aaguid": bytes(16)}, "another AAGUID"),
    ("android-key", {"statement": {"alg": None}}, "lacks alg or sig"),
    ("android-key", {"statement": {"sig": b""}}, "signature is wrong"),
    ("android-key", {"statement": {"alg": -257}}, "no key for algorithm -257"),
    ("android-key", {"statement": {"x5c": None}}, "no list of certificates"),
    ("android-key", {"signer": OTHER}, "signature is wrong"),
    ("android-key", {"signer": OTHER, "certified": OTHER}, "another key than the credential"),
    ("android-key", {"oid": "1.3.6.1.4.1.11129.2.1.18"}, "none with the tag 0x30"),
    ("android-key", {"description": b"\x30\x05"}, "cut short"),
    ("android-key", {"ninth": b"\x05\x00"}, "8 members"),
    ("android-key", {"challenge": bytes(32)}, "another challenge"),
    ("android-key", {"all": bytes.fromhex("bf8458020500")}, "all applications"),
    ("android-key", {"software": bytes.fromhex("bf8458020500")}, "all applications"),
    ("android-key", {"purpose": b""}, "purpose is not to sign"),
    ("android-key", {"purpose": bytes.fromhex("a1053103020103")}, "purpose is not to sign"),
    ("android-key", {"purpose": bytes.fromhex("a1053003020102")}, "none with the tag 0x31"),
    ("android-key", {"software": bytes.fromhex("a1053103020103")}, "purpose is not to sign"),
    ("android-key", {"origin": b""}, "not generated"),
    ("android-key", {"origin": bytes.fromhex("bf853e03020102")}, "not generated"),
    ("apple", {"statement": {"x5c": None}}, "no list of certificates"),
    ("apple", {"oid": "1.2.840.113635.100.8.3"}, "none with the tag 0x30"),
    ("apple", {"nonce": bytes(32)}, "another nonce"),
    ("apple", {"extension": asn1("30", asn1("a2"))}, "none with the tag 0xa1"),
    ("apple", {"certified": OTHER}, "another key than the credential"),
]


@pytest.mark.parametrize(("form", "twists", "reason"), WRONG)
def test_statement_of_a_platform_with_one_thing_wrong(
    form: str, twists: dict[str, Any], reason: str
) -> None:
    with pytest.raises(CeremonyFailed, match=reason) as caught:
        verify_statement(*Platform(dict(twists)).register(form))
    assert caught.value.outcome is CeremonyOutcome.INVALID_ATTESTATION


@pytest.mark.parametrize(
    ("twists", "rsa_key"), [({}, False), ({"alg": -257}, True), ({"alg": -65535}, True)]
)
def test_python_fido2_agrees_on_statements_of_a_tpm(twists: dict[str, Any], rsa_key: bool) -> None:
    registration, _ = Platform(dict(twists), rsa_key).register("tpm")
    data = AuthenticatorData(registration.authenticator_data.raw)
    found = TpmAttestation().verify(registration.statement, data, registration.client_data.hash)
    assert found.trust_path == registration.statement["x5c"]


@pytest.mark.parametrize("kind", ["Ed25519", "Ed448"])
def test_packed_statement_by_an_edwards_key(kind: str) -> None:
    """The certificate's key may be of another algorithm than the credential's."""
    private: Any = ed25519.Ed25519PrivateKey.generate()
    algorithm = -8
    if kind == "Ed448":
        private, algorithm = ed448.Ed448PrivateKey.generate(), -53
    verify = cose.certificate_key(private.public_key(), algorithm)
    verify(private.sign(b"message"), b"message")
    with pytest.raises(cose.InvalidKey, match="no key for algorithm -7"):
        cose.certificate_key(private.public_key(), -7)


def test_rsa_key_of_another_pub_area() -> None:
    with pytest.raises(CeremonyFailed, match="another key than the credential"):
        verify_statement(*Platform({"modulus": b"\xc1" * 256}, rsa=True).register("tpm"))


# -- certificates whose spelling is not DER --


def packed(make_certificate: Any, root: Any, basic: str) -> Any:
    """A certificate for packed statements whose basic constraints have these bytes."""
    extension = x509.UnrecognizedExtension(OID("2.5.29.19"), bytes.fromhex(basic))
    return make_certificate(LEAF, root, basic_constraints=False, extra=extension)


def of_version_1(made: Any) -> Any:
    """The same certificate without its version and extensions, signed by its own key."""
    certificate, key = made
    parts = der_module.members(certificate.tbs_certificate_bytes, der_module.SEQUENCE)
    tbs = asn1("30", *(asn1(f"{part.tag:02x}", part.content) for part in parts if part.tag < 0xA0))
    signature = key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    algorithm = bytes.fromhex("300a06082a8648ce3d040302")
    whole = asn1("30", tbs, algorithm, asn1("03", b"\0" + signature))
    return x509.load_der_x509_certificate(whole), key


OID_BYTES = {
    "2.5.29.19": bytes.fromhex("551d13"),
    "1.3.6.1.4.1.45724.1.1.4": bytes.fromhex("2b0601040182e51c010104"),
}


class TestSpelling:
    def test_certificate_of_version_1(
        self, people: Any, new_key: Any, make_certificate: Any, root: Any, refused: Any
    ) -> None:
        key = new_key(form="packed", chain=[of_version_1(make_certificate(LEAF, root))])
        with refused(*FAILED):
            people.register(key)
        assert people.last().reason == "the attestation certificate is not of version 3"

    @pytest.mark.parametrize("twice", ["2.5.29.19", "1.3.6.1.4.1.45724.1.1.4"])
    def test_extension_that_is_there_twice(
        self, people: Any, new_key: Any, make_certificate: Any, root: Any, refused: Any, twice: str
    ) -> None:
        """Which of the two counts would be a matter of who reads them."""
        certificate, key = make_certificate(LEAF, root, aaguid=AAGUID)
        oid = x509.ObjectIdentifier(twice)
        value = next(each for each in certificate.extensions if each.oid == oid)
        data = value.value.public_bytes()
        encoded = asn1("06", OID_BYTES[twice]) + (b"\x01\x01\xff" if value.critical else b"")
        found = asn1("30", encoded, asn1("04", data))
        parts = der_module.members(certificate.tbs_certificate_bytes, der_module.SEQUENCE)
        inner = der_module.members(parts[-1].content)[0].content
        tbs = asn1(
            "30",
            *(asn1(f"{part.tag:02x}", part.content) for part in parts[:-1]),
            asn1("a3", asn1("30", inner, found)),
        )
        algorithm = bytes.fromhex("300a06082a8648ce3d040302")
        signature = asn1("03", b"\0" + key.sign(tbs, ec.ECDSA(hashes.SHA256())))
        spoilt = x509.load_der_x509_certificate(asn1("30", tbs, algorithm, signature))
        with refused(*FAILED):
            people.register(new_key(form="packed", chain=[(spoilt, key)]))
        assert people.last().reason == "an extension of the attestation certificate is broken"

    def test_default_that_is_spelt_out(
        self, people: Any, new_key: Any, make_certificate: Any, root: Any
    ) -> None:
        people.register(
            new_key(form="packed", chain=[packed(make_certificate, root, "3003010100")])
        )

    @pytest.mark.parametrize("basic", ["30030101ff", "3003010101", "3081030101ff"])
    def test_a_ca_however_it_is_spelt(
        self, people: Any, new_key: Any, make_certificate: Any, root: Any, refused: Any, basic: str
    ) -> None:
        with refused(*FAILED):
            people.register(new_key(form="packed", chain=[packed(make_certificate, root, basic)]))
        assert people.last().reason == "the attestation certificate is one of a CA"

    @pytest.mark.parametrize("basic", ["", "31030101ff", "3005", "30000500"])
    def test_basic_constraints_that_are_none(
        self, people: Any, new_key: Any, make_certificate: Any, root: Any, refused: Any, basic: str
    ) -> None:
        with refused(*FAILED):
            people.register(new_key(form="packed", chain=[packed(make_certificate, root, basic)]))
        assert people.last().outcome is CeremonyOutcome.INVALID_ATTESTATION

    @pytest.mark.parametrize("policy", AttestationPolicy)
    @pytest.mark.parametrize("slip", ["spelling", "no certificate"])
    def test_only_who_is_to_be_trusted_must_be_sound(
        self,
        people: Any,
        new_key: Any,
        make_certificate: Any,
        root: Any,
        refused: Any,
        policy: AttestationPolicy,
        slip: str,
    ) -> None:
        known = {
            "description": "Test key",
            "aaguid": str(UUID(bytes=AAGUID)),
            "attestationTypes": ["basic_full"],
            "attestationRootCertificates": [],
        }
        pem = root[0].public_bytes(serialization.Encoding.PEM).decode()
        people.company.set(
            attestation_policy=policy,
            attestation_roots=(pem,),
            metadata_statements=(json.dumps(known),),
        )
        basic = "3003010100" if slip == "spelling" else "3000"
        key = new_key(form="packed", chain=[packed(make_certificate, root, basic)])
        twists: dict[str, Any] = {}
        if slip == "no certificate":
            twists["statement"] = lambda made: {**made, "x5c": [*made["x5c"], b"none"]}
        if policy in {AttestationPolicy.ANY, AttestationPolicy.SELF}:
            people.register(key, **twists)
            return
        with refused(
            "SecurityKeyNotAccepted", "Security keys of this model are not accepted.", 400
        ):
            people.register(key, **twists)
        assert people.last().outcome is CeremonyOutcome.UNTRUSTED_ATTESTATION
        assert "a certificate cannot be read" in people.last().reason
