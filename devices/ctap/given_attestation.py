"""An attestation key and its certificates that a model brings along, in PEM."""

from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key


@cache
def read_attestation(key: str, chain: str) -> tuple[bytes, tuple[bytes, ...]]:
    """The key's scalar, 32 bytes, and the certificates in DER, that of the key first.

    Args:
        key: A private key of P-256 without a password.
        chain: One certificate after another, each vouched for by the next.

    Raises:
        ValueError: One of them cannot be read, or the first certificate is not the key's.
    """
    try:
        private = load_pem_private_key(key.encode(), None)
    except (ValueError, TypeError) as error:
        raise ValueError("attestation_key is no PEM of a private key without password") from error
    if not isinstance(private, ec.EllipticCurvePrivateKey) or private.curve.name != "secp256r1":
        raise ValueError("attestation_key is no key of P-256")
    try:
        certificates = x509.load_pem_x509_certificates(chain.encode())
        public = certificates[0].public_key()
    except ValueError as error:
        raise ValueError("attestation_chain is no PEM of certificates") from error
    if public != private.public_key():
        raise ValueError("attestation_chain does not begin with the certificate of attestation_key")
    scalar = private.private_numbers().private_value
    ders = tuple(certificate.public_bytes(Encoding.DER) for certificate in certificates)
    return scalar.to_bytes(32, "big"), ders
