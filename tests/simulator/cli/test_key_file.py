"""A key's file: its records, its chance and its lock."""

import click
import pytest

from mfalab.devices.ctap.storage import FileStorage
from mfalab.simulator.cli.key_file import (
    KEY_FILE,
    file_errors,
    make,
    only_user_of,
    open_key,
    serial,
)

MODEL = "ctap-2.1-pin"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "my.key"
    make(path, MODEL, 7)
    return path


def test_the_key_does_not_see_the_records_of_its_file(file):
    assert "key/model" in FileStorage(file).read()
    opened = open_key(file)
    opened.wipe()
    assert FileStorage(file).read()["key/model"] == MODEL.encode()
    assert serial(file) == serial(file)


def test_a_serial_number_is_eight_hexadecimal_digits_of_the_seed(file, tmp_path):
    make(tmp_path / "same.key", MODEL, 7)
    make(tmp_path / "other.key", MODEL, 8)
    assert len(serial(file)) == 8
    assert int(serial(file), 16) >= 0
    assert serial(file) == serial(tmp_path / "same.key") != serial(tmp_path / "other.key")


def test_each_power_up_is_counted_so_that_chance_does_not_repeat(file):
    for _ in range(2):
        open_key(file, power_up=True)
    open_key(file)
    assert FileStorage(file).read()["key/power-ups"] == b"2"


def test_a_file_that_is_not_there_says_how_to_make_one(tmp_path):
    with pytest.raises(click.UsageError, match=r"Make a key with: mfalab key new .*no\.key"):
        open_key(tmp_path / "no.key")


@pytest.mark.parametrize("read", [open_key, serial])
def test_a_file_without_the_records_of_a_key_is_wrong_usage(tmp_path, read):
    path = tmp_path / "other"
    FileStorage(path).write({"credential": b"x"})
    with pytest.raises(click.UsageError, match="it does not say what"), file_errors(path):
        read(path)


def test_a_second_user_is_kept_off_until_the_first_has_ended(file, capsys):
    with only_user_of(file):
        with pytest.raises(SystemExit) as ended, only_user_of(file):
            pass
        assert ended.value.code == 3
    assert "is plugged in by another process" in capsys.readouterr().err
    with only_user_of(file):
        assert file.with_name("my.key.lock").exists()
    assert not file.with_name("my.key.lock").exists()


def test_a_link_is_followed_so_that_one_key_has_one_lock(file, tmp_path):
    link = tmp_path / "link.key"
    link.symlink_to(file)
    assert KEY_FILE.convert(str(link), None, None) == file
