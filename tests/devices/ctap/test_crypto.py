"""Signatures that repeat: RFC 6979 vectors, keys from seeds."""

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from fido2.cose import CoseKey

from mfalab.devices.ctap import crypto
from mfalab.devices.ctap.cose import Algorithm, cose_key
from mfalab.simulator.entropy import Entropy

P256 = "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721"
P384 = (
    "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D8"
    "96D5724E4C70A825F872C9EA60D2EDF5"
)
RFC_6979 = [  # appendices A.2.5 and A.2.6
    (
        Algorithm.ES256,
        P256,
        b"sample",
        "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
        "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
    ),
    (
        Algorithm.ES256,
        P256,
        b"test",
        "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
        "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
    ),
    (
        Algorithm.ES384,
        P384,
        b"sample",
        (
            "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C"
            "81A648152E44ACF96E36DD1E80FABE46"
        ),
        (
            "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94F"
            "A329C145786E679E7B82C71A38628AC8"
        ),
    ),
    (
        Algorithm.ES384,
        P384,
        b"test",
        (
            "8203B63D3C853E8D77227FB377BCF7B7B772E97892A80F36AB775D509D7A5FEB"
            "0542A7F0812998DA8F1DD3CA3CF023DB"
        ),
        (
            "DDD0760448D42D8A43AF45AF836FCE4DE8BE06B485E9B61B827C2F13173923E0"
            "6A739F040649A667BF3B828246BAA5A5"
        ),
    ),
]


@pytest.mark.parametrize(("algorithm", "key", "message", "r", "s"), RFC_6979)
def test_rfc_6979_vector(algorithm, key, message, r, s):
    signature = crypto.sign(algorithm, bytes.fromhex(key), message)
    assert decode_dss_signature(signature) == (int(r, 16), int(s, 16))


def test_ed25519_vector_of_rfc_8032():
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    assert crypto.sign(Algorithm.EDDSA, seed, b"").hex().startswith("e5564300c360ac729086e2cc806e")


@pytest.mark.parametrize(
    "algorithm", [a for a in Algorithm if a not in (Algorithm.RS256, Algorithm.PS256)]
)
def test_same_stream_same_public_key(algorithm):
    keys = [
        cose_key(crypto.public_key(algorithm, crypto.new_seed(algorithm, random)), algorithm)
        for random in (Entropy(1).random_bytes("a"), Entropy(1).random_bytes("a"))
    ]
    assert keys[0] == keys[1]
    other = crypto.new_seed(algorithm, Entropy(2).random_bytes("a"))
    assert cose_key(crypto.public_key(algorithm, other), algorithm) != keys[0]


def test_scalar_beyond_the_order_is_drawn_again():
    draws = [b"\xff" * 32, bytes(32), b"\x01" * 32]
    assert crypto.new_seed(Algorithm.ES256, lambda size: draws.pop(0)) == b"\x01" * 32


@pytest.mark.parametrize("algorithm", [Algorithm.ESP256, Algorithm.ES512, Algorithm.ES256K])
def test_new_algorithms_sign_what_python_fido2_verifies_and_repeat(algorithm):
    seed = crypto.new_seed(algorithm, Entropy(1).random_bytes("a"))
    signatures = [crypto.sign(algorithm, seed, b"message") for _ in range(2)]
    key = CoseKey.parse(cose_key(crypto.public_key(algorithm, seed), algorithm))
    assert algorithm == key.ALGORITHM
    key.verify(b"message", signatures[0])
    assert signatures[0] == signatures[1]


def test_a_scalar_of_p521_is_found_at_the_first_draw():
    asked = []
    seed = crypto.new_seed(Algorithm.ES512, lambda size: asked.append(size) or b"\xfe" * size)
    assert asked == [66]
    assert seed == b"\x00" + b"\xfe" * 65


@pytest.mark.slow
def test_ps256_is_what_python_fido2_verifies():
    key = CoseKey.parse(cose_key(crypto.public_key(Algorithm.PS256, b"s" * 32), Algorithm.PS256))
    assert key.ALGORITHM == -37
    key.verify(b"message", crypto.sign(Algorithm.PS256, b"s" * 32, b"message"))


@pytest.mark.slow
def test_rsa_key_has_2048_bits_and_repeats():
    key = cose_key(crypto.public_key(Algorithm.RS256, b"s" * 32), Algorithm.RS256)
    assert len(key[-1]) == 256
    assert key[-1][0] >= 0x80
    assert crypto.sign(Algorithm.RS256, b"s" * 32, b"m") == crypto.sign(
        Algorithm.RS256, b"s" * 32, b"m"
    )
