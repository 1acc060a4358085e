"""The person at the keyboard."""

from __future__ import annotations

import io

import pytest

from mfalab.devices.rig.keyboard import Keyboard


class TestKeyboard:
    def test_a_pipe_is_told_once(self) -> None:
        told = io.StringIO()
        keyboard = Keyboard(told, io.StringIO("  12 \n"))
        for left in (2, 1, 0):
            keyboard.tell("Touch it.", left)
        keyboard.tell("Touch it.", 2)
        keyboard.tell("Done.", None)
        assert keyboard.ask("What?") == "  12 "
        assert told.getvalue() == "Touch it. (2 s)\nTouch it. (2 s)\nDone.\nWhat? "
        with pytest.raises(EOFError):
            keyboard.ask("What?")

    def test_on_a_terminal_the_countdown_stays_on_its_line(self) -> None:
        told = io.StringIO()
        told.isatty = lambda: True  # type: ignore[method-assign]
        keyboard = Keyboard(told)
        for left in (10, 1, 0):
            keyboard.tell("Touch it.", left)
        assert told.getvalue() == "\rTouch it.  10 s\rTouch it.   1 s\rTouch it.   0 s\n"
