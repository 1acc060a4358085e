"""Why readings make no measurement. Each exception keeps its fields in `args`."""

_MOST_BY_TEMPERATURE_S = 120.0


class TwinError(Exception):
    """Readings that make no measurement. Base of every error here."""


class TooFewReadings(TwinError):
    """Fewer readings than a straight line needs.

    Args:
        count: how many there are.
        needed: how many it takes.
    """

    def __init__(self, count: int, needed: int) -> None:
        super().__init__(count, needed)
        self.count = count
        self.needed = needed

    def __str__(self) -> str:
        there = "1 reading is" if self.count == 1 else f"{self.count or 'no'} readings are"
        return (
            f"{there} too few: offset and rate take at least {self.needed}, hours or days apart. "
            "Read more codes."
        )


class SeedFitsNoCode(TwinError):
    """A seed that did not make the codes.

    Args:
        fitting: how many codes fit it.
        count: how many codes there are.
        search: how far around its time each was looked for, as text.
        hint: what else was found, as a sentence, or empty.
    """

    def __init__(self, fitting: int, count: int, search: str, hint: str = "") -> None:
        super().__init__(fitting, count, search, hint)
        self.hint = hint
        self.fitting = fitting
        self.count = count
        self.search = search

    def __str__(self) -> str:
        return (
            f"the seed made {self.fitting or 'none'} of the {self.count} codes, looking up to "
            f"{self.search} to either side of each reading. "
            + (
                self.hint
                or "Is it the seed of this token? If its clock may be further off, say --search."
            )
        )


class NoStraightLine(TwinError):
    """Codes of the right seed that no clock of steady rate shows.

    Args:
        fitting: how many lie on the best line.
        count: how many there are.
    """

    def __init__(self, fitting: int, count: int) -> None:
        super().__init__(fitting, count)
        self.fitting = fitting
        self.count = count

    def __str__(self) -> str:
        return (
            f"only {self.fitting} of {self.count} readings lie on one line. The clock jumps, or "
            "its temperature varied and is not in the file, or readings are noted with wrong times."
        )


class ClockStopped(NoStraightLine):
    """A clock that stands still.

    Args:
        fitting: how many readings show the same step.
        count: how many readings there are.
        first: when the code was first read, as text.
        last: when it was last read, as text.
    """

    def __init__(self, fitting: int, count: int, first: str, last: str) -> None:
        super().__init__(fitting, count)
        self.args = (fitting, count, first, last)
        self.first = first
        self.last = last

    def __str__(self) -> str:
        return (
            f"the clock has stopped: {self.fitting} of {self.count} readings, from {self.first} to "
            f"{self.last}, show the code of one time step. Replace the token."
        )


class ClockStepped(NoStraightLine):
    """A clock that was moved at once, between two readings.

    Args:
        fitting: how many readings lie on two lines of one rate.
        count: how many readings there are.
        step_s: by how many seconds it was moved.
        after: the last reading before it, as text.
        before: the first reading after it, as text.
    """

    def __init__(self, fitting: int, count: int, step_s: float, after: str, before: str) -> None:
        super().__init__(fitting, count)
        self.args = (fitting, count, step_s, after, before)
        self.step_s = step_s
        self.after = after
        self.before = before

    def __str__(self) -> str:
        where = f"between {self.after} and {self.before}"
        if abs(self.step_s) < _MOST_BY_TEMPERATURE_S:
            return (
                f"the clock stepped by about {self.step_s:+.0f} s {where}, or runs otherwise since "
                "then because it is warmer or colder. Put temperatures into the file, or measure "
                f"it as it runs since then with --from {self.before}."
            )
        return (
            f"the clock stepped by about {self.step_s:+.0f} s {where}. "
            f"To measure it as it runs since then, use --from {self.before}."
        )
