import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfalab.devices.errors import ProvisioningError
from mfalab.devices.otp.hotp import HashAlgorithm
from mfalab.devices.otp.seed import OtpKind, OtpSeed, SeedRecord
from mfalab.devices.otp.seed_csv import SeedEncoding, read_seed_csv

KEY = b"12345678901234567890"
HEX = KEY.hex()
BASE32 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def complaints(text: str) -> list[str]:
    with pytest.raises(ProvisioningError) as caught:
        read_seed_csv(text, name="seeds.csv")
    assert HEX not in str(caught.value)
    return str(caught.value).splitlines()


def test_serial_and_seed_are_enough() -> None:
    assert read_seed_csv(f"serial,seed\n0001,{HEX}\n") == (SeedRecord("0001", OtpSeed(KEY)),)


def test_every_column_in_any_order() -> None:
    text = (
        "Digits, Period ,serial,seed,algorithm,model,kind,counter\n"
        f"8,60,T1,{HEX},SHA-256,Fob 1,totp,\n"
        f",,E1,{HEX},,,HOTP,12\n"
    )
    assert read_seed_csv(text) == (
        SeedRecord(
            "T1",
            OtpSeed(KEY, algorithm=HashAlgorithm.SHA256, digits=8, period_s=60),
            model="Fob 1",
        ),
        SeedRecord("E1", OtpSeed(KEY, OtpKind.HOTP, counter=12)),
    )


@pytest.mark.parametrize(
    "text",
    [
        f"serial,seed\r\n1,{HEX}\r\n",
        f"\ufeffserial,seed\n1,{HEX}",
        f"\n\nserial,seed\n\n1 , {HEX.upper()} \n   \n",
        f'"serial","seed"\n"1","{HEX}"\n',
        f"serial,seed\n1,{BASE32}\n",
        f"serial,seed\n1,{BASE32.lower()}\n",
        f"serial,seed\n1,{BASE32[:16]} {BASE32[16:]}====\n",
    ],
)
def test_makers_ways_of_writing(text: str) -> None:
    assert read_seed_csv(text) == (SeedRecord("1", OtpSeed(KEY)),)


@pytest.mark.parametrize(
    "text",
    [
        (
            "upn,serial number,secret key,time interval,manufacturer,model\n"
            f"mia@example.com,F0042,{BASE32.lower()},60,Acme,Fob 1\n"
        ),
        (
            "Serial Number,Secret Key,Time Interval,Manufacturer,Model\r\n"
            f"F0042,{BASE32},60,Acme,Fob 1\r\n"
        ),
        f"serial number,secret key,timeinterval,manufacturer,model\nF0042,{BASE32},60,Acme,Fob 1\n",
    ],
)
def test_files_for_entra_are_read(text: str) -> None:
    assert read_seed_csv(text) == (
        SeedRecord("F0042", OtpSeed(KEY, period_s=60), manufacturer="Acme", model="Fob 1"),
    )


def test_one_column_under_two_names_is_told() -> None:
    (line,) = complaints(f"serial,seed,serial number\n1,{HEX},2\n")
    assert line.startswith('seeds.csv:1:13: column "serial" is named twice')


def test_a_counter_makes_an_event_based_token_and_is_not_lost() -> None:
    (record,) = read_seed_csv(f"serial,seed,counter\n1,{HEX},7\n")
    assert record.seed == OtpSeed(KEY, OtpKind.HOTP, counter=7)
    assert complaints(f"serial,seed,kind,counter\n1,{HEX},totp,7\n") == [
        f"seeds.csv:2:{9 + len(HEX)}: a time-based token has none. Leave it out, or say kind hotp."
    ]


def test_what_the_file_does_not_say_is_known() -> None:
    bare, timed, counted = read_seed_csv(
        f"serial,seed,period,digits,kind\n1,{HEX},,,\n2,{HEX},30,6,\n3,{HEX},,6,hotp\n"
    )
    assert bare.assumed == {"period", "digits", "algorithm"}
    assert timed.assumed == {"algorithm"}
    assert counted.assumed == {"counter", "algorithm"}


@given(st.text(max_size=60), st.booleans())
def test_any_text_is_a_seed_file_or_refused(text: str, headed: bool) -> None:
    with contextlib.suppress(ProvisioningError):
        read_seed_csv(f"serial,seed,period\n{text}" if headed else text)


def test_quoted_field_may_hold_commas_and_quotes() -> None:
    (record,) = read_seed_csv(f'model,serial,seed\n"Fob, ""small""",1,{HEX}\n')
    assert record.model == 'Fob, "small"'


def test_hex_and_base32_may_be_mixed_where_both_are_clear() -> None:
    records = read_seed_csv(f"serial,seed\n1,{HEX}\n2,{BASE32}\n")
    assert [record.seed.secret for record in records] == [KEY, KEY]


