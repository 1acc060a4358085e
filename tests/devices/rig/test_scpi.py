"""The codec: lines, units, headers, parameters, and the driver's half of an exchange."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfalab.devices.rig.scpi import (
    LONGEST_LINE,
    Code,
    Framing,
    LineReader,
    NotAReply,
    Pattern,
    Refusal,
    Reply,
    Unit,
    boolean,
    decode,
    encode,
    integer,
    queries,
    quoted,
    read_units,
    values,
)

STREAM = (
    b"*IDN?\nPOW1 OFF\r\n\nhalf\x18TOUC2:PULS 150,20\n"
    + b"x" * (LONGEST_LINE + 1)
    + b"\n"
    + b"y" * LONGEST_LINE
    + b"\n"
    + b"z" * 300
    + b"\x18after\n\xff\x00\nopen"
)
LINES = [
    b"*IDN?",
    b"POW1 OFF\r",
    b"",
    Framing.DROPPED,
    b"TOUC2:PULS 150,20",
    Framing.OVERRUN,
    b"y" * LONGEST_LINE,
    Framing.DROPPED,
    b"after",
    b"\xff\x00",
]


class TestLines:
    def test_bytes_one_at_a_time_make_the_lines_of_the_whole(self) -> None:
        reader = LineReader()
        assert [line for byte in STREAM for line in reader.feed(bytes([byte]))] == LINES
        assert reader.half == b"open"

    @pytest.mark.parametrize("cut", range(0, len(STREAM) + 1, 7))
    def test_a_stream_cut_anywhere_makes_the_lines_of_the_whole(self, cut: int) -> None:
        reader = LineReader()
        assert [*reader.feed(STREAM[:cut]), *reader.feed(STREAM[cut:])] == LINES

    @given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=5))
    def test_any_bytes_in_any_pieces_make_the_same_lines(
        self, data: bytes, cuts: list[int]
    ) -> None:
        pieces, start = [], 0
        for cut in sorted({min(cut, len(data)) for cut in cuts}):
            pieces.append(data[start:cut])
            start = cut
        pieces.append(data[start:])
        one, other = LineReader(20), LineReader(20)
        assert [line for piece in pieces for line in one.feed(piece)] == list(other.feed(data))
        assert one.half == other.half
        assert len(one.half) <= 20

    def test_a_driver_takes_byte_18_for_what_it_is(self) -> None:
        assert list(LineReader(drops=False).feed(b"a\x18b\n")) == [b"a\x18b"]


class TestUnits:
    @pytest.mark.parametrize(
        ("line", "units"),
        [
            (b"*idn?", [Unit(("*IDN",), True, ())]),
            (b"touc2:puls 150 , 20", [Unit(("TOUC2", "PULS"), False, ("150", "20"))]),
            (b":A:B 1;C 2", [Unit(("A", "B"), False, ("1",)), Unit(("A", "C"), False, ("2",))]),
            (b"A:B;:C", [Unit(("A", "B"), False, ()), Unit(("C",), False, ())]),
            (b"A:B;C:D;E", [("A", "B"), ("A", "C", "D"), ("A", "C", "E")]),
            (b"A:B;*X;C", [("A", "B"), ("*X",), ("A", "C")]),
            (b"A 'x;y', \"a,b\"", [Unit(("A",), False, ("'x;y'", '"a,b"'))]),
            (b'A "say ""hi"""', [Unit(("A",), False, ('"say ""hi"""',))]),
            (b"A ''", [Unit(("A",), False, ("''",))]),
            (b"", []),
            (b" ; \t;\r", []),
        ],
    )
    def test_a_line_is_parted(self, line: bytes, units: list[Unit] | list[tuple[str, ...]]) -> None:
        found = list(read_units(line))
        if units and isinstance(units[0], tuple):
            assert [unit.path for unit in found if isinstance(unit, Unit)] == units
        else:
            assert found == units

    def test_a_wrong_unit_leaves_the_others(self) -> None:
        assert list(read_units(b"A:B;5;C;\xff;:D?")) == [
            Unit(("A", "B"), False, ()),
            Refusal(Code.SYNTAX_ERROR),
            Unit(("A", "C"), False, ()),
            Refusal(Code.INVALID_CHARACTER),
            Unit(("D",), True, ()),
        ]

    @given(st.binary(max_size=60))
    def test_no_line_is_too_strange(self, line: bytes) -> None:
        for unit in read_units(line):
            assert isinstance(unit, Unit | Refusal)


class TestPatterns:
    @pytest.mark.parametrize(
        ("header", "channels"),
        [
            ("TOUC2:PULS", (2,)),
            ("TOUCH12:PULSE", (12,)),
            ("TOUC:PULSE", (1,)),
            ("TOUC02:PULS", (2,)),
            ("TOU2:PULS", None),
            ("TOUCHX:PULS", None),
            ("TOUC2:PULS2", None),
            ("PULS", None),
            ("A:TOUC2:PULS", None),
        ],
    )
    def test_short_and_long_forms_match_and_no_other(
        self, header: str, channels: tuple[int, ...] | None
    ) -> None:
        unit = Unit(tuple(header.split(":")), False, ())
        assert Pattern("TOUCh#:PULSe").match(unit) == channels

    @pytest.mark.parametrize("header", ["SYST:ERR", "SYSTEM:ERROR", "SYST:ERR:NEXT"])
    def test_what_is_in_brackets_may_be_left_out(self, header: str) -> None:
        unit = Unit(tuple(header.split(":")), True, ())
        assert Pattern("SYSTem:ERRor[:NEXT]?").match(unit) == ()

    def test_a_query_is_not_a_command(self) -> None:
        assert Pattern("POWer#").match(Unit(("POW1",), True, ())) is None
        assert Pattern("POWer#?").match(Unit(("POW1",), False, ())) is None


