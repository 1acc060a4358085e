"""The table of commands: what a unit may look like before anything is done."""

from __future__ import annotations

from typing import Any

import pytest

from mfalab.devices.rig.board import SimulatedBoard
from mfalab.devices.rig.commands import COMMANDS, execute
from mfalab.devices.rig.scpi import Code, Refusal, Unit, read_units


def unit(text: str) -> Unit:
    (read,) = read_units(text.encode())
    assert isinstance(read, Unit)
    return read


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("NONE:SUCH", Code.UNDEFINED_HEADER),
        ("TOUC1:PULS? 1", Code.UNDEFINED_HEADER),
        ("TOUC5:PULS 100", Code.SUFFIX_OUT_OF_RANGE),
        ("TOUC0:PULS 100", Code.SUFFIX_OUT_OF_RANGE),
        ("DISP1:READ?", Code.SUFFIX_OUT_OF_RANGE),
        ("TOUC5:PULS", Code.SUFFIX_OUT_OF_RANGE),
        ("TOUC1:PULS", Code.MISSING_PARAMETER),
        ("TOUC1:PULS 100,0,0", Code.PARAMETER_NOT_ALLOWED),
        ("*CLS 1", Code.PARAMETER_NOT_ALLOWED),
        ("TOUC1:PULS 2001", Code.OUT_OF_RANGE),
        ("TOUC1:PULS 100,10001", Code.OUT_OF_RANGE),
        ("TOUC1:PULS ten", Code.DATA_TYPE_ERROR),
        ("POW1 MAYBE", Code.ILLEGAL_VALUE),
        ("*ESE 256", Code.OUT_OF_RANGE),
    ],
)
def test_a_wrong_unit_is_refused_and_nothing_is_done(
    board: SimulatedBoard, thing: Any, text: str, code: Code
) -> None:
    answer = execute(board, unit(text))
    assert isinstance(answer, Refusal)
    assert answer.code is code
    assert thing.log == []


def test_a_second_pulse_waits_for_the_end_of_the_first(board: SimulatedBoard, thing: Any) -> None:
    assert execute(board, unit("TOUC1:PULS 100")) is None
    refused = execute(board, unit("TOUC1:HOLD 100"))
    assert isinstance(refused, Refusal)
    assert refused.code is Code.SETTINGS_CONFLICT
    assert thing.log == ["down"]


def test_a_query_answers_with_a_text(board: SimulatedBoard) -> None:
    assert execute(board, unit("POW1?")) == "1"
    assert execute(board, unit("*OPT?")) == "TOUCH4,POWER4,NFC1,CAM0"


def test_no_header_is_there_twice() -> None:
    headers = [each.pattern.text for each in COMMANDS]
    assert len(set(headers)) == len(headers)
