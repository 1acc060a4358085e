import base64
import contextlib
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pskc import PSKC

from mfalab.devices.errors import ProvisioningError
from mfalab.devices.otp.hotp import HashAlgorithm
from mfalab.devices.otp.pskc import (
    MAX_PBKDF2_ITERATIONS,
    UnusableKey,
    read_pskc,
    read_pskc_keys,
)
from mfalab.devices.otp.seed import OtpKind, OtpSeed, SeedRecord

SECRET = b"12345678901234567890"
TOTP = "urn:ietf:params:xml:ns:keyprov:pskc:totp"
HOTP = "urn:ietf:params:xml:ns:keyprov:pskc:hotp"

RFC_6030 = """<?xml version="1.0" encoding="UTF-8"?>
<KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc"
    xmlns:ds="http://www.w3.org/2000/09/xmldsig#"
    xmlns:pkcs5="http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#"
    xmlns:xenc="http://www.w3.org/2001/04/xmlenc#"
    xmlns:xenc11="http://www.w3.org/2009/xmlenc11#">
  <EncryptionKey>{encryption_key}</EncryptionKey>
  <MACMethod Algorithm="http://www.w3.org/2000/09/xmldsig#hmac-sha1"><MACKey>
    <xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/>
    <xenc:CipherData><xenc:CipherValue>{mac_key}</xenc:CipherValue></xenc:CipherData>
  </MACKey></MACMethod>
  <KeyPackage>
    <DeviceInfo>
      <Manufacturer>Manufacturer</Manufacturer><SerialNo>987654321</SerialNo>
    </DeviceInfo>
    <Key Id="12345678" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:hotp">
      <AlgorithmParameters><ResponseFormat Length="8" Encoding="DECIMAL"/></AlgorithmParameters>
      <Data>
        <Secret>
          <EncryptedValue>
            <xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/>
            <xenc:CipherData><xenc:CipherValue>{secret}</xenc:CipherValue></xenc:CipherData>
          </EncryptedValue>
          <ValueMAC>{mac}</ValueMAC>
        </Secret>
        <Counter><PlainValue>0</PlainValue></Counter>
      </Data>
    </Key>
  </KeyPackage>
</KeyContainer>"""
FIGURE_6 = RFC_6030.format(
    encryption_key="<ds:KeyName>Pre-shared-key</ds:KeyName>",
    mac_key="ESIzRFVmd4iZABEiM0RVZgKn6WjLaTC1sbeBMSvIhRejN9vJa2BOlSaMrR7I5wSX",
    secret="AAECAwQFBgcICQoLDA0OD+cIHItlB3Wra1DUpxVvOx2lef1VmNPCMl8jwZqIUqGv",
    mac="Su+NvtQfmvfJzF6bmQiJqoLRExc=",
).encode()
FIGURE_6_KEY = bytes.fromhex("12345678901234567890123456789012")
FIGURE_7 = RFC_6030.format(
    encryption_key="""<xenc11:DerivedKey>
      <xenc11:KeyDerivationMethod
          Algorithm="http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#pbkdf2">
        <pkcs5:PBKDF2-params>
          <Salt><Specified>Ej7/PEpyEpw=</Specified></Salt>
          <IterationCount>1000</IterationCount><KeyLength>16</KeyLength><PRF/>
        </pkcs5:PBKDF2-params>
      </xenc11:KeyDerivationMethod>
      <xenc11:MasterKeyName>My Password 1</xenc11:MasterKeyName>
    </xenc11:DerivedKey>""",
    mac_key="2GTTnLwM3I4e5IO5FkufoOEiOhNj91fhKRQBtBJYluUDsPOLTfUvoU2dStyOwYZx",
    secret="oTvo+S22nsmS2Z/RtcoF8Hfh+jzMe0RkiafpoDpnoZTjPYZu6V+A4aEn032yCr4f",
    mac="LP6xMvjtypbfT9PdkJhBZ+D6O4w=",
).encode()
RFC_TOKEN = SeedRecord(
    serial="987654321",
    seed=OtpSeed(SECRET, OtpKind.HOTP, digits=8),
    manufacturer="Manufacturer",
    key_id="12345678",
)


