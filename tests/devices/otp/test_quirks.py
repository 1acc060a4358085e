"""How apps depart from a key URI."""

from dataclasses import replace

import pytest

from mfalab.devices.otp.hotp import HashAlgorithm
from mfalab.devices.otp.otpauth import parse_key_uri
from mfalab.devices.otp.quirks import APP_PRESETS, AppQuirks

ODD = parse_key_uri(f"otpauth://totp/a?secret={'A' * 32}&algorithm=SHA256&digits=8&period=60")


def test_an_app_without_quirks_takes_an_account_as_it_is() -> None:
    assert AppQuirks().objection(ODD) is None
    assert AppQuirks().understood(ODD) == ODD


@pytest.mark.parametrize(
    ("quirks", "seed"),
    [
        (AppQuirks(ignores_algorithm=True), replace(ODD.seed, algorithm=HashAlgorithm.SHA1)),
        (AppQuirks(ignores_digits=True), replace(ODD.seed, digits=6)),
        (AppQuirks(ignores_period=True), replace(ODD.seed, period_s=30)),
    ],
)
def test_what_an_app_ignores_becomes_the_default(quirks: AppQuirks, seed: object) -> None:
    assert quirks.understood(ODD).seed == seed


@pytest.mark.parametrize(
    ("quirks", "sentence"),
    [
        (AppQuirks(min_secret_bytes=21), "has 20 bytes and this app takes 21 or more"),
        (AppQuirks(max_secret_bytes=19), "has 20 bytes and this app stores 19 at most"),
    ],
)
def test_what_an_app_refuses_it_says(quirks: AppQuirks, sentence: str) -> None:
    assert sentence in (quirks.objection(ODD) or "")


@pytest.mark.parametrize(
    "quirks",
    [AppQuirks(min_secret_bytes=20), AppQuirks(max_secret_bytes=20)],
)
def test_limits_are_inclusive(quirks: AppQuirks) -> None:
    assert quirks.objection(ODD) is None


def test_aws_secrets_do_not_fit_a_store_of_160_bits() -> None:
    aws = parse_key_uri(f"otpauth://totp/a?secret={'A' * 64}")
    assert APP_PRESETS["faithful"].objection(aws) is None
    assert "stores 20 at most" in (APP_PRESETS["160-bit-store"].objection(aws) or "")