class TestParameters:
    @pytest.mark.parametrize(
        ("text", "value"),
        [("150", 150), ("+1.5E1", 15), ("-3", -3), (".6", 1), ("12.5", 12), ("7.", 7)],
    )
    def test_numbers_are_rounded(self, text: str, value: int) -> None:
        assert integer(text, -10, 200) == value

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("ON", Code.DATA_TYPE_ERROR),
            (".", Code.DATA_TYPE_ERROR),
            ("-", Code.DATA_TYPE_ERROR),
            ("5V", Code.SUFFIX_NOT_ALLOWED),
            ("1 2", Code.SUFFIX_NOT_ALLOWED),
            ("201", Code.OUT_OF_RANGE),
            ("0.9", Code.OUT_OF_RANGE),
            ("1e999", Code.OUT_OF_RANGE),
        ],
    )
    def test_what_is_no_number_in_range_is_refused(self, text: str, code: Code) -> None:
        refusal = integer(text, 1, 200)
        assert isinstance(refusal, Refusal)
        assert refusal.code is code

    @pytest.mark.parametrize(
        ("text", "value"),
        [("ON", True), ("off", False), ("1", True), ("0", False), (".4", False), ("-1", True)],
    )
    def test_switches_are_words_or_numbers(self, text: str, value: bool) -> None:
        assert boolean(text) is value

    def test_other_words_are_no_switches(self) -> None:
        assert boolean("MAYBE") == Refusal(Code.ILLEGAL_VALUE, "ON or OFF")


class TestExchanges:
    def test_a_message_asks_for_its_error(self) -> None:
        assert encode("POW2 OFF") == b"POW2 OFF;:SYST:ERR?\n"

    @pytest.mark.parametrize("message", ["a\nb", "é", "a\x18", "x" * 250])
    def test_what_is_no_line_is_not_sent(self, message: str) -> None:
        with pytest.raises(ValueError, match=r"Send (it|one line)"):
            encode(message)

    def test_the_longest_message_fits_the_board(self) -> None:
        longest = "x" * (LONGEST_LINE - len(";:SYST:ERR?"))
        assert len(encode(longest)) == LONGEST_LINE + 1
        with pytest.raises(ValueError, match="a board takes 245"):
            encode(longest + "x")

    @pytest.mark.parametrize(
        ("message", "count"),
        [("*IDN?", 1), ("POW1 OFF", 0), ("A 'x?'; B?  ;:C? 1;;", 2), ("", 0), ("A ?", 0)],
    )
    def test_queries_are_counted(self, message: str, count: int) -> None:
        assert queries(message) == count

    @pytest.mark.parametrize(
        ("line", "asked", "reply"),
        [
            (b'0,"No error"', 0, Reply((), 0, "No error")),
            (b'1;0,"No error"\r', 1, Reply(("1",), 0, "No error")),
            (b'"a;b";2,3;0,"No error"', 2, Reply(('"a;b"', "2,3"), 0, "No error")),
            (b'-113,"Undefined header"', 1, Reply((), -113, "Undefined header")),
            (b'1;-365,"Time out;x ""y"""', 1, Reply(("1",), -365, 'Time out;x "y"')),
        ],
    )
    def test_an_answer_is_parted(self, line: bytes, asked: int, reply: Reply) -> None:
        assert decode(line, asked) == reply

    @pytest.mark.parametrize(
        ("line", "asked"),
        [
            (b"", 0),
            (b"1", 1),
            (b"hello world", 0),
            (b'0,"No error', 0),
            (b'0,"No err\xffor"', 0),
            (b'0,"No error"', 1),
            (b'1;2;0,"No error"', 1),
            (b'1;2;-100,"Command error"', 1),
            (b'"x","No error"', 0),
            (b"0,5", 0),
            (b'0.5,"No error"', 0),
            (b'0,"No error",1', 0),
            (b'1;\x000,"No error"\x07x', 1),
            (b"$GPGGA,123519,4807.038,N", 0),
        ],
    )
    def test_what_is_no_answer_is_found_out(self, line: bytes, asked: int) -> None:
        with pytest.raises(NotAReply):
            decode(line, asked)

    @given(st.binary(max_size=60), st.integers(0, 3))
    def test_no_answer_is_too_strange(self, line: bytes, asked: int) -> None:
        try:
            reply = decode(line, asked)
        except NotAReply:
            return
        assert len(reply.answers) <= asked

    @given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30))
    def test_a_quoted_text_comes_back(self, text: str) -> None:
        assert values(f"{quoted(text)},1,-2.5e1,ABC") == (text, 1, -25.0, "ABC")
