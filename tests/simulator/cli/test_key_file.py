"""A key's file: its records, its chance and its lock."""

from contextlib import closing

import click
import pytest

from mfalab.devices.ctap.storage import FileStorage, read_state_file
from mfalab.simulator.cli.key_file import (
    file_errors,
    make,
    open_key,
    serial,
)

MODEL = "ctap-2.1-pin"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "my.key"
    make(path, MODEL, 7)
    return path


def test_the_key_leaves_the_records_of_its_file_alone(file):
    assert "key/model" in read_state_file(file).read()
    with closing(open_key(file)) as opened:
        opened.wipe()
    assert read_state_file(file).read()["key/model"] == MODEL.encode()
    assert serial(file) == serial(file)


def test_a_serial_number_is_eight_hexadecimal_digits_of_the_seed(file, tmp_path):
    make(tmp_path / "same.key", MODEL, 7)
    make(tmp_path / "other.key", MODEL, 8)
    assert len(serial(file)) == 8
    assert int(serial(file), 16) >= 0
    assert serial(file) == serial(tmp_path / "same.key") != serial(tmp_path / "other.key")


def test_each_power_up_is_counted_so_that_chance_does_not_repeat(file):
    for _ in range(2):
        open_key(file, power_up=True).close()
    open_key(file).close()
    assert read_state_file(file).read()["key/power-ups"] == b"2"


def test_a_file_that_is_not_there_says_how_to_make_one(tmp_path):
    with pytest.raises(click.UsageError, match=r"Make a key with: mfalab key new .*no\.key"):
        open_key(tmp_path / "no.key")


@pytest.mark.parametrize("read", [open_key, serial])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("key/model", None),
        ("key/model", b""),
        ("key/model", b"no\0name"),
        ("key/serial", None),
        ("key/serial", b"12345"),
        ("key/seed", b"seven"),
        ("key/power-ups", b"often"),
    ],
)
def test_a_file_without_the_records_of_a_key_is_wrong_usage(file, read, name, value):
    with closing(FileStorage(file)) as storage:
        storage.write({name: value})
    with (
        pytest.raises(click.UsageError, match=rf'my\.key is not .*record "{name}": it is '),
        file_errors(file),
    ):
        read(file)


def test_looking_neither_waits_for_the_owner_nor_changes_anything(file):
    before = file.read_bytes()
    with closing(open_key(file)):
        look = open_key(file, look=True)
        look.wipe()
        with pytest.raises(SystemExit) as ended, file_errors(file):
            open_key(file)
    assert ended.value.code == 3
    assert file.read_bytes() == before
