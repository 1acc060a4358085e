"""Why a text is no YAML: a sentence about what was typed, for each usual slip."""

import pytest

from mfalab.simulator.scenario_files.yaml_errors import not_utf8, sentence


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("scenario: ä\n".encode("utf-16"), "is UTF-16; save it as UTF-8"),
        ("scenario: ä\n".encode("utf-32"), "is UTF-32; save it as UTF-8"),
        ("scenario: ä\n".encode("utf-16-le"), "is not UTF-8, but UTF-16 it seems; save it as"),
        ("scenario: ä\n".encode("latin-1"), "is not UTF-8: byte 7 is wrong; save it as UTF-8"),
    ],
)
def test_other_encoding_is_named_as_far_as_it_can_be_known(data: bytes, said: str) -> None:
    assert not_utf8(data, 7).startswith(said)


def test_what_has_no_sentence_keeps_the_words_of_the_parser() -> None:
    assert sentence(["a: *x"], 0, 3, "found undefined alias") == "YAML: found undefined alias"


def test_place_behind_the_end_of_the_file_is_none_of_its_lines() -> None:
    said = "while scanning a simple key, could not find expected ':'"
    assert sentence(["# why", "a", ""], 7, 0, said).endswith("lacks its colon and space (a)")
    assert sentence([], 0, 0, said).endswith("lacks its colon and space ()")
