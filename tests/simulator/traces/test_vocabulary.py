"""Numbers in CTAP messages have the names of the standard, and unknown ones stay numbers."""

import pytest

from mfalab.simulator.traces.vocabulary import (
    command_name,
    flags_text,
    shown_as,
    status_name,
    status_word_name,
    subcommand_member,
    subcommand_name,
)


@pytest.mark.parametrize(
    ("command", "name"),
    [(0x01, "makeCredential"), (0x06, "clientPIN"), (0x3E, "command 0x3e")],
)
def test_commands_are_written_as_the_standard_writes_them(command: int, name: str) -> None:
    assert command_name(command) == name


def test_a_preview_is_shown_as_what_it_became() -> None:
    assert (shown_as(0x40), shown_as(0x41), shown_as(0x04)) == (0x09, 0x0A, 0x04)
    assert subcommand_name(0x41, 2) == "enumerateRpsBegin"


def test_subcommands_are_in_the_first_or_the_second_member_or_nowhere() -> None:
    assert [subcommand_member(each) for each in (0x0A, 0x06, 0x04)] == [1, 2, None]
    assert subcommand_name(0x06, 0x7E) == "subcommand 126"


def test_statuses_and_status_words_without_a_name_stay_numbers() -> None:
    assert [status_name(each) for each in (0x31, 0x77)] == ["PIN_INVALID", "status 0x77"]
    words = [status_word_name(each) for each in (0x6985, 0x6110, 0x1234)]
    assert words == ["6985 CONDITIONS_NOT_SATISFIED", "6110 MORE", "1234"]


def test_flags_are_told_in_their_order() -> None:
    assert (flags_text(0xC5), flags_text(0)) == ("UP UV AT ED", "no flags")
