"""The options of drivers: texts by name, with every mistake told."""

from __future__ import annotations

from collections.abc import Mapping

from mfalab.devices.rig.errors import OptionWrong


class Options:
    """Reads a driver's options; those that are not read are mistakes.

    Args:
        rig: whose, for errors.
        given: texts by name.
    """

    def __init__(self, rig: str, given: Mapping[str, str]) -> None:
        self._rig = rig
        self._left = dict(given)
        self._known: list[str] = []

    def text(self, name: str, default: str, *choices: str) -> str:
        """A text; one of `choices` if there are any.

        Raises:
            OptionWrong: it is none of them.
        """
        self._known.append(name)
        text = self._left.pop(name, default)
        if choices and text not in choices:
            raise OptionWrong(self._rig, name, f"{text!r} is none of {', '.join(choices)}.")
        return text

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number.

        Raises:
            OptionWrong: it is none, or out of range.
        """
        text = self.text(name, str(default))
        if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
            raise OptionWrong(self._rig, name, f"{text!r} is no number from {low} to {high}.")
        return int(text)

    def numbers(self, name: str, default: str, high: int) -> tuple[int, ...]:
        """Whole numbers parted by commas, each once; none for an empty text.

        Raises:
            OptionWrong: one is none, out of range, or there twice.
        """
        text = self.text(name, default)
        words = [word.strip() for word in text.split(",") if word.strip()]
        for word in words:
            if not (word.isascii() and word.isdigit() and 1 <= int(word) <= high):
                raise OptionWrong(self._rig, name, f"{word!r} is no number from 1 to {high}.")
        numbers = tuple(map(int, words))
        if len(set(numbers)) < len(numbers):
            raise OptionWrong(self._rig, name, f"{text!r} has a number twice.")
        return numbers

    def end(self) -> None:
        """All that were known have been read.

        Raises:
            OptionWrong: there are others.
        """
        for name in self._left:
            known = ", ".join(self._known) or "none"
            raise OptionWrong(self._rig, name, f"the driver has no such option (it has: {known}).")
