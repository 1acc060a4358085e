"""Maker seed files, told apart by their content."""

from pathlib import Path
from typing import Any

import pskc
import pytest
from pydantic import ValidationError

from mfalab.devices.errors import ProvisioningError
from mfalab.devices.otp.seed import OtpKind
from mfalab.simulator.language.seed_files import (
    NoSeed,
    SeedFileEntry,
    SeedFiles,
    TotpEntry,
    read_key,
    read_seeds,
    resolve_seed_files,
)

SECRET = b"12345678901234567890"
PSKC = """\
<?xml version="1.0"?>
<KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc">
  <KeyPackage>
    <DeviceInfo><Manufacturer>m</Manufacturer><SerialNo>A1</SerialNo></DeviceInfo>
    <Key Id="1" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:hotp">
      <AlgorithmParameters><ResponseFormat Length="6" Encoding="DECIMAL"/></AlgorithmParameters>
      <Data>
        <Secret><PlainValue>MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=</PlainValue></Secret>
        <Counter><PlainValue>0</PlainValue></Counter>
      </Data>
    </Key>
  </KeyPackage>
</KeyContainer>
"""


def test_csv_is_read_by_serial_number(tmp_path: Path) -> None:
    path = tmp_path / "seeds.xml"  # the name decides nothing
    path.write_text(f"serial,seed\nA1,{SECRET.hex()}\nA2,{SECRET[::-1].hex()}\n")
    seeds = read_seeds(path)
    assert list(seeds) == ["A1", "A2"]
    assert seeds["A2"].seed.secret == SECRET[::-1]


def test_pskc_is_known_by_its_first_sign(tmp_path: Path) -> None:
    path = tmp_path / "seeds.csv"
    path.write_text(f"\n{PSKC[PSKC.index('<KeyC') :]}")
    (record,) = read_seeds(path).values()
    assert (record.serial, record.seed.secret) == ("A1", SECRET)
    assert record.seed.kind is OtpKind.HOTP


def test_file_that_is_no_seed_file_is_told_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "seeds.csv"
    path.write_text("colour,size\nred,3\n")
    with pytest.raises(ProvisioningError, match=r"seeds\.csv"):
        read_seeds(path)


def test_file_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_seeds(tmp_path / "seeds.csv")


def test_path_is_relative_to_the_file_that_names_it(tmp_path: Path) -> None:
    entries = {
        "a": {"seeds": "fobs.csv", "seeds_key": "key"},
        "b": {"seeds": "/maker/fobs.csv"},
        "c": {},
        "d": "fob",
    }
    resolve_seed_files(tmp_path / "lab.yaml", entries)
    assert entries == {
        "a": {"seeds": str(tmp_path / "fobs.csv"), "seeds_key": str(tmp_path / "key")},
        "b": {"seeds": "/maker/fobs.csv"},
        "c": {},
        "d": "fob",
    }


def two(one: str, other: str, kind: str = "hotp") -> str:
    """A file with two keys of A1, under these IDs; the second is of this kind."""
    head, _, tail = PSKC.partition("  <KeyPackage>")
    package = "  <KeyPackage>" + tail.partition("</KeyContainer>")[0]
    second = package.replace('Id="1"', f'Id="{other}"').replace("MTIz", "QUJD")
    return (
        head
        + package.replace('Id="1"', f'Id="{one}"')
        + second.replace("pskc:hotp", f"pskc:{kind}")
        + "</KeyContainer>"
    )


def test_two_keys_of_one_serial_number_go_by_their_ids(tmp_path: Path) -> None:
    path = tmp_path / "seeds.xml"
    path.write_text(two("A1:1", "A1:2"))
    seeds = read_seeds(path)
    assert list(seeds) == ["A1:1", "A1:2"]
    assert seeds["A1:1"].seed.secret != seeds["A1:2"].seed.secret
    assert seeds.unusable == {"A1": "A1 has 2 keys. Say A1:1 or A1:2."}


@pytest.mark.parametrize(("one", "other"), [("1", "1"), ("A1", "2"), ("", "2")])
def test_keys_that_nothing_tells_apart_are_told(tmp_path: Path, one: str, other: str) -> None:
    path = tmp_path / "seeds.xml"
    path.write_text(two(one, other))
    seeds = read_seeds(path)
    assert not seeds
    assert "do not tell them apart" in seeds.unusable["A1"]


