"""Files are written whole, with the rights and the links that were there."""

import os
import stat

import pytest

from mfalab.simulator.report.files import write_whole


def test_a_new_file_has_the_rights_that_others_have(tmp_path):
    write_whole(tmp_path / "new", "text\n")
    (tmp_path / "other").touch()
    assert (tmp_path / "new").read_text() == "text\n"
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_an_existing_file_keeps_its_rights_and_a_link_stays_one(tmp_path):
    place, link = tmp_path / "place", tmp_path / "link"
    place.write_text("old")
    place.chmod(0o600)
    link.symlink_to(place)
    write_whole(link, "new")
    assert link.is_symlink()
    assert (place.read_text(), stat.S_IMODE(place.stat().st_mode)) == ("new", 0o600)


def test_a_file_that_cannot_be_written_is_as_it_was_and_nothing_is_beside_it(tmp_path):
    place = tmp_path / "place"
    place.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(place, "half \ud800")
    assert (place.read_text(), list(tmp_path.iterdir())) == ("old", [place])


def test_a_pipe_is_written_itself(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_whole(pipe, "text")
    assert (os.read(reader, 100), list(tmp_path.iterdir())) == (b"text", [pipe])
    os.close(reader)
