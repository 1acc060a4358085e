import contextlib

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfalab.devices.errors import ProvisioningError
from mfalab.devices.otp.hotp import HashAlgorithm
from mfalab.devices.otp.otpauth import KeyUri, format_key_uri, parse_key_uri
from mfalab.devices.otp.seed import OtpKind, OtpSeed

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
KEY = b"12345678901234567890"

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30).filter(
    lambda text: text == text.strip()
)
plain_names = names.filter(lambda text: ":" not in text)
seeds = st.builds(
    OtpSeed,
    secret=st.binary(min_size=1, max_size=70),
    algorithm=st.sampled_from(HashAlgorithm),
    digits=st.sampled_from([6, 7, 8]),
    period_s=st.integers(1, 86_400),
) | st.builds(
    OtpSeed,
    secret=st.binary(min_size=1, max_size=70),
    kind=st.just(OtpKind.HOTP),
    algorithm=st.sampled_from(HashAlgorithm),
    digits=st.sampled_from([6, 7, 8]),
    counter=st.integers(0, (1 << 64) - 1),
)
keys = st.builds(KeyUri, seeds, names, plain_names) | st.builds(
    KeyUri, seeds, plain_names, st.just("")
)


@given(keys)
def test_what_is_written_is_read_back(key: KeyUri) -> None:
    assert parse_key_uri(format_key_uri(key)) == key


@given(
    seed=st.builds(
        OtpSeed,
        secret=st.binary(min_size=14, max_size=70),
        algorithm=st.sampled_from(HashAlgorithm),
        digits=st.sampled_from([6, 7, 8]),
        period_s=st.sampled_from([30, 60]),
    ),
    account=names,
    issuer=plain_names,
    now_s=st.integers(0, 1 << 33),
)
def test_pyotp_reads_the_same_account(seed: OtpSeed, account: str, issuer: str, now_s: int) -> None:
    stranger = pyotp.parse_uri(format_key_uri(KeyUri(seed, account, issuer)))
    assert isinstance(stranger, pyotp.TOTP)
    assert (stranger.name, stranger.issuer) == (account, issuer)
    assert stranger.at(now_s) == seed.code_at_step(seed.step_at(now_s * 1_000_000_000))


@given(
    secret=st.binary(min_size=20, max_size=64),
    account=plain_names,
    issuer=plain_names,
    digits=st.sampled_from([6, 7, 8]),
    period_s=st.sampled_from([30, 60]),
)
def test_uri_of_pyotp_is_read(
    secret: bytes, account: str, issuer: str, digits: int, period_s: int
) -> None:
    seed = OtpSeed(secret, digits=digits, period_s=period_s)
    stranger = pyotp.TOTP(seed.secret_base32, digits=digits, interval=period_s)
    uri = stranger.provisioning_uri(name=account, issuer_name=issuer)
    assert parse_key_uri(uri) == KeyUri(seed, account, issuer)


def test_aws_form_is_read_and_written_back_as_it_was() -> None:
    seed = "ABCDEFGH" * 8
    uri = (
        "otpauth://totp/Amazon%20Web%20Services:alice-phone@123456789012"
        f"?secret={seed}&issuer=Amazon%20Web%20Services"
    )
    key = parse_key_uri(uri)
    assert key.issuer == "Amazon Web Services"
    assert key.account == "alice-phone@123456789012"
    assert key.label == "Amazon Web Services:alice-phone@123456789012"
    assert len(key.seed.secret) == 40
    assert (key.seed.digits, key.seed.period_s) == (6, 30)
    assert format_key_uri(key) == uri


def test_documented_short_aws_form_has_no_issuer() -> None:
    key = parse_key_uri(f"otpauth://totp/alice@123456789012?secret={SECRET}")
    assert (key.issuer, key.account) == ("", "alice@123456789012")
    assert key.label == "alice@123456789012"


@pytest.mark.parametrize(
    "uri",
    [
        f"otpauth://totp/ACME:alice?secret={SECRET}&issuer=ACME",
        f"otpauth://totp/ACME%3Aalice?secret={SECRET}&issuer=ACME",
        f"otpauth://totp/ACME%3aalice?secret={SECRET}",
        f"otpauth://totp/ACME:%20alice?secret={SECRET}",
        f"otpauth://totp/alice?issuer=ACME&secret={SECRET}",
        f"OTPAUTH://TOTP/ACME:alice?secret={SECRET.lower()}&issuer=ACME",
        f"otpauth://totp/ACME:alice?secret={SECRET}====&issuer=ACME",
        "otpauth://totp/ACME:alice?secret=GEZD%20GNBV+GY3T QOJQ GEZD GNBV GY3T QOJQ",
        f" otpauth://totp/ACME:alice?secret={SECRET}&algorithm=sha1&image=https%3A%2F%2Fx\n",
        f"otpauth://totp/ACME:alice?secret={SECRET}&digits=6&period=30&counter=5",
    ],
)
def test_sloppy_uris_are_read(uri: str) -> None:
    assert parse_key_uri(uri) == KeyUri(OtpSeed(KEY), "alice", "ACME")


@pytest.mark.parametrize("mark", ["-", " ", "+", "%20", "%2D", "\u2013", " - "])
def test_groups_of_a_secret_are_joined(mark: str) -> None:
    grouped = mark.join(SECRET[i : i + 4].lower() for i in range(0, len(SECRET), 4))
    assert parse_key_uri(f"otpauth://totp/alice?secret={grouped}").seed == OtpSeed(KEY)


