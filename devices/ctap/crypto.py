"""Keys and signatures from a stream of random bytes, the same for the same stream.

ECDSA nonces are those of RFC 6979, Ed25519 and PKCS #1 v1.5 know no chance, and RSA primes are
searched for from a seed. ML-DSA is hedged and PS256 salted by the library: their keys repeat, their
signatures differ each time and are all valid.
"""

from collections.abc import Callable
from functools import lru_cache
from hmac import digest as hmac_digest

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from mfalab.devices.ctap.cose import Algorithm, PublicKey

PrivateKey = (
    ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | rsa.RSAPrivateKey
    | mldsa.MLDSA44PrivateKey
    | mldsa.MLDSA65PrivateKey
    | mldsa.MLDSA87PrivateKey
)

P256_ORDER = ec.SECP256R1().group_order
_ECDSA: dict[int, tuple[ec.EllipticCurve, ec.ECDSA]] = {
    algorithm: (curve, ec.ECDSA(digest, deterministic_signing=True))
    for algorithm, curve, digest in (
        (Algorithm.ES256, ec.SECP256R1(), hashes.SHA256()),
        (Algorithm.ESP256, ec.SECP256R1(), hashes.SHA256()),
        (Algorithm.ES384, ec.SECP384R1(), hashes.SHA384()),
        (Algorithm.ES512, ec.SECP521R1(), hashes.SHA512()),
        (Algorithm.ES256K, ec.SECP256K1(), hashes.SHA256()),
    )
}
_RSA_BITS = 2048
_MILLER_RABIN_BASES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)
_SMALL_PRIMES = tuple(n for n in range(3, 2000, 2) if all(n % d for d in range(3, 45, 2) if d < n))


def hkdf(secret: bytes, info: bytes, length: int = 32, salt: bytes | None = None) -> bytes:
    """HKDF-SHA-256 of RFC 5869."""
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(secret)


def new_seed(algorithm: int, random_bytes: Callable[[int], bytes]) -> bytes:
    """Fresh secret bytes a private key is made of: for ECDSA the scalar itself."""
    if algorithm not in _ECDSA:
        return random_bytes(32)
    order = _ECDSA[algorithm][0].group_order
    bits = order.bit_length()
    size = (bits + 7) // 8
    while True:
        # P-521 has seven bits less than its bytes; drawing them would fail 127 times in 128.
        scalar = int.from_bytes(random_bytes(size), "big") & (1 << bits) - 1
        if 0 < scalar < order:
            return scalar.to_bytes(size, "big")


def ec_private_key(seed: bytes) -> ec.EllipticCurvePrivateKey:
    """The P-256 private key with that scalar, 32 bytes big-endian."""
    return ec.derive_private_key(int.from_bytes(seed, "big"), ec.SECP256R1())


def public_key(algorithm: int, seed: bytes) -> PublicKey:
    """The public key that belongs to a seed."""
    return _private_key(algorithm, seed).public_key()


def sign(algorithm: int, seed: bytes, message: bytes) -> bytes:
    """The signature over `message`, ECDSA in DER, the others in their raw form."""
    key = _private_key(algorithm, seed)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(message, _ECDSA[algorithm][1])
    if isinstance(key, rsa.RSAPrivateKey):
        if algorithm == Algorithm.PS256:
            salted = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size)
            return key.sign(message, salted, hashes.SHA256())
        return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(message)


@lru_cache(maxsize=512)
def _private_key(algorithm: int, seed: bytes) -> PrivateKey:
    if algorithm in _ECDSA:
        return ec.derive_private_key(int.from_bytes(seed, "big"), _ECDSA[algorithm][0])
    match algorithm:
        case Algorithm.EDDSA:
            return ed25519.Ed25519PrivateKey.from_private_bytes(seed)
        case Algorithm.ML_DSA_44:
            return mldsa.MLDSA44PrivateKey.from_seed_bytes(seed)
        case Algorithm.ML_DSA_65:
            return mldsa.MLDSA65PrivateKey.from_seed_bytes(seed)
        case Algorithm.ML_DSA_87:
            return mldsa.MLDSA87PrivateKey.from_seed_bytes(seed)
        case _:
            return _rsa_private_key(seed)


def _rsa_private_key(seed: bytes) -> rsa.RSAPrivateKey:
    exponent = 65537
    p = _prime(seed + b"p", exponent)
    q = _prime(seed + b"q", exponent)
    d = pow(exponent, -1, (p - 1) * (q - 1))
    return rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=d,
        dmp1=d % (p - 1),
        dmq1=d % (q - 1),
        iqmp=pow(q, -1, p),
        public_numbers=rsa.RSAPublicNumbers(exponent, p * q),
    ).private_key()


def _prime(seed: bytes, exponent: int) -> int:
    """The first fitting prime from a point that the seed names; both top bits are set."""
    bits = _RSA_BITS // 2
    blocks = [hmac_digest(seed, bytes([i]), "sha256") for i in range(bits // 256)]
    candidate = int.from_bytes(b"".join(blocks), "big") | 3 << bits - 2 | 1
    while True:
        if (
            all(candidate % small for small in _SMALL_PRIMES)
            and (candidate - 1) % exponent
            and _probably_prime(candidate)
        ):
            return candidate
        candidate += 2


def _probably_prime(n: int) -> bool:
    """Miller-Rabin; the bases are fixed, since no attacker chooses these candidates."""
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in _MILLER_RABIN_BASES:
        x = pow(base, odd, n)
        if x in (1, n - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True
