"""Structures of TPMs: whole, cut short, and made of anything."""

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from mfalab.verifier.webauthn import tpm

KEY = ec.derive_private_key(5, ec.SECP256R1()).public_key()
POINT = KEY.public_numbers()
AREA = (
    bytes.fromhex("0023000b000400720000" + "0010001000030010")
    + b"\0\x20"
    + POINT.x.to_bytes(32, "big")
    + b"\0\x20"
    + POINT.y.to_bytes(32, "big")
)
DIGEST = bytes(range(32))
INFO = (
    bytes.fromhex("ff54434780170000")
    + b"\0\x20"
    + DIGEST
    + bytes(25)
    + b"\0\x22\0\x0b"
    + hashlib.sha256(AREA).digest()
    + b"\0\0"
)


def test_key_of_a_curve() -> None:
    assert tpm.public_key(AREA) == KEY


@pytest.mark.parametrize(("exponent", "meant"), [(0, 65537), (65537, 65537), (3, 3)])
def test_rsa_key_whose_exponent_may_be_left_out(exponent: int, meant: int) -> None:
    modulus = (1 << 2047) + 1
    area = bytes.fromhex("0001000b000400720000" + "001000100800") + exponent.to_bytes(4, "big")
    found = tpm.public_key(area + b"\x01\0" + modulus.to_bytes(256, "big"))
    assert found == rsa.RSAPublicNumbers(meant, modulus).public_key()


def test_certificate_of_a_key() -> None:
    tpm.check_certify_info(INFO, AREA, DIGEST)


@pytest.mark.parametrize("end", range(len(AREA)))
def test_public_area_cut_short(end: int) -> None:
    with pytest.raises(ValueError, match="pubArea"):
        tpm.public_key(AREA[:end])


@pytest.mark.parametrize("end", range(len(INFO)))
def test_certificate_cut_short(end: int) -> None:
    with pytest.raises(ValueError, match="certInfo"):
        tpm.check_certify_info(INFO[:end], AREA, DIGEST)


@given(st.integers(0, 8 * len(INFO) - 1))
def test_each_bit_of_a_certificate_that_says_something_matters(bit: int) -> None:
    bent = bytearray(INFO)
    bent[bit // 8] ^= 1 << bit % 8
    if 42 <= bit // 8 < 67:  # the clock and the firmware's version
        tpm.check_certify_info(bytes(bent), AREA, DIGEST)
        return
    with pytest.raises(ValueError, match="certInfo"):
        tpm.check_certify_info(bytes(bent), AREA, DIGEST)


@given(st.sampled_from([b"\0\1", b"\0\x23", b""]), st.binary(max_size=90))
def test_any_bytes_are_a_key_or_none(kind: bytes, data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        tpm.public_key(kind + data)