def container(*keys: dict[str, Any]) -> PSKC:
    made = PSKC()
    for key in keys:
        made.add_key(**({"serial": "1", "secret": SECRET, "algorithm": TOTP} | key))
    return made


def written(made: PSKC) -> bytes:
    file = io.BytesIO()
    made.write(file)
    return file.getvalue()


def test_figure_6_of_rfc_6030_with_its_pre_shared_key() -> None:
    assert read_pskc(FIGURE_6, key=FIGURE_6_KEY) == (RFC_TOKEN,)


def test_figure_7_of_rfc_6030_with_its_password() -> None:
    assert read_pskc(FIGURE_7, password="qwerty") == (RFC_TOKEN,)


def test_every_field_arrives() -> None:
    data = written(
        container(
            {
                "serial": "0042",
                "manufacturer": "Maker",
                "model": "Fob 1",
                "algorithm_suite": "HMAC-SHA256",
                "response_encoding": "DECIMAL",
                "response_length": 8,
                "time_interval": 60,
                "time_drift": -4,
            },
            {"serial": "0043", "algorithm": HOTP, "counter": 12},
        )
    )
    assert read_pskc(data) == (
        SeedRecord(
            serial="0042",
            seed=OtpSeed(SECRET, algorithm=HashAlgorithm.SHA256, digits=8, period_s=60),
            manufacturer="Maker",
            model="Fob 1",
            drift_steps=-4,
        ),
        SeedRecord(serial="0043", seed=OtpSeed(SECRET, OtpKind.HOTP, counter=12)),
    )


def test_what_makers_leave_out_has_the_usual_value() -> None:
    (record,) = read_pskc(written(container({})))
    assert record == SeedRecord(serial="1", seed=OtpSeed(SECRET))


@pytest.mark.parametrize(
    ("suite", "algorithm"),
    [
        ("SHA1", HashAlgorithm.SHA1),
        ("HMAC-SHA1", HashAlgorithm.SHA1),
        ("sha-256", HashAlgorithm.SHA256),
        ("HMAC_SHA512", HashAlgorithm.SHA512),
    ],
)
def test_suite_is_read_in_the_makers_spellings(suite: str, algorithm: HashAlgorithm) -> None:
    (record,) = read_pskc(written(container({"algorithm_suite": suite})))
    assert record.seed.algorithm is algorithm


def test_encrypted_file_of_many_tokens() -> None:
    made = container(*({"serial": f"S{i}", "secret": bytes([i]) * 20} for i in range(1, 6)))
    made.encryption.setup_preshared_key(key=bytes(32), algorithm="aes256-cbc")
    records = read_pskc(written(made), key=bytes(32))
    assert [(r.serial, r.seed.secret) for r in records] == [
        (f"S{i}", bytes([i]) * 20) for i in range(1, 6)
    ]


def test_file_encrypted_under_a_password() -> None:
    made = container({})
    made.encryption.setup_pbkdf2("correct horse", iterations=1000, salt=b"12345678")
    (record,) = read_pskc(written(made), password="correct horse")
    assert record.seed.secret == SECRET


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, "Give the pre-shared key or the password"),
        ({"key": bytes(16)}, "Is this the key or password that came with this file"),
        ({"key": b"short"}, "Invalid key length"),
        ({"password": "x"}, "no key can be derived from a password"),
    ],
)
def test_wrong_or_missing_key_is_told(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ProvisioningError, match=sentence):
        read_pskc(FIGURE_6, **arguments)


def test_wrong_password_is_told() -> None:
    with pytest.raises(ProvisioningError, match="cannot be decrypted"):
        read_pskc(FIGURE_7, password="asdfgh")


def test_tampered_secret_fails_its_mac() -> None:
    tampered = FIGURE_6.replace(b"Su+NvtQf", b"Su+NvtQg")
    with pytest.raises(ProvisioningError, match="MAC value does not match"):
        read_pskc(tampered, key=FIGURE_6_KEY)