def test_a_key_that_makes_no_codes_hides_no_other(tmp_path: Path) -> None:
    path = tmp_path / "seeds.xml"
    path.write_text(two("1", "2", "pin"))
    assert read_seeds(path)["A1"].seed.secret == SECRET
    path.write_text(PSKC.replace("pskc:hotp", "pskc:pin"))
    with pytest.raises(ProvisioningError, match="only the totp and hotp"):
        read_seeds(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_byte_order_marks_are_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "seeds"
    for text in (f"serial,seed\nA1,{SECRET.hex()}\n", PSKC):
        path.write_text(text, encoding=encoding)
        assert read_seeds(path)["A1"].seed.secret == SECRET


def test_a_text_in_another_encoding_is_refused_at_its_place(tmp_path: Path) -> None:
    path = tmp_path / "seeds.csv"
    path.write_bytes(f"serial,seed,model\nA1,{SECRET.hex()},Schl\u00fcssel\n".encode("cp1252"))
    with pytest.raises(ProvisioningError, match=r"seeds\.csv:2:49: byte 0xFC is no UTF-8"):
        read_seeds(path)


def test_a_file_that_is_written_again_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "seeds.csv"
    for secret in (SECRET, SECRET[::-1]):
        path.write_text(f"serial,seed\nA1,{secret.hex()}\n")
        assert read_seeds(path)["A1"].seed.secret == secret


class HotpEntry(SeedFileEntry):
    otp_kind = OtpKind.HOTP


@pytest.mark.parametrize(
    ("entry", "refusal"),
    [
        (SeedFileEntry(serial="T1", seeds="none.csv"), "seeds: the seed file cannot be read: No "),
        (SeedFileEntry(serial="T1", seeds="colours.csv"), "seeds: the seed file is wrong: colours"),
        (SeedFileEntry(serial="xyz", seeds="fobs.csv"), 'serial: the seed file has no token "xyz"'),
        (SeedFileEntry(serial="H1", seeds="fobs.csv"), "serial: H1 is event-based (HOTP) in the "),
        (HotpEntry(serial="T1", seeds="fobs.csv"), "serial: T1 is time-based (TOTP) in the seed "),
    ],
)
def test_token_without_a_seed_is_told_with_the_word_to_blame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: SeedFileEntry, refusal: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("colours.csv").write_text("colour,size\n")
    Path("fobs.csv").write_text(
        f"serial,seed,kind\nT1,{SECRET.hex()},totp\nH1,{SECRET.hex()},hotp\n"
    )
    files = SeedFiles()
    for _ in range(2):  # what is wrong is remembered, too
        with pytest.raises(NoSeed) as caught:
            files.record(entry)
        assert str(caught.value).startswith(refusal)


def test_long_list_of_serial_numbers_says_how_many_more_there_are(tmp_path: Path) -> None:
    """It ended with "mfalab steps lists all"."""
    path = tmp_path / "fobs.csv"
    path.write_text("serial,seed\n" + "".join(f"A{n},{SECRET.hex()}\n" for n in range(30)))
    with pytest.raises(NoSeed, match="; known: A0, A1, A2, A3, A4 and 25 more"):
        SeedFiles().record(SeedFileEntry(serial="xyzzy", seeds=str(path)))


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"seeds": "a.csv"}, "a token from a seed file needs its serial"),
        ({"serial": "1", "seeds_password": "p"}, "seeds_password is of a seed file; name the file"),
        ({"serial": "1", "seeds_key": "k"}, "seeds_key is of a seed file; name the file in seeds"),
        (
            {"serial": "1", "seeds": "a", "seeds_key": "k", "seeds_password": "p"},
            "a seed file has one key; give seeds_password or seeds_key",
        ),
    ],
)
def test_entry_that_says_half_is_refused(words: dict[str, str], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        SeedFileEntry.model_validate(words)


KEY = bytes(range(16))


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (KEY.hex().encode(), KEY),
        (b"00010203 04050607-08090A0B 0C0D0E0F\r\n", KEY),
        (KEY.hex().encode("utf-16"), KEY),
        (KEY, KEY),
        (KEY * 2, KEY * 2),
        (b"0123456789abcdef", b"0123456789abcdef"),  # as digits it would be 8 bytes
        (b"0123456789abcdef" * 2, bytes.fromhex("0123456789abcdef" * 2)),
    ],
)
def test_key_file_holds_digits_or_bytes(tmp_path: Path, content: bytes, key: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    assert read_key(path) == key


@pytest.mark.parametrize(
    "content", [b"", b"open sesame", KEY[1:], KEY.hex().encode()[1:], b"0" * 40]
)
def test_file_without_a_key_is_refused_and_not_quoted(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"^key holds neither 32, 48 or 64 hexadecimal digits nor"):
        read_key(path)


@pytest.fixture
def sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PSKC file under a pre-shared key, and key files, in the current folder."""
    monkeypatch.chdir(tmp_path)
    made = pskc.PSKC()
    made.encryption.setup_preshared_key(key=KEY)
    made.mac.setup(key=KEY)
    made.add_key(serial="T1", secret=SECRET, algorithm="urn:ietf:params:xml:ns:keyprov:pskc:totp")
    made.write("sealed.xml")
    Path("key").write_text(KEY.hex())
    Path("other").write_bytes(KEY[::-1])
    Path("none").write_text("in another letter")
    Path("fobs.csv").write_text(f"serial,seed\nT1,{SECRET.hex()}\n")


@pytest.mark.usefixtures("sealed")
def test_pskc_under_a_pre_shared_key_is_read_with_it() -> None:
    entry = SeedFileEntry(serial="T1", seeds="sealed.xml", seeds_key="key")
    assert SeedFiles().record(entry).seed.secret == SECRET


@pytest.mark.usefixtures("sealed")
@pytest.mark.parametrize(
    ("seeds", "key", "refusal"),
    [
        ("sealed.xml", None, "seeds: .* Give the pre-shared key or the password"),
        ("sealed.xml", "other", "seeds: .* Is this the key or password that came with this file"),
        ("sealed.xml", "none", "seeds_key: the key file is wrong: none holds neither"),
        ("sealed.xml", "nowhere", "seeds_key: the key file cannot be read: No such file"),
        ("sealed.xml", ".", "seeds_key: the key file cannot be read: Is a directory"),
        ("fobs.csv", "key", "seeds: .* it is a CSV file and not encrypted. Leave out the key"),
    ],
)
def test_wrong_key_is_refused_with_the_word_to_blame(
    seeds: str, key: str | None, refusal: str
) -> None:
    with pytest.raises(NoSeed, match=f"^{refusal}"):
        SeedFiles().record(SeedFileEntry(serial="T1", seeds=seeds, seeds_key=key))


@pytest.mark.parametrize(
    ("header", "row", "words", "result"),
    [
        ("", "", {"period": "60 s"}, (60, 6, "SHA1")),
        (",period", ",", {"period": "60 s", "digits": 8}, (60, 8, "SHA1")),
        (",period", ",60", {"algorithm": "SHA256"}, (60, 6, "SHA256")),
        (",period", ",30", {"period": "60 s"}, "period: the seed file says what period is; remove"),
        (
            ",digits,algorithm",
            ",8,SHA1",
            {"digits": 8, "algorithm": "SHA1"},
            "algorithm: the seed file says what algorithm, digits is; remove it",
        ),
        ("", "", {"period": "0 s"}, "period: a time step cannot last 0 s"),
    ],
)
def test_figures_are_said_where_the_file_leaves_them_out_and_nowhere_else(
    tmp_path: Path, header: str, row: str, words: dict[str, Any], result: Any
) -> None:
    path = tmp_path / "fobs.csv"
    path.write_text(f"serial,seed{header}\nT1,{SECRET.hex()}{row}\n")
    entry = TotpEntry.model_validate({"serial": "T1", "seeds": str(path), **words})
    if isinstance(result, str):
        with pytest.raises(NoSeed) as caught:
            SeedFiles().record(entry)
        assert str(caught.value).startswith(result)
        return
    record = SeedFiles().record(entry)
    assert (record.seed.period_s, record.seed.digits, record.seed.algorithm.name) == result
    assert not record.assumed & set(words)