def test_seed_that_could_be_either_follows_the_others() -> None:
    either = "ABCDEF2345672222"
    as_hex = read_seed_csv(f"serial,seed\n1,{HEX}\n2,{either}\n")
    as_base32 = read_seed_csv(f"serial,seed\n1,{BASE32}\n2,{either}\n")
    assert as_hex[1].seed.secret == bytes.fromhex(either)
    assert as_base32[1].seed.secret == base64.b32decode(either)


def test_seed_that_could_be_either_needs_the_encoding() -> None:
    text = "serial,seed\n1,ABCDEF2345672222\n"
    assert complaints(text) == [
        "seeds.csv:2:3: it is hexadecimal as well as base32. Name the encoding of this file."
    ]
    (record,) = read_seed_csv(text, encoding=SeedEncoding.BASE32)
    assert record.seed.secret == base64.b32decode("ABCDEF2345672222")


def test_seed_that_is_neither_is_refused() -> None:
    assert complaints("serial,seed\n1,hello world!\n") == [
        "seeds.csv:2:3: it is neither hexadecimal nor base32. Was it cut off or retyped?"
    ]


def test_named_encoding_binds() -> None:
    with pytest.raises(ProvisioningError, match='as base32: character 2 is "1"'):
        read_seed_csv(f"serial,seed\n1,{HEX}\n", encoding=SeedEncoding.BASE32)


@given(st.lists(st.binary(min_size=16, max_size=64), min_size=1, max_size=5), st.booleans())
def test_seeds_survive_in_both_encodings(secrets: list[bytes], as_hex: bool) -> None:
    encoding = SeedEncoding.HEX if as_hex else SeedEncoding.BASE32
    write = bytes.hex if as_hex else lambda secret: OtpSeed(secret).secret_base32
    text = "serial,seed\n" + "".join(f"{i:08},{write(s)}\n" for i, s in enumerate(secrets))
    records = read_seed_csv(text, encoding=encoding)
    assert [(record.serial, record.seed.secret) for record in records] == [
        (f"{i:08}", secret) for i, secret in enumerate(secrets)
    ]


def test_all_mistakes_come_at_once_with_line_and_column() -> None:
    text = (
        "serial,seed,period,digits,algorithm\n"
        f"1,{HEX},30,six,MD5\n"
        f"2,{HEX[:-1]},0,6,SHA1\n"
        f",{HEX},30,6,SHA1\n"
        f"1,{HEX},30,+6,SHA1\n"
        f"5,{HEX},30\n"
        f"6,{HEX},30,6,SHA1,extra\n"
        "7,hello world!,30,6,SHA1\n"
    )
    assert complaints(text) == [
        'seeds.csv:2:47: "six" is no whole number from 6 to 10.',
        'seeds.csv:2:51: "MD5" is none of SHA1, SHA256, SHA512.',
        "seeds.csv:3:3: as hex: 39 hexadecimal digits hold no whole number of bytes.",
        'seeds.csv:3:43: "0" is no whole number from 1 to 86400.',
        "seeds.csv:4:1: the serial number is missing.",
        "seeds.csv:5:1: 1 is also in line 2. Keep one.",
        'seeds.csv:5:47: "+6" is no whole number from 6 to 10.',
        "seeds.csv:6:44: 3 fields stand under 5 column names. Make them agree.",
        "seeds.csv:7:54: 6 fields stand under 5 column names. Make them agree.",
        'seeds.csv:8:3: as hex: character 1 is "h", but hexadecimal has only 0 to 9 and A to F.',
    ]


@pytest.mark.parametrize(
    ("header", "complaint"),
    [
        ("", "seeds.csv:1:1: it is empty."),
        ("serial", 'seeds.csv:1:1: the header has no column "seed".'),
        ("serial,sed", 'seeds.csv:1:8: there is no column "sed". Did you mean "seed"?'),
        ("serial,seed,colour", 'seeds.csv:1:13: there is no column "colour". Known are serial'),
        ("serial,seed,seed", 'seeds.csv:1:13: column "seed" is named twice.'),
        ("serial;seed", "seeds.csv:1:1: this line names no column of a seed file. Separate"),
        ("serial\tseed", "seeds.csv:1:1: this line names no column of a seed file. Separate"),
        (f"1,{HEX}", "seeds.csv:1:1: this line names no column of a seed file. Put the header"),
    ],
)
def test_bad_headers_are_located(header: str, complaint: str) -> None:
    assert any(line.startswith(complaint) for line in complaints(header + "\n"))


def test_file_with_a_header_only_holds_no_tokens() -> None:
    assert read_seed_csv("serial,seed\n") == ()
