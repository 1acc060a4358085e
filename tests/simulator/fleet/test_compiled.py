"""numba's cache, and what is said where numba is not."""

import os
import stat

import numpy as np
import pytest

from mfalab.simulator.fleet import compiled


def test_the_cache_has_a_private_folder_for_each_state_and_few_of_them(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    base = tmp_path / "mfalab" / "numba"
    for age in range(5):
        old = base / f"old{age}"
        old.mkdir(parents=True)
        os.utime(old, (age, age))
    folder = compiled._cache_folder()
    assert folder is not None
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(each.name for each in base.iterdir()) == sorted([folder.name, "old3", "old4"])
    assert compiled._cache_folder() == folder


def test_a_cache_that_cannot_be_is_done_without(tmp_path, monkeypatch):
    (tmp_path / "mfalab").write_text("a file")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert compiled._cache_folder() is None


def test_what_is_missing_is_said_in_one_line(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(compiled.ExtraMissing) as caught:
        compiled.require_extra()
    assert str(caught.value) == (
        "a fleet needs numpy, which is not installed: pip install 'mfalab[fleet]'"
    )


def test_a_number_takes_the_precision_of_another():
    assert type(compiled.like(np.float32(1), 0.1)) is np.float32
    assert compiled.is_single(np.float32(1))
    assert not compiled.is_single(1.0)
