"""Maker seed files, told apart by their content."""

from pathlib import Path

import pytest

from mfalab.devices.errors import ProvisioningError
from mfalab.devices.otp.seed import OtpKind
from mfalab.simulator.language.seed_files import read_seeds, resolve_seed_files

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
    entries = {"a": {"seeds": "fobs.csv"}, "b": {"seeds": "/maker/fobs.csv"}, "c": {}, "d": "fob"}
    resolve_seed_files(tmp_path / "lab.yaml", entries)
    assert entries == {
        "a": {"seeds": str(tmp_path / "fobs.csv")},
        "b": {"seeds": "/maker/fobs.csv"},
        "c": {},
        "d": "fob",
    }