@pytest.mark.parametrize(
    ("label", "parameter", "issuer", "account"),
    [
        ("Acme%20(Berlin):bob", "Acme", "Acme", "bob"),
        ("ACME:bob", "Other", "Other", "bob"),
        ("ACME:bob", "", "ACME", "bob"),
        ("Acme:Berlin:bob", "Acme", "Acme", "Berlin:bob"),
        ("Acme:Berlin:bob", "Other", "Other", "Berlin:bob"),
        # Form-encoded as a whole: the account, too.
        ("Big+Bank:bob+jones", "Big+Bank", "Big Bank", "bob jones"),
        ("Big+Bank:bob%2Btag@example.com", "Big+Bank", "Big Bank", "bob+tag@example.com"),
        ("Big+Bank%3Abob+jones", "Big%20Bank", "Big Bank", "bob jones"),
        # Not form-encoded: a plus is a plus.
        ("Big%20Bank:bob+tag@example.com", "Big%20Bank", "Big Bank", "bob+tag@example.com"),
        ("Disney+:bob+tag", "Disney%2B", "Disney+", "bob+tag"),
        ("bob+tag@example.com", "Big+Bank", "Big Bank", "bob+tag@example.com"),
    ],
)
def test_issuer_is_what_the_parameter_says(
    label: str, parameter: str, issuer: str, account: str
) -> None:
    key = parse_key_uri(f"otpauth://totp/{label}?secret={SECRET}&issuer={parameter}")
    assert (key.issuer, key.account) == (issuer, account)


@given(st.text(max_size=80), st.booleans())
def test_any_text_is_a_key_uri_or_refused(text: str, almost: bool) -> None:
    with contextlib.suppress(ProvisioningError):
        parse_key_uri(f"otpauth://totp/{text}?secret={SECRET}&{text}" if almost else text)


def test_issuer_with_plus_for_space() -> None:
    uri = f"otpauth://totp/alice?secret={SECRET}&issuer=Amazon+Web+Services"
    assert parse_key_uri(uri).issuer == "Amazon Web Services"


def test_defaults_may_be_written() -> None:
    key = KeyUri(OtpSeed(KEY), "alice", "ACME")
    assert parse_key_uri(f"{format_key_uri(key)}&algorithm=SHA1&digits=6&period=30") == key


def test_event_based_account_carries_its_counter() -> None:
    uri = format_key_uri(KeyUri(OtpSeed(KEY, OtpKind.HOTP, counter=7), "alice"))
    assert uri == f"otpauth://hotp/alice?secret={SECRET}&counter=7"


@pytest.mark.parametrize(
    ("uri", "sentence"),
    [
        ("https://example.com", 'scheme: it is "https" and must be "otpauth"'),
        ("alice", 'scheme: it is "none"'),
        (f"otpauth://sotp/alice?secret={SECRET}", 'type: it is "sotp"'),
        ("otpauth://totp/alice", '"secret": it is missing'),
        ("otpauth://totp/alice?secret=", '"secret": it is empty'),
        ("otpauth://totp/alice?secret=ABCDEFG1", 'character 8 is "1"'),
        (f"otpauth://totp/alice?secret={SECRET}&secret=AA", '"secret": it is given twice'),
        (f"otpauth://totp/alice?secret={SECRET}&digits=6&digits=6", '"digits": it is given twice'),
        (f"otpauth://totp/alice?secret={SECRET}&digits=5", '"5" is no whole number from 6 to 8'),
        (f"otpauth://totp/alice?secret={SECRET}&digits=%2B6", "no whole number from 6 to 8"),
        (f"otpauth://totp/alice?secret={SECRET}&digits=%EF%BC%96", "no whole number from 6 to 8"),
        (f"otpauth://totp/alice?secret={SECRET}&period=0", "no whole number from 1 to 86400"),
        (f"otpauth://totp/alice?secret={SECRET}&period=", "no whole number from 1 to 86400"),
        (f"otpauth://totp/alice?secret={SECRET}&algorithm=MD5", '"MD5" is none of SHA1'),
        (f"otpauth://hotp/alice?secret={SECRET}", '"counter": it is missing'),
        (f"otpauth://totp/?secret={SECRET}", "label: the account name is missing"),
        (f"otpauth://totp/ACME:?secret={SECRET}", "label: the account name is missing"),
        (f"otpauth://totp/alice?secret={SECRET}&issuer=a%3Ab", "separated by one colon"),
        ("otpauth://[/alice", "it is no URI"),
    ],
)
def test_mistakes_are_named(uri: str, sentence: str) -> None:
    with pytest.raises(ProvisioningError) as caught:
        parse_key_uri(uri)
    assert sentence in str(caught.value)
    assert SECRET not in str(caught.value)


def test_all_mistakes_come_at_once() -> None:
    with pytest.raises(ProvisioningError) as caught:
        parse_key_uri("otpauth://hotp/?secret=A!&digits=9&algorithm=MD5")
    places = [problem.where.removeprefix("otpauth URI, ") for problem in caught.value.problems]
    assert places == [
        'parameter "secret"',
        'parameter "algorithm"',
        'parameter "digits"',
        'parameter "counter"',
        "label",
    ]


@pytest.mark.parametrize(
    ("account", "issuer", "digits", "sentence"),
    [
        ("", "ACME", 6, "account name is empty"),
        (" alice", "ACME", 6, "white space"),
        ("alice", "ACME ", 6, "white space"),
        ("alice", "a:b", 6, "colon"),
        ("a:b", "", 6, "colon"),
        ("alice", "", 9, "6 to 8 digits"),
    ],
)
def test_names_that_could_not_be_read_back_are_refused(
    account: str, issuer: str, digits: int, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        KeyUri(OtpSeed(KEY, digits=digits), account, issuer)
