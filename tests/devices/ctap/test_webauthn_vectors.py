"""The test vectors of WebAuthn Level 3 section 16, produced to the byte.

The stream gives the vector's private key and credential ID; model and request give the rest.
"""

from dataclasses import dataclass
from hashlib import sha256

import pytest

from mfalab.devices.ctap import cbor, load_model
from mfalab.devices.ctap.model import AttestationKind, CounterKind

RP = "example.org"


@dataclass(frozen=True)
class Vector:
    private_key: str
    aaguid: str
    credential_id: str
    attestation: AttestationKind
    verified: tuple[bool, bool]
    backed_up: tuple[bool, bool]
    client_data: tuple[str, str]
    attestation_object: str
    authenticator_data: str
    signature: str


NONE_ES256 = Vector(
    private_key="6e68e7a58484a3264f66b77f5d6dc5bc36a47085b615c9727ab334e8c369c2ee",
    aaguid="8446ccb9ab1db374750b2367ff6f3a1f",
    credential_id="f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4",
    attestation=AttestationKind.NONE,
    verified=(False, False),
    backed_up=(True, True),
    client_data=(
        (
            '{"type":"webauthn.create","challenge":"AMMPt4UxxGTStncdq417YDwBFi8vpIa-pw8oOuVW4TA",'
            '"origin":"https://example.org","crossOrigin":false,"extraData":"clientDataJSON may be '
            "extended with additional fields in the future, such as this: BkQeDjdcTBrXBiAwJTLE5Q"
            '"}'
        ),
        (
            '{"type":"webauthn.get","challenge":"OcDnUhQXulTUPo3JUXT0I97pvzzYBP9tZchXyav01Ag",'
            '"origin":"https://example.org","crossOrigin":false}'
        ),
    ),
    attestation_object="a363666d74646e6f6e656761747453746d74a068617574684461746158a4bfabc3743295"
    "8b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b559000000008446ccb9ab1db374750b2367ff6f3a"
    "1f0020f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4a501020326200121582"
    "0afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61225820930a56b87a2fca6633"
    "4b03458abf879717c12cc68ed73290af2e2664796b9220",
    authenticator_data="bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b51900000000",
    signature="3046022100f50a4e2e4409249c4a853ba361282f09841df4dd4547a13a87780218deffcd3802210084"
    "80ac0f0b93538174f575bf11a1dd5d78c6e486013f937295ea13653e331e87",
)
PACKED_SELF_ES256 = Vector(
    private_key="b4bbfa5d68e1693b6ef5a19a0e60ef7ee2cbcac81f7fec7006ac3a21e0c5116a",
    aaguid="df850e09db6afbdfab51697791506cfc",
    credential_id="455ef34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58c",
    attestation=AttestationKind.PACKED_SELF,
    verified=(True, False),
    backed_up=(True, False),
    client_data=(
        (
            '{"type":"webauthn.create","challenge":"eGnCt3LUtY66k3jPjynibPk1qnffDaifqZwL3Ap29-U",'
            '"origin":"https://example.org","crossOrigin":false,"extraData":"clientDataJSON may be '
            "extended with additional fields in the future, such as this: U9hTXvKE2URkMnb_0xYHVg"
            '"}'
        ),
        (
            '{"type":"webauthn.get","challenge":"RHihCxNSNI3RYME1Ow1Gm12xnrkcJ_ffpv7Tn-Jq8gs",'
            '"origin":"https://example.org","crossOrigin":false,"extraData":"clientDataJSON may be '
            "extended with additional fields in the future, such as this: gTb53rz6EhSWomXGzimC1Q"
            '"}'
        ),
    ),
    attestation_object="a363666d74667061636b65646761747453746d74a263616c67266373696758463044022006"
    "7a20754ab925005dbf378097c92120031581c73228d1fb4f5b881bcd7da98302207fc7b147558c7c0eba3af18bd9"
    "d121fa3d3a26d17fe3f220272178f473b6006d68617574684461746158a4bfabc37432958b063360d3ad6461c9c4"
    "735ae7f8edd46592a5e0f01452b2e4b55d00000000df850e09db6afbdfab51697791506cfc0020455ef34e2043a8"
    "7db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58ca5010203262001215820eb151c8176b225cc651559"
    "fecf07af450fd85802046656b34c18f6cf193843c5225820927b8aa427a2be1b8834d233a2d34f61f13bfd44119c"
    "325d5896e183fee484f2",
    authenticator_data="bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50900000000",
    signature="304402203310b9431903c401f1be2bdc8d23a4007682dbbddcf846994947b7f465daf84002204e94dd"
    "00047b316061b3b99772b7efd95994a83ef584b3b6b825ea3550251b66",
)


def key_of(make_key, vector, backed_up, storage=None):
    return make_key(
        load_model("slots-25"),
        storage=storage,
        aaguid=bytes.fromhex(vector.aaguid),
        attestation=vector.attestation,
        counter=CounterKind.ZERO,
        backup_eligible=True,
        backup_state=backed_up,
    )


@pytest.mark.parametrize(
    "vector", [NONE_ES256, PACKED_SELF_ES256], ids=["none.ES256", "packed-self.ES256"]
)
def test_vector_comes_out_to_the_byte(make_key, vector):
    key = key_of(make_key, vector, vector.backed_up[0])
    create, get = (sha256(text.encode()).digest() for text in vector.client_data)
    signed = {}
    if vector.verified[0]:
        key.set_pin()
        signed = key.signed("1234", create, 1, RP)
    draws = [bytes.fromhex(vector.private_key), bytes.fromhex(vector.credential_id)]
    key.drawn = lambda size: draws.pop(0)
    made = key.good(1, key.make(rp=RP, rk=True, cdh=create, **signed))
    attestation = {"fmt": made[1], "attStmt": made[3], "authData": made[2]}
    assert cbor.encode(attestation).hex() == vector.attestation_object

    later = key_of(make_key, vector, vector.backed_up[1], key.storage)
    got = later.good(2, later.get(rp=RP, cdh=get))
    assert got[2].hex() == vector.authenticator_data
    assert got[3].hex() == vector.signature
