"""Names that IAM makes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfalab.verifier import names
from mfalab.verifier.records import Account, Device, DeviceKind, Identity


@pytest.mark.parametrize("partition", names.PARTITIONS)
def test_arns_of_every_partition_and_kind(partition: str) -> None:
    account = Account("123456789012", partition, "big-co", "r@x", None, True, 0)
    user = Identity("AIDA", account.id, "Alice", "alice", "/team/", False, None, 0)
    base = f"arn:{partition}:iam::123456789012:"
    assert names.identity_arn(account, user) == base + "user/team/Alice"
    assert names.virtual_serial(account, "/devices/", "phone") == base + "mfa/devices/phone"
    assert names.sms_serial(account, "Alice") == base + "sms-mfa/Alice"
    key = names.fido_serial(account, "Alice", "blue", bytes)
    assert re.fullmatch(re.escape(base) + r"u2f/user/Alice/blue-[A-Z2-7]{26}", key)
    assert names.is_security_key_serial(key)
    assert names.is_security_key_serial("u2f/user/JohnDoe/default")
    assert not names.is_security_key_serial(base + "mfa/u2f")


def test_key_uri_names_the_account_by_its_alias() -> None:
    account = Account("123456789012", "aws", "big-co", "r@x", None, True, 0)
    device = Device("MFA", DeviceKind.VIRTUAL, "s", account.id, "a b", "/", 0, secret=bytes(40))
    assert names.otpauth_uri(account, device) == (
        "otpauth://totp/Amazon%20Web%20Services:a%20b@big-co"
        f"?secret={'A' * 64}&issuer=Amazon%20Web%20Services"
    )


@given(st.binary(min_size=16, max_size=16))
def test_ids_and_digits_have_their_shape_for_any_chance(octets: bytes) -> None:
    assert re.fullmatch(r"AKIA[A-Z2-7]{16}", names.access_key_id("AKIA", lambda n: octets[:n]))
    assert re.fullmatch(r"AIDA[A-Z2-7]{17}", names.unique_id("AIDA", lambda n: octets[:n]))
    assert re.fullmatch(r"[0-9]{6}", names.decimal_digits(6, lambda n: octets[:n]))