def test_key_and_password_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="one encryption key"):
        read_pskc(FIGURE_6, key=FIGURE_6_KEY, password="qwerty")


def test_file_cannot_demand_endless_key_derivation() -> None:
    greedy = FIGURE_7.replace(b">1000<", f">{MAX_PBKDF2_ITERATIONS + 1}<".encode())
    with pytest.raises(ProvisioningError, match="rounds of PBKDF2"):
        read_pskc(greedy, password="qwerty")


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ({"serial": None}, "key 2 .serial missing.: it has no SerialNo"),
        ({"algorithm": "urn:ietf:params:xml:ns:keyprov:pskc:pin"}, "only the totp and hotp"),
        ({"algorithm": None}, 'its algorithm is "None"'),
        ({"secret": None}, "it has no Secret"),
        ({"response_encoding": "HEXADECIMAL"}, "its response is HEXADECIMAL"),
        ({"response_length": 4}, "cannot have 4 digits"),
        ({"algorithm_suite": "MD5"}, 'its suite is "MD5"'),
        ({"time_interval": 0}, "cannot last 0 s"),
    ],
)
def test_keys_that_make_no_codes_are_named(key: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ProvisioningError, match=sentence):
        read_pskc(written(container({}, key)))


def test_all_bad_keys_come_at_once() -> None:
    data = written(container({"response_length": 4}, {}, {"serial": "3", "algorithm_suite": "MD5"}))
    with pytest.raises(ProvisioningError) as caught:
        read_pskc(data, name="seeds.xml")
    lines = [n for n, line in enumerate(data.decode().splitlines(), 1) if "<pskc:Key " in line]
    assert [problem.where for problem in caught.value.problems] == [
        f"seeds.xml:{lines[0]}:3, key 1 (serial 1)",
        f"seeds.xml:{lines[2]}:3, key 3 (serial 3)",
    ]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "it is no PSKC file"),
        (b"serial,seed\n", "it is no PSKC file"),
        (b"<html/>", "Missing KeyContainer"),
        (FIGURE_6.replace(b'Length="8"', b'Length="eight"'), "it is no PSKC file"),
        (b'<KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc"/>', "no keys"),
    ],
)
def test_other_files_are_refused(data: bytes, sentence: str) -> None:
    with pytest.raises(ProvisioningError, match=sentence):
        read_pskc(data)


def without(data: bytes, element: bytes) -> bytes:
    """The file with an element struck out."""
    before, _, rest = data.partition(b"<" + element + b">")
    return before + rest.partition(b"</" + element + b">")[2]


def flipped(data: bytes) -> bytes:
    """The file with a bit of the IV of its last cipher text flipped: the first bit of the seed."""
    before, begin, rest = data.rpartition(b"<xenc:CipherValue>")
    value, close, after = rest.partition(b"</xenc:CipherValue>")
    raw = bytearray(base64.b64decode(value))
    raw[0] ^= 1
    return before + begin + base64.b64encode(raw) + close + after


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (without(FIGURE_6, b"ValueMAC"), "has no ValueMAC"),
        (flipped(without(FIGURE_6, b"ValueMAC")), "has no ValueMAC"),
        (FIGURE_6.replace(b"Su+NvtQfmvfJzF6bmQiJqoLRExc=", b""), "has no ValueMAC"),
        (flipped(FIGURE_6), "MAC value does not match"),
        (FIGURE_6.replace(b"hmac-sha1", b"hmac-none"), "Unsupported MAC algorithm"),
        (without(FIGURE_6, b"MACKey"), "MAC value does not match"),
        (without(FIGURE_6, b"xenc:CipherData"), "cannot be decrypted"),
    ],
)
def test_a_value_in_cbc_mode_needs_its_mac(data: bytes, sentence: str) -> None:
    with pytest.raises(ProvisioningError, match=sentence):
        read_pskc(data, key=FIGURE_6_KEY)


