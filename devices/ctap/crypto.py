"""Keys and signatures from a stream of random bytes, the same for the same stream.

ECDSA nonces are those of RFC 6979, Ed25519 and PKCS #1 v1.5 know no chance, and RSA primes are
searched for from a seed. ML-DSA alone is hedged by its library: its keys repeat, its signatures
differ each time and are all valid.
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

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_P384_ORDER = int(
    "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"
    "C7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973",
    16,
)
_SEED_SIZES = {Algorithm.ES384: 48}
_RSA_BITS = 2048
_MILLER_RABIN_BASES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)
_SMALL_PRIMES = tuple(n for n in range(3, 2000, 2) if all(n % d for d in range(3, 45, 2) if d < n))


def hkdf(secret: bytes, info: bytes, length: int = 32, salt: bytes | None = None) -> bytes:
    """HKDF-SHA-256 of RFC 5869."""
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(secret)


def new_seed(algorithm: int, random_bytes: Callable[[int], bytes]) -> bytes:
    """Fresh secret bytes a private key is made of: the scalar itself for the NIST curves."""
    size = _SEED_SIZES.get(Algorithm(algorithm), 32)
    while True:
        seed = random_bytes(size)
        if algorithm not in (Algorithm.ES256, Algorithm.ES384):
            return seed
        order = P256_ORDER if algorithm == Algorithm.ES256 else _P384_ORDER
        if 0 < int.from_bytes(seed, "big") < order:
            return seed


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
        digest = hashes.SHA256() if algorithm == Algorithm.ES256 else hashes.SHA384()
        return key.sign(message, ec.ECDSA(digest, deterministic_signing=True))
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(message)


@lru_cache(maxsize=512)
def _private_key(algorithm: int, seed: bytes) -> PrivateKey:
    match Algorithm(algorithm):
        case Algorithm.ES256:
            return ec_private_key(seed)
        case Algorithm.ES384:
            return ec.derive_private_key(int.from_bytes(seed, "big"), ec.SECP384R1())
        case Algorithm.EDDSA:
            return ed25519.Ed25519PrivateKey.from_private_bytes(seed)
        case Algorithm.ML_DSA_44:
            return mldsa.MLDSA44PrivateKey.from_seed_bytes(seed)
        case Algorithm.ML_DSA_65:
            return mldsa.MLDSA65PrivateKey.from_seed_bytes(seed)
        case Algorithm.ML_DSA_87:
            return mldsa.MLDSA87PrivateKey.from_seed_bytes(seed)
        case Algorithm.RS256:
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