PLAIN = b"<PlainValue>QUFBQUFBQUFBQUFBQUFBQUFBQUE=</PlainValue>"


def test_a_secret_put_in_plain_into_an_encrypted_file_is_refused() -> None:
    before, _, rest = FIGURE_6.partition(b"<EncryptedValue>")
    forged = before + PLAIN + rest.partition(b"</EncryptedValue>")[2]
    with pytest.raises(ProvisioningError, match="its secret is not encrypted"):
        read_pskc(forged, key=FIGURE_6_KEY)


def test_a_plain_file_with_a_key_is_refused() -> None:
    with pytest.raises(ProvisioningError, match="Leave out the key"):
        read_pskc(written(container({})), key=bytes(16))


def test_a_key_wrap_has_an_integrity_of_its_own() -> None:
    made = container({})
    made.encryption.setup_preshared_key(key=bytes(range(16)), algorithm="kw-aes128")
    data = written(made)
    assert read_pskc(data, key=bytes(range(16)))[0].seed.secret == SECRET


def test_an_iv_that_the_mac_does_not_cover_is_refused() -> None:
    made = container({})
    made.encryption.setup_preshared_key(key=bytes(16), algorithm="aes128-cbc")
    data = written(made)
    attached = data.replace(
        b"<pskc:EncryptionKey>",
        b"<pskc:EncryptionKey><pskc:IV>AAAAAAAAAAAAAAAAAAAAAA==</pskc:IV>",
    )
    if attached == data:
        attached = data.replace(
            b"<pskc:EncryptionKey/>",
            b"<pskc:EncryptionKey><pskc:IV>AAAAAAAAAAAAAAAAAAAAAA==</pskc:IV></pskc:EncryptionKey>",
        )
    assert attached != data
    with pytest.raises(ProvisioningError, match="does not cover the IV"):
        read_pskc(attached, key=bytes(16))


def test_what_the_file_does_not_say_is_known() -> None:
    bare, counted, whole = read_pskc(
        written(
            container(
                {},
                {"serial": "2", "algorithm": HOTP},
                {
                    "serial": "3",
                    "algorithm_suite": "SHA1",
                    "response_length": 6,
                    "time_interval": 30,
                },
            )
        )
    )
    assert bare.assumed == {"period", "digits", "algorithm"}
    assert counted.assumed == {"counter", "digits", "algorithm"}
    assert whole.assumed == frozenset()


def test_each_key_is_read_for_itself() -> None:
    good, bad = read_pskc_keys(written(container({}, {"serial": "2", "algorithm": "urn:other"})))
    assert isinstance(good, SeedRecord)
    assert isinstance(bad, UnusableKey)
    assert bad.serial == "2"
    assert "only the totp and hotp" in str(bad.problem)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"<a>\n <b>\n</a>", r"seeds.xml:3:3: it is no PSKC file \(mismatched tag"),
        (
            b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
            "seeds.xml:1:13: it declares a document type",
        ),
        (b"\n" + b"<a>" * 1000, "seeds.xml:2:193: elements stand more than 64 deep"),
    ],
)
def test_xml_that_is_not_safe_to_read_is_refused_at_its_place(data: bytes, sentence: str) -> None:
    with pytest.raises(ProvisioningError, match=sentence):
        read_pskc(data, name="seeds.xml")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks_are_read(encoding: str) -> None:
    text = FIGURE_6.decode().replace("UTF-8", encoding.removesuffix("-sig").upper())
    assert read_pskc(text.encode(encoding), key=FIGURE_6_KEY) == (RFC_TOKEN,)


@given(st.integers(0, len(FIGURE_6)), st.binary(max_size=4), st.integers(0, 12))
def test_any_change_of_a_file_is_read_or_refused(at: int, put: bytes, lost: int) -> None:
    with contextlib.suppress(ProvisioningError):
        read_pskc(FIGURE_6[:at] + put + FIGURE_6[at + lost :], key=FIGURE_6_KEY)
    with contextlib.suppress(ProvisioningError):
        read_pskc(put * 20)
